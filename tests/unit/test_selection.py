"""Which cases are judged, and what is said where none is."""

from __future__ import annotations

from typing import Any

import pytest

from conformance.errors import UsageError
from conformance.outcome import Level
from conformance.requirement import NEEDS, Case, Launch, Profile, Requirement
from conformance.selection import Selection, find, select


def made(name: str, **changes: Any) -> Requirement:
    fields: dict[str, Any] = {
        "id": name,
        "area": "metadata",
        "level": Level.MUST,
        "title": "a claim",
        "why": "a reason",
        "needs": frozenset({"metadata"}),
        "profile": Profile.CORE,
        "scenario": None,
        "on": (),
        "kills": (),
        "source": "conformance/suites/metadata/test_x.py",
        "function": "test_x",
    }
    return Requirement(**fields | changes)


KNOWN = (
    made("META-001", profile=Profile.SMOKE),
    made("META-002"),
    made("META-003", profile=Profile.FULL),
    made("META-004", profile=Profile.CERTIFIED),
    made("FLOW-001", area="flows", needs=frozenset(), scenario="linear", on=("local", "argo"), profile=Profile.SMOKE),
    made("GPU-001", area="gpu", needs=frozenset({"kubernetes", "gpu"})),
)


def case(name: str) -> Case:
    return next(case for requirement in KNOWN for case in requirement.cases if case.id == name)


def chosen(selection: Selection) -> list[str]:
    return [case.id for case in selection.cases]


def selected(profile: Profile = Profile.CERTIFIED, **more: Any) -> Selection:
    return select(KNOWN, profile=profile, **{"capabilities": NEEDS, **more})


@pytest.mark.parametrize(
    ("profile", "ids"),
    [
        (Profile.SMOKE, ["META-001"]),
        (Profile.CORE, ["META-001", "META-002"]),
        (Profile.FULL, ["META-001", "META-002", "META-003"]),
        (Profile.CERTIFIED, ["META-001", "META-002", "META-003", "META-004"]),
    ],
)
def test_a_profile_includes_those_before_it(profile: Profile, ids: list[str]) -> None:
    assert chosen(selected(profile, areas=["metadata"])) == ids


def test_a_launch_that_costs_too_much_is_judged_in_profile_full_alone() -> None:
    found = made("FLOW-002", area="flows", scenario="branch", on=("local", "argo"), full_on=("argo",))
    at_core, at_full = (
        select([found], profile=profile, capabilities=NEEDS) for profile in (Profile.CORE, Profile.FULL)
    )

    assert chosen(at_core) == ["FLOW-002/branch@local"]
    assert chosen(at_full) == ["FLOW-002/branch@local", "FLOW-002/branch@argo"]


def test_a_requirement_has_a_case_for_each_orchestrator() -> None:
    selection = selected(areas=["flows"])

    assert chosen(selection) == ["FLOW-001/linear@local", "FLOW-001/linear@argo"]
    assert selection.launches == (Launch("linear", "argo"), Launch("linear", "local"))


@pytest.mark.parametrize(
    ("glob", "ids"),
    [
        ("META-00[34]", ["META-003", "META-004"]),
        ("FLOW-001", ["FLOW-001/linear@local", "FLOW-001/linear@argo"]),
        ("FLOW-*@argo", ["FLOW-001/linear@argo"]),
        ("*/linear@local", ["FLOW-001/linear@local"]),
    ],
)
def test_globs_choose_by_requirement_or_case_whatever_the_profile(glob: str, ids: list[str]) -> None:
    assert chosen(selected(Profile.SMOKE, only=[glob])) == ids


def test_area_and_glob_narrow_each_other() -> None:
    assert chosen(selected(areas=["metadata"], only=["*-001*"])) == ["META-001"]


def test_what_the_target_lacks_is_unsupported_with_the_reason() -> None:
    selection = selected(Profile.CORE, capabilities={"metadata", "kubernetes"})

    reasons = {case.id: reason for case, reason in selection.unsupported}
    assert chosen(selection) == ["META-001", "META-002"]
    assert set(reasons) == {"FLOW-001/linear@local", "FLOW-001/linear@argo", "GPU-001"}
    assert reasons["GPU-001"] == f"not tested: the target has not {NEEDS['gpu']}"
    assert NEEDS["argo"] in reasons["FLOW-001/linear@argo"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"areas": ["metdata"]}, "--area metdata: unknown, did you mean metadata?; areas: flows, gpu, metadata"),
        ({"areas": ["zzz"]}, "--area zzz: unknown; areas: flows, gpu, metadata"),
        ({"only": ["META-01"]}, "--only META-01: no check has this ID, did you mean META-001?; see mfconf list"),
        ({"only": ["META-001", "NONE-*"]}, "--only NONE-*: no check has this ID"),
        ({"only": ["meta-001"]}, "--only meta-001: no check has this ID, did you mean META-001?"),
        (
            {"only": ["FLOW-001/liner@argo"]},
            "--only FLOW-001/liner@argo: no check has this ID, did you mean FLOW-001/lin",
        ),
        ({"areas": ["gpu"], "only": ["META-001"]}, "nothing selected"),
        ({"capabilities": ()}, "nothing selected that this target can be judged by: not tested: the target has not"),
    ],
)
def test_what_selects_nothing_is_a_usage_error(arguments: dict[str, Any], words: str) -> None:
    with pytest.raises(UsageError) as raised:
        selected(**arguments)

    assert str(raised.value).startswith(words)


def test_no_requirement_at_all_is_a_usage_error() -> None:
    with pytest.raises(UsageError, match="nothing selected"):
        select((), profile=Profile.CORE, capabilities=NEEDS)


@pytest.mark.parametrize("name", ["META-002", "meta-002", "META-002/linear@argo"])
def test_a_requirement_is_found_by_its_id(name: str) -> None:
    assert find(KNOWN, name).id == "META-002"


def test_an_unknown_id_names_the_nearest() -> None:
    with pytest.raises(UsageError, match="META-02: no check has this ID, did you mean META-002"):
        find(KNOWN, "META-02")
