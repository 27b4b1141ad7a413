"""Who killed whom, and what follows."""

from __future__ import annotations

from typing import Any

from conformance.mutants.score import Finding, level_of, score
from conformance.outcome import Exit, Level
from conformance.record import exit_code

LEVELS = {"META-001": Level.MUST, "META-002": Level.SHOULD, "META-003": Level.MUST}
DEFECTS = {"one-bad": "One.", "two-bad": "Two."}


def scored(*findings: Finding, claims: dict[str, tuple[str, ...]] | None = None) -> dict[str, Any]:
    return score(findings, LEVELS, claims or {}, DEFECTS, "digest")


def code(mutation: dict[str, Any]) -> Exit:
    return exit_code([{"type": "mutation.finished", "mutation": mutation}, {"type": "run.finished", "broken_off": ""}])


def test_must_counts_before_should_and_should_before_an_end() -> None:
    assert level_of(Finding("one-bad", ("META-002", "META-001"), "died"), LEVELS) == "MUST"
    assert level_of(Finding("one-bad", ("META-002",), "died"), LEVELS) == "SHOULD"
    assert level_of(Finding("one-bad", (), "died"), LEVELS) == "run"
    assert level_of(Finding("one-bad", ()), LEVELS) is None


def test_survivors_and_idle_checks_are_named() -> None:
    found = scored(Finding("two-bad", ()), Finding("one-bad", ("META-001",)))

    assert (found["killed"], found["total"], found["survived"]) == (1, 2, ["two-bad"])
    assert found["by_level"] == {"MUST": 1, "SHOULD": 0, "run": 0}
    assert found["idle"] == {"MUST": ["META-003"], "SHOULD": ["META-002"]}
    assert code(found) is Exit.NON_CONFORMANT


def test_all_killed_by_every_must_is_sound() -> None:
    found = scored(Finding("two-bad", ("META-003",)), Finding("one-bad", ("META-001",)))

    assert found["idle"]["SHOULD"] == ["META-002"]
    assert code(found) is Exit.CONFORMANT


def test_an_idle_must_is_not_sound() -> None:
    found = scored(Finding("two-bad", ("META-001",)), Finding("one-bad", ("META-001",)))

    assert code(found) is Exit.NON_CONFORMANT


def test_a_part_of_the_catalogue_says_nothing_of_idle_checks() -> None:
    found = scored(Finding("one-bad", ("META-001",)))

    assert not found["whole"]
    assert found["idle"] == {"MUST": [], "SHOULD": []}
    assert code(found) is Exit.CONFORMANT


def test_claims_that_do_not_come_true_are_named() -> None:
    claims = {"META-001": ("one-bad", "two-bad"), "META-003": ("two-bad",)}
    found = scored(Finding("one-bad", ("META-001",)), Finding("two-bad", ("META-003",)), claims=claims)

    assert found["unkept"] == {"META-001": ["two-bad"]}
