"""What the trial says of the suite: which mutants it killed, and which checks killed none. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from conformance.outcome import Level

RUN = "run"
"""The level of a kill that no check made: the run itself ended without a verdict."""


@dataclass(frozen=True)
class Finding:
    """What came of one mutant.

    ``killers``: the checks that passed on the unbroken service and failed here, or could not be judged.
    ``ended``: how the run ended before its verdict, in words; empty where it did not. ``message``: what the first of
    the killers says.
    """

    mutant: str
    killers: tuple[str, ...]
    ended: str = ""
    duration_s: float = 0.0
    message: str = ""


def level_of(finding: Finding, levels: Mapping[str, Level]) -> str | None:
    """What killed it: ``MUST`` before ``SHOULD`` before ``run``; None for a survivor."""
    for level in (Level.MUST, Level.SHOULD):
        if any(levels[check] is level for check in finding.killers):
            return level.value
    return RUN if finding.ended else None


def score(
    findings: Iterable[Finding],
    levels: Mapping[str, Level],
    claims: Mapping[str, Collection[str]],
    defects: Mapping[str, str],
    digest: str,
) -> dict[str, Any]:
    """The part ``mutation`` of the report. ``levels``: every check that passed on the unbroken service.

    ``unkept`` are the ``claims`` of checks (mutants that they say they kill) which did not come true. ``idle`` are
    the checks that killed none, by level; empty unless the whole catalogue (``defects``) was tried.
    """
    rows = sorted(findings, key=lambda finding: finding.mutant)
    by = {finding.mutant: level_of(finding, levels) for finding in rows}
    useful = {check for finding in rows for check in finding.killers}
    whole = set(by) == set(defects)
    return {
        "catalogue_digest": digest,
        "total": len(rows),
        "killed": sum(level is not None for level in by.values()),
        "survived": [name for name, level in by.items() if level is None],
        "by_level": {level: sum(found == level for found in by.values()) for level in (*Level, RUN)},
        "whole": whole,
        "idle": {
            level.value: sorted(c for c in levels if levels[c] is level and c not in useful) if whole else []
            for level in Level
        },
        "unkept": {
            check: unkept
            for check, names in sorted(claims.items())
            if (unkept := [f.mutant for f in rows if f.mutant in names and not f.ended and check not in f.killers])
        },
        "mutants": [
            {
                "name": finding.mutant,
                "defect": defects[finding.mutant],
                "level": by[finding.mutant],
                "killers": sorted(finding.killers),
                "ended": finding.ended,
                "message": finding.message,
                "duration_s": round(finding.duration_s, 1),
            }
            for finding in rows
        ],
    }
