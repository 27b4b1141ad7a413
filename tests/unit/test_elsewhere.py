"""Reading a run in another process: what that process is given."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from conformance.system import elsewhere


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """With what the other process was started; what it would answer is ``{}``."""
    seen: list[dict[str, Any]] = []

    def run(_: list[str], **arguments: Any) -> subprocess.CompletedProcess[str]:
        seen.append({**arguments, "there": list(Path(arguments["cwd"]).iterdir())})
        return subprocess.CompletedProcess([], 0, json.dumps({}), "")

    monkeypatch.setattr(elsewhere.subprocess, "run", run)  # type: ignore[attr-defined]
    return seen


def test_the_other_process_keeps_the_login_and_nothing_that_was_read(
    own_environment: Path, asked: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("METAFLOW_CLIENT_CACHE_PATH", str(own_environment / "cache"))
    run: Any = SimpleNamespace(pathspec="F/1")

    assert elsewhere.Elsewhere().artifacts(run) == {}
    env, folder = asked[0]["env"], asked[0]["cwd"]
    assert env["HOME"] == os.environ["HOME"]
    assert env["METAFLOW_CLIENT_CACHE_PATH"] == f"{folder}/cache"
    assert asked[0]["there"] == []
    assert Path(folder) != own_environment
