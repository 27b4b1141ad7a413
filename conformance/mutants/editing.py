"""Changes to the source text of the reference service, made as its modules are imported."""

from __future__ import annotations

import importlib.abc
import importlib.machinery
import importlib.util
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import CodeType, ModuleType

SERVICE = "conformance.reference.metadata_service"


class StaleMutant(Exception):
    """What a mutant wants to change is not there: the reference service was changed, the mutant has to follow."""


@dataclass(frozen=True)
class Edit:
    """Replace ``old`` by ``new`` in a module of the service, ``times`` times; white space counts as one blank."""

    module: str
    old: str
    new: str
    times: int

    def apply(self, source: str) -> str:
        """The changed source. Raises ``StaleMutant`` where ``old`` is not there exactly ``times`` times."""
        pattern = r"\s+".join(re.escape(word) for word in self.old.split())
        changed, count = re.subn(pattern, lambda _: self.new, source)
        if count != self.times:
            raise StaleMutant(
                f"{SERVICE}.{self.module}: {self.old!r} is there {count} times, not {self.times}; adapt the mutant"
            )
        return changed


def edited(module: str, edits: Sequence[Edit]) -> str:
    """The source of a module of the service after its edits. Raises ``StaleMutant``."""
    spec = importlib.util.find_spec(f"{SERVICE}.{module}")
    if spec is None or spec.origin is None:
        raise StaleMutant(f"{SERVICE}.{module}: no such module; adapt the mutant")
    source = Path(spec.origin).read_text(encoding="utf-8")
    for edit in edits:
        if edit.module == module:
            source = edit.apply(source)
    return source


class _Loader(importlib.machinery.SourceFileLoader):
    def __init__(self, name: str, path: str, edits: Sequence[Edit]) -> None:
        super().__init__(name, path)
        self.edits = edits

    def get_code(self, fullname: str) -> CodeType:
        """Compile the changed source, past any cached bytecode."""
        source = edited(fullname.rpartition(".")[2], self.edits)
        return compile(source, self.path, "exec")


class _Finder(importlib.abc.MetaPathFinder):
    def __init__(self, edits: Sequence[Edit]) -> None:
        self.edits = edits

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        """Load with ``_Loader`` what has edits, leave the rest to others."""
        package, _, module = fullname.rpartition(".")
        if package != SERVICE or not any(edit.module == module for edit in self.edits):
            return None
        spec = importlib.machinery.PathFinder.find_spec(fullname, path, target)
        if spec is None or spec.origin is None:
            return spec
        return importlib.util.spec_from_file_location(
            fullname, spec.origin, loader=_Loader(fullname, spec.origin, self.edits)
        )


def install(edits: Sequence[Edit]) -> None:
    """Have the service's modules imported with their edits. Raises ``StaleMutant`` if one is imported already."""
    for edit in edits:
        if f"{SERVICE}.{edit.module}" in sys.modules:
            raise StaleMutant(f"{SERVICE}.{edit.module}: imported before it could be changed")
    sys.meta_path.insert(0, _Finder(edits))
