"""A mutant: a sound service or deployment with one thing wrong, and a name for it."""

from __future__ import annotations

import fnmatch
import hashlib
import importlib
import inspect
import pkgutil
import re
from collections.abc import Callable, Collection
from dataclasses import dataclass
from functools import cache
from typing import Any, TypeVar

from conformance.errors import UsageError

METADATA = "metadata"
DEPLOYMENT = ("compute", "gpu", "security")
PACKAGES = {METADATA: "conformance.mutants.metadata"} | dict.fromkeys(DEPLOYMENT, "conformance.mutants.deployment")
"""Where the mutants of each area stand."""

NAME_FORM = re.compile(r"[a-z0-9]+(-[a-z0-9]+)+")

Bench = TypeVar("Bench")
Break = TypeVar("Break", bound=Callable[[Any], None])

DECLARED: list[Mutant] = []


@dataclass(frozen=True)
class Mutant:
    """``break_`` breaks what is on its bench, its docstring (``defect``) says how; ``family``: the module it is in.

    ``dies``: the service's process is meant to end by itself, so its end is no fault of the trial. ``on``: the
    orchestrator whose runs show the defect of a deployment. ``hangs``: its runs never end by themselves.
    """

    name: str
    defect: str
    area: str
    family: str
    break_: Callable[[Any], None]
    dies: bool = False
    on: str = "kubernetes"
    hangs: bool = False

    def laid_out(self, bench: Bench) -> Bench:
        """The bench, with this mutant's changes on it."""
        self.break_(bench)
        return bench


def mutant(
    name: str, *, area: str = METADATA, dies: bool = False, on: str = "kubernetes", hangs: bool = False
) -> Callable[[Break], Break]:
    """Declare a function that breaks a sound thing; its docstring says what is wrong then.

    Raises ``ValueError`` for a name that is not kebab-case, and where the docstring is missing.
    """
    if not NAME_FORM.fullmatch(name):
        raise ValueError(f"mutant {name!r}: a name is two or more words in lower case, joined by hyphens")

    def declare(break_: Break) -> Break:
        defect = " ".join(inspect.cleandoc(break_.__doc__ or "").split())
        if not defect:
            raise ValueError(f"mutant {name}: a docstring that says what is wrong is missing")
        DECLARED.append(Mutant(name, defect, area, break_.__module__.rpartition(".")[2], break_, dies, on, hangs))
        return break_

    return declare


@cache
def mutants(areas: tuple[str, ...] = tuple(PACKAGES)) -> tuple[Mutant, ...]:
    """Every mutant of the areas, by family and name. Raises ``ValueError`` where two have one name."""
    for package in sorted({PACKAGES[area] for area in areas}):
        for module in pkgutil.iter_modules(importlib.import_module(package).__path__):
            importlib.import_module(f"{package}.{module.name}")
    found: dict[str, Mutant] = {}
    for declared in DECLARED:
        if declared.name in found:
            raise ValueError(f"two mutants are called {declared.name}: in {found[declared.name].family} and elsewhere")
        found[declared.name] = declared
    chosen = [one for one in found.values() if one.area in areas]
    return tuple(sorted(chosen, key=lambda one: (one.family, one.name)))


def check_areas(areas: Collection[str]) -> None:
    """Raise ``UsageError`` for an area without mutants, and for areas that can't be tried together."""
    for area in areas:
        if area not in PACKAGES:
            raise UsageError(f"--area {area}: no mutants of it; areas with mutants: {', '.join(PACKAGES)}")
    if METADATA in areas and len(set(areas)) > 1:
        raise UsageError(f"--area {METADATA}: services are tried apart from deployments; ask for it alone")


def select(only: tuple[str, ...], areas: tuple[str, ...] = tuple(PACKAGES)) -> tuple[Mutant, ...]:
    """The mutants whose name or family matches one of the globs; all without any. Raises ``UsageError`` for none."""
    known = mutants(areas)
    for glob in only:
        if not any(_matches(one, glob) for one in known):
            raise UsageError(f"--only {glob}: no mutant of {', '.join(areas)} has this name; see mfconf mutants --list")
    return tuple(one for one in known if not only or any(_matches(one, glob) for glob in only))


def _matches(one: Mutant, glob: str) -> bool:
    return fnmatch.fnmatchcase(one.name, glob) or fnmatch.fnmatchcase(one.family, glob)


def find(name: str, areas: tuple[str, ...] = tuple(PACKAGES)) -> Mutant:
    """The mutant of that name. Raises ``UsageError`` where there is none."""
    known = {one.name: one for one in mutants(areas)}
    if name not in known:
        raise UsageError(f"mutant {name}: not in the catalogue; see mfconf mutants --list")
    return known[name]


def digest(areas: tuple[str, ...]) -> str:
    """SHA-256 of the catalogue: names, what they say and what they do."""
    rows = [f"{one.name}\n{one.defect}\n{inspect.getsource(one.break_)}" for one in mutants(areas)]
    return hashlib.sha256("\n".join(rows).encode()).hexdigest()
