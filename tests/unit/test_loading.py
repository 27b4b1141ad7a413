"""``mfconf load`` around the generator: what that one is told, and how both end."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest

from conformance import loading
from conformance.errors import TargetError
from conformance.outcome import Exit
from conformance.record import read
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
print("password=s3cr3t-6")
thresholds = [{"expr": "p95 < 1 ms", "want": "< 1 ms", "got": "0 ms", "ok": True}]
result.write_text(json.dumps({"requests": 1, "thresholds": thresholds, "interrupted": False}))
"""
SENDS = """
def end(*_):
    result.write_text(json.dumps({"requests": 5, "thresholds": [], "interrupted": True}))
    sys.exit()
signal.signal(signal.SIGTERM, end)
scratch = result.with_name("scratch")
scratch.write_text(str(os.getpid()))
scratch.rename(result.with_name("pid"))
signal.alarm(60)
signal.pause()
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
    for name in ("events.jsonl", "load.log"):
        assert "s3cr3t" not in (folder / name).read_text(encoding="utf-8")


def interrupt(number: signal.Signals, path: Path) -> threading.Thread:
    """Send this process the signal as soon as the generator has said its process ID."""

    def watch() -> None:
        over = threading.Event()
        while not path.exists() and not over.wait(0.02):
            pass
        os.kill(os.getpid(), number)

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    return thread


@pytest.mark.parametrize(("number", "name"), [(signal.SIGTERM, "SIGTERM"), (signal.SIGINT, "Ctrl-C")])
def test_a_signal_ends_the_generator_and_the_record(
    own_environment: Path, server: Server, load: Load, number: signal.Signals, name: str
) -> None:
    interrupt(number, own_environment / "out" / "pid")
    folder, code = load(f"service:{server(*PONG)}", SENDS)

    events = read(folder)
    assert code is Exit.INCONCLUSIVE
    assert not psutil.pid_exists(int((folder / "pid").read_text(encoding="utf-8")))
    assert [event["type"] for event in events[-2:]] == ["load.finished", "run.finished"]
    assert events[-1]["broken_off"] == f"interrupted by {name}"
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL


def test_a_generator_that_breaks_ends_the_record(own_environment: Path, server: Server, load: Load) -> None:
    with pytest.raises(TargetError, match="the load generator broke: no Locust here"):
        load(f"service:{server(*PONG)}", "sys.exit('no Locust here')")

    last = read(own_environment / "out")[-1]
    assert last["type"] == "run.finished"
    assert last["broken_off"].startswith("the load generator broke: no Locust here")


def test_whatever_breaks_the_wait_ends_the_generator_and_the_record(
    own_environment: Path, server: Server, load: Load, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Breaks(subprocess.Popen[bytes]):
        broken = False

        def wait(self, timeout: float | None = None) -> int:
            if "--run-id" in str(self.args) and not Breaks.broken:
                Breaks.broken = True
                raise ZeroDivisionError
            return super().wait(timeout)

    monkeypatch.setattr("conformance.loading.subprocess.Popen", Breaks)
    with pytest.raises(ZeroDivisionError):
        load(f"service:{server(*PONG)}", SENDS)

    last = read(own_environment / "out")[-1]
    assert (last["type"], last["broken_off"]) == ("run.finished", "the harness broke: ZeroDivisionError: ")
    left = [process for process in psutil.Process().children() if "generator" in " ".join(process.cmdline())]
    assert left == []
