"""The suite on trial: every mutant is served, judged, and counted."""

from __future__ import annotations

import shlex
import signal
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from conformance import suite
from conformance.errors import HarnessError, TargetError, UsageError
from conformance.mutants import catalogue, score
from conformance.mutants.catalogue import AREA, Mutant
from conformance.mutants.court import Court
from conformance.outcome import Exit
from conformance.record import Record, exit_code, read
from conformance.reference.postgres import postgres
from conformance.running import output_folder
from conformance.session import new_run_id


@dataclass(frozen=True)
class Plan:
    """What the command line asks of a trial."""

    area: str
    only: tuple[str, ...]
    matrix: bool
    workers: int
    output: Path | None
    command: tuple[str, ...]


class Watcher:
    """What a trial tells its audience; the terminal's version is in ``telling.py``."""

    def baseline(self, checks: int, seconds: float) -> None:
        """The unbroken service passed all checks."""

    def finding(self, finding: score.Finding, level: str | None) -> None:
        """One mutant was judged."""

    def broken(self, why: str) -> None:
        """One mutant could not be judged."""


def run(plan: Plan, watcher: Watcher) -> tuple[Path, Exit]:
    """Try the suite on every mutant; the folder of the record, and the exit code.

    Raises ``UsageError`` where it can't begin, ``TargetError`` where the unbroken service does not pass or a
    mutant is no working service.
    """
    if plan.area != AREA:
        raise UsageError(f"--area {plan.area}: no mutants of it; areas with mutants: {AREA}")
    chosen = catalogue.select(plan.only)
    run_id = new_run_id()
    folder = output_folder(plan.output, run_id)
    record = Record(folder)
    record.append(
        "run.started",
        run={"id": run_id, "command": shlex.join(plan.command)},
        suite=suite.identity(),
        target={"name": f"mutants of {plan.area}", "kind": "mutants", "config": {}},
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
    defects = {mutant.name: mutant.defect for mutant in catalogue.mutants()}
    with tempfile.TemporaryDirectory(prefix="mfconf-mutants-") as scratch, postgres(Path(scratch) / "data") as server:
        court = Court(server, folder, plan.area, matrix=plan.matrix)
        began = time.monotonic()
        levels = court.baseline()
        watcher.baseline(len(levels), time.monotonic() - began)
        findings, broken = [], []
        with _lanes(plan.workers, court) as lanes:
            open_: set[Future[score.Finding]] = {lanes.submit(court.judge, mutant, levels) for mutant in chosen}
            while open_:
                done, open_ = wait(open_, timeout=1, return_when=FIRST_COMPLETED)
                for future in done:
                    try:
                        finding = future.result()
                    except HarnessError as error:
                        broken.append(str(error))
                        watcher.broken(str(error))
                        continue
                    findings.append(finding)
                    watcher.finding(finding, score.level_of(finding, levels))
    if broken:
        raise TargetError(f"{len(broken)} mutants could not be tried: {'; '.join(broken)}")
    claims = {found.id: found.kills for found in court.checks}
    return {"area": plan.area, **score.score(findings, levels, claims, defects, catalogue.digest())}


@contextmanager
def _lanes(workers: int, court: Court) -> Iterator[ThreadPoolExecutor]:
    """Threads that each judge one mutant at a time; whatever ends the block, ends them all. SIGTERM does as Ctrl-C."""

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    lanes = ThreadPoolExecutor(workers, "mutant")
    try:
        yield lanes
    finally:
        signal.signal(signal.SIGTERM, before)
        court.over.set()
        lanes.shutdown(cancel_futures=True)
