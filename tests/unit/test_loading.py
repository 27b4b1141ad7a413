"""``mfconf load`` around the generator: what that one is told, and how both end."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from conformance import loading
from conformance.outcome import Exit
from conformance.targets.base import Options
from tests.unit.conftest import Server

PONG = (200, {"METADATA_SERVICE_VERSION": "2.5.1"}, "pong")
BEGIN = """#!{python}
import json, os, pathlib, signal, sys, time
result = pathlib.Path(sys.argv[sys.argv.index("--result") + 1])
"""
TELLS = """
told = {"words": sys.argv, "environment": dict(os.environ)}
result.with_name("told.json").write_text(json.dumps(told))
thresholds = [{"expr": "p95 < 1 ms", "want": "< 1 ms", "got": "0 ms", "ok": True}]
result.write_text(json.dumps({"requests": 1, "thresholds": thresholds, "interrupted": False}))
"""
Load = Callable[..., tuple[Path, Exit]]


@pytest.fixture
def load(own_environment: Path, monkeypatch: pytest.MonkeyPatch) -> Load:
    """``load(target, script)`` drives the target by a generator that does as the script says."""

    def run(target: str, script: str, options: Options | None = None) -> tuple[Path, Exit]:
        generator = own_environment / "generator"
        generator.write_text(BEGIN.format(python=sys.executable) + script, encoding="utf-8")
        generator.chmod(0o700)
        monkeypatch.setattr(loading, "_python", lambda: generator)
        output = own_environment / "out"
        return loading.run(
            target, options or Options(), profile="smoke", seed=1, output=output, command=("mfconf", "load")
        )

    return run


def test_the_generator_is_told_headers_and_key_by_its_environment_alone(
    own_environment: Path, server: Server, load: Load
) -> None:
    config = {
        "METAFLOW_SERVICE_URL": server(*PONG).replace("http://", "http://me:s3cr3t-1@"),
        "METAFLOW_SERVICE_AUTH_KEY": "s3cr3t-2",
        "METAFLOW_SERVICE_HEADERS": {"X-A": "s3cr3t-3", "X-B": "s3cr3t-4"},
    }
    profile = own_environment.parent / "home" / "config_prod.json"
    profile.write_text(json.dumps(config), encoding="utf-8")
    folder, code = load("profile:prod", TELLS, Options(headers=(("X-B", "s3cr3t-5"),)))

    told: dict[str, Any] = json.loads((folder / "told.json").read_text(encoding="utf-8"))
    assert code is Exit.CONFORMANT
    assert "s3cr3t" not in " ".join(told["words"])
    assert told["environment"]["METAFLOW_SERVICE_URL"] == config["METAFLOW_SERVICE_URL"]
    assert json.loads(told["environment"]["METAFLOW_SERVICE_HEADERS"]) == {
        "X-A": "s3cr3t-3",
        "X-B": "s3cr3t-5",
        "x-api-key": "s3cr3t-2",
    }
    assert "s3cr3t" not in (folder / "events.jsonl").read_text(encoding="utf-8")
