"""From single requests to percentiles, by operation and over time."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Sample:
    """One request: its operation, when it began (s since the start), how long it took (ms), whether it worked."""

    operation: str
    at_s: float
    ms: float
    ok: bool


def percentile(values: Sequence[float], percent: float) -> float:
    """The smallest value that at least ``percent`` of all do not exceed. Raises ``ValueError`` for no values."""
    if not values:
        raise ValueError("no values to take a percentile of")
    ordered = sorted(values)
    return ordered[max(0, math.ceil(len(ordered) * percent / 100) - 1)]


def failure_percent(samples: Sequence[Sample]) -> float:
    """How many of a hundred requests failed."""
    return 100 * sum(not sample.ok for sample in samples) / len(samples)


def rate(samples: Sequence[Sample]) -> float:
    """Requests that worked, a second, over the time that they span (at least one second)."""
    span = max(sample.at_s for sample in samples) - min(sample.at_s for sample in samples)
    return sum(sample.ok for sample in samples) / max(span, 1)


def operations(samples: Sequence[Sample]) -> list[dict[str, Any]]:
    """A row for each operation: requests, failures, p50, p95, p99 and maximum in ms."""
    rows = []
    for name in sorted({sample.operation for sample in samples}):
        mine = [sample for sample in samples if sample.operation == name]
        rows.append(
            {
                "name": name,
                "requests": len(mine),
                "failures": sum(not sample.ok for sample in mine),
                **_percentiles(mine),
                "max_ms": round(max(sample.ms for sample in mine), 1),
            }
        )
    return rows


def timeline(samples: Sequence[Sample]) -> list[dict[str, Any]]:
    """A point for each second in which requests began: how many, and p50, p95, p99 in ms."""
    seconds: dict[int, list[Sample]] = {}
    for sample in samples:
        seconds.setdefault(int(sample.at_s), []).append(sample)
    return [
        {"at_s": second, "requests": len(mine), "failures": sum(not sample.ok for sample in mine), **_percentiles(mine)}
        for second, mine in sorted(seconds.items())
    ]


def _percentiles(samples: Sequence[Sample]) -> dict[str, float]:
    times = [sample.ms for sample in samples]
    return {f"p{percent}_ms": round(percentile(times, percent), 1) for percent in (50, 95, 99)}
