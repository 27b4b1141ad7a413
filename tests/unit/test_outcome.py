"""The verdict: what condemns, what leaves open, what keeps from being certified."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conformance.outcome import Exit, Judgement, Level, Outcome, Result, judge

MUST, SHOULD = Level.MUST, Level.SHOULD
PASS = Judgement("META-001", MUST, Outcome.PASSED)

judgements = st.lists(
    st.builds(
        Judgement,
        id=st.sampled_from(["META-001", "META-002", "FLOW-001/linear@argo", "GPU-001"]),
        level=st.sampled_from(Level),
        outcome=st.sampled_from(Outcome),
        simulated=st.booleans(),
    ),
    max_size=12,
)
broken = st.sampled_from(["", "interrupted by Ctrl-C"])


@pytest.mark.parametrize(
    ("level", "outcome", "result", "certifiable"),
    [
        (MUST, Outcome.PASSED, Result.CONFORMANT, True),
        (MUST, Outcome.FAILED, Result.NON_CONFORMANT, False),
        (MUST, Outcome.NOT_SUPPORTED, Result.CONFORMANT, False),
        (MUST, Outcome.BLOCKED, Result.INCONCLUSIVE, False),
        (MUST, Outcome.ERROR, Result.INCONCLUSIVE, False),
        (MUST, Outcome.EXPECTED_FAILURE, Result.CONFORMANT, False),
        (MUST, Outcome.STALE_EXPECTATION, Result.NON_CONFORMANT, False),
        (SHOULD, Outcome.PASSED, Result.CONFORMANT, True),
        (SHOULD, Outcome.FAILED, Result.CONFORMANT, True),
        (SHOULD, Outcome.NOT_SUPPORTED, Result.CONFORMANT, True),
        (SHOULD, Outcome.BLOCKED, Result.CONFORMANT, True),
        (SHOULD, Outcome.ERROR, Result.CONFORMANT, True),
        (SHOULD, Outcome.EXPECTED_FAILURE, Result.CONFORMANT, True),
        (SHOULD, Outcome.STALE_EXPECTATION, Result.NON_CONFORMANT, False),
    ],
)
def test_one_outcome_beside_a_pass(level: Level, outcome: Outcome, result: Result, *, certifiable: bool) -> None:
    verdict = judge([PASS, Judgement("X-001", level, outcome)])

    assert (verdict.result, verdict.certifiable) == (result, certifiable)
    assert bool(verdict.reasons) is not certifiable


def test_a_failed_must_weighs_more_than_a_run_broken_off() -> None:
    verdict = judge([Judgement("META-001", MUST, Outcome.FAILED)], broken_off="interrupted by Ctrl-C")

    assert verdict.result is Result.NON_CONFORMANT
    assert verdict.reasons == ("failed: META-001", "interrupted by Ctrl-C")


def test_a_run_broken_off_is_inconclusive_though_all_passed() -> None:
    verdict = judge([PASS], broken_off="interrupted by Ctrl-C")

    assert verdict.result is Result.INCONCLUSIVE
    assert not verdict.certifiable


@pytest.mark.parametrize("outcome", [o for o in Outcome if o is not Outcome.PASSED])
@pytest.mark.parametrize("level", Level)
def test_without_a_pass_nothing_is_conformant(level: Level, outcome: Outcome) -> None:
    assert judge([Judgement("META-001", level, outcome)]).result is not Result.CONFORMANT


def test_nothing_judged_is_inconclusive_and_says_so() -> None:
    verdict = judge([])

    assert verdict.result is Result.INCONCLUSIVE
    assert verdict.reasons == ("no check passed: nothing was judged",)


def test_what_passed_on_a_stand_in_is_conformant_but_not_certifiable() -> None:
    verdict = judge([PASS, Judgement("GPU-001", MUST, Outcome.PASSED, simulated=True)])

    assert (verdict.result, verdict.certifiable) == (Result.CONFORMANT, False)
    assert verdict.reasons == ("judged on a simulated part: GPU-001",)


def test_a_should_on_a_stand_in_does_not_hinder_certification() -> None:
    assert judge([PASS, Judgement("GPU-001", SHOULD, Outcome.PASSED, simulated=True)]).certifiable


def test_a_reason_names_each_requirement_once_in_order() -> None:
    rows = [Judgement(name, MUST, Outcome.FAILED) for name in ("B-001", "A-001", "B-001")]

    assert judge(rows).reasons == ("failed: A-001, B-001",)


@pytest.mark.parametrize(
    ("result", "code"),
    [(Result.CONFORMANT, 0), (Result.NON_CONFORMANT, 1), (Result.INCONCLUSIVE, 2)],
)
def test_exit_codes_are_those_of_the_contract(result: Result, code: int) -> None:
    rows = {
        Result.CONFORMANT: [PASS],
        Result.NON_CONFORMANT: [Judgement("META-001", MUST, Outcome.FAILED)],
        Result.INCONCLUSIVE: [],
    }[result]

    assert judge(rows).exit_code == code
    assert (Exit.THRESHOLD, Exit.USAGE) == (3, 4)


@given(judgements, broken)
def test_a_failed_must_always_condemns(rows: list[Judgement], broken_off: str) -> None:
    failed = [*rows, Judgement("X-001", MUST, Outcome.FAILED)]

    assert judge(failed, broken_off=broken_off).result is Result.NON_CONFORMANT


@given(judgements, broken, st.randoms())
def test_order_does_not_matter(rows: list[Judgement], broken_off: str, chance: random.Random) -> None:
    shuffled = list(rows)
    chance.shuffle(shuffled)

    assert judge(shuffled, broken_off=broken_off) == judge(rows, broken_off=broken_off)


@given(judgements, broken, st.sampled_from([Outcome.ERROR, Outcome.BLOCKED, Outcome.NOT_SUPPORTED]))
def test_what_is_not_judged_never_improves_a_verdict(rows: list[Judgement], broken_off: str, outcome: Outcome) -> None:
    rank = [Result.CONFORMANT, Result.INCONCLUSIVE, Result.NON_CONFORMANT]
    before = judge(rows, broken_off=broken_off)
    after = judge([*rows, Judgement("X-001", MUST, outcome)], broken_off=broken_off)

    assert rank.index(after.result) >= rank.index(before.result)
    assert not after.certifiable


@given(judgements, broken)
def test_certifiable_means_conformant_without_a_reservation(rows: list[Judgement], broken_off: str) -> None:
    verdict = judge(rows, broken_off=broken_off)

    if verdict.certifiable:
        assert verdict.result is Result.CONFORMANT
        assert not verdict.reasons
    else:
        assert verdict.reasons


@given(judgements, broken)
def test_should_never_decides(rows: list[Judgement], broken_off: str) -> None:
    musts = [row for row in rows if row.level is MUST or row.outcome is Outcome.STALE_EXPECTATION]
    whole, part = judge([PASS, *rows], broken_off=broken_off), judge([PASS, *musts], broken_off=broken_off)

    assert whole == part
