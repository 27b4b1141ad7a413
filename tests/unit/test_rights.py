"""The table of rights, what is read out of it, and the roles that are printed from it."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import kubernetes
import pytest
import yaml
from click.testing import CliRunner

from conformance import rights, roles
from conformance.cli import main
from conformance.local import deployment
from conformance.requirement import NEEDS, Profile
from conformance.rights import PROBES, RIGHTS, Rule, Scope, Triple, Who, needed, told, unneeded
from conformance.roles import Holders
from tests.architecture.tree import modules, parsed

HOLDERS = Holders("jobs", "alice", task="steps", workflow="flows")


def documents(needs: Iterable[str] = NEEDS, holders: Holders = HOLDERS) -> list[dict[str, Any]]:
    return list(yaml.safe_load_all(roles.rendered(needed(frozenset(needs)), holders)))


def granted(found: list[dict[str, Any]]) -> dict[tuple[str, str], set[Triple]]:
    """(name, namespace) of each role -> what it allows."""
    return {
        (role["metadata"]["name"], role["metadata"].get("namespace", "")): {
            (verb, resource, group)
            for rule in role["rules"]
            for verb in rule["verbs"]
            for resource in rule["resources"]
            for group in rule["apiGroups"]
        }
        for role in found
        if "rules" in role
    }


@pytest.mark.parametrize("right", RIGHTS, ids=lambda right: f"{right.who}-{right.named}-{right.verbs[0]}")
def test_a_right_is_complete(right: rights.Right) -> None:
    assert set(right.needs) <= set(NEEDS)
    assert right.needs
    assert right.verbs
    assert "*" not in {*right.verbs, right.resource, right.group}
    assert right.lost
    assert right.source


def asked_by_code() -> set[Triple]:
    """What the harness asks of the API server through the client's typed calls."""
    groups = {"CoreV1Api": "", "BatchV1Api": "batch", "AppsV1Api": "apps", "StorageV1Api": "storage.k8s.io"}
    groups["AuthorizationV1Api"] = "authorization.k8s.io"
    verbs = {"read": "get", "replace": "update"}
    used = {
        node.attr
        for path in modules("conformance")
        if path.parts[1] not in ("mutants", "local")  # these work as an administrator
        for node in ast.walk(parsed(path))
        if isinstance(node, ast.Attribute) and re.match("(create|list|read|delete|patch|replace)_", node.attr)
    }
    found = set()
    for name, group in groups.items():
        for call in used & set(vars(getattr(kubernetes.client, name))):
            verb, _, thing = call.replace("namespaced_", "").partition("_")
            whole, slash, part = re.sub(r"^pod_", "pod/", thing).replace("_", "").partition("/")
            plural = f"{whole}es" if whole.endswith("s") else f"{whole}s"
            found.add((verbs.get(verb, verb), f"{plural}{slash}{part}", group))
    return found


def test_the_table_has_what_the_harness_asks() -> None:
    assert unneeded(asked_by_code(), Who.LAUNCHER, Who.JUDGE) == set()


def test_the_harness_asks_what_the_table_has() -> None:
    asked = asked_by_code()
    typed = {group for _, _, group in asked}
    idle = [
        f"{verb} {right.named}"
        for right in RIGHTS
        if right.who is Who.JUDGE and right.group in typed
        for verb in right.verbs
        if (verb, right.resource, right.group) not in asked
    ]

    assert idle == []


def test_nobody_is_granted_a_verb_twice() -> None:
    every = [(r.who, r.scope, verb, r.resource, r.group) for r in RIGHTS for verb in r.verbs]

    assert len(every) == len(set(every))


def test_the_rights_of_a_target_are_those_whose_needs_it_meets() -> None:
    plain = {right.resource for right in needed({"kubernetes"})}
    assert {"jobs", "pods", "nodes", "events"} <= plain
    assert not plain & {"jobsets", "workflows", "secrets", "pods/eviction", "workflowtaskresults"}
    assert "jobsets" not in {right.resource for right in needed({"kubernetes", "argo"}, Who.WORKFLOW)}
    assert "jobsets" in {right.resource for right in needed({"argo", "jobset"}, Who.WORKFLOW)}
    assert needed(NEEDS) == RIGHTS


def test_a_profile_asks_what_its_cases_declare() -> None:
    smoke, certified = rights.needs_of(Profile.SMOKE), rights.needs_of(Profile.CERTIFIED)

    assert {"kubernetes", "argo"} <= smoke < certified <= set(NEEDS)
    assert set(needed(smoke)) < set(needed(certified)) == set(RIGHTS)


@pytest.mark.parametrize(
    ("rule", "triple", "allows"),
    [
        (Rule(("get",), ("pods",), ("",)), ("get", "pods", ""), True),
        (Rule(("get",), ("pods",), ("",)), ("list", "pods", ""), False),
        (Rule(("get",), ("pods",), ("",)), ("get", "pods", "batch"), False),
        (Rule(("get",), ("pods",), ("",)), ("get", "pods/exec", ""), False),
        (Rule(("get",), ("pods/exec",), ("",)), ("get", "pods", ""), False),
        (Rule(("get",), ("*/exec",), ("",)), ("get", "pods/exec", ""), True),
        (Rule(("get",), ("*/exec",), ("",)), ("get", "pods", ""), False),
        (Rule(("*",), ("*",), ("*",)), ("get", "pods/exec", ""), True),
        (Rule(("get",), ("secrets",), ("",), ("one",)), ("get", "secrets", ""), False),
    ],
)
def test_what_a_rule_allows(rule: Rule, triple: Triple, *, allows: bool) -> None:
    assert rule.allows(*triple) is allows


def test_what_nobody_needs() -> None:
    own = {(verb, right.resource, right.group) for right in RIGHTS if right.who is Who.TASK for verb in right.verbs}
    everybody = {("create", "selfsubjectaccessreviews", "authorization.k8s.io")}
    more = {("get", "secrets", ""), ("*", "pods", "")}

    assert unneeded(own | everybody | more, Who.TASK) == more
    assert unneeded(own, Who.LAUNCHER) == own


def test_rights_are_told_with_the_worst_first_and_not_all() -> None:
    found = {("list", "pods", ""), ("get", "pods", ""), ("*", "pods/*", ""), ("patch", "nodes", ""), ("get", "a", "b")}
    assert told(found) == "* pods/*; get, list pods; patch nodes; get a.b"
    assert told({*found, ("*", "*", "*")}) == "anything"
    many = told({("get", f"r{number:02}", "") for number in range(15)})
    assert many.startswith("get r00, r01, ")
    assert many.endswith(", r11; and 3 resources more")


def test_probes_ask_what_tokens_are_stolen_for() -> None:
    assert {("get", "secrets", ""), ("create", "pods", ""), ("create", "pods/exec", "")} <= set(PROBES)
    assert {("create", "rolebindings", "rbac.authorization.k8s.io"), ("create", "jobs", "batch")} <= set(PROBES)


def test_roles_give_what_the_table_says_and_no_more() -> None:
    given = granted(documents())

    wanted: dict[tuple[str, str], set[Triple]] = {}
    for right in RIGHTS:
        place = {Scope.JOBS: "jobs", Scope.SENSORS: "jobs", Scope.ARGO: "argo", Scope.PLUGIN: "kube-system"}
        key = roles.NAMES[right.who], place.get(right.scope, "")
        wanted.setdefault(key, set()).update((verb, right.resource, right.group) for verb in right.verbs)
    assert given == wanted


def test_every_role_is_bound_in_its_own_place_to_its_holder() -> None:
    found = documents()
    kinds = {True: ("Role", "RoleBinding"), False: ("ClusterRole", "ClusterRoleBinding")}
    subjects = {
        "metaflow-launcher": ("User", "alice", None),
        "mfconf-judge": ("User", "alice", None),
        "metaflow-task": ("ServiceAccount", "steps", "jobs"),
        "metaflow-workflow": ("ServiceAccount", "flows", "jobs"),
    }

    for role, binding in zip(found[::2], found[1::2], strict=True):
        assert role["metadata"] == binding["metadata"]
        assert (role["kind"], binding["kind"]) == kinds["namespace" in role["metadata"]]
        assert (binding["roleRef"]["kind"], binding["roleRef"]["name"]) == (role["kind"], role["metadata"]["name"])
        (subject,) = binding["subjects"]
        assert (subject["kind"], subject["name"], subject.get("namespace")) == subjects[role["metadata"]["name"]]


@pytest.mark.parametrize(
    ("user", "subject"),
    [
        ("arn:aws:iam::1:role/x", {"kind": "User", "name": "arn:aws:iam::1:role/x"}),
        ("group:data: science", {"kind": "Group", "name": "data: science"}),
        ("system:serviceaccount:ci:runner", {"kind": "ServiceAccount", "name": "runner", "namespace": "ci"}),
    ],
)
def test_a_user_is_a_user_a_group_or_a_service_account(user: str, subject: dict[str, str]) -> None:
    holders = Holders("jobs", user, task="steps", workflow="flows")

    (found,) = documents(holders=holders)[1]["subjects"]
    assert {**found, **subject} == found


def test_sensors_may_be_in_a_namespace_of_their_own() -> None:
    holders = Holders("jobs", "alice", task="steps", workflow="flows", sensors="events")
    given = granted(documents(holders=holders))

    assert ("delete", "sensors", "argoproj.io") in given["metaflow-launcher", "events"]
    assert "sensors" not in {resource for _, resource, _ in given["metaflow-launcher", "jobs"]}


def test_each_rule_says_what_is_lost_without_it() -> None:
    text = roles.rendered(needed({"kubernetes"}), HOLDERS)

    assert "  # without: no step can be started as a pod (kubernetes_job.py)\n  - {apiGroups" in text
    assert "  # optional; without: Ctrl-C pauses the job" in text


def test_the_local_deployment_runs_under_exactly_what_is_printed_for_everything() -> None:
    printed = CliRunner().invoke(main, ["rbac", "--profile", "certified"], prog_name="mfconf").stdout

    assert printed == deployment._roles()


def test_roles_that_changed_are_applied_to_a_deployment_that_stands(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    applied: list[str] = []
    laid = tmp_path / "roles.yaml"
    laid.write_text("as they were", encoding="utf-8")
    monkeypatch.setattr(deployment, "ROLES", laid)
    monkeypatch.setattr("conformance.local.cluster.kubectl", lambda *_, **given: applied.append(given["stdin"]))

    deployment.permit()
    deployment.permit()

    assert applied == [deployment._roles()] == [laid.read_text(encoding="utf-8")]
