"""Waiting ends: with the first true value, or with a finding within its deadline."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from conformance import waiting
from conformance.waiting import DEADLINES, LOOK_S, Unsettled, Until, wait


class Clock:
    """A time that passes only while somebody sleeps."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.slept: list[float] = []

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr("tenacity.nap.time.sleep", made.sleep)
    monkeypatch.setattr("time.monotonic", lambda: made.now)
    return made


def counting(values: list[object]) -> Callable[[], object]:
    rest: Iterator[object] = iter(values)
    return lambda: next(rest)


def test_the_first_true_value_is_returned(clock: Clock) -> None:
    assert wait(counting([None, [], 0, "there", "never asked"]), "something", 30) == "there"
    assert clock.slept == [LOOK_S] * 3


def test_what_is_there_already_costs_no_wait(clock: Clock) -> None:
    assert Until()(lambda: "there", "something", within="settle") == "there"
    assert clock.slept == []


def test_after_the_deadline_it_is_a_finding_in_words(clock: Clock) -> None:
    with pytest.raises(Unsettled) as raised:
        Until()(lambda: False, "the pod runs", within="pod_start", explain=lambda: "no node is free")

    assert str(raised.value) == "the pod runs: not within 120 s. no node is free"
    assert isinstance(raised.value, AssertionError)
    assert DEADLINES["pod_start"] - 1 <= sum(clock.slept) <= DEADLINES["pod_start"] + 1


def test_without_an_explanation_the_sentence_ends(clock: Clock) -> None:
    with pytest.raises(Unsettled, match=r"^it: not within 0 s\.$"):
        wait(lambda: None, "it", 0)
    assert clock.slept == []


def test_the_explanation_is_asked_for_at_the_end_only(clock: Clock) -> None:
    asked: list[float] = []

    with pytest.raises(Unsettled):
        wait(lambda: None, "it", 5, lambda: asked.append(clock.now) or "so")  # type: ignore[func-returns-value]
    assert len(asked) == 1
    assert asked[0] >= 1000 + 5 - LOOK_S


def test_an_error_while_looking_is_not_waited_away(clock: Clock) -> None:
    def look() -> None:
        raise ConnectionError

    with pytest.raises(ConnectionError):
        wait(look, "it", 30)
    assert clock.slept == []


def test_an_unknown_deadline_is_an_error_not_a_finding() -> None:
    with pytest.raises(KeyError):
        Until()(lambda: True, "it", within="whenever")


def test_every_deadline_is_longer_than_a_look() -> None:
    assert all(seconds > waiting.LOOK_S for seconds in DEADLINES.values())
