"""The cluster's view, on an API server that answers as it is told."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from kubernetes.client.exceptions import ApiException

from conformance import preflight
from conformance.errors import Blocked
from conformance.requirement import catalogue
from conformance.selection import find
from conformance.session import Session
from conformance.system import cluster
from conformance.system.cluster import Cluster, Forbidden
from conformance.system.scenarios import catalogue as scenarios

GPU = scenarios()["gpu"]
ACCOUNT = "read_namespaced_service_account"


def named(name: str, **more: Any) -> Any:
    return SimpleNamespace(metadata=SimpleNamespace(name=name, annotations=None, labels={}), **more)


def pod(name: str, run_id: str = "7") -> Any:
    """A pod of the flow F that can't be scheduled."""
    found = named(
        name,
        status=SimpleNamespace(
            init_container_statuses=None,
            container_statuses=None,
            conditions=None,
            phase="Pending",
            reason=None,
            message=None,
        ),
    )
    found.metadata.annotations = {"metaflow/flow_name": "F", "metaflow/run_id": run_id}
    found.metadata.labels = {"job-name": name.rpartition("-")[0]}
    return found


def event(name: str, reason: str, message: str) -> Any:
    return SimpleNamespace(involved_object=SimpleNamespace(name=name), reason=reason, message=message, type="Warning")


def node(*, ready: str = "True", labels: dict[str, str] | None = None, taint: str = "", **capacity: str) -> Any:
    devices = {f"nvidia.com/{name.replace('_', '-')}": count for name, count in capacity.items()}
    return SimpleNamespace(
        metadata=SimpleNamespace(name="n", labels=labels),
        spec=SimpleNamespace(taints=[SimpleNamespace(key=taint)] if taint else None),
        status=SimpleNamespace(
            capacity={"cpu": "8", **devices},
            allocatable={"cpu": "8", **devices},
            conditions=[SimpleNamespace(type="Ready", status=ready, message="kubelet stopped")],
        ),
    )


class Server:
    """What there is by the name of its list call, which calls are refused, and how often each was made."""

    def __init__(self, **there: list[Any]) -> None:
        self.there = there
        self.refused: dict[str, int] = {}
        self.calls: Counter[str] = Counter()

    def __getattr__(self, name: str) -> Any:
        def answer(**arguments: Any) -> Any:
            self.calls[name] += 1
            assert arguments["_request_timeout"]
            if name in self.refused:
                raise ApiException(status=self.refused[name], reason="told so")
            return SimpleNamespace(items=self.there.get(name, []))

        return answer


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Server:
    """A server with a pod of each of two runs, and a job without a pod."""
    found = Server(
        list_node=[node(ready="False")],
        list_namespaced_pod=[pod("t-a-1"), pod("t-b-1", "8")],
        list_namespaced_job=[named("t-a"), named("t-b"), named("t-c")],
        list_namespaced_event=[
            event("t-a-1", "FailedScheduling", "0/3 nodes are available"),
            event("t-b-1", "FailedScheduling", "of another run"),
            event("t-a-1", "Pulled", "not telling"),
            event("t-c", "FailedCreate", "quota exceeded"),
        ],
    )
    monkeypatch.setattr(cluster, "connection", lambda: None)
    for api in ("CoreV1Api", "BatchV1Api", "AppsV1Api"):
        monkeypatch.setattr(cluster, api, lambda _: found)
    return found


@pytest.fixture
def session(tmp_path: Path) -> Session:
    """A session in the namespace ``jobs``."""
    config = {"METAFLOW_KUBERNETES_NAMESPACE": "jobs"}
    return Session("run0000001", tmp_path, "kind", (), (), frozenset(), frozenset(), config)


@pytest.fixture
def view(server: Server, session: Session) -> Cluster:
    """The view of that server."""
    assert server
    return Cluster(session)


def run_of(*pods: str) -> Any:
    """The run F/7 with one step, whose tasks name pods."""
    tasks = [SimpleNamespace(pods=[name]) for name in pods]
    return SimpleNamespace(id="7", pathspec="F/7", steps={"start": tasks}, listed=None)


def test_the_pods_of_a_run_and_of_its_step(view: Cluster) -> None:
    assert [found.metadata.name for found in view.pods_of(run_of("t-a-1"))] == ["t-a-1"]
    assert [found.metadata.name for found in view.pods_of(run_of("t-a-1"), "start")] == ["t-a-1"]


@pytest.mark.parametrize(("step", "what"), [(None, "F/7"), ("start", "F/7/start")])
def test_a_run_whose_pods_are_gone_can_not_be_judged(
    view: Cluster, server: Server, step: str | None, what: str
) -> None:
    server.there["list_namespaced_pod"] = [pod("t-b-1", "8")]

    with pytest.raises(Blocked) as told:
        view.pods_of(run_of("t-a-1"), step)
    assert str(told.value) == f"no pod of {what} is left on the cluster: is podGC or a TTL set?"


def test_an_explanation_has_the_pods_own_reason_first(view: Cluster, server: Server) -> None:
    late = pod("t-a-1")
    late.status.phase, late.status.reason = "Failed", "DeadlineExceeded"
    late.status.message = "Pod was active on the node longer than the specified deadline"
    server.there["list_namespaced_pod"] = [late]

    told = view.explain("F/7").splitlines()

    assert told[1] == f"pod t-a-1 (Failed): DeadlineExceeded: {late.status.message}"


def test_an_explanation_lists_events_once(view: Cluster, server: Server) -> None:
    assert view.explain().splitlines() == [
        "node n is not ready: kubelet stopped",
        "pod t-a-1 (Pending): FailedScheduling: 0/3 nodes are available",
        "pod t-b-1 (Pending): FailedScheduling: of another run",
        "job t-c has no pod: quota exceeded",
    ]
    assert server.calls["list_namespaced_event"] == 1


def test_an_explanation_of_one_run_is_not_of_another(view: Cluster) -> None:
    assert view.explain("F/7").splitlines() == [
        "node n is not ready: kubelet stopped",
        "pod t-a-1 (Pending): FailedScheduling: 0/3 nodes are available",
        "job t-c has no pod: quota exceeded",
    ]


@pytest.mark.parametrize(
    ("refused", "told"),
    [
        ("list_node", "not allowed to list nodes"),
        ("list_namespaced_pod", "not allowed to list pods in jobs"),
        ("list_namespaced_job", "not allowed to list jobs in jobs"),
        ("list_namespaced_event", "not allowed to list events in jobs"),
    ],
)
def test_an_explanation_tells_what_can_not_be_seen(view: Cluster, server: Server, refused: str, told: str) -> None:
    whole = view.explain().splitlines()
    server.refused = {refused: 403}

    found = view.explain().splitlines()
    assert found.count(told) == 1
    assert set(found) & set(whole)


def test_an_explanation_does_not_swallow_a_server_that_fails(view: Cluster, server: Server) -> None:
    server.refused = {"list_namespaced_event": 500}

    with pytest.raises(ApiException):
        view.explain()


def test_a_service_account_is_absent_only_where_the_server_says_so(view: Cluster, server: Server) -> None:
    assert view.service_account("runner") is not None
    server.refused = {ACCOUNT: 404}
    assert view.service_account("runner") is None
    server.refused = {ACCOUNT: 403}
    with pytest.raises(Forbidden, match="not allowed to read service accounts in jobs"):
        view.service_account("runner")
    server.refused = {ACCOUNT: 500}
    with pytest.raises(ApiException):
        view.service_account("runner")


def test_the_jobs_of_a_run_are_found_by_its_id(view: Cluster, server: Server) -> None:
    mine, other = named("t-a"), named("t-b")
    mine.metadata.annotations, other.metadata.annotations = {"metaflow/run_id": "7"}, {"metaflow/run_id": "8"}
    server.there["list_namespaced_job"] = [mine, other, named("t-c")]

    assert [job.metadata.name for job in view.jobs_of(run_of())] == ["t-a"]
    server.there["list_namespaced_job"] = [other]
    with pytest.raises(Blocked, match="no job of F/7 is left"):
        view.jobs_of(run_of())


def test_limits_that_are_hidden_are_no_limits_that_admit_all(view: Cluster, server: Server) -> None:
    assert view.limits().refused_by_quotas({"cpu": 1}) == []
    for kind, what in (("resource_quota", "resource quotas"), ("limit_range", "limit ranges")):
        server.refused = {f"list_namespaced_{kind}": 403}
        with pytest.raises(Forbidden, match=f"not allowed to list {what} in jobs"):
            view.limits()


def test_a_user_who_may_not_list_nodes_has_no_gpu(view: Cluster, server: Server, session: Session) -> None:
    assert view
    server.there["list_node"] = [node(gpu="1")]
    assert "gpu" in preflight.gpu_needs(session)
    server.refused = {"list_node": 403}
    assert preflight.gpu_needs(session) == set()
    server.refused = {"list_node": 500}
    with pytest.raises(ApiException):
        preflight.gpu_needs(session)


@pytest.mark.parametrize(
    ("found", "offered"),
    [
        (node(gpu="2"), 2),
        (node(gpu="0"), 0),
        (node(gpu="0", mig_1g_5gb="7"), 7),
        (node(gpu_shared="4"), 4),
        (node(labels={"nvidia.com/gpu.present": "true"}), 0),
    ],
)
def test_what_a_node_offers_are_whole_gpus_shared_ones_and_slices(found: Any, offered: int) -> None:
    assert Cluster.offered(found) == offered


@pytest.mark.parametrize(
    ("labels", "exclusive"),
    [
        (None, True),
        ({"nvidia.com/gpu.sharing-strategy": "none", "nvidia.com/gpu.replicas": "1"}, True),
        ({"nvidia.com/gpu.replicas": "0"}, True),
        ({"nvidia.com/gpu.replicas": "4"}, False),
        ({"nvidia.com/gpu.sharing-strategy": "time-slicing"}, False),
        ({"nvidia.com/gpu.sharing-strategy": "mps"}, False),
    ],
)
def test_one_node_with_shared_gpus_makes_none_exclusive(
    server: Server, session: Session, labels: dict[str, str] | None, *, exclusive: bool
) -> None:
    server.there["list_node"] = [node(gpu="1"), node(gpu="4", labels=labels)]

    found = preflight.gpu_needs(session)

    assert ("gpu" in found, "gpu-exclusive" in found) == (True, exclusive)


@pytest.mark.parametrize(
    ("nodes", "met"),
    [
        ([node(gpu="1"), node(gpu="1")], {"gpu-whole", "gpu-scarce"}),
        ([node(gpu="2"), node()], {"gpu-whole", "gpu-scarce", "gpu-pair"}),
        ([node(gpu="8")], {"gpu-whole", "gpu-pair"}),
        ([node(gpu="0", mig_1g_5gb="7")], set()),
        ([node(labels={"nvidia.com/gpu.present": "true"})], {"gpu-whole"}),
    ],
)
def test_what_checks_of_gpus_need_is_counted_in_whole_ones(
    server: Server, session: Session, nodes: list[Any], met: set[str]
) -> None:
    server.there["list_node"] = nodes

    assert preflight.gpu_needs(session) & {"gpu-whole", "gpu-scarce", "gpu-pair", "gpu-amd"} == met


def test_without_gpu_nodes_there_is_no_gpu(server: Server, session: Session) -> None:
    server.there["list_node"] = [node()]

    assert preflight.gpu_needs(session) == set()


def test_that_devices_are_not_shared_is_judged_only_where_they_are_exclusive() -> None:
    assert "gpu-exclusive" in find(catalogue(), "GPU-014").needs


@pytest.mark.parametrize("configured", ["", '[{"key": "team", "operator": "Exists"}]'])
def test_a_gpu_step_tolerates_what_is_configured_too(configured: str, own_environment: Path) -> None:
    code = (
        "import json, runpy, sys; work = runpy.run_path(sys.argv[1])[sys.argv[2]].work.decorators[0]; "
        "print(json.dumps([t['key'] for t in work.attributes['tolerations']]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(GPU.file), GPU.flow],
        check=True,
        capture_output=True,
        text=True,
        timeout=60,
        cwd=own_environment,
        env={**os.environ, "METAFLOW_KUBERNETES_TOLERATIONS": configured},
    )

    assert json.loads(done.stdout) == [*(["team"] if configured else []), "nvidia.com/gpu"]
