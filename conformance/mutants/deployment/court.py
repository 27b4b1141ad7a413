"""Judges one broken deployment after the other, several at once where they don't disturb each other."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from filelock import FileLock, Timeout

from conformance.errors import TargetError, UsageError
from conformance.mutants import judging, score
from conformance.mutants.catalogue import Mutant
from conformance.mutants.deployment import making
from conformance.mutants.deployment.bench import Bench, Breaks
from conformance.mutants.deployment.standing import Standing
from conformance.outcome import Level, Outcome
from conformance.requirement import Case, Requirement, catalogue
from conformance.targets import kind
from conformance.targets.base import Options

LANES = 6
"""Broken deployments that are judged at once, if the user does not say."""

BASELINE_WORKERS = 2
BASELINE_S = 900.0
LIMIT_S = 600.0
"""A run on a mutant is ended after so many seconds: what was red by then counts."""

END_S = 90
"""Seconds that a run gets to end its launches and clean up."""

HANGS = 0.25
"""The patience with launches that never end by themselves: why they do not is known by then."""


@contextmanager
def opened(folder: Path, chosen: Sequence[Mutant], patience: float) -> Iterator[Court]:
    """The court for ``chosen``, with the local deployment up and rid of what a killed trial left.

    Raises ``UsageError`` where another trial is under way.
    """
    target = kind.resolve("", Options())
    target.export()
    making.JOURNAL.mkdir(parents=True, exist_ok=True, mode=0o700)
    try:
        with FileLock(making.JOURNAL / "lock", timeout=0):
            making.reset()
            yield Court(folder, chosen, Standing(target.config), patience)
            making.gone()
    except Timeout:
        raise UsageError("another mfconf mutants is breaking the local deployment; wait for its end") from None


class Court:
    """Each mutant is judged by the cases that claim it and run where it shows; ``over`` ends what is under way."""

    def __init__(self, folder: Path, chosen: Sequence[Mutant], standing: Standing, patience: float = 1.0) -> None:
        self.folder = folder / "mutants"
        self.standing = standing
        self.patience = patience
        self.over = threading.Event()
        known = catalogue()
        areas = {mutant.area for mutant in chosen}
        musts = [found for found in known if found.area in areas and found.level is Level.MUST]
        self.unclaimed = tuple(found.id for found in musts if not found.kills)
        self.cases = {mutant.name: claiming(mutant, known) for mutant in chosen}

    @property
    def claims(self) -> dict[str, tuple[str, ...]]:
        """The mutants that each case says it kills."""
        claims: dict[str, tuple[str, ...]] = {}
        for name, cases in self.cases.items():
            for case in cases:
                claims[case.id] = (*claims.get(case.id, ()), name)
        return claims

    @staticmethod
    def rounds(chosen: Sequence[Mutant], lanes: int | None) -> list[list[tuple[Sequence[Mutant], int]]]:
        """Which mutants are tried in how many lanes: those that break GPUs beside others, last those that break all."""
        by: dict[Breaks, Sequence[Mutant]] = {
            breaks: [one for one in chosen if one.laid_out(Bench(one.name)).breaks is breaks] for breaks in Breaks
        }
        beside = [(by[Breaks.NOTHING], lanes or LANES), (by[Breaks.GPUS], 1)]
        return [beside, [(by[Breaks.EVERYTHING], 1)]]

    def baseline(self) -> dict[str, Level]:
        """The claiming cases, which pass on the unbroken deployment, with levels. Raises ``TargetError`` otherwise."""
        cases = tuple(sorted(self.claims))
        if not cases:
            raise UsageError("no check says that it kills any of these mutants: nothing could judge them")
        order = judging.Order("kind", self.folder / "unbroken", cases, workers=BASELINE_WORKERS, patience=self.patience)
        judged, came = self._run(order, BASELINE_S)
        ended = judged.ended or ("" if came else f"no end after {BASELINE_S * self.patience:.0f} s")
        if ended:
            raise TargetError(f"the unbroken deployment can't be judged: {ended}")
        if wrong := [name for name in cases if judged.outcomes.get(name) is not Outcome.PASSED]:
            raise TargetError(
                f"the unbroken deployment does not pass {', '.join(wrong)}: nothing can be said of the mutants; "
                f"{wrong[0]}: {judged.messages.get(wrong[0])}"
            )
        return {name: judged.levels[name] for name in cases}

    def judge(self, mutant: Mutant, levels: dict[str, Level]) -> score.Finding:
        """Judge one mutant. Raises ``TargetError`` where it can't be made, or can't be taken back."""
        began = time.monotonic()
        if self.over.is_set():
            raise TargetError(f"mutant {mutant.name}: not tried any more")
        cases = tuple(case.id for case in self.cases[mutant.name])
        if not cases:
            return score.Finding(mutant.name, ())
        bench = mutant.laid_out(Bench(mutant.name))
        try:
            with making.made(bench, self.standing) as environment:
                target = f"profile:{making.PROFILE}"
                order = judging.Order(
                    target,
                    self.folder / mutant.name,
                    cases,
                    environment,
                    patience=self.patience * (HANGS if mutant.hangs else 1.0),
                )
                judged, _ = self._run(order, LIMIT_S)
        except making.NotTakenBack:
            self.over.set()
            raise
        failed = [name for name, outcome in judged.outcomes.items() if outcome is Outcome.FAILED and name in levels]
        said = "\n".join([judged.ended, *judged.messages.values()])
        if f"policy '{bench.made}'" in said:
            raise TargetError(f"mutant {mutant.name}: its policy does not fit the pods: {said.strip()}")
        if not failed and not judged.ended and Outcome.PASSED not in judged.outcomes.values():
            raise TargetError(f"mutant {mutant.name}: no check that claims it could judge: {said.strip()}")
        message = judged.messages[failed[0]] if failed else judged.ended
        return score.Finding(mutant.name, tuple(failed), judged.ended, time.monotonic() - began, message)

    def _run(self, order: judging.Order, seconds: float) -> tuple[judging.Judged, bool]:
        """What the judge found, and whether it came to its end by itself."""
        self.folder.mkdir(exist_ok=True)
        came = judging.wait(judging.start(order), seconds * self.patience, self.over.is_set, END_S)
        if self.over.is_set():
            raise TargetError(f"{order.folder.name}: interrupted")
        judged = judging.result(order.folder)
        return (judged if came else replace(judged, ended="")), came  # ended here: that is no word of the suite's


def claiming(mutant: Mutant, known: Iterable[Requirement]) -> tuple[Case, ...]:
    """The cases that say they kill the mutant: those without a launch, and those on its orchestrator."""
    return tuple(
        case
        for requirement in known
        if mutant.name in requirement.kills
        for case in requirement.cases
        if case.launch is None or case.launch.orchestrator == mutant.on
    )
