"""The one place that waits: for a condition, within a named deadline."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import tenacity

T = TypeVar("T")

DEADLINES: dict[str, float] = {
    "answer": 10,
    "call": 30,
    "unavailable": 30,
    "client_patience": 20,
    "beat_accepted": 70,
    "tags": 20,
    "settle": 30,
    "pod_start": 120,
    "workflow_picked_up": 60,
    "workflow_end": 120,
    "launch": 1800,
}
"""Seconds. A slow cluster changes this table, not fifty checks."""

LOOK_S = 0.5


class Unsettled(AssertionError):
    """What was awaited did not come within its deadline: a finding on the product."""


class Until:
    """``until(condition, "what is awaited", within="pod_start")`` returns the condition's first true value."""

    def __init__(self, patience: float = 1.0) -> None:
        self.patience = patience

    def __call__(self, condition: Callable[[], T], awaited: str, *, within: str, explain: Callable[[], str] = str) -> T:
        """Wait for ``condition`` to give something true, and return it.

        Raises ``Unsettled`` after the deadline ``within`` (a name in ``DEADLINES``), with what ``explain``
        says of how things stand by then.
        """
        return wait(condition, awaited, self.limit(within), explain)

    def limit(self, within: str) -> float:
        """The deadline of that name, in seconds: for what has happened already."""
        return DEADLINES[within] * self.patience


def wait(condition: Callable[[], T], awaited: str, seconds: float, explain: Callable[[], str] = str) -> T:
    """Wait up to ``seconds`` for ``condition`` to give something true. Raises ``Unsettled``."""

    def unsettled(_state: Any) -> T:
        raise Unsettled(f"{awaited}: not within {seconds:.0f} s. {explain()}".strip())

    return tenacity.Retrying(
        stop=tenacity.stop_after_delay(seconds),
        wait=tenacity.wait_fixed(LOOK_S),
        retry=tenacity.retry_if_result(lambda value: not value),
        retry_error_callback=unsettled,
    )(condition)
