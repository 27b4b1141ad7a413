"""Mutants of a deployment: what is laid out, made and taken back, with a cluster that only notes what it is told."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from conformance import local
from conformance.errors import TargetError
from conformance.local import cluster, deployment
from conformance.mutants import catalogue
from conformance.mutants.deployment import making
from conformance.mutants.deployment import standing as standing_
from conformance.mutants.deployment.bench import LABEL, STORE_KEY, Bench, Breaks, Expression, add, cel, remove
from conformance.mutants.deployment.court import Court, claiming
from conformance.mutants.deployment.standing import Standing
from conformance.requirement import catalogue as checks

MUTANTS = catalogue.mutants(catalogue.DEPLOYMENT)
JOBS = deployment.JOBS
API = "rbac.authorization.k8s.io/v1"


def role(name: str, *rules: dict[str, Any]) -> dict[str, Any]:
    return {"apiVersion": API, "kind": "Role", "metadata": {"name": name, "namespace": JOBS}, "rules": list(rules)}


def bound(name: str, account: str) -> dict[str, Any]:
    return {
        "apiVersion": API,
        "kind": "RoleBinding",
        "metadata": {"name": name, "namespace": JOBS, "uid": "1"},
        "roleRef": {"kind": "Role", "name": name},
        "subjects": [{"kind": "ServiceAccount", "name": account, "namespace": JOBS}],
    }


JOB_RULE = {"apiGroups": ["batch"], "resources": ["jobs"], "verbs": ["create", "get"]}
RBAC = [role("launcher", JOB_RULE), bound("launcher", "metaflow-user"), bound("task", "metaflow-task"), role("task")]
SECRET = {
    "apiVersion": "v1",
    "kind": "Secret",
    "metadata": {"name": "s3-credentials", "namespace": JOBS},
    "data": {"AWS_SECRET_ACCESS_KEY": "aGlkZGVu"},
}
THERE = [SECRET, *RBAC]


class Kubectl:
    """Notes what it is told; answers from ``answers``, by the words after the verb."""

    def __init__(self) -> None:
        self.told: list[tuple[str, ...]] = []
        self.stdin: list[str] = []
        self.refuses = ""

    def __call__(self, *words: str, doing: str, stdin: str | None = None, timeout: float = 0) -> str:
        del doing, timeout
        self.told.append(words)
        self.stdin.append(stdin or "")
        if self.refuses and words[0] == self.refuses:
            raise TargetError(f"kubectl {words[0]}: refused")
        if words[0] == "create":
            return self.probed(stdin or "")
        if words[0] != "get":
            return ""
        return json.dumps({"spec": {"taints": [{"key": "there"}]}}) if "--output=json" in words else ""

    def probed(self, manifest: str) -> str:
        """What the API server makes of a probe."""
        made = json.loads(manifest)
        return json.dumps({**made, "metadata": {**made["metadata"], "annotations": {LABEL: "some-mutant"}}})


@pytest.fixture
def kubectl(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Kubectl:
    noting = Kubectl()
    monkeypatch.setattr(cluster, "kubectl", noting)
    monkeypatch.setattr(standing_, "admin", lambda: None)
    monkeypatch.setattr(standing_, "listed", lambda _api, kind, *_, **__: [one for one in THERE if one["kind"] == kind])
    monkeypatch.setattr(Standing, "token", staticmethod(lambda _: "a-token"))
    monkeypatch.setattr(deployment, "wait", lambda: None)
    monkeypatch.setattr(making, "JOURNAL", tmp_path / "journal")
    kubeconfig = tmp_path / "kubeconfig"
    kubeconfig.write_text("users: [{name: me, user: {token: mine}}]", encoding="utf-8")
    monkeypatch.setattr(local, "environment", lambda: {"KUBECONFIG": str(kubeconfig)})
    return noting


@pytest.fixture
def bench() -> Bench:
    return Bench("some-mutant")


def standing() -> Standing:
    return Standing({"METAFLOW_SERVICE_URL": "http://127.0.0.1:1"})


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: str(mutant.name))
def test_a_mutant_changes_something(mutant: catalogue.Mutant) -> None:
    bench = mutant.laid_out(Bench(mutant.name))

    assert bench.changes
    assert len(f"{bench.made}-high") <= 63
    assert all(one["metadata"]["labels"] == {LABEL: mutant.name} for one in bench.objects)


@pytest.mark.usefixtures("kubectl")
def test_an_account_without_a_verb(bench: Bench) -> None:
    bench.launcher("create jobs")

    account, rules, binding = standing().accounts(bench)

    assert account["metadata"]["name"] == binding["subjects"][0]["name"] == "mfconf-mutant-some-mutant"
    assert rules["rules"] == [{**JOB_RULE, "verbs": ["get"]}]


@pytest.mark.usefixtures("kubectl")
def test_a_verb_that_nobody_has_is_loud(bench: Bench) -> None:
    bench.launcher("create pods")

    with pytest.raises(TargetError, match="metaflow-user may not create pods anyway"):
        standing().accounts(bench)


@pytest.mark.usefixtures("kubectl")
def test_a_namespace_of_its_own_is_like_that_of_the_jobs(bench: Bench) -> None:
    bench.own_namespace(without=[("Role", "task")])

    namespace, *copied = standing().namespace(bench)

    assert namespace["metadata"] == {"name": bench.namespace, "labels": {LABEL: "some-mutant"}}
    assert [(one["kind"], one["metadata"]["name"]) for one in copied] == [
        *(("Secret", "s3-credentials"), ("Role", "launcher"), ("RoleBinding", "launcher"), ("RoleBinding", "task"))
    ]
    assert {one["metadata"]["namespace"] for one in copied} == {bench.namespace}
    assert [one["subjects"][0]["namespace"] for one in copied[2:]] == [JOBS, bench.namespace]
    assert bench.config["METAFLOW_KUBERNETES_NAMESPACE"] == bench.namespace


def test_what_undoes_it_is_on_the_disk_before_it_is_made_and_holds_no_secret(kubectl: Kubectl, bench: Bench) -> None:
    bench.own_namespace()
    kubectl.refuses = "apply"

    def journal() -> str:
        return (making.JOURNAL / "some-mutant.json").read_text(encoding="utf-8")

    seen = []
    refuse = Kubectl.__call__

    def look(self: Kubectl, *words: str, **rest: Any) -> str:
        seen.extend([journal()] if words[0] == "apply" else [])
        return refuse(self, *words, **rest)

    with pytest.MonkeyPatch.context() as patching:
        patching.setattr(Kubectl, "__call__", look)
        with pytest.raises(TargetError, match="apply: refused"), making.made(bench, standing()):
            pass

    assert "delete" in seen[0]
    assert bench.namespace in seen[0]
    assert "aGlkZGVu" not in seen[0]
    assert kubectl.told[-1][0] == "delete"
    assert not list(making.JOURNAL.iterdir())


def test_a_user_of_it_has_a_profile_and_a_token_of_its_own(kubectl: Kubectl, bench: Bench) -> None:
    bench.launcher("get jobs")
    bench.configure(SERVICE_URL="http://other")

    with making.made(bench, standing()) as environment:
        home = Path(environment["METAFLOW_HOME"])
        config = json.loads((home / "config_mutant.json").read_text(encoding="utf-8"))
        kubeconfig = Path(environment["KUBECONFIG"])
        assert "a-token" in kubeconfig.read_text(encoding="utf-8")
        assert kubeconfig.stat().st_mode & 0o77 == 0

    assert config["METAFLOW_SERVICE_URL"] == "http://other"
    assert config["METAFLOW_KUBERNETES_LABELS"] == f"{LABEL}=some-mutant"
    assert not home.exists()
    assert kubectl.told[-1][0] == "delete"


def test_what_is_shared_is_patched_back(kubectl: Kubectl, bench: Bench) -> None:
    bench.patch("node", "worker", "", lambda former: {"spec": {"taints": [*former["spec"]["taints"], {"key": "new"}]}})

    with making.made(bench, standing()):
        pass

    patches = [json.loads(words[-1].removeprefix("--patch=")) for words in kubectl.told if words[0] == "patch"]
    assert patches == [
        {"spec": {"taints": [{"key": "there"}, {"key": "new"}]}},
        {"spec": {"taints": [{"key": "there"}]}},
    ]
    assert bench.breaks is Breaks.EVERYTHING


def test_what_can_not_be_taken_back_is_loud_and_left_to_the_next_start(kubectl: Kubectl, bench: Bench) -> None:
    bench.own_namespace()
    kubectl.refuses = "delete"

    with pytest.raises(making.NotTakenBack, match="run mfconf mutants again"), making.made(bench, standing()):
        pass

    kubectl.refuses = ""
    assert making.reset() == ["some-mutant"]
    assert not list(making.JOURNAL.iterdir())


def test_the_key_of_the_store_is_put_in_as_the_object_is_made(kubectl: Kubectl, bench: Bench) -> None:
    bench.pods(add("/spec/x", STORE_KEY))

    with making.made(bench, standing()):
        journal = (making.JOURNAL / "some-mutant.json").read_text(encoding="utf-8")

    assert STORE_KEY not in "".join(kubectl.stdin)
    assert "hidden" in "".join(kubectl.stdin)
    assert "hidden" not in journal


def test_the_inverse_of_a_patch() -> None:
    former = {"spec": {"replicas": 2, "template": {"labels": {"a": "b"}}}}
    content = {"spec": {"replicas": 0, "paused": True, "template": {"labels": {"c": "d"}}}, "new": {"x": {"y": 1}}}

    assert making.inverse(content, former) == {
        "spec": {"replicas": 2, "paused": None, "template": {"labels": {"c": None}}},
        "new": None,
    }


def test_values_in_cel() -> None:
    assert (
        cel({"a": [1, True], "b": Expression("object.spec")})
        == '{"a": dyn([dyn(1), dyn(true)]), "b": dyn(object.spec)}'
    )
    assert add("/spec/x", "y") == 'JSONPatch{op: "add", path: "/spec/x", value: "y"}'
    assert remove("/spec/x") == 'JSONPatch{op: "remove", path: "/spec/x"}'


def test_those_that_break_it_for_all_are_tried_last_and_one_by_one() -> None:
    (harmless, gpus), (alone,) = Court.rounds(MUTANTS, None)

    assert (gpus[1], alone[1]) == (1, 1)
    assert "device-plugin-gone" in {mutant.name for mutant in gpus[0]}
    assert "cluster-dns-down" in {mutant.name for mutant in alone[0]}
    assert {*harmless[0], *gpus[0], *alone[0]} == {*MUTANTS}


def test_a_mutant_is_judged_by_cases_on_its_orchestrator_alone() -> None:
    known = checks()
    for mutant in MUTANTS:
        orchestrators = {case.launch.orchestrator for case in claiming(mutant, known) if case.launch}
        assert orchestrators <= {mutant.on}


def test_there_are_enough_mutants_and_each_is_claimed() -> None:
    claimed = {name for check in checks() for name in check.kills}

    assert len(MUTANTS) >= 45
    assert not {mutant.name for mutant in MUTANTS} - claimed
