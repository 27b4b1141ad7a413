"""The suite on trial: every mutant is made, judged, and counted."""

from __future__ import annotations

import shlex
import time
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Event
from typing import Any, Protocol

from conformance import suite
from conformance.errors import HarnessError, TargetError, UsageError
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

    Raises ``UsageError`` where it can't begin, ``TargetError`` where what is unbroken does not pass or a mutant is
    broken in another way than it was meant to be.
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
    try:
        mutation = _try(plan, chosen, folder, watcher)
        record.append("mutation.finished", mutation=mutation)
    except KeyboardInterrupt:
        broken_off = "interrupted"
    except HarnessError as error:
        broken_off = str(error)
        raise
    finally:
        record.append("run.finished", broken_off=broken_off)
        record.close()
    return folder, exit_code(read(folder))


def _try(plan: Plan, chosen: tuple[Mutant, ...], folder: Path, watcher: Watcher) -> dict[str, Any]:
    defects = {mutant.name: mutant.defect for mutant in catalogue.mutants(plan.areas)}
    with interruptible(), _court(plan, folder, chosen) as court:
        began = time.monotonic()
        levels = court.baseline()
        watcher.baseline(len(levels), time.monotonic() - began)
        findings: list[score.Finding] = []
        broken: list[str] = []
        for beside in court.rounds(chosen, plan.workers):
            with ExitStack() as stack:
                pools = [(mutants, stack.enter_context(_lanes(lanes, court))) for mutants, lanes in beside]
                for came in _judged(
                    pool.submit(court.judge, one, levels) for mutants, pool in pools for one in mutants
                ):
                    try:
                        finding = came.result()
                    except HarnessError as error:
                        broken.append(str(error))
                        watcher.broken(str(error))
                        continue
                    findings.append(finding)
                    watcher.finding(finding, score.level_of(finding, levels))
    if broken:
        raise TargetError(f"{len(broken)} mutants could not be tried: {'; '.join(broken)}")
    counted = score.score(findings, levels, court.claims, defects, catalogue.digest(plan.areas))
    return {"area": ", ".join(plan.areas), **counted, "unclaimed": sorted(court.unclaimed)}


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
