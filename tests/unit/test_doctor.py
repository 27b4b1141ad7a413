"""Preflight, finding by finding, on components that answer as they are told."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, ClassVar

import pytest
from kubernetes.client.exceptions import ApiException

from conformance import doctor
from conformance.doctor import Finding, examine
from conformance.errors import TargetError
from conformance.outcome import Exit
from conformance.rights import Right, needed
from conformance.system.access import Accounts
from conformance.system.cluster import Cluster, Forbidden
from conformance.targets.base import Options, Target

NEEDS = frozenset({"metadata", "datastore", "kubernetes"})
CONFIG = {"METAFLOW_SERVICE_URL": "http://h", "METAFLOW_KUBERNETES_SERVICE_ACCOUNT": "runner"}


class Store:
    """A bucket, and what HEAD answers."""

    bucket, own = "bucket", "metaflow/mfconf/x"
    answers: ClassVar = {"head_bucket": 200, "head_object": 404}

    def __init__(self, _: object) -> None:
        pass

    def status(self, call: str, **_: object) -> int:
        return self.answers[call]


class Permissions:
    """All that is needed and no more, but for what a test takes away or adds."""

    forbidden: tuple[tuple[str, str], ...] = ()
    more = ""
    lacking: ClassVar[dict[str, list[str]]] = {}
    hidden = False
    namespace, task_account = "default", "runner"

    def __init__(self, _: object, needs: set[str]) -> None:
        self.needs = needs

    def missing(self, right: Right) -> tuple[str, ...]:
        return tuple(verb for verb in right.verbs if (verb, right.resource) in self.forbidden)

    def unneeded(self) -> str:
        return self.more

    def gaps(self, *who: str, optional: bool, account: str) -> list[str]:
        assert not optional
        assert who in (("task",), ("workflow",))
        return self.lacking.get(account, [])

    def account_unneeded(self, account: str, *who: str) -> str:
        if self.hidden:
            raise Forbidden(f"not allowed to ask what {account} may do")
        assert {"default": (), "runner": ("task",), "flows": ("workflow",)}[account] == who
        return self.more

    def last_accounts(self) -> Accounts:
        return Accounts("runner", "flows")


class View:
    """A cluster with a service account, a controller and two GPU nodes."""

    account: object | None = object()
    ready: int | None = 1
    hidden: tuple[str, ...] = ()

    def __init__(self, _: object) -> None:
        pass

    def service_account(self, name: str) -> object | None:
        assert name == "runner"
        if "account" in self.hidden:
            raise Forbidden("not allowed to read service accounts in default")
        return self.account

    def controllers(self) -> list[Any]:
        return [SimpleNamespace(status=SimpleNamespace(ready_replicas=self.ready))]

    def controller(self) -> str:
        return "0 ready of 1 wanted replicas"

    offered = staticmethod(Cluster.offered)

    def gpu_nodes(self) -> list[Any]:
        if "nodes" in self.hidden:
            raise Forbidden("not allowed to list nodes")

        def node(name: str, offered: str, *, cordoned: bool) -> Any:
            return SimpleNamespace(
                metadata=SimpleNamespace(name=name),
                status=SimpleNamespace(allocatable={"nvidia.com/gpu": offered}),
                spec=SimpleNamespace(unschedulable=cordoned),
            )

        return [node("good", "2", cordoned=False), node("bad", "0", cordoned=True)]


@pytest.fixture(autouse=True)
def deployment(monkeypatch: pytest.MonkeyPatch, own_environment: object) -> None:
    """A deployment in which all is well but one GPU node."""
    assert own_environment
    monkeypatch.setattr(doctor, "resolve", lambda *_: Target("profile:x", "profile", CONFIG, NEEDS))
    monkeypatch.setattr("conformance.preflight.metadata_service", lambda _: "2.5.1")
    monkeypatch.setattr("conformance.preflight.kubernetes", lambda: "v1.34.4")
    monkeypatch.setattr(doctor, "Datastore", Store)
    monkeypatch.setattr(doctor, "Cluster", View)
    monkeypatch.setattr(doctor, "Access", Permissions)
    monkeypatch.setattr(doctor, "has_api", lambda group: group == "jobset.x-k8s.io")
    monkeypatch.setattr("conformance.system.argo.Argo.installed", lambda: True)


def bad() -> list[str]:
    return [finding.what for finding in examine("profile:x", Options()) if not finding.ok]


FORBIDDEN = (
    ("patch", "jobs"),
    ("delete", "jobs"),
    ("list", "jobs"),
    ("list", "workflowtemplates"),
    ("get", "cronworkflows"),
    ("delete", "workflows"),
)

CRON = "flows can't be deployed, with a schedule or without"
LEAVE = {"evict", "quotas", "secrets", "storage", "rights-of-others", "gpu-plugin", "disposable-node"}

GPU = [
    "node bad: 0 of nvidia.com/*: marked as a GPU node; is the device plugin running?",
    "node bad takes pods: cordoned (unschedulable)",
]


def test_what_is_well_and_what_is_not() -> None:
    found = list(examine("profile:x", Options()))

    told = [finding.what for finding in found if finding.ok]
    assert told[0] == "configuration of profile:x: datastore, kubernetes, metadata"
    assert "metadata service at http://h answers, version 2.5.1" in told
    assert "Kubernetes v1.34.4, namespace default" in told
    assert "right to get, create pods/exec" in told
    assert "right to create jobs" in told
    assert "right to list, delete jobs" in told
    assert "right to create jobsets" in told
    assert "right to list nodes of the cluster" in told
    assert "no right in default that nobody needs" in told
    assert "rights of service account runner as task" in told
    assert "rights of service account flows as workflow" in told
    assert "Argo Workflows" in told
    assert "node good: 2 of nvidia.com/*" in told
    assert bad() == GPU
    assert {finding.code for finding in found if not finding.ok} == {Exit.NON_CONFORMANT}


@pytest.mark.parametrize(
    ("call", "status", "words"),
    [
        ("head_bucket", 403, "bucket bucket: HEAD answers 403"),
        ("head_bucket", 404, "bucket bucket: HEAD answers 404"),
        ("head_object", 403, "HEAD answers 403, not 404: is s3:ListBucket missing from this identity's policy?"),
    ],
)
def test_a_bucket_that_does_not_answer_as_it_should(
    monkeypatch: pytest.MonkeyPatch, call: str, status: int, words: str
) -> None:
    monkeypatch.setattr(Store, "answers", {**Store.answers, call: status})

    assert [what for what in bad() if words in what]


def test_a_missing_right_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Permissions, "forbidden", FORBIDDEN)

    assert bad() == [
        "right to patch jobs: not allowed: patch; Ctrl-C leaves the pod of a step that waits for a node",
        "right to list workflowtemplates: not allowed: list; list-workflow-templates fails",
        f"right to get cronworkflows: not allowed: get; {CRON}",
        "right to list, delete jobs: not allowed: list, delete; what a run leaves on the cluster can't be removed",
        "right to list, delete workflows: not allowed: delete; what a run leaves on the cluster can't be removed",
        *GPU,
    ]


def test_what_the_target_has_not_is_not_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("conformance.system.argo.Argo.installed", lambda: False)
    monkeypatch.setattr(doctor, "has_api", lambda _: False)
    told = [finding.what for finding in examine("profile:x", Options())]

    assert len([what for what in told if what.startswith("right to ")]) == len(
        needed({"kubernetes", *LEAVE}, *doctor.LAUNCHING)
    )
    assert not [what for what in told if "jobset" in what or "workflow" in what or "Argo" in what or "flows" in what]


def test_rights_that_nobody_needs_are_told_and_are_well(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Permissions, "more", "get, list secrets")
    found = list(examine("profile:x", Options()))

    assert bad() == GPU
    assert Finding("rights in default that nobody needs: ok, but allowed: get, list secrets") in found
    for account in ("runner", "default", "flows"):
        told = f"rights of service account {account} that nobody needs: ok, but allowed: get, list secrets"
        assert Finding(told) in found


def test_a_service_account_that_lacks_a_right(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Permissions, "lacking", {"runner": ["create a", "patch a"]})

    assert bad() == ["rights of service account runner as task: create a; patch a", *GPU]


def test_who_may_not_ask_about_others_is_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Permissions, "hidden", True)

    told = "rights of the service accounts: ok, but not allowed to ask what default may do"
    assert Finding(told) in list(examine("profile:x", Options()))
    assert bad() == GPU


@pytest.mark.parametrize(
    ("forbidden", "right", "but"),
    [
        (
            (("get", "pods/exec"), ("create", "pods/exec")),
            "get, create pods/exec",
            "get, create; Ctrl-C pauses the job of a step that runs, instead of ending its process",
        ),
        (
            (("delete", "pods"),),
            "list, delete pods of the GPU plugin",
            "delete; the GPU plugin is not restarted amid a run",
        ),
        ((("list", "events"),), "list events", "list; a launch that failed can't tell what befell its pods"),
        (
            (("create", "cronworkflows"), ("update", "cronworkflows")),
            "create, update cronworkflows",
            "create, update; flows with @schedule can't be deployed",
        ),
        (
            (("create", "sensors"),),
            "get, create, update sensors",
            "create; flows with @trigger can't be deployed",
        ),
    ],
)
def test_a_right_that_can_be_done_without_is_well(
    monkeypatch: pytest.MonkeyPatch, forbidden: tuple[tuple[str, str], ...], right: str, but: str
) -> None:
    monkeypatch.setattr(Permissions, "forbidden", forbidden)

    assert Finding(f"right to {right}: ok, but not allowed: {but}") in list(examine("profile:x", Options()))
    assert bad() == GPU


def test_a_missing_account_and_a_controller_that_is_down(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(View, "account", None)
    monkeypatch.setattr(View, "ready", None)

    assert bad() == [
        "service account runner: not in namespace default",
        "Argo Workflows: 0 ready of 1 wanted replicas",
        *GPU,
    ]


def test_an_account_that_can_not_be_read_is_one_finding(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(View, "hidden", ("account",))
    found = list(examine("profile:x", Options()))

    line = "service account runner: not allowed to read service accounts in default"
    assert [finding.what for finding in found if not finding.ok] == [line, *GPU]
    assert Finding(line, Exit.INCONCLUSIVE) in found
    assert Finding("Argo Workflows") in found


def test_nodes_that_can_not_be_listed_are_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(View, "hidden", ("nodes",))
    found = list(examine("profile:x", Options()))

    assert bad() == []
    assert Finding("GPU nodes: ok, but not allowed to list nodes: no GPU will be tested") in found


@pytest.mark.parametrize("error", [TargetError("no\nanswer"), ApiException(status=500, reason="Oops")])
def test_one_part_that_does_not_answer_does_not_hide_the_others(
    monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def refuse(_: object) -> str:
        raise error

    monkeypatch.setattr("conformance.preflight.metadata_service", refuse)
    found = list(examine("profile:x", Options()))

    first = next(finding for finding in found if not finding.ok)
    assert first.code is Exit.INCONCLUSIVE
    assert first.what.startswith("metadata: ")
    assert "\n" not in first.what
    assert Finding("bucket bucket") in found
    assert any(finding.what.startswith("Kubernetes v1.34.4") for finding in found)
