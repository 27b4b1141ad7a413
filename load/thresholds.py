"""Thresholds: ``failures < 0.1 %``, ``p95 < 500 ms``, ``p99(register a task) < 800 ms``, ``rate > 20 /s``."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from load.measures import Sample, failure_percent, percentile, rate

FORM = re.compile(
    r"(?P<measure>failures|rate|p\d{1,2}(?:\.\d+)?)(?:\((?P<operation>[^)]+)\))?\s*(?P<sign>[<>])\s*"
    r"(?P<limit>\d+(?:\.\d+)?)\s*(?P<unit>%|ms|/s)"
)
UNITS = {"failures": "%", "rate": "/s"}


def check(expression: str) -> re.Match[str]:
    """The parts of a threshold. Raises ``ValueError`` for one that can't be understood."""
    found = FORM.fullmatch(expression.strip())
    if not found or found["unit"] != UNITS.get(found["measure"], "ms"):
        raise ValueError(
            f"threshold {expression!r}: not of a form like 'p95 < 500 ms', 'failures < 0.1 %', 'rate > 20 /s'"
        )
    return found


def judge(expression: str, samples: Sequence[Sample]) -> dict[str, Any]:
    """``expr``, ``want``, ``got`` (with unit) and ``ok``. A threshold on nothing is broken.

    Raises ``ValueError`` for an expression that can't be understood.
    """
    parts = check(expression)
    chosen = [sample for sample in samples if not parts["operation"] or sample.operation == parts["operation"]]
    want = f"{parts['sign']} {parts['limit']} {parts['unit']}"
    if not chosen:
        return {"expr": expression, "want": want, "got": "nothing measured", "ok": False}
    got = _measure(parts["measure"], chosen)
    limit = float(parts["limit"])
    kept = got < limit if parts["sign"] == "<" else got > limit
    return {"expr": expression, "want": want, "got": f"{got:.4g} {parts['unit']}", "ok": kept}


def _measure(name: str, samples: Sequence[Sample]) -> float:
    if name == "failures":
        return failure_percent(samples)
    if name == "rate":
        return rate(samples)
    return percentile([sample.ms for sample in samples], float(name[1:]))
