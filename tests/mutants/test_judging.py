"""A judge is waited for, and ended where nobody waits any more."""

from __future__ import annotations

import pytest

from conformance.mutants import judging


class Child:
    """A judge that ends when it is told to."""

    def __init__(self) -> None:
        self.alive = True
        self.told: list[str] = []

    def is_alive(self) -> bool:
        return self.alive

    def join(self, seconds: float | None = None) -> None:
        del seconds

    def terminate(self) -> None:
        self.told.append("terminate")
        self.alive = False


def test_a_judge_that_takes_too_long_is_ended() -> None:
    child = Child()

    assert not judging.wait(child, 1.0, lambda: False)  # type: ignore[arg-type]
    assert child.told == ["terminate"]


def test_a_judge_that_has_ended_is_left_alone() -> None:
    child = Child()
    child.alive = False

    assert judging.wait(child, 1.0, lambda: False)  # type: ignore[arg-type]
    assert not child.told


def test_a_judge_is_ended_where_the_wait_is_interrupted() -> None:
    child = Child()

    def interrupted() -> bool:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        judging.wait(child, 1.0, interrupted)  # type: ignore[arg-type]
    assert child.told == ["terminate"]
