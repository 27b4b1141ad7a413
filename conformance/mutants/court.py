"""Judges one service after the other, each on a database of its own in one Postgres."""

from __future__ import annotations

import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from conformance.errors import TargetError
from conformance.mutants import judging, score
from conformance.mutants.catalogue import METADATA, Mutant
from conformance.mutants.serve import UNBROKEN
from conformance.mutants.service import serving
from conformance.outcome import Level, Outcome
from conformance.reference.postgres import Server, postgres
from conformance.requirement import Profile, catalogue

PROFILE = Profile.CORE
"""What a user runs who asks for nothing else."""

LANES = 4
"""Services that are judged at once, if the user does not say."""

MODEL = "/test_model.py"
"""Where the checks stand that take seconds of CPU each."""

PATIENCE = 6
PATIENCE_S = 120.0
"""A run on a mutant is ended that takes so many times as long as the one on the unbroken service, or so many seconds:
what was red by then counts."""


@contextmanager
def opened(folder: Path, *, matrix: bool, patience: float = 1.0) -> Iterator[Court]:
    """A court with a Postgres of its own."""
    with tempfile.TemporaryDirectory(prefix="mfconf-mutants-") as scratch, postgres(Path(scratch) / "data") as server:
        yield Court(server, folder, METADATA, matrix=matrix, patience=patience)


class Court:
    """``checks`` judge; ``over`` ends what is under way; ``matrix``: each check that is not slow judges each mutant."""

    def __init__(self, server: Server, folder: Path, area: str, *, matrix: bool, patience: float = 1.0) -> None:
        self.server = server
        self.folder = folder / "mutants"
        self.matrix = matrix
        self.patience = patience
        self.patience_s: float = 10 * PATIENCE_S
        self.over = threading.Event()
        self.checks = [found for found in catalogue() if found.area == area and PROFILE.includes(found.profile)]

    @property
    def claims(self) -> dict[str, tuple[str, ...]]:
        """The mutants that each check says it kills."""
        return {found.id: found.kills for found in self.checks}

    unclaimed: tuple[str, ...] = ()
    """Each check judges each mutant that survives those that claim it."""

    @staticmethod
    def rounds(chosen: Sequence[Mutant], lanes: int | None) -> list[list[tuple[Sequence[Mutant], int]]]:
        """Which mutants are tried in how many lanes, one round after the other: all in one."""
        return [[(chosen, lanes or LANES)]]

    def baseline(self) -> dict[str, Level]:
        """The checks that the unbroken service passes, with their levels. Raises ``TargetError`` unless all do."""
        began = time.monotonic()
        judged = self._judged(UNBROKEN, [tuple(found.id for found in self.checks)])
        if judged.ended:
            raise TargetError(f"the unbroken service can't be judged: {judged.ended}")
        if judged.red:
            worst = judged.red[0]
            raise TargetError(
                f"the unbroken service does not pass {', '.join(judged.red)}: nothing can be said of the mutants; "
                f"{worst}: {judged.messages[worst]}"
            )
        self.patience_s = max(PATIENCE_S, PATIENCE * (time.monotonic() - began))
        return {name: judged.levels[name] for name, outcome in judged.outcomes.items() if outcome is Outcome.PASSED}

    def judge(self, mutant: Mutant, levels: dict[str, Level]) -> score.Finding:
        """Judge one mutant. Raises ``TargetError`` where it is no working service."""
        began = time.monotonic()
        judged = self._judged(mutant.name, self.stages(mutant.name), dies=mutant.dies)
        killers = tuple(name for name in judged.red if name in levels)
        message = judged.messages[killers[0]] if killers else ""
        return score.Finding(mutant.name, killers, judged.ended, time.monotonic() - began, message)

    def stages(self, name: str) -> list[tuple[str, ...]]:
        """Which checks judge a mutant, each stage only where it survived the ones before.

        First those that claim to kill it, then the others, last the slow ones; with ``matrix``, the first two at once.
        """
        claiming: list[str] = []
        others: list[str] = []
        slow: list[str] = []
        for found in self.checks:
            is_slow = found.source.endswith(MODEL)
            first = name in found.kills or (self.matrix and not is_slow)
            (claiming if first else slow if is_slow else others).append(found.id)
        return [tuple(stage) for stage in (claiming, others, slow) if stage]

    def _judged(self, name: str, stages: list[tuple[str, ...]], *, dies: bool = False) -> judging.Judged:
        self.folder.mkdir(exist_ok=True)
        judged = judging.Judged({}, {}, {})
        with serving(self.server, name, self.folder / f"{name}.log", dies=dies) as url:
            for number, checks in enumerate(stages, start=1):
                judged |= self._run(url, self.folder / f"{name}.{number}", checks)
                if judged.red or judged.ended:
                    break
        return judged

    def _run(self, url: str, folder: Path, checks: tuple[str, ...]) -> judging.Judged:
        child = judging.start(judging.Order(f"service:{url}", folder, checks, patience=self.patience))
        came = judging.wait(child, self.patience_s, self.over.is_set)
        if self.over.is_set():
            raise TargetError(f"mutant {folder.name}: interrupted")
        judged = judging.result(folder)
        return judged if came else replace(judged, ended="")  # it was ended here: that is no word of the suite's
