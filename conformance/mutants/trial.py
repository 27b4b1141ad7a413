"""The suite on trial: every mutant is served, judged, and counted."""

from __future__ import annotations

import shlex
import signal
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from conformance import suite
from conformance.errors import HarnessError, TargetError, UsageError
from conformance.mutants import catalogue, judging, score
from conformance.mutants.catalogue import AREA, Mutant
from conformance.mutants.serve import UNBROKEN
from conformance.mutants.service import serving
from conformance.outcome import Exit, Level, Outcome
from conformance.record import Record, exit_code, read
from conformance.reference.postgres import Server, postgres
from conformance.requirement import Profile
from conformance.running import output_folder
from conformance.session import new_run_id

JUDGE_S = 240
"""Seconds after which a run on a mutant is ended: it hangs."""

PROFILE = Profile.CORE
"""What a user runs who asks for nothing else."""

PATIENCE = 6
"""A run on a mutant may take as many times as long as the one on the unbroken service."""


@dataclass(frozen=True)
class Plan:
    """What the command line asks of a trial."""

    area: str
    only: tuple[str, ...]
    workers: int
    output: Path | None
    command: tuple[str, ...]


class Watcher:
    """What a trial tells its audience; the terminal's version is in ``telling.py``."""

    def baseline(self, checks: int, seconds: float) -> None:
        """The unbroken service passed all checks."""

    def finding(self, finding: score.Finding, level: str | None) -> None:
        """One mutant was judged."""


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
        court = Court(server, folder, plan)
        began = time.monotonic()
        levels = court.baseline()
        took = time.monotonic() - began
        watcher.baseline(len(levels), took)
        court.patience_s = min(JUDGE_S, max(60, PATIENCE * took))
        findings = []
        with _lanes(plan.workers, court) as lanes:
            open_: set[Future[score.Finding]] = {lanes.submit(court.judge, mutant, levels) for mutant in chosen}
            while open_:
                done, open_ = wait(open_, timeout=1, return_when=FIRST_COMPLETED)
                for future in done:
                    finding = future.result()
                    findings.append(finding)
                    watcher.finding(finding, score.level_of(finding, levels))
    return {"area": plan.area, **score.score(findings, levels, defects, catalogue.digest())}


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


class Court:
    """Judges one service after the other, each on a database of its own in one Postgres."""

    def __init__(self, server: Server, folder: Path, plan: Plan) -> None:
        self.server = server
        self.folder = folder
        self.plan = plan
        self.patience_s: float = JUDGE_S
        self.over = threading.Event()

    def baseline(self) -> dict[str, Level]:
        """The checks that the unbroken service passes, with their levels. Raises ``TargetError`` unless all do."""
        judged, _ = self._run(UNBROKEN, dies=False)
        if judged.ended:
            raise TargetError(f"the unbroken service can't be judged: {judged.ended}")
        if judged.red:
            worst = judged.red[0]
            raise TargetError(
                f"the unbroken service does not pass {', '.join(judged.red)}: nothing can be said of the mutants; "
                f"{worst}: {judged.messages[worst]}"
            )
        return {name: judged.levels[name] for name, outcome in judged.outcomes.items() if outcome is Outcome.PASSED}

    def judge(self, mutant: Mutant, levels: dict[str, Level]) -> score.Finding:
        """Judge one mutant. Raises ``TargetError`` where it is no working service."""
        began = time.monotonic()
        judged, hung = self._run(mutant.name, dies=mutant.dies)
        ended = f"no verdict after {self.patience_s:.0f} s" if hung else judged.ended
        killers = tuple(name for name in judged.red if name in levels)
        return score.Finding(mutant.name, killers, ended, time.monotonic() - began)

    def _run(self, name: str, *, dies: bool) -> tuple[judging.Judged, bool]:
        """What the suite says of the service ``name``, and whether it had to be cut short."""
        folder = self.folder / "mutants" / name
        folder.parent.mkdir(exist_ok=True)
        log = folder.parent / f"{name}.log"
        with serving(self.server, name, log, dies=dies) as url:
            child = judging.start(url, folder, self.plan.area, PROFILE)
            came = judging.wait(child, self.patience_s, self.over.is_set)
            if self.over.is_set():
                raise TargetError(f"mutant {name}: interrupted")
            judged = judging.result(folder)
        return judged, not came
