"""The real catalogue: every requirement complete, every name in it leads somewhere."""

from __future__ import annotations

import ast
import importlib
import inspect

import pytest

from conformance import plugin
from conformance.mutants.catalogue import mutants
from conformance.outcome import Level
from conformance.requirement import Profile, Requirement, catalogue
from conformance.system.scenarios import Scenario
from conformance.system.scenarios import catalogue as scenarios

REQUIREMENTS = catalogue()
LAUNCHES = {"run", "launch", "started"}
"""The fixtures that judge a launch."""


def arguments(requirement: Requirement) -> set[str]:
    module = importlib.import_module(requirement.source.removesuffix(".py").replace("/", "."))
    return set(inspect.signature(getattr(module, requirement.function)).parameters)


def flow_class(scenario: Scenario) -> ast.ClassDef:
    tree = ast.parse(scenario.file.read_text(encoding="utf-8"))
    classes = {node.name: node for node in tree.body if isinstance(node, ast.ClassDef)}
    assert scenario.flow in classes, f"{scenario.file.name} defines no {scenario.flow}"
    return classes[scenario.flow]


def test_there_are_requirements_of_every_area() -> None:
    assert {requirement.area for requirement in REQUIREMENTS} >= {
        *("metadata", "datastore", "flows", "compute", "gpu", "argo", "client", "consistency")
    }


def test_every_case_has_an_id_of_its_own() -> None:
    cases = [case.id for requirement in REQUIREMENTS for case in requirement.cases]

    assert len(cases) == len(set(cases))


def test_an_area_has_one_prefix_and_a_prefix_one_area() -> None:
    pairs = {(requirement.area, requirement.id.split("-")[0]) for requirement in REQUIREMENTS}

    assert len(pairs) == len(dict(pairs)) == len({prefix: area for area, prefix in pairs})


@pytest.mark.parametrize("requirement", REQUIREMENTS, ids=lambda requirement: str(requirement.id))
def test_a_requirement_is_complete(requirement: Requirement) -> None:
    assert requirement.title.endswith(".")
    assert requirement.why
    assert isinstance(requirement.profile, Profile)
    assert requirement.needs or requirement.scenario, f"{requirement.id} asks nothing of a target: it judges nothing"
    assert len(set(requirement.on)) == len(requirement.on)
    assert len(set(requirement.kills)) == len(requirement.kills)


@pytest.mark.parametrize("requirement", REQUIREMENTS, ids=lambda requirement: str(requirement.id))
def test_a_requirement_kills_mutants_that_there_are(requirement: Requirement) -> None:
    unknown = set(requirement.kills) - {mutant.name for mutant in mutants()}

    assert not unknown, f"{requirement.id}: no such mutants: {unknown}"


@pytest.mark.parametrize("requirement", REQUIREMENTS, ids=lambda requirement: str(requirement.id))
def test_a_check_asks_for_fixtures_that_there_are(requirement: Requirement) -> None:
    asked = arguments(requirement)

    unknown = {name for name in asked if not hasattr(plugin, name)}
    assert not unknown, f"{requirement.id}: no such fixtures: {unknown}"
    assert bool(asked & LAUNCHES) is (requirement.scenario is not None)


@pytest.mark.parametrize("fixture", ["metadata", "datastore", "cluster", "argo"])
def test_a_check_that_uses_a_component_declares_the_need(fixture: str) -> None:
    need = {"cluster": "kubernetes"}.get(fixture, fixture)
    undeclared = [
        requirement.id
        for requirement in REQUIREMENTS
        if fixture in arguments(requirement) and not any(need in case.needs for case in requirement.cases)
    ]

    assert not undeclared


def test_every_scenario_of_a_check_is_in_the_catalogue_and_none_is_idle() -> None:
    used = {requirement.scenario for requirement in REQUIREMENTS if requirement.scenario}

    assert used == set(scenarios())


@pytest.mark.parametrize("scenario", scenarios().values(), ids=lambda scenario: str(scenario.name))
def test_a_scenario_can_be_launched(scenario: Scenario) -> None:
    bases = [ast.unparse(base) for base in flow_class(scenario).bases]

    assert "FlowSpec" in bases
    assert scenario.expect in ("successful", "failed")
    assert 0 < scenario.deadline_s <= 900


@pytest.mark.parametrize("scenario", scenarios().values(), ids=lambda scenario: str(scenario.name))
def test_the_parameters_of_a_launch_are_those_of_its_flow(scenario: Scenario) -> None:
    names = {
        ast.literal_eval(node.value.args[0])
        for node in flow_class(scenario).body
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call)
        if ast.unparse(node.value.func) in ("Parameter", "Config", "IncludeFile")
    }

    assert set(scenario.parameters) <= names


def test_every_scenario_file_is_in_the_catalogue() -> None:
    folder = next(iter(scenarios().values())).file.parent

    assert {path.stem for path in folder.glob("*.py")} == set(scenarios())


def test_the_smoke_profile_judges_a_must_of_every_area() -> None:
    smoke = {r.area for r in REQUIREMENTS if r.profile is Profile.SMOKE and r.level is Level.MUST}

    assert smoke >= {"metadata", "datastore", "flows", "compute", "gpu", "argo"}
