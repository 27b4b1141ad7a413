"""One service judged by the suite, as ``mfconf run`` does it, in a process that is forked with everything loaded."""

from __future__ import annotations

import json
import multiprocessing
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from conformance import cleanup, running
from conformance.errors import HarnessError
from conformance.outcome import Level, Outcome
from conformance.record import broken_off, latest_checks, read
from conformance.requirement import Profile, catalogue
from conformance.targets.base import Options

REFUSED = "refused.json"
"""Where a judge that could not begin leaves its reason."""

END_S = 30
MODEL_S = 8.0
TURNED_RED = {Outcome.FAILED, Outcome.ERROR}

CONTEXT = multiprocessing.get_context("forkserver")
CONTEXT.set_forkserver_preload([__name__])


@dataclass(frozen=True)
class Judged:
    """The checks by outcome, and how the run ended before its verdict, if it did."""

    levels: dict[str, Level]
    outcomes: dict[str, Outcome]
    messages: dict[str, str]
    ended: str = ""

    def __or__(self, other: Judged) -> Judged:
        """Both together; the first that ended early counts."""
        return Judged(
            self.levels | other.levels,
            self.outcomes | other.outcomes,
            self.messages | other.messages,
            self.ended or other.ended,
        )

    @property
    def red(self) -> tuple[str, ...]:
        """The checks that failed or could not be judged."""
        return tuple(name for name, outcome in self.outcomes.items() if outcome in TURNED_RED)


def start(url: str, folder: Path, checks: tuple[str, ...]) -> BaseProcess:
    """Begin to judge the service at ``url`` by ``checks``; its record goes to ``folder``."""
    child = CONTEXT.Process(target=_judge, args=(url, folder, checks))
    child.start()
    return child


def _judge(url: str, folder: Path, checks: tuple[str, ...]) -> None:
    cleanup.JOURNAL = folder.parent / "journal" / folder.name  # this run's alone: many are under way
    plan = running.Plan(
        target=f"service:{url}",
        options=Options(),
        profile=Profile.CORE,
        areas=(),
        only=checks,
        workers=0,
        output=folder,
        expected=(),
        command=("mfconf", "mutants"),
        model_s=MODEL_S,
    )
    try:
        running.run(plan, running.Watcher())
    except HarnessError as error:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / REFUSED).write_text(json.dumps(str(error)), encoding="utf-8")


def wait(child: BaseProcess, seconds: float, over: Callable[[], bool]) -> bool:
    """Wait for a judge up to ``seconds``, or until ``over``; end it then. Tell whether it came to its end."""
    waited = 0.0
    while child.is_alive() and waited < seconds and not over():
        child.join(0.5)
        waited += 0.5
    came = not child.is_alive()
    if not came:
        child.terminate()
        child.join(END_S)
        if child.is_alive():
            child.kill()
            child.join()
    return came


def result(folder: Path) -> Judged:
    """What a judge left. Raises ``HarnessError`` where it left nothing."""
    refused = folder / REFUSED
    if refused.exists():
        return Judged({}, {}, {}, ended=json.loads(refused.read_text(encoding="utf-8")))
    try:
        events: list[dict[str, Any]] = read(folder)
    except FileNotFoundError:
        raise HarnessError(f"{folder}: the judge left no record") from None
    checks = latest_checks(events)
    return Judged(
        {check["id"]: Level(check["level"]) for check in checks},
        {check["id"]: Outcome(check["outcome"]) for check in checks},
        {check["id"]: check["message"] for check in checks},
        broken_off(events),
    )


catalogue()  # the suites, loaded once for all judges
