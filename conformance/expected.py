"""Failures that are known: each listed with its reason, and loud when it no longer happens."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from conformance.errors import UsageError
from conformance.outcome import Outcome
from conformance.requirement import Case, Requirement
from conformance.selection import check_ids, matches


@dataclass(frozen=True)
class Expectation:
    """Cases (a glob of requirement or case IDs, as ``--only`` takes) that are known to fail, and why."""

    id: str
    reason: str


def read(path: Path, known: Iterable[Requirement]) -> tuple[Expectation, ...]:
    """The expectations of a TOML file: tables ``[[expected]]`` with ``id`` and ``reason``.

    Raises ``UsageError`` naming the file and what is wrong with it, also where an ``id`` means none of ``known``.
    """
    try:
        loaded = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise UsageError(f"{path}: not a readable list of expected failures: {error}") from None
    entries = loaded.pop("expected", [])
    if loaded or not isinstance(entries, list):
        raise UsageError(f"{path}: just tables [[expected]] are needed, each with `id` and `reason`")
    for number, entry in enumerate(entries, start=1):
        if not _usable(entry):
            raise UsageError(f"{path}: entry {number} of [[expected]] needs just `id` and `reason`, each a text")
    check_ids([entry["id"] for entry in entries], known, f"{path}: id")
    return tuple(Expectation(**entry) for entry in entries)


def _usable(entry: object) -> bool:
    if not isinstance(entry, dict) or set(entry) != {"id", "reason"}:
        return False
    return all(isinstance(value, str) and value.strip() for value in entry.values())


def apply(outcome: Outcome, case: Case, expectations: tuple[Expectation, ...]) -> tuple[Outcome, str]:
    """The outcome in the light of what was expected, and the reason of the expectation that matched."""
    match = next((e for e in expectations if matches(case, [e.id])), None)
    if match is None or outcome not in (Outcome.PASSED, Outcome.FAILED):
        return outcome, ""
    changed = Outcome.EXPECTED_FAILURE if outcome is Outcome.FAILED else Outcome.STALE_EXPECTATION
    return changed, match.reason
