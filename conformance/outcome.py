"""What can come of a check, and what follows from all outcomes together."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum, StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


class Level(StrEnum):
    """How binding a requirement is, in the sense of RFC 2119."""

    MUST = "MUST"
    SHOULD = "SHOULD"


class Outcome(StrEnum):
    """What came of one check."""

    PASSED = "passed"
    FAILED = "failed"
    NOT_SUPPORTED = "not-supported"
    BLOCKED = "blocked"
    ERROR = "error"
    EXPECTED_FAILURE = "expected-failure"
    STALE_EXPECTATION = "stale-expectation"


class Result(StrEnum):
    """What a run says of the deployment as a whole."""

    CONFORMANT = "conformant"
    NON_CONFORMANT = "non-conformant"
    INCONCLUSIVE = "inconclusive"


class Exit(IntEnum):
    """Exit codes of the command line."""

    CONFORMANT = 0
    NON_CONFORMANT = 1
    INCONCLUSIVE = 2
    THRESHOLD = 3
    USAGE = 4


@dataclass(frozen=True)
class Judgement:
    """One finished check, as far as the verdict looks at it."""

    id: str
    level: Level
    outcome: Outcome
    simulated: bool = False


@dataclass(frozen=True)
class Verdict:
    """The verdict of a run: its result, whether it can be certified, and why not."""

    result: Result
    certifiable: bool
    reasons: tuple[str, ...]

    @property
    def exit_code(self) -> Exit:
        """The exit code that says the same."""
        return {
            Result.CONFORMANT: Exit.CONFORMANT,
            Result.NON_CONFORMANT: Exit.NON_CONFORMANT,
            Result.INCONCLUSIVE: Exit.INCONCLUSIVE,
        }[self.result]


CONDEMNS = {Outcome.FAILED}
UNJUDGED = {Outcome.ERROR, Outcome.BLOCKED}
OPEN = {Outcome.NOT_SUPPORTED, Outcome.EXPECTED_FAILURE}


def judge(judgements: Iterable[Judgement], *, broken_off: str = "") -> Verdict:
    """Derive the verdict from every judgement of a run.

    A failed MUST or a stale expectation condemns the deployment, whatever else
    happened. Otherwise an unjudged MUST, a run that was broken off (``broken_off``
    says how) or one in which nothing passed leaves it open. SHOULD never decides.
    """
    rows = list(judgements)
    musts = [row for row in rows if row.level is Level.MUST]
    stale = [row for row in rows if row.outcome is Outcome.STALE_EXPECTATION]
    condemned = [row for row in musts if row.outcome in CONDEMNS]
    unjudged = [row for row in musts if row.outcome in UNJUDGED]
    opened = [row for row in musts if row.outcome in OPEN]
    stand_ins = [row for row in musts if row.outcome is Outcome.PASSED and row.simulated]

    reasons = [
        *_reason(condemned, "failed"),
        *_reason(stale, "passed though listed as an expected failure"),
        *([broken_off] if broken_off else []),
        *_reason(unjudged, "could not be judged"),
        *_reason(opened, "not supported or expected to fail"),
        *_reason(stand_ins, "judged on a simulated part"),
    ]
    if condemned or stale:
        result = Result.NON_CONFORMANT
    elif broken_off or unjudged:
        result = Result.INCONCLUSIVE
    elif not any(row.outcome is Outcome.PASSED for row in rows):
        result = Result.INCONCLUSIVE
        reasons.append("no check passed: nothing was judged")
    else:
        result = Result.CONFORMANT
    return Verdict(result, certifiable=result is Result.CONFORMANT and not reasons, reasons=tuple(reasons))


def _reason(rows: list[Judgement], what: str) -> list[str]:
    """One sentence on the rows, naming each requirement once."""
    if not rows:
        return []
    ids = sorted({row.id for row in rows})
    return [f"{what}: {', '.join(ids)}"]
