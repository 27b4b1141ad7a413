"""A trial: what is recorded, and how it ends, with a court that knows its findings beforehand."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from conformance.errors import TargetError, UsageError
from conformance.mutants import catalogue, trial
from conformance.mutants.score import Finding
from conformance.outcome import Exit, Level
from conformance.record import read

NAMES = ("attempt-first", "attempt-ignored")


class Court:
    """Finds what ``FINDINGS`` says."""

    findings: dict[str, Any] = {}  # noqa: RUF012 - replaced by each test
    baseline_error: BaseException | None = None

    def __init__(self) -> None:
        self.claims: dict[str, tuple[str, ...]] = {}
        self.unclaimed = ("META-009",)
        self.over = Event()

    @staticmethod
    def rounds(chosen: Sequence[catalogue.Mutant], lanes: int | None) -> list[Any]:
        return [[(chosen[:1], lanes or 1)], [(chosen[1:], 1)]]

    def baseline(self) -> dict[str, Level]:
        if self.baseline_error:
            raise self.baseline_error
        return {"META-001": Level.MUST}

    def judge(self, mutant: catalogue.Mutant, levels: dict[str, Level]) -> Finding:
        del levels
        found = self.findings[mutant.name]
        if isinstance(found, BaseException):
            raise found
        return Finding(mutant.name, found)


@pytest.fixture
def court(monkeypatch: pytest.MonkeyPatch) -> type[Court]:
    court = type("AnyCourt", (Court,), {})
    monkeypatch.setattr(trial, "_court", lambda *_: nullcontext(court()))
    return court


def run(folder: Path, area: str = "metadata") -> tuple[Path, Exit]:
    plan = trial.Plan((area,), NAMES, matrix=False, workers=2, output=folder, command=("mfconf", "mutants"))
    return trial.run(plan, trial.Watcher())


def test_all_killed(court: type[Court], tmp_path: Path) -> None:
    court.findings = dict.fromkeys(NAMES, ("META-001",))

    folder, code = run(tmp_path)

    assert code is Exit.CONFORMANT
    mutation = next(event["mutation"] for event in read(folder) if event["type"] == "mutation.finished")
    assert (mutation["killed"], mutation["total"], mutation["whole"]) == (2, 2, False)
    assert mutation["unclaimed"] == ["META-009"]


def test_a_survivor(court: type[Court], tmp_path: Path) -> None:
    court.findings = {NAMES[0]: ("META-001",), NAMES[1]: ()}

    folder, code = run(tmp_path)

    assert code is Exit.NON_CONFORMANT
    assert read(folder)[-2]["mutation"]["survived"] == [NAMES[1]]


def test_a_broken_mutant_is_no_kill(court: type[Court], tmp_path: Path) -> None:
    court.findings = {NAMES[0]: ("META-001",), NAMES[1]: TargetError("mutant attempt-ignored: does not start")}

    _, code = run(tmp_path)

    assert code is Exit.INCONCLUSIVE
    *_, tried, ended = read(tmp_path)
    assert ended["broken_off"] == "1 mutants could not be tried: mutant attempt-ignored: does not start"
    assert (tried["mutation"]["killed"], tried["mutation"]["total"]) == (1, 1)


def test_an_unbroken_service_that_fails_ends_the_trial(court: type[Court], tmp_path: Path) -> None:
    court.baseline_error = TargetError("the unbroken service does not pass META-001")

    with pytest.raises(TargetError, match="META-001"):
        run(tmp_path)


def test_an_interrupted_trial_is_inconclusive(court: type[Court], tmp_path: Path) -> None:
    court.baseline_error = KeyboardInterrupt()

    _, code = run(tmp_path)

    assert code is Exit.INCONCLUSIVE


def test_a_matrix_is_of_services_alone(tmp_path: Path) -> None:
    plan = trial.Plan(("gpu",), (), matrix=True, workers=None, output=tmp_path, command=("mfconf", "mutants"))

    with pytest.raises(UsageError, match="--matrix"):
        trial.run(plan, trial.Watcher())


@pytest.mark.usefixtures("court")
def test_an_area_without_mutants(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="--area argo"):
        run(tmp_path, "argo")
