"""What a run says while it runs: every end, no secret, no markup of the target's."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any

import pytest
from rich.console import Console

from conformance.outcome import Outcome
from conformance.terminal import STYLES, Terminal


@pytest.fixture
def written() -> io.StringIO:
    return io.StringIO()


@pytest.fixture(params=[False, True], ids=["log", "terminal"])
def terminal(request: pytest.FixtureRequest, written: io.StringIO) -> Iterator[Terminal]:
    with Terminal(Console(file=written, force_terminal=request.param, highlight=False, width=60)) as made:
        yield made


def check(name: str, outcome: str, **more: Any) -> dict[str, Any]:
    return {"id": name, "outcome": outcome, "title": "A claim.", "message": ""} | more


def launch(outcome: str | None = None) -> dict[str, Any]:
    return {"scenario": "linear", "orchestrator": "argo", "outcome": outcome, "duration_s": 12.4}


def started(*names: str, target: str = "kind") -> dict[str, Any]:
    return {"run": {"id": "run0000001"}, "target": {"name": target}, "selected": names}


def test_what_did_not_pass_is_told_with_its_reason(terminal: Terminal, written: io.StringIO) -> None:
    terminal.event("run.started", started("A-001", "A-002"))
    terminal.event("check.finished", check("A-002", "failed", message="want 1\n[bold]got[/bold] 2"))

    said = written.getvalue()
    assert "run run0000001 on kind: 2 checks" in said
    assert "A-002  A claim." in said
    assert "want 1" in said
    assert "[bold]got[/bold] 2" in said


def test_the_line_counts_and_names_what_is_awaited(terminal: Terminal) -> None:
    terminal.event("run.started", started("A-001", "A-002", "A-003"))
    assert terminal.line().startswith("0/3: no check yet (0 s)")
    terminal.event("launch.started", launch())
    terminal.event("check.finished", check("A-001", "passed"))
    terminal.event("check.finished", check("A-002", "blocked"))

    assert terminal.line().startswith("2/3: 1 blocked, 1 passed (")
    assert terminal.line().endswith("; waiting for linear@argo")
    terminal.event("launch.finished", launch("failed"))
    assert "waiting" not in terminal.line()


def test_a_launch_tells_how_it_ended(terminal: Terminal, written: io.StringIO) -> None:
    terminal.event("launch.started", launch())
    terminal.event("launch.finished", launch("successful"))

    assert "launch linear@argo: successful after 12 s" in written.getvalue()


def test_no_secret_is_shown(terminal: Terminal, written: io.StringIO) -> None:
    terminal.event("run.started", started(target="service:http://me:hunter2@host"))
    terminal.event("check.finished", check("A-001", "failed", message="password=hunter2", title="token: hunter2"))
    terminal.say("x-api-key: hunter2")

    assert "hunter2" not in written.getvalue()
    assert "[redacted]" in written.getvalue()


@pytest.mark.parametrize("outcome", Outcome)
def test_every_outcome_can_be_shown(terminal: Terminal, outcome: Outcome) -> None:
    terminal.event("check.finished", check("A-001", outcome.value))

    assert set(STYLES) == set(Outcome)
    assert terminal.counts == {outcome.value: 1}


def test_other_events_are_nothing_to_see(terminal: Terminal, written: io.StringIO) -> None:
    before = written.getvalue()
    terminal.event("cleanup.finished", {"leaked": ["x"]})

    assert "leaked" not in written.getvalue()[len(before) :]
