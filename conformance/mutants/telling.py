"""What a trial looks like in a terminal or in a log: a line for each mutant, then the score."""

from __future__ import annotations

import time
from collections.abc import Iterable

from rich.console import Console
from rich.markup import escape

from conformance.mutants.catalogue import Mutant
from conformance.mutants.score import RUN, Finding
from conformance.mutants.trial import Watcher

SHOWN = 3
MESSAGE = 300
"""Characters of what the first killer says; the report has all."""


class Terminal(Watcher):
    """Prints one line for each thing that happens."""

    def __init__(self, console: Console, total: int) -> None:
        self.console = console
        self.total = total
        self.done = 0
        self.began = time.monotonic()

    def baseline(self, checks: int, seconds: float) -> None:
        """Say how the unbroken one did."""
        self.console.print(f"unbroken: {checks} checks passed ({seconds:.0f} s)")

    def finding(self, finding: Finding, level: str | None) -> None:
        """Say what killed the mutant."""
        self.done += 1
        killers = ", ".join(finding.killers[:SHOWN])
        more = f" and {len(finding.killers) - SHOWN} more" if len(finding.killers) > SHOWN else ""
        what = {
            None: "[bold red]survived[/bold red]",
            RUN: f"[green]killed[/green] without a check: {escape(finding.ended[:100])}",
        }.get(level, f"[green]killed[/green] ({level}) by {killers}{more}")
        took = f"[dim]({finding.duration_s:.0f} s, {time.monotonic() - self.began:.0f} s in all)[/dim]"
        self.console.print(f"\\[{self.done}/{self.total}] {finding.mutant}: {what} {took}", soft_wrap=True)
        if finding.message:
            self.console.print(f"    {escape(' '.join(finding.message.split())[:MESSAGE])}", soft_wrap=True)

    def broken(self, why: str) -> None:
        """Say why there is no finding."""
        self.done += 1
        self.console.print(
            f"\\[{self.done}/{self.total}] [bold magenta]not tried[/bold magenta] {escape(why)}", soft_wrap=True
        )


def say_catalogue(mutants: Iterable[Mutant], console: Console) -> None:
    """Print the mutants."""
    for one in mutants:
        console.print(f"{one.area:>8} {one.family:>14}  [bold]{one.name}[/bold]  {escape(one.defect)}", soft_wrap=True)
