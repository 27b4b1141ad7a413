"""What a concurrent history may look like, and what it may not."""

from __future__ import annotations

from typing import Any

import pytest

from conformance.model.history import Event, Finding, judge, linearizable

BASE = frozenset({"base"})


def event(began: float, ended: float, client: int = 0, **told: Any) -> Event:
    return Event(client, f"call at {began}", began, ended, **told)


def added(began: float, ended: float, tag: str, shown: str) -> Event:
    """A mutation that adds ``tag``, and the tags that its answer shows."""
    return event(began, ended, tags=frozenset(shown.split()), changes=(frozenset({tag}), frozenset()))


def seen(began: float, ended: float, shown: str) -> Event:
    return event(began, ended, tags=frozenset(shown.split()))


def found(*events: Event, at_the_end: tuple[Event, ...] = ()) -> Finding | None:
    return judge(events, BASE, at_the_end)


@pytest.mark.parametrize(
    ("events", "possible"),
    [
        ([seen(0, 1, "base")], True),
        ([seen(0, 1, "")], False),
        ([added(0, 5, "a", "base a"), seen(1, 2, "base"), seen(3, 4, "base a")], True),
        ([added(0, 5, "a", "base a"), seen(1, 2, "base a"), seen(3, 4, "base")], False),
        ([added(0, 5, "a", "base a"), added(0, 5, "b", "base a b")], True),
        ([added(0, 5, "a", "base a"), added(0, 5, "b", "base b")], False),
        ([added(0, 1, "a", "base a"), seen(2, 3, "base")], False),
    ],
)
def test_tags_have_an_order_or_not(events: list[Event], *, possible: bool) -> None:
    assert linearizable(events, BASE) is possible
    assert (found(*events) is None) is possible


def test_what_was_kept_is_shown_from_then_on() -> None:
    write = event(0, 1, adds={"tasks": ("7",)})

    assert found(write, event(2, 3, sees={"tasks": ("7",)})) is None
    assert found(write, event(0.5, 3, sees={"tasks": ()})) is None
    lost = found(write, event(2, 3, sees={"tasks": ()}))
    assert lost == Finding(
        "tasks", "client 0: call at 2: 7 is not there, 1000 ms after client 0 was told that it is kept"
    )


@pytest.mark.parametrize(
    ("events", "what"),
    [
        (
            [event(0, 9, adds={"tasks": ("7",)}), event(1, 2, sees={"tasks": ("7",)}), event(3, 4, sees={"tasks": ()})],
            "back",
        ),
        ([event(5, 9, adds={"tasks": ("7",)}), event(1, 2, sees={"tasks": ("7",)})], "before client 0 wrote it"),
        ([event(1, 2, sees={"tasks": ("7",)})], "no client was told"),
        ([event(0, 1, adds={"tasks": ("7",)}), event(2, 3, sees={"tasks": ("7", "7")})], "is there 2 times"),
        ([event(0, 1, claims={"steps a": True}), event(0, 1, claims={"steps a": True})], "told they made it"),
        ([event(0, 1, claims={"steps a": False})], "0 were told"),
        ([event(0, 1, ids=("task 7",)), event(2, 3, ids=("task 7",))], "the number task 7 was given 2 times"),
        ([event(0, 1, raises={"attempts": 3}), event(2, 3, tops={"attempts": 2})], "attempt 2 is shown as the latest"),
        ([event(0, 1, tops={"attempts": 2})], "before any client wrote it"),
        ([event(0, 1, beats={"run": 90}), event(2, 3, beats={"run": 80})], "went back from 90 to 80"),
        ([event(0, 1, odd="status 500 instead of 200")], "status 500"),
    ],
)
def test_an_impossible_history_is_found(events: list[Event], what: str) -> None:
    finding = found(*events)

    assert finding is not None
    assert what in finding.line


@pytest.mark.parametrize(
    "events",
    [
        [event(0, 9, adds={"tasks": ("7",)}), event(1, 2, sees={"tasks": ()}), event(3, 4, sees={"tasks": ("7",)})],
        [event(0, 9, adds={"tasks": ("7",)}), event(1, 4, sees={"tasks": ("7",)}), event(3, 5, sees={"tasks": ()})],
        [event(0, 1, claims={"steps a": True}), event(0, 1, claims={"steps a": False})],
        [event(0, 9, raises={"attempts": 3}), event(1, 2, tops={"attempts": 3}), event(1, 3, tops={"attempts": -1})],
        [event(0, 1, beats={"run": 90}), event(2, 3, beats={"run": 89})],
    ],
)
def test_a_possible_history_is_not_accused(events: list[Event]) -> None:
    assert found(*events) is None


def test_what_was_kept_is_there_at_the_end() -> None:
    writes = [event(0, 9, adds={"tasks": ("7", "8")})]

    lost = found(*writes, at_the_end=(event(9, 10, 4, sees={"tasks": ("8",)}),))

    assert lost is not None
    assert "1 of 2 acknowledged are not there at the end, such as 7" in lost.line
