"""The suite on trial: every mutant is made, judged, and counted."""

from __future__ import annotations

import shlex
import time
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event
from typing import Any, Protocol

from conformance import suite
from conformance.errors import HarnessError, UsageError
from conformance.mutants import catalogue, score
from conformance.mutants.catalogue import METADATA, Mutant
from conformance.outcome import Exit, Level
from conformance.record import Record, exit_code, read
from conformance.running import interruptible, output_folder
from conformance.session import new_run_id


@dataclass(frozen=True)
class Plan:
    """What the command line asks of a trial."""

    areas: tuple[str, ...]
    only: tuple[str, ...]
    matrix: bool
    workers: int | None
    output: Path | None
    command: tuple[str, ...]
    patience: float = 1.0


class Court(Protocol):
    """What tries mutants of one kind; ``over`` ends what is under way."""

    over: Event

    @property
    def claims(self) -> dict[str, tuple[str, ...]]:
        """The mutants that each check says it kills."""

    @property
    def unclaimed(self) -> tuple[str, ...]:
        """The MUST checks of the areas that are on trial and judge no mutant, as they claim none."""

    def rounds(self, chosen: Sequence[Mutant], lanes: int | None) -> list[list[tuple[Sequence[Mutant], int]]]:
        """Rounds, one after the other; in each, which mutants are tried in how many lanes, side by side."""

    def baseline(self) -> dict[str, Level]:
        """The checks that the unbroken thing passes. Raises ``TargetError`` unless all do."""

    def judge(self, mutant: Mutant, levels: dict[str, Level]) -> score.Finding:
        """Judge one mutant. Raises ``TargetError`` where it can't be made."""


class Watcher:
    """What a trial tells its audience; the terminal's version is in ``telling.py``."""

    def baseline(self, checks: int, seconds: float) -> None:
        """What is unbroken passed all checks."""

    def finding(self, finding: score.Finding, level: str | None) -> None:
        """One mutant was judged."""

    def broken(self, why: str) -> None:
        """One mutant could not be judged."""


def run(plan: Plan, watcher: Watcher) -> tuple[Path, Exit]:
    """Try the suite on every mutant; the folder of the record, and the exit code.

    A trial in which a mutant could not be tried, as it is broken in another way than it was meant to be, is
    inconclusive. Raises ``UsageError`` where it can't begin, ``TargetError`` where what is unbroken does not pass.
    """
    catalogue.check_areas(plan.areas)
    if plan.matrix and plan.areas != (METADATA,):
        raise UsageError("--matrix: a deployment is judged by the checks that claim a mutant, and by no others")
    chosen = catalogue.select(plan.only, plan.areas)
    run_id = new_run_id()
    folder = output_folder(plan.output, run_id)
    record = Record(folder)
    record.append(
        "run.started",
        run={"id": run_id, "command": shlex.join(plan.command)},
        suite=suite.identity(),
        target={"name": f"mutants of {', '.join(plan.areas)}", "kind": "mutants", "config": {}},
        profiles=[],
        selected=[],
    )
    broken_off = ""
    tried = Tried(plan.areas)
    try:
        _try(plan, chosen, folder, watcher, tried)
        broken_off = tried.missing()
    except KeyboardInterrupt:
        broken_off = "interrupted"
    except HarnessError as error:
        broken_off = str(error)
        raise
    finally:
        if tried.findings:
            record.append("mutation.finished", mutation=tried.mutation())
        record.append("run.finished", broken_off=broken_off)
        record.close()
    return folder, exit_code(read(folder))


@dataclass
class Tried:
    """What a trial has come to so far. ``levels`` and the rest are the court's."""

    areas: tuple[str, ...]
    levels: dict[str, Level] = field(default_factory=dict)
    claims: dict[str, tuple[str, ...]] = field(default_factory=dict)
    unclaimed: tuple[str, ...] = ()
    findings: list[score.Finding] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)

    def missing(self) -> str:
        """Which mutants could not be tried, and why; empty where all were."""
        return f"{len(self.broken)} mutants could not be tried: {'; '.join(self.broken)}" if self.broken else ""

    def mutation(self) -> dict[str, Any]:
        """The part ``mutation`` of the report, of those that were tried."""
        defects = {mutant.name: mutant.defect for mutant in catalogue.mutants(self.areas)}
        counted = score.score(self.findings, self.levels, self.claims, defects, catalogue.digest(self.areas))
        return {"area": ", ".join(self.areas), **counted, "unclaimed": sorted(self.unclaimed)}


def _try(plan: Plan, chosen: tuple[Mutant, ...], folder: Path, watcher: Watcher, tried: Tried) -> None:
    with interruptible(), _court(plan, folder, chosen) as court:
        began = time.monotonic()
        tried.levels = court.baseline()
        tried.claims, tried.unclaimed = court.claims, court.unclaimed
        watcher.baseline(len(tried.levels), time.monotonic() - began)
        for beside in court.rounds(chosen, plan.workers):
            with ExitStack() as stack:
                pools = [(mutants, stack.enter_context(_lanes(lanes, court))) for mutants, lanes in beside]
                for came in _judged(
                    pool.submit(court.judge, one, tried.levels) for mutants, pool in pools for one in mutants
                ):
                    try:
                        finding = came.result()
                    except HarnessError as error:
                        tried.broken.append(str(error))
                        watcher.broken(str(error))
                        continue
                    tried.findings.append(finding)
                    watcher.finding(finding, score.level_of(finding, tried.levels))


def _court(plan: Plan, folder: Path, chosen: Sequence[Mutant]) -> AbstractContextManager[Court]:
    if plan.areas == (METADATA,):
        from conformance.mutants import court as services  # noqa: PLC0415 - needs the reference service

        return services.opened(folder, matrix=plan.matrix, patience=plan.patience)
    from conformance.mutants.deployment import court as deployments  # noqa: PLC0415

    return deployments.opened(folder, chosen, plan.patience)


def _judged(trials: Iterable[Future[score.Finding]]) -> Iterator[Future[score.Finding]]:
    """Each as soon as it is over."""
    open_ = set(trials)
    while open_:
        done, open_ = wait(open_, timeout=1, return_when=FIRST_COMPLETED)
        yield from done


@contextmanager
def _lanes(workers: int, court: Court) -> Iterator[ThreadPoolExecutor]:
    """Threads that each judge one mutant at a time; whatever ends the block, ends them all."""
    lanes = ThreadPoolExecutor(workers, "mutant")
    try:
        yield lanes
    except BaseException:
        court.over.set()
        raise
    finally:
        lanes.shutdown(cancel_futures=True)
