"""One target judged by the suite, as ``mfconf run`` does it, in a process that is forked with everything loaded."""

from __future__ import annotations

import json
import multiprocessing
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
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


@dataclass(frozen=True)
class Order:
    """Judge ``target`` by ``checks``, with so many ``workers`` and so much ``patience``; the record goes to ``folder``.

    ``environment``: that of the target's user, in place of any Metaflow or AWS configuration of ours.
    """

    target: str
    folder: Path
    checks: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict)
    workers: int = 0
    patience: float = 1.0


def start(order: Order) -> BaseProcess:
    """Begin to judge."""
    child = CONTEXT.Process(target=_judge, args=(order,))
    child.start()
    return child


def _judge(order: Order) -> None:
    folder = order.folder
    cleanup.JOURNAL = folder.parent / "journal" / folder.name  # this run's alone: many are under way
    if order.environment:
        for name in [name for name in os.environ if name.startswith(("METAFLOW_", "AWS_"))]:
            del os.environ[name]
        os.environ.update(order.environment)
    plan = running.Plan(
        target=order.target,
        options=Options(),
        profile=Profile.CORE,
        areas=(),
        only=order.checks,
        workers=order.workers,
        output=folder,
        expected=(),
        command=("mfconf", "mutants"),
        model_s=MODEL_S,
        patience=order.patience,
    )
    try:
        running.run(plan, running.Watcher())
    except HarnessError as error:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / REFUSED).write_text(json.dumps(str(error)), encoding="utf-8")


def wait(child: BaseProcess, seconds: float, over: Callable[[], bool], end_s: float = END_S) -> bool:
    """Wait for a judge up to ``seconds``, or until ``over``, and tell whether it came to its end.

    If not, or if the wait is interrupted, it is ended; it gets ``end_s`` seconds to do so by itself.
    """
    waited = 0.0
    try:
        while child.is_alive() and waited < seconds and not over():
            child.join(0.5)
            waited += 0.5
    finally:
        came = not child.is_alive()
        if not came:
            child.terminate()
            child.join(end_s)
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
