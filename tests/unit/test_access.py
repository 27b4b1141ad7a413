"""What the API server allows, on one that answers by a list of rules as Kubernetes does."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from kubernetes.client.exceptions import ApiException

from conformance.rights import RIGHTS, Rule, Who
from conformance.session import Session
from conformance.system import access, cluster
from conformance.system.access import Access, Accounts
from conformance.system.cluster import Forbidden

OWN = [
    Rule(right.verbs, (right.resource,), (right.group,)) for right in RIGHTS if right.who in (Who.LAUNCHER, Who.JUDGE)
]
TASK = Rule(("create", "patch"), ("workflowtaskresults",), ("argoproj.io",))
SECRETS = Rule(("get", "list"), ("secrets",), ("",))
WHERE = "in namespace jobs (without it"
ANYTHING = Rule(("*",), ("*",), ("*",))


class Server:
    """Authorization by rules: ``own`` of the context, ``others`` by user or group; counts what it is asked."""

    def __init__(self) -> None:
        self.own = list(OWN)
        self.others: dict[str, list[Rule]] = {"system:serviceaccount:jobs:steps": [TASK]}
        self.incomplete = self.forbidden = False
        self.asked: Counter[str] = Counter()

    def create_self_subject_rules_review(self, body: Any, _request_timeout: Any) -> Any:
        self.asked["rules"] += 1
        assert body["spec"] == {"namespace": "jobs"}
        rules = [
            SimpleNamespace(verbs=r.verbs, resources=r.resources, api_groups=r.groups, resource_names=r.names or None)
            for r in ([] if self.incomplete else self.own)
        ]
        return SimpleNamespace(status=SimpleNamespace(resource_rules=rules, incomplete=self.incomplete))

    def create_self_subject_access_review(self, body: Any, _request_timeout: Any) -> Any:
        self.asked["access"] += 1
        return self._answer(self.own, body["spec"]["resourceAttributes"])

    def create_namespaced_local_subject_access_review(self, namespace: str, body: Any, _request_timeout: Any) -> Any:
        self.asked["others"] += 1
        assert namespace == body["metadata"]["namespace"] == body["spec"]["resourceAttributes"]["namespace"] == "jobs"
        if self.forbidden:
            raise ApiException(status=403)
        who = [body["spec"]["user"], *body["spec"]["groups"]]
        return self._answer(
            [rule for name in who for rule in self.others.get(name, [])], body["spec"]["resourceAttributes"]
        )

    @staticmethod
    def _answer(rules: list[Rule], asked: dict[str, str]) -> Any:
        resource = "/".join(filter(None, [asked["resource"], asked.get("subresource")]))
        allowed = any(rule.allows(asked["verb"], resource, asked["group"]) for rule in rules)
        return SimpleNamespace(status=SimpleNamespace(allowed=allowed))


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Server:
    """A server on which all is as it should be."""
    found = Server()
    monkeypatch.setattr(cluster, "connection", lambda: None)
    monkeypatch.setattr(access, "AuthorizationV1Api", lambda _: found)
    return found


@pytest.fixture
def view(server: Server, tmp_path: Path) -> Access:
    """The view of that server, on a target with Argo and JobSet."""
    assert server
    config = {"METAFLOW_KUBERNETES_NAMESPACE": "jobs", "METAFLOW_KUBERNETES_SERVICE_ACCOUNT": "steps"}
    needs = frozenset({"kubernetes", "argo", "jobset"})
    return Access(Session("run0000001", tmp_path, "kind", (), (), needs, frozenset(), config))


def test_one_question_settles_the_namespace(view: Access, server: Server) -> None:
    assert view.gaps("launcher", optional=False) == view.gaps("launcher", optional=True) == []
    assert view.gaps("judge", optional=False) == view.gaps("judge", optional=True) == []
    assert view.unneeded() == ""
    assert server.asked["rules"] == 1
    assert server.asked["access"] <= 3, "what is on the cluster or in another namespace"


def test_an_authorizer_that_lists_nothing_is_asked_one_by_one(view: Access, server: Server) -> None:
    server.incomplete = True

    assert view.gaps("launcher", optional=False) == []
    assert view.unneeded() == ""
    assert server.asked["access"] > 20


@pytest.mark.parametrize("incomplete", [False, True])
def test_a_verb_that_is_missing_is_named_with_what_breaks(view: Access, server: Server, *, incomplete: bool) -> None:
    server.incomplete = incomplete
    server.own = [rule for rule in OWN if rule.resources != ("jobsets",)]
    server.own = [Rule(tuple(v for v in r.verbs if v != "patch"), r.resources, r.groups) for r in server.own]

    assert view.gaps("launcher", optional=False) == [
        f"patch jobs.batch {WHERE} Ctrl-C leaves the pod of a step that waits for a node)",
        f"create jobsets.jobset.x-k8s.io {WHERE} no step with @parallel can be started)",
        f"get jobsets.jobset.x-k8s.io {WHERE} the launcher can't follow a step with @parallel, and gives up)",
        f"delete jobsets.jobset.x-k8s.io {WHERE} Ctrl-C leaves the pods of a step with @parallel that waits)",
        f"patch workflows.argoproj.io {WHERE} runs can't be suspended or terminated)",
    ]
    assert (
        "list jobsets.jobset.x-k8s.io in namespace jobs (without it what a run leaves"
        in view.gaps("judge", optional=False)[0]
    )


def test_a_right_in_the_namespace_is_none_on_the_cluster(view: Access, server: Server) -> None:
    nodes = Rule(("list",), ("nodes",), ("",))
    server.own = [rule for rule in OWN if rule.resources != ("nodes",)]
    view.rules = (*view.rules, nodes)

    lacking = view.gaps("judge", optional=True)
    assert [line for line in lacking if line.startswith("list nodes on the cluster (without it no GPU is tested")]


@pytest.mark.parametrize("incomplete", [False, True])
def test_what_nobody_needs_is_told(view: Access, server: Server, *, incomplete: bool) -> None:
    server.incomplete = incomplete
    server.own = [*OWN, SECRETS]
    assert view.unneeded() == "get, list secrets"


@pytest.mark.parametrize("incomplete", [False, True])
def test_an_administrator_is_told_in_a_word(view: Access, server: Server, *, incomplete: bool) -> None:
    server.incomplete = incomplete
    server.own = [ANYTHING]

    assert view.unneeded() == "anything"


def test_an_account_has_what_it_needs_or_not(view: Access, server: Server) -> None:
    assert view.gaps("task", optional=False, account="steps") == []
    assert view.gaps("task", optional=False, account="default") == [
        f"create, patch workflowtaskresults.argoproj.io {WHERE} Argo does not learn what a step put out)"
    ]
    server.others["system:serviceaccounts:jobs"] = [TASK]
    assert view.gaps("task", optional=False, account="default") == []


def test_what_an_account_has_beyond_its_needs_and_everybody(view: Access, server: Server) -> None:
    assert view.account_unneeded("steps", "task") == view.account_unneeded("default") == ""

    server.others |= {
        "system:serviceaccounts": [SECRETS],
        "system:authenticated": [Rule(("get",), ("secrets",), ("",))],
    }
    assert view.account_unneeded("steps", "task") == "list secrets"
    assert view.account_unneeded("steps") == "list secrets; create, patch workflowtaskresults.argoproj.io"

    server.others["system:serviceaccount:jobs:steps"] = [ANYTHING]
    assert view.account_unneeded("steps", "task") == "anything"


def test_who_may_not_ask_is_told_so(view: Access, server: Server) -> None:
    server.forbidden = True

    with pytest.raises(Forbidden, match="not allowed to ask what system:serviceaccount:jobs:steps may do"):
        view.account_unneeded("steps", "task")


@pytest.mark.parametrize(
    ("workflow", "accounts"),
    [
        ({"spec": {}}, Accounts("steps", "default")),
        ({"spec": {"serviceAccountName": "a"}}, Accounts("steps", "a")),
        ({"spec": {}, "status": {"storedWorkflowTemplateSpec": {"serviceAccountName": "b"}}}, Accounts("steps", "b")),
        ({"spec": {"executor": {"serviceAccountName": "c"}}, "status": {}}, Accounts("steps", "default", "c")),
    ],
)
def test_the_accounts_of_a_workflow(view: Access, workflow: dict[str, Any], accounts: Accounts) -> None:
    assert view.accounts(workflow) == accounts


@pytest.mark.parametrize(
    ("accounts", "reporter", "maker", "roles"),
    [
        (Accounts("steps", "flows"), "steps", "flows", {"steps": ("task",), "flows": ("workflow",), "default": ()}),
        (Accounts("both", "both"), "both", "both", {"both": ("task", "workflow")}),
        (
            Accounts("steps", "flows", "argo"),
            "argo",
            "argo",
            {"steps": (), "flows": ("workflow",), "argo": ("task", "workflow")},
        ),
    ],
)
def test_who_plays_which_role(accounts: Accounts, reporter: str, maker: str, roles: dict[str, tuple[str, ...]]) -> None:
    assert (accounts.reporter, accounts.maker) == (reporter, maker)
    assert {name: accounts.roles(name) for name in roles} == roles


@pytest.mark.parametrize(
    ("status", "items", "account"),
    [(200, ["2026-01-02", "2026-01-03", "2026-01-01"], "of-2026-01-03"), (200, [], ""), (403, [], "")],
)
def test_the_accounts_of_the_last_workflow(
    view: Access, monkeypatch: pytest.MonkeyPatch, status: int, items: list[str], account: str
) -> None:
    def listed(**asked: Any) -> Any:
        assert asked["_request_timeout"]
        if status != 200:
            raise ApiException(status=status)
        return {
            "items": [{"metadata": {"creationTimestamp": i}, "spec": {"serviceAccountName": f"of-{i}"}} for i in items]
        }

    monkeypatch.setattr(access, "CustomObjectsApi", lambda _: SimpleNamespace(list_namespaced_custom_object=listed))

    assert view.last_accounts() == Accounts("steps", account)
