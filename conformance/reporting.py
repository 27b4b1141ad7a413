"""After a run: write the views and say the verdict."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape

import reports
from conformance.errors import UsageError
from conformance.outcome import Exit, Result

STYLES = {Result.CONFORMANT: "bold green", Result.NON_CONFORMANT: "bold red", Result.INCONCLUSIVE: "bold magenta"}


def finish(folder: Path, console: Console) -> Exit:
    """Write every view of the record in ``folder`` and print the verdict; the run's exit code.

    Raises ``UsageError`` where there is no record.
    """
    try:
        view = reports.build(folder)
    except (FileNotFoundError, NotADirectoryError):
        raise UsageError(f"{folder}: no record of a run there (events.jsonl)") from None
    except ValueError as error:
        raise UsageError(str(error)) from None
    if view["checks"]:
        result = Result(view["verdict"]["result"])
        console.print(f"[{STYLES[result]}]{result.value}[/{STYLES[result]}]")
        for reason in view["verdict"]["reasons"]:
            console.print(f"  {escape(reason)}", soft_wrap=True)
    for load in view["load"]:
        for threshold in load["thresholds"]:
            mark = "[green]ok[/green]    " if threshold["ok"] else "[bold red]broken[/bold red]"
            console.print(f"{mark} {escape(threshold['expr'])}  got {threshold['got']}")
    if view["mutation"]:
        _say_score(view["mutation"], console)
    for leak in view["cleanup"]["leaked"]:
        console.print(f"[bold red]left behind[/bold red] {escape(leak)}", soft_wrap=True)
    console.print(f"report: {escape(str(folder / 'report.html'))}", soft_wrap=True)
    return Exit(view["run"]["exit_code"])


def _say_score(mutation: dict[str, Any], console: Console) -> None:
    """Print the score, the survivors and the checks that killed nothing."""
    levels = ", ".join(f"{number} by {level}" for level, number in mutation["by_level"].items())
    console.print(f"killed {mutation['killed']} of {mutation['total']} mutants: {levels}", soft_wrap=True)
    defects = {row["name"]: row["defect"] for row in mutation["mutants"]}
    for name in mutation["survived"]:
        console.print(f"  [bold red]survived[/bold red] {name}: {escape(defects[name])}", soft_wrap=True)
    for check, names in mutation["unkept"].items():
        console.print(f"  {check} says that it kills, and did not: {', '.join(names)}", soft_wrap=True)
    for level, checks in mutation["idle"].items():
        if checks:
            console.print(f"  {level} checks that killed none: {', '.join(checks)}", soft_wrap=True)
