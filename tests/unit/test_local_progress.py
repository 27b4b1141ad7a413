"""Progress: a line for each step where there is no terminal, and signs of life of a long one."""

from __future__ import annotations

import io
import re
import threading

import pytest
from rich.console import Console

from conformance.local import progress
from conformance.local.progress import Progress


def made(*, terminal: bool = False) -> tuple[Progress, io.StringIO]:
    stream = io.StringIO()
    return Progress(3, Console(file=stream, force_terminal=terminal, highlight=False, width=80)), stream


def test_without_a_terminal_there_is_a_line_for_each_step() -> None:
    shown, stream = made()
    with shown.step("images [x]"):
        pass
    with shown.step("cluster"):
        shown.say("a word [bold]in between[/bold]")

    assert re.sub(r"\d+ s", "N s", stream.getvalue()).splitlines() == [
        "[1/3] images [x] (N s)",
        "a word [bold]in between[/bold]",
        "[2/3] cluster (N s)",
    ]
    assert "\x1b" not in stream.getvalue()


def test_a_long_step_gives_signs_of_life(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "EVERY_S", 0.01)
    shown, stream = made()
    with shown.step("waiting"):
        for _ in range(500):
            if stream.getvalue().count("...") >= 2:
                break
            threading.Event().wait(0.01)

    assert stream.getvalue().count("[1/3] waiting ... 0 s") >= 2


def test_a_note_that_took_no_time_leaves_no_line() -> None:
    shown, stream = made()
    with shown.note("image base"):
        pass

    assert stream.getvalue() == ""


@pytest.mark.parametrize("terminal", [False, True])
def test_a_step_that_fails_stops_its_ticker_and_is_not_called_done(*, terminal: bool) -> None:
    shown, stream = made(terminal=terminal)
    with pytest.raises(ValueError, match="broken"), shown.step("cluster"):
        raise ValueError("broken")

    assert "(0 s)" not in stream.getvalue()
    assert not [thread.name for thread in threading.enumerate() if "tick" in thread.name]
