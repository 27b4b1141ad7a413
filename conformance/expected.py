"""Failures that are known: each listed with its reason, and loud when it no longer happens."""

from __future__ import annotations

import fnmatch
import tomllib
from dataclasses import dataclass
from pathlib import Path

from conformance.errors import UsageError
from conformance.outcome import Outcome


@dataclass(frozen=True)
class Expectation:
    """Cases (a glob of case IDs) that are known to fail, and why."""

    id: str
    reason: str


def read(path: Path) -> tuple[Expectation, ...]:
    """The expectations of a TOML file: tables ``[[expected]]`` with ``id`` and ``reason``.

    Raises ``UsageError`` naming the file and what is wrong with it.
    """
    try:
        loaded = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise UsageError(f"{path}: not a readable list of expected failures: {error}") from None
    entries = loaded.get("expected", [])
    for number, entry in enumerate(entries, start=1):
        if set(entry) != {"id", "reason"} or not all(isinstance(v, str) and v.strip() for v in entry.values()):
            raise UsageError(f"{path}: entry {number} of [[expected]] needs just `id` and `reason`, each a text")
    return tuple(Expectation(**entry) for entry in entries)


def apply(outcome: Outcome, case_id: str, expectations: tuple[Expectation, ...]) -> tuple[Outcome, str]:
    """The outcome in the light of what was expected, and the reason of the expectation that matched."""
    match = next((e for e in expectations if fnmatch.fnmatchcase(case_id, e.id)), None)
    if match is None or outcome not in (Outcome.PASSED, Outcome.FAILED):
        return outcome, ""
    changed = Outcome.EXPECTED_FAILURE if outcome is Outcome.FAILED else Outcome.STALE_EXPECTATION
    return changed, match.reason
