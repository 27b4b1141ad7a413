"""The JobSets of a run, and how they ended."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from conformance.errors import Blocked
from conformance.session import Session
from conformance.system import cluster
from conformance.system.cluster import Cluster

RUN: Any = SimpleNamespace(id="argo-flow-abc", pathspec="F/argo-flow-abc")


def jobset(name: str, run: str, **conditions: str) -> Any:
    met = [{"type": kind, "status": status} for kind, status in conditions.items()]
    return {"metadata": {"name": name, "annotations": {"metaflow/run_id": run}}, "status": {"conditions": met}}


@pytest.fixture
def view(monkeypatch: pytest.MonkeyPatch) -> Cluster:
    """A cluster with a JobSet each of two runs, one of them without annotations."""
    bare = {"metadata": {"name": "bare"}}

    def listed(**asked: Any) -> Any:
        assert asked["label_selector"] == "mfconf.dev/run=run0000001"
        assert (asked["plural"], asked["namespace"]) == ("jobsets", "default")
        return {"items": [jobset("js-1", RUN.id), jobset("js-2", "8"), bare]}

    monkeypatch.setattr(cluster, "connection", lambda: None)
    monkeypatch.setattr(cluster, "CustomObjectsApi", lambda _: SimpleNamespace(list_namespaced_custom_object=listed))
    return Cluster(Session("run0000001", Path(), "kind", (), (), frozenset(), frozenset(), {}))


def test_the_jobsets_of_a_run_are_those_that_name_it(view: Cluster) -> None:
    assert [found["metadata"]["name"] for found in view.jobsets_of(RUN)] == ["js-1"]


def test_a_run_whose_jobset_is_gone_can_not_be_judged(view: Cluster) -> None:
    with pytest.raises(Blocked, match="no JobSet of F/9 is left"):
        view.jobsets_of(SimpleNamespace(id="9", pathspec="F/9"))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("found", "end"),
    [
        (jobset("a", "7", StartupPolicyInProgress="False", Completed="True"), "Completed"),
        (jobset("a", "7", Failed="True"), "Failed"),
        (jobset("a", "7", Failed="False"), ""),
        ({"metadata": {"name": "new"}}, ""),
    ],
)
def test_a_jobset_ends_by_a_condition_that_is_met(found: Any, end: str) -> None:
    assert Cluster.end_of(found) == end
