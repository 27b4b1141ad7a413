"""What a run looks like in a terminal, or in a log where there is none."""

from __future__ import annotations

import threading
import time
from collections import Counter
from typing import Any, Self

from rich.console import Console
from rich.markup import escape
from rich.status import Status

from conformance.outcome import Outcome
from conformance.redact import redact_text
from conformance.running import Watcher

STYLES = {
    Outcome.PASSED: "green",
    Outcome.FAILED: "bold red",
    Outcome.ERROR: "bold magenta",
    Outcome.BLOCKED: "magenta",
    Outcome.NOT_SUPPORTED: "dim",
    Outcome.EXPECTED_FAILURE: "yellow",
    Outcome.STALE_EXPECTATION: "bold red",
}
QUIET_S = 30
"""Without a terminal: seconds of silence after which a line says what is awaited."""


class Terminal(Watcher):
    """Counts and what is awaited, live on a terminal; else a line for each launch and each check that ends."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self.counts: Counter[str] = Counter()
        self.total = 0
        self.waiting: set[str] = set()
        self.began = time.monotonic()
        self._spoke = self.began
        self._over = threading.Event()
        self._status: Status | None = None
        self._thread = threading.Thread(target=self._live, daemon=True)

    def __enter__(self) -> Self:
        if self.console.is_terminal:
            self._status = self.console.status("preparing")
            self._status.start()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()
        if self._status:
            self._status.stop()

    def say(self, line: str) -> None:
        """Print one line."""
        self._print(escape(redact_text(line)))

    def _print(self, text: str) -> None:
        self._spoke = time.monotonic()
        self.console.print(text, soft_wrap=True)

    def event(self, event: str, fields: dict[str, Any]) -> None:
        """Show what happened."""
        if event == "run.started":
            self.total = len(fields["selected"])
            self.say(f"run {fields['run']['id']} on {fields['target']['name']}: {self.total} checks")
        elif event == "launch.started":
            self.waiting.add(f"{fields['scenario']}@{fields['orchestrator']}")
        elif event == "launch.finished":
            self._launch(fields)
        elif event == "check.finished":
            self._check(fields)

    def _launch(self, fields: dict[str, Any]) -> None:
        name = f"{fields['scenario']}@{fields['orchestrator']}"
        self.waiting.discard(name)
        self.say(f"launch {name}: {fields['outcome']} after {fields['duration_s']:.0f} s")

    def _check(self, fields: dict[str, Any]) -> None:
        self.counts[fields["outcome"]] += 1
        outcome = Outcome(fields["outcome"])
        if outcome is Outcome.PASSED and self.console.is_terminal:
            return
        style = STYLES[outcome]
        self._print(f"[{style}]{outcome.value:>12}[/{style}] {fields['id']}  {escape(redact_text(fields['title']))}")
        if outcome not in (Outcome.PASSED, Outcome.NOT_SUPPORTED) and fields["message"]:
            for line in fields["message"].splitlines()[:6]:
                self._print(f"             {escape(redact_text(line))}")

    def line(self) -> str:
        """Counts, time, and what is awaited."""
        counts = ", ".join(f"{number} {outcome}" for outcome, number in sorted(self.counts.items())) or "no check yet"
        waiting = f"; waiting for {', '.join(sorted(self.waiting))}" if self.waiting else ""
        return f"{sum(self.counts.values())}/{self.total}: {counts} ({time.monotonic() - self.began:.0f} s){waiting}"

    def _live(self) -> None:
        while not self._over.wait(1):
            if self._status:
                self._status.update(escape(self.line()))
            elif self.total and time.monotonic() - self._spoke > QUIET_S:
                self.say(self.line())
