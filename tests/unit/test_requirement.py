"""What a check declares: complete, or refused at import."""

from __future__ import annotations

import importlib
import pkgutil
import re
from collections.abc import Callable
from importlib.machinery import FileFinder
from pkgutil import ModuleInfo
from types import ModuleType
from typing import Any

import pytest

from conformance.outcome import Level
from conformance.requirement import (
    ORCHESTRATOR_NEEDS,
    Launch,
    Mismatch,
    Profile,
    Requirement,
    catalogue,
    equal,
    requirement,
)

GOOD = "A claim.\n\nWhy: because\n    it matters.\n"


def checked(doc: str | None = GOOD, module: str = "conformance.suites.metadata.test_x") -> Callable[..., None]:
    def test_claim() -> None:
        pass

    test_claim.__doc__, test_claim.__module__ = doc, module
    return test_claim


def declared(name: str = "META-900", doc: str | None = GOOD, **more: Any) -> Requirement:
    found: Requirement = requirement(name, **more)(checked(doc)).requirement  # type: ignore[attr-defined]
    return found


def test_a_declaration_in_full() -> None:
    found = declared(
        "FLOW-900", level="SHOULD", needs={"gpu"}, profile="full", scenario="linear", on=("local", "argo"), kills="a"
    )

    assert found == Requirement(
        id="FLOW-900",
        area="metadata",
        level=Level.SHOULD,
        title="A claim.",
        why="because it matters.",
        needs=frozenset({"gpu"}),
        profile=Profile.FULL,
        scenario="linear",
        on=("local", "argo"),
        kills=("a",),
        source="conformance/suites/metadata/test_x.py",
        function="test_claim",
    )
    assert [case.id for case in found.cases] == ["FLOW-900/linear@local", "FLOW-900/linear@argo"]
    assert found.cases[1].needs == {"gpu"} | ORCHESTRATOR_NEEDS["argo"]


def test_what_is_left_out_has_the_usual_value() -> None:
    found = declared()

    assert (found.level, found.profile, found.needs, found.on) == (Level.MUST, Profile.CORE, frozenset(), ())
    assert [case.id for case in found.cases] == ["META-900"]
    assert found.cases[0].needs == frozenset()


def test_the_check_itself_stays_what_it_was() -> None:
    check = checked()

    assert requirement("META-900")(check) is check


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"name": "meta-900"}, "the ID 'meta-900' is not of the form AREA-123"),
        ({"name": "META-90"}, "not of the form"),
        ({"name": "M-900"}, "not of the form"),
        ({"name": "META-900x"}, "not of the form"),
        ({"name": "META-900\n"}, "not of the form"),
        ({"doc": None}, "a docstring with a title and a line 'Why: ...' is missing"),
        ({"doc": "A claim."}, "a docstring with a title"),
        ({"doc": "Why: no title"}, "a docstring with a title"),
        ({"doc": "A claim.\n\nWhy:\n"}, "a docstring with a title"),
        ({"needs": {"gpus"}}, "unknown needs ['gpus']; known: ["),
        ({"scenario": "linear"}, "a scenario and the orchestrators it runs on go together"),
        ({"on": "argo"}, "a scenario and the orchestrators it runs on go together"),
        ({"scenario": "linear", "on": "airflow"}, "unknown orchestrators ['airflow']; known: ["),
        ({"level": "MAY"}, "'MAY' is not a valid Level"),
        ({"profile": "huge"}, "'huge' is not a valid Profile"),
    ],
)
def test_a_malformed_declaration_is_refused(arguments: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=re.escape(words)):
        declared(**arguments)


@pytest.mark.parametrize("larger", Profile)
@pytest.mark.parametrize("smaller", Profile)
def test_profiles_nest(larger: Profile, smaller: Profile) -> None:
    order = ["smoke", "core", "full", "certified"]

    assert larger.includes(smaller) is (order.index(smaller.value) <= order.index(larger.value))


def test_a_launch_reads_scenario_at_orchestrator() -> None:
    assert str(Launch("slow_step", "kubernetes")) == "slow_step@kubernetes"


def test_two_claims_on_one_id_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    modules = {}
    for name in ("conformance.suites.metadata.test_a", "conformance.suites.metadata.test_b"):
        module = ModuleType(name)
        module.test_claim = requirement("META-900")(checked(module=name))  # type: ignore[attr-defined]
        modules[name] = module
    suites = ModuleType("conformance.suites")
    suites.__path__ = []
    modules["conformance.suites"] = suites
    found = [ModuleInfo(FileFinder("."), name, ispkg=False) for name in modules if name != "conformance.suites"]
    monkeypatch.setattr(pkgutil, "walk_packages", lambda *_: found)
    monkeypatch.setattr(importlib, "import_module", modules.__getitem__)

    with pytest.raises(ValueError, match=r"META-900 is claimed by .*test_a\.py and .*test_b\.py"):
        catalogue()


def test_a_mismatch_carries_both_sides() -> None:
    with pytest.raises(Mismatch) as raised:
        equal(got=[1], want=[2], what="numbers")

    assert str(raised.value) == "numbers: want [2], got [1]"
    assert (raised.value.want, raised.value.got) == ([2], [1])
    assert isinstance(raised.value, AssertionError)


def test_what_is_equal_says_nothing() -> None:
    equal({"a": 1}, {"a": 1}, "a dictionary")
