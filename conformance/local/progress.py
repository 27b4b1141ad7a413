"""Shows which step of a long work is under way and how long it has taken."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.markup import escape

EVERY_S = 30
"""Without a terminal: seconds between two signs of life of one step."""


class Progress:
    """Steps, one after the other; on a terminal a live line, elsewhere a line now and then."""

    def __init__(self, total: int, console: Console | None = None) -> None:
        self.console = console or Console(stderr=True, highlight=False)
        self.total = total
        self.done = 0
        self.started = time.monotonic()

    @contextmanager
    def step(self, title: str) -> Iterator[None]:
        """Show ``title`` as the next step while the block runs, then how long it took."""
        self.done += 1
        with self._show(f"\\[{self.done}/{self.total}] {escape(title)}"):
            yield

    @contextmanager
    def note(self, title: str) -> Iterator[None]:
        """Show ``title`` as a part of the step under way; a part that took no time leaves no line."""
        with self._show(f"      {escape(title)}", quiet_s=1):
            yield

    @contextmanager
    def _show(self, label: str, quiet_s: float = 0) -> Iterator[None]:
        began = time.monotonic()
        over = threading.Event()
        if self.console.is_terminal:
            with self.console.status(label) as status:
                ticker = self._every(1, over, lambda: status.update(f"{label} {_elapsed(began)}"))
                try:
                    yield
                finally:
                    over.set()
                    ticker.join()
        else:
            ticker = self._every(EVERY_S, over, lambda: self.console.print(f"{label} ... {_elapsed(began)}"))
            try:
                yield
            finally:
                over.set()
                ticker.join()
        if time.monotonic() - began >= quiet_s:
            self.console.print(f"{label} [dim]({_elapsed(began)})[/dim]")

    def say(self, line: str) -> None:
        """Print one line that stays."""
        self.console.print(escape(line))

    def _every(self, seconds: float, over: threading.Event, show: Callable[[], None]) -> threading.Thread:
        def tick() -> None:
            while not over.wait(seconds):
                show()

        thread = threading.Thread(target=tick, daemon=True)
        thread.start()
        return thread


def _elapsed(began: float) -> str:
    return f"{time.monotonic() - began:.0f} s"
