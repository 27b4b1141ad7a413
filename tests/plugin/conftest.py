"""A suite of one's own, run by the plugin as ``mfconf run`` does it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from conformance import plugin
from conformance.plugin import Collector
from conformance.running import INI
from conformance.session import VARIABLE, Session

HEADER = """
from conformance.errors import Blocked, TargetError
from conformance.requirement import Mismatch, equal, requirement
import pytest
"""


class Judged:
    """What came of a run: the findings by case, in the order they came; pytest's exit code; problems."""

    def __init__(self) -> None:
        self.found: dict[str, dict[str, Any]] = {}
        self.collector = Collector(self._finish)
        self.code: int = -1

    def _finish(self, found: dict[str, Any]) -> None:
        assert found["case"] not in self.found, f"{found['case']} was finished twice"
        self.found[found["case"]] = found

    def outcomes(self) -> dict[str, str]:
        return {name: found["outcome"] for name, found in self.found.items()}

    @property
    def problems(self) -> list[str]:
        return self.collector.problems


Judge = Callable[..., Judged]


@pytest.fixture
def judge(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Judge:
    """``judge(source, cases, *options)`` runs the checks of ``source``, a module of area ``metadata``."""

    def run(source: str, cases: tuple[str, ...], *options: str, launches: dict[str, str] | None = None) -> Judged:
        package = pytester.path / "suites" / "metadata"
        package.mkdir(parents=True)
        for folder in (package, package.parent):
            (folder / "__init__.py").touch()
        (package / "test_own.py").write_text(HEADER + source, encoding="utf-8")
        output = pytester.path / "output"
        session = Session("run0000001", output, "x", cases, (), frozenset(), frozenset(), {"METAFLOW_X": "1"})
        monkeypatch.setenv(VARIABLE, "")
        session.save()
        for name, text in (launches or {}).items():
            path = output / "launches" / f"{name}.json"
            path.parent.mkdir(exist_ok=True)
            path.write_text(text, encoding="utf-8")
        monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
        monkeypatch.syspath_prepend(pytester.path)
        plugin._session.cache_clear()
        judged = Judged()
        words = [f"-c={INI}", f"--rootdir={pytester.path}", "-pxdist.plugin", "-pconformance.plugin"]
        result = pytester.inline_run(
            *words, "-pno:cacheprovider", "--tb=short", *options, "suites", plugins=[judged.collector]
        )
        judged.code = int(result.ret or 0)
        return judged

    return run


@pytest.fixture
def output(pytester: pytest.Pytester) -> Path:
    """The folder of the run."""
    return pytester.path / "output"
