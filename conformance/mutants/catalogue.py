"""A mutant: the reference service with one thing wrong, and a name for it."""

from __future__ import annotations

import fnmatch
import hashlib
import importlib
import inspect
import pkgutil
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

from conformance.errors import UsageError
from conformance.mutants.bench import Bench

AREA = "metadata"
NAME_FORM = re.compile(r"[a-z0-9]+(-[a-z0-9]+)+")

Break = Callable[[Bench], None]

DECLARED: list[Mutant] = []


@dataclass(frozen=True)
class Mutant:
    """``break_`` breaks the service, its docstring (``defect``) says how; ``family`` is the module it stands in.

    ``dies``: the process is meant to end by itself, so its end is no fault of the trial.
    """

    name: str
    defect: str
    family: str
    break_: Break
    dies: bool = False

    def bench(self) -> Bench:
        """A bench on which this mutant has laid out its changes."""
        bench = Bench(self.name)
        self.break_(bench)
        return bench


def mutant(name: str, *, dies: bool = False) -> Callable[[Break], Break]:
    """Declare a function that breaks a service; its docstring says what is wrong with that service.

    Raises ``ValueError`` for a name that is not kebab-case, and where the docstring is missing.
    """
    if not NAME_FORM.fullmatch(name):
        raise ValueError(f"mutant {name!r}: a name is two or more words in lower case, joined by hyphens")

    def declare(break_: Break) -> Break:
        defect = " ".join(inspect.cleandoc(break_.__doc__ or "").split())
        if not defect:
            raise ValueError(f"mutant {name}: a docstring that says what is wrong is missing")
        DECLARED.append(Mutant(name, defect, break_.__module__.rpartition(".")[2], break_, dies))
        return break_

    return declare


@cache
def mutants() -> tuple[Mutant, ...]:
    """Every mutant, by family and name. Raises ``ValueError`` where two have one name."""
    package = importlib.import_module("conformance.mutants.metadata")
    for module in pkgutil.iter_modules(package.__path__):
        importlib.import_module(f"{package.__name__}.{module.name}")
    found: dict[str, Mutant] = {}
    for declared in DECLARED:
        if declared.name in found:
            raise ValueError(f"two mutants are called {declared.name}: in {found[declared.name].family} and elsewhere")
        found[declared.name] = declared
    return tuple(sorted(found.values(), key=lambda one: (one.family, one.name)))


def select(only: tuple[str, ...]) -> tuple[Mutant, ...]:
    """The mutants whose name or family matches one of the globs; all without any. Raises ``UsageError`` for none."""
    known = mutants()
    for glob in only:
        if not any(_matches(one, glob) for one in known):
            raise UsageError(f"--only {glob}: no mutant has this name; see mfconf mutants --list")
    return tuple(one for one in known if not only or any(_matches(one, glob) for glob in only))


def _matches(one: Mutant, glob: str) -> bool:
    return fnmatch.fnmatchcase(one.name, glob) or fnmatch.fnmatchcase(one.family, glob)


def find(name: str) -> Mutant:
    """The mutant of that name. Raises ``UsageError`` where there is none."""
    known = {one.name: one for one in mutants()}
    if name not in known:
        raise UsageError(f"mutant {name}: not in the catalogue; see mfconf mutants --list")
    return known[name]


def digest() -> str:
    """SHA-256 of the catalogue: names, what they say and what they do."""
    rows = [f"{one.name}\n{one.defect}\n{inspect.getsource(one.break_)}" for one in mutants()]
    return hashlib.sha256("\n".join(rows).encode()).hexdigest()
