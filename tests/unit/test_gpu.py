"""GPUs: which needs a target meets, the plugin's restart, and what the scenario's probes make of NVIDIA's libraries."""

from __future__ import annotations

import ctypes
import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path
from threading import Event
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from conformance import preflight
from conformance.errors import TargetError
from conformance.requirement import Launch
from conformance.session import Session
from conformance.system import cluster, disturbing, launch
from conformance.system.access import Access
from conformance.system.scenarios import Disturbance, Scenario, catalogue
from conformance.targets.base import Target

RESTART = Disturbance("restart-gpu-plugin", (), "start")


def session(*launches: tuple[str, str]) -> Session:
    return Session("run0000001", Path(), "kind", (), launches, frozenset(), frozenset(), {})


class Core:
    """Pods by namespace and selector; keeps what is deleted."""

    def __init__(self, names: list[str]) -> None:
        self.names = names
        self.deleted: list[tuple[str, str]] = []

    def list_namespaced_pod(self, *, namespace: str, label_selector: str, **_: Any) -> Any:
        asked = (namespace, label_selector) == ("kube-system", "mfconf.dev/disposable=true")
        found = [SimpleNamespace(metadata=SimpleNamespace(name=name)) for name in self.names]
        return SimpleNamespace(items=found if asked else [])

    def delete_namespaced_pod(self, *, name: str, namespace: str, **_: Any) -> None:
        self.deleted.append((namespace, name))


@pytest.fixture
def core(monkeypatch: pytest.MonkeyPatch) -> Core:
    """A cluster with one pod of the plugin that may be restarted."""
    made = Core(["plugin-1"])
    monkeypatch.setattr(cluster, "connection", lambda: None)
    monkeypatch.setattr(cluster, "CoreV1Api", lambda _: made)
    return made


def runs(name: str) -> Any:
    meta = SimpleNamespace(name=name)
    return SimpleNamespace(metadata=meta, spec=SimpleNamespace(node_name="n"))


def test_the_plugin_is_restarted_while_the_step_runs(core: Core, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(disturbing, "running_pod", lambda *asked: runs(f"pod-of-{asked[2]}"))

    done = disturbing.disturbed(session(), RESTART, "7", Event())

    assert (done["pod"], done["restarted"]) == ("pod-of-start", ["plugin-1"])
    assert core.deleted == [("kube-system", "plugin-1")]


def test_the_plugin_is_left_alone_when_the_step_is_over(core: Core, monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(*_: Any) -> Any:
        raise TargetError("step start of run 7 has 0 running pods")

    monkeypatch.setattr(disturbing, "running_pod", gone)

    with pytest.raises(TargetError):
        disturbing.disturbed(session(), RESTART, "7", Event())
    assert core.deleted == []


@pytest.mark.parametrize(("names", "may", "met"), [(["p"], True, True), ([], True, False), (["p"], False, False)])
def test_a_plugin_that_nobody_gave_away_is_not_restarted(
    core: Core, monkeypatch: pytest.MonkeyPatch, names: list[str], *, may: bool, met: bool
) -> None:
    core.names = names
    monkeypatch.setattr(Access, "may", lambda *_: may)
    monkeypatch.setattr(cluster.Cluster, "default_storage", lambda _: False)
    monkeypatch.setattr(cluster.Cluster, "disposable_nodes", lambda _: [])

    assert ("gpu-plugin" in preflight.leave_needs(session())) is met


def test_a_launch_waits_for_those_that_it_would_disturb(monkeypatch: pytest.MonkeyPatch) -> None:
    awaited: list[Launch] = []
    monkeypatch.setattr(launch, "await_launch", lambda _, other: awaited.append(other))
    restart = Scenario("restart", "F", "successful", 60, after=("gpu", "gpu_pair"))

    launch.await_others(session(("gpu", "kubernetes"), ("gpu_pair", "argo")), restart, Launch("restart", "kubernetes"))

    assert awaited == [Launch("gpu", "kubernetes")]


def test_what_a_launch_waits_for_was_started_before_it() -> None:
    order = list(catalogue())

    late = [
        (s.name, other) for s in catalogue().values() for other in s.after if order.index(other) > order.index(s.name)
    ]
    assert not late


@pytest.mark.parametrize(("simulated", "real"), [(frozenset({"gpu"}), False), (frozenset({"s3"}), True)])
def test_a_stand_in_is_no_real_gpu(monkeypatch: pytest.MonkeyPatch, simulated: frozenset[str], *, real: bool) -> None:
    monkeypatch.setattr(preflight, "kubernetes", lambda: "v1.34.4")
    monkeypatch.setattr("conformance.system.argo.Argo.installed", lambda: False)
    monkeypatch.setattr(preflight, "gpu_needs", lambda _: {"gpu"})
    monkeypatch.setattr(preflight, "leave_needs", lambda _: set())
    monkeypatch.setattr(cluster, "has_api", lambda _: False)
    target = Target("x", "profile", {}, frozenset({"kubernetes"}), simulated=simulated)

    assert ("gpu-real" in preflight.observe(target, session()).capabilities) is real


@pytest.mark.parametrize(
    ("product", "slices"), [("NVIDIA-A100-SXM4-40GB-MIG-1g.5gb", True), ("NVIDIA-A100-SXM4-40GB", False), (None, False)]
)
def test_slices_that_are_offered_as_gpus_say_so(product: str | None, *, slices: bool) -> None:
    labels = {"nvidia.com/gpu.product": product} if product else None

    assert cluster.Cluster.slices_gpus(SimpleNamespace(metadata=SimpleNamespace(labels=labels))) is slices


@pytest.fixture
def scenario(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The scenario's module, whose probes run inside the pod, without Metaflow."""

    def undecorated(*given: Any, **_: Any) -> Any:
        return given[0] if given else undecorated

    fakes = {"FlowSpec": object, "kubernetes": undecorated, "step": undecorated, "KUBERNETES_TOLERATIONS": ""}
    for name in ("metaflow", "metaflow.metaflow_config"):
        monkeypatch.setitem(sys.modules, name, SimpleNamespace(**fakes))
    spec = importlib.util.spec_from_file_location("gpu_scenario", catalogue()["gpu"].file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def library(**functions: Callable[..., int]) -> Any:
    """A library with these functions; every other one answers 0."""

    class Library:
        def __init__(self, _: str) -> None:
            pass

        def __getattr__(self, name: str) -> Callable[..., int]:
            return functions.get(name, lambda *_: 0)

    return Library


def set_to(value: Any) -> Callable[..., int]:
    """A function that writes to where its first argument points."""

    def function(where: Any, *_: Any) -> int:
        where._obj.value = value
        return 0

    return function


def write(text: bytes) -> Callable[..., int]:
    def function(_: Any, buffer: Any, _length: Any) -> int:
        buffer.value = text
        return 0

    return function


def fill(buffer: Any, *_: Any) -> int:
    buffer[:] = [7] * len(buffer)
    return 0


def test_the_probes_tell_what_the_driver_says(scenario: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    nvml = {"nvmlDeviceGetCount_v2": set_to(1), "nvmlDeviceGetUUID": write(b"GPU-1")}
    monkeypatch.setattr(ctypes, "CDLL", library(**nvml, cuDeviceGetCount=set_to(1), cuMemcpyDtoH_v2=fill))

    assert scenario.by_nvml() == {"error": "", "uuids": ["GPU-1"]}
    assert scenario.by_computing() == {"error": "", "count": 1, "sum": 1024 * 7}


def test_the_probes_tell_what_went_wrong(scenario: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ctypes, "CDLL", library(nvmlInit_v2=lambda *_: 9, cuInit=lambda *_: 999))

    assert scenario.by_nvml() == {"error": "nvmlInit_v2 answers 9", "uuids": []}
    assert scenario.by_computing() == {"error": "cuInit answers 999", "count": 0, "sum": 0}


def test_without_a_driver_the_probes_say_nothing(scenario: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(name: str) -> Any:
        raise OSError(name)

    monkeypatch.setattr(ctypes, "CDLL", absent)

    assert (scenario.by_nvml(), scenario.by_computing()) == (None, None)
