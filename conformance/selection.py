"""Which cases a run judges: by profile, area and ID, and by what the target has."""

from __future__ import annotations

import difflib
import fnmatch
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from conformance.errors import UsageError
from conformance.requirement import NEEDS, Case, Launch, Profile, Requirement


@dataclass(frozen=True)
class Selection:
    """``cases`` are judged; ``unsupported`` could not apply, each with the reason."""

    cases: tuple[Case, ...]
    unsupported: tuple[tuple[Case, str], ...]

    @property
    def launches(self) -> tuple[Launch, ...]:
        """Every launch that a selected case judges, once."""
        return tuple(sorted({case.launch for case in self.cases if case.launch}))


def select(
    requirements: Iterable[Requirement],
    *,
    profile: Profile,
    areas: Collection[str] = (),
    only: Collection[str] = (),
    capabilities: Collection[str],
) -> Selection:
    """Choose cases. ``only`` are globs of requirement or case IDs, which override the profile.

    Raises ``UsageError`` where an area or ID is unknown, or nothing is left to judge.
    """
    known = tuple(requirements)
    _check_areas(areas, known)
    check_ids(only, known, "--only")
    chosen = [
        case
        for requirement in known
        for case in requirement.cases
        if (not areas or requirement.area in areas)
        and (matches(case, only) if only else profile.includes(case.profile))
    ]
    cases, unsupported = [], []
    for case in chosen:
        missing = sorted(case.needs - set(capabilities))
        if missing:
            unsupported.append((case, f"not tested: the target has not {'; not '.join(NEEDS[n] for n in missing)}"))
        else:
            cases.append(case)
    if not cases:
        why = f": {unsupported[0][1]}" if unsupported else ""
        raise UsageError(f"nothing selected that this target can be judged by{why}; see mfconf list")
    return Selection(tuple(cases), tuple(unsupported))


def matches(case: Case, globs: Collection[str]) -> bool:
    """Tell whether a glob means the case, by its own ID or its requirement's."""
    return any(fnmatch.fnmatchcase(name, glob) for glob in globs for name in (case.id, case.requirement.id))


def _check_areas(areas: Collection[str], known: tuple[Requirement, ...]) -> None:
    there = sorted({requirement.area for requirement in known})
    for area in areas:
        if area not in there:
            raise UsageError(f"--area {area}: unknown{_did_you_mean(area, there)}; areas: {', '.join(there)}")


def check_ids(globs: Collection[str], known: Iterable[Requirement], where: str) -> None:
    """Raise ``UsageError`` for a glob that means no case; ``where`` says whence it came."""
    cases = [case for requirement in known for case in requirement.cases]
    for glob in globs:
        if not any(matches(case, [glob]) for case in cases):
            ids = sorted({name for case in cases for name in (case.requirement.id, case.id)})
            raise UsageError(f"{where} {glob}: no check has this ID{_did_you_mean(glob, ids)}; see mfconf list")


def _did_you_mean(word: str, choices: Collection[str]) -> str:
    plain = {choice.casefold(): choice for choice in choices}
    close = difflib.get_close_matches(word.casefold(), plain, n=1)
    return f", did you mean {plain[close[0]]}?" if close else ""


def find(requirements: Iterable[Requirement], name: str) -> Requirement:
    """The requirement with this ID. Raises ``UsageError`` with the nearest one otherwise."""
    known = {requirement.id: requirement for requirement in requirements}
    wanted = name.split("/", maxsplit=1)[0].upper()
    if wanted not in known:
        raise UsageError(f"{name}: no check has this ID{_did_you_mean(wanted, known)}; see mfconf list")
    return known[wanted]
