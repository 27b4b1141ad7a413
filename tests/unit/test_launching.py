"""The launch pad: every launch ends in an event, whatever its process does."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from conformance import launching
from conformance.launching import LaunchPad, kill_group
from conformance.requirement import Launch
from conformance.session import Session
from conformance.system.flows import await_launch
from conformance.system.scenarios import catalogue as scenarios

LINEAR = Launch("linear", "local")

FINISHES = """
import json, sys
state = {"state": "finished", "run_id": "7", "outcome": "successful", "message": "", "template": None,
         "started_at": 1.0, "finished_at": 2.0}
open(sys.argv[1], "w").write(json.dumps(state))
"""
DIES_SILENTLY = "import os; os._exit(3)"
DIES_TALKING = "import os\nprint('\\n'.join(f'line {n}' for n in range(20)), flush=True); os._exit(1)"
DIES_RUNNING = """
import json, os, sys
open(sys.argv[1], "w").write(json.dumps({"state": "running", "run_id": "7", "message": ""}))
os.kill(os.getpid(), 9)
"""
ENDS_POLITELY = """
import json, signal, sys
def end(*_):
    open(sys.argv[1], "w").write(json.dumps({"state": "finished", "run_id": None, "outcome": "stopped", "message": ""}))
    sys.exit()
signal.signal(signal.SIGTERM, end)
print("ready", flush=True)
sys.stdin.read()
"""
STUBBORN = """
import signal, subprocess, sys
signal.signal(signal.SIGTERM, signal.SIG_IGN)
child = subprocess.Popen([sys.executable, "-c", "import signal; signal.alarm(60); signal.pause()"])
print(child.pid, flush=True)
sys.stdin.read()
"""


class Events:
    """What the launch pad told."""

    def __init__(self) -> None:
        self.told: list[tuple[str, dict[str, Any]]] = []
        self.started = threading.Event()

    def __call__(self, event: str, **fields: Any) -> None:
        self.told.append((event, fields))
        if event == "launch.started":
            self.started.set()

    def of(self, kind: str) -> list[dict[str, Any]]:
        return [fields for event, fields in self.told if event == kind]


class Pad(LaunchPad):
    """A launch pad whose launches run ``source`` instead of a flow."""

    def __init__(self, session: Session, source: str, count: int = 1) -> None:
        self.events = Events()
        names = [LINEAR, *(Launch(f"linear{number}", "local") for number in range(1, count))]
        super().__init__(session, names, self.events)
        self.source = source

    def _start(self, launch: Launch) -> subprocess.Popen[bytes]:
        with self.session.launch_file(launch, "log").open("wb") as log:
            return subprocess.Popen(
                [sys.executable, "-c", self.source, str(self.session.launch_file(launch))],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def log(self) -> str:
        return self.session.launch_file(LINEAR, "log").read_text(encoding="utf-8")

    def end(self) -> None:
        """Wait for what runs, and start no more."""
        self._pool.shutdown(wait=True)
        for child in self._children:
            assert child.stdin
            child.stdin.close()


Make = Callable[..., Pad]


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Make]:
    """A launch pad that works in a folder of its own."""
    pads: list[Pad] = []

    def one(source: str, count: int = 1) -> Pad:
        session = Session("run0000001", tmp_path, "x", (), (), frozenset(), frozenset(), {})
        pads.append(Pad(session, source, count))
        return pads[-1]

    yield one
    for pad in pads:
        for child in pad._children:
            if child.poll() is None:
                kill_group(child.pid)
        pad.end()


def soon(condition: Callable[[], object]) -> bool:
    """Tell whether the condition comes true within ten seconds."""
    return any(condition() or threading.Event().wait(0.01) for _ in range(1000))


def said(pad: Pad) -> str:
    """What the launch printed, once it did."""
    pad.events.started.wait(10)
    assert soon(lambda: "\n" in pad.log())
    return pad.log().strip()


def test_a_launch_begins_and_ends(make: Make) -> None:
    pad = make(FINISHES)
    pad.start()
    pad.end()

    assert pad.events.of("launch.started") == [{"scenario": "linear", "orchestrator": "local"}]
    (ended,) = pad.events.of("launch.finished")
    assert ended.pop("duration_s") >= 0
    assert ended == {
        "scenario": "linear",
        "orchestrator": "local",
        "run_id": "7",
        "outcome": "successful",
        "message": "",
    }


@pytest.mark.parametrize(
    ("source", "message", "run_id"),
    [
        (DIES_SILENTLY, "the launch died with exit code 3: ", None),
        (DIES_TALKING, "the launch died with exit code 1: " + "\n".join(f"line {n}" for n in range(12, 20)), None),
        (DIES_RUNNING, "the launch died with exit code -9: ", "7"),
        ("import a_module_that_is_not_there", "No module named 'a_module_that_is_not_there'", None),
    ],
    ids=["silently", "talking", "while running", "at import"],
)
def test_a_launch_that_dies_is_an_error_and_no_check_waits_for_it(
    make: Make, source: str, message: str, run_id: str | None
) -> None:
    pad = make(source)
    pad.start()
    pad.end()

    (ended,) = pad.events.of("launch.finished")
    assert (ended["outcome"], ended["run_id"]) == ("error", run_id)
    assert message in ended["message"]
    found = await_launch(pad.session, LINEAR)
    assert (found.outcome, found.message, found.run_id) == ("error", ended["message"], run_id)


def test_stop_ends_a_launch_politely(make: Make) -> None:
    pad = make(ENDS_POLITELY)
    pad.start()
    assert said(pad) == "ready"
    pad.stop()

    (ended,) = pad.events.of("launch.finished")
    assert ended["outcome"] == "stopped"
    assert [child.returncode for child in pad._children] == [0]


def test_stop_kills_what_does_not_end_with_all_its_children(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(launching, "GRACE_S", 0.2)
    pad = make(STUBBORN)
    pad.start()
    grandchild = psutil.Process(int(said(pad)))
    pad.stop()

    assert [child.returncode for child in pad._children] == [-9]
    assert soon(lambda: not grandchild.is_running() or grandchild.status() == psutil.STATUS_ZOMBIE)
    assert pad.events.of("launch.finished")[0]["outcome"] == "error"


def test_after_stop_nothing_is_started(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(launching, "AT_ONCE", 1)
    pad = make(ENDS_POLITELY, count=4)
    pad.start()
    said(pad)
    pad.stop()

    assert len(pad._children) == 1
    assert pad.events.of("launch.started") == [{"scenario": "linear", "orchestrator": "local"}]


def test_stop_without_a_start_returns(make: Make) -> None:
    pad = make(FINISHES)
    pad.stop()

    assert pad.events.told == []


def test_all_launches_run_in_their_order(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(launching, "AT_ONCE", 1)
    pad = make(FINISHES, count=3)
    pad.start()
    pad.end()

    assert [fields["scenario"] for fields in pad.events.of("launch.finished")] == ["linear", "linear1", "linear2"]
    assert json.loads(pad.session.launch_file(LINEAR).read_text(encoding="utf-8"))["state"] == "finished"


def test_a_launch_that_can_not_be_started_is_an_error_too(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(11, "Resource temporarily unavailable")

    pad = make(FINISHES)
    monkeypatch.setattr(pad, "_start", full)
    pad.start()
    pad.end()

    (ended,) = pad.events.of("launch.finished")
    assert (ended["outcome"], ended["run_id"]) == ("error", None)
    assert "Resource temporarily unavailable" in ended["message"]
    assert await_launch(pad.session, LINEAR).outcome == "error"


SAYS_WHERE = """
import json, os
open(".metaflow", "w").close()
import conformance
print(json.dumps([os.getcwd(), os.environ["KUBECONFIG"], os.environ["PYTHONPATH"]]), flush=True)
os._exit(0)
"""
"""Runs in place of the launch, as each Python begins."""


def test_a_launch_works_in_the_run_s_folder_and_finds_the_user_s_files(
    own_environment: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KUBECONFIG", "mine/kubeconfig:/etc/theirs:~/home")
    monkeypatch.setenv("PYTHONPATH", "fake")
    (own_environment / "fake").mkdir()
    (own_environment / "fake" / "sitecustomize.py").write_text(SAYS_WHERE, encoding="utf-8")
    session = Session("run0000001", own_environment / "out", "x", (), (), frozenset(), frozenset(), {})
    (session.output / "launches").mkdir(parents=True)
    pad = LaunchPad(session, [LINEAR], Events())
    pad._start(LINEAR).wait(30)

    said = json.loads(session.launch_file(LINEAR, "log").read_text(encoding="utf-8"))
    assert said == [
        str(session.output),
        f"{own_environment}/mine/kubeconfig:/etc/theirs:~/home",
        f"{own_environment}/fake:{Path(__file__).parents[2]}",
    ]
    assert sorted(path.name for path in own_environment.iterdir()) == ["fake", "out"]


def test_the_flows_that_a_run_makes_are_known_by_their_names() -> None:
    assert [scenario.flow for scenario in scenarios().values() if not scenario.flow.startswith("Mfconf")] == []


def test_killing_who_is_gone_is_no_error() -> None:
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait()

    kill_group(child.pid)
