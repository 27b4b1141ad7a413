"""What befalls a run while it lives: when, to which pod, and how the launch tells of it."""

from __future__ import annotations

import asyncio
import shlex
import subprocess
import sys
from pathlib import Path
from threading import Event
from types import SimpleNamespace
from typing import Any

import psutil
import pytest
from kubernetes.client.exceptions import ApiException

from conformance.errors import TargetError
from conformance.local import engine
from conformance.requirement import Launch
from conformance.session import Session
from conformance.system import disturbing, launch, props
from conformance.system.flows import LaunchResult
from conformance.system.scenarios import Disturbance, Scenario
from conformance.targets import kind

EVICT = Disturbance("evict", ("step began", "pod .* is up"), "work")
SCENARIO = Scenario("slow", "MfconfSlow", "failed", 60, disturb=EVICT)
LAUNCH = Launch("slow", "kubernetes")


def session(output: Path) -> Session:
    return Session("run0000001", output, "kind", (), (), frozenset(), frozenset(), {})


def result(outcome: str, disturbed: dict[str, Any] | None, scenario: Scenario = SCENARIO) -> LaunchResult:
    return LaunchResult(LAUNCH, scenario, "7", outcome, "no word", None, 3, Path("log"), disturbed)


@pytest.mark.parametrize(
    ("outcome", "disturbed", "as_expected"),
    [("failed", {"at": 1.0}, True), ("failed", None, False), ("timeout", {"at": 1.0}, False)],
)
def test_a_run_that_failed_before_it_was_disturbed_is_not_as_expected(
    outcome: str, disturbed: dict[str, Any] | None, *, as_expected: bool
) -> None:
    assert result(outcome, disturbed).as_expected == as_expected


def test_what_was_waited_for_in_vain_is_told() -> None:
    assert "neither launcher nor cluster told all of it: step began; pod .* is up" in result("timeout", None).explain()
    assert "told all of it" not in result("successful", {"at": 1.0}).explain()


def disturb(monkeypatch: pytest.MonkeyPatch, output: Path, outputs: list[str], done: Any) -> dict[str, Any]:
    """What the launch file holds after ``launch.disturb`` saw the outputs, one at each look."""
    monkeypatch.setattr(launch, "POLL_S", 0)
    monkeypatch.setattr(launch, "described", lambda *_: "pod slow-1 is up")
    monkeypatch.setattr(disturbing, "disturbed", done)
    (output / "launches").mkdir()
    state = launch.State(session(output).launch_file(LAUNCH), SCENARIO, LAUNCH)
    looks = iter(outputs)

    class Executing:
        stderr = ""
        run = SimpleNamespace(id="7")

        @property
        def stdout(self) -> str:
            return next(looks)

    asyncio.run(launch.disturb(session(output), SCENARIO, Executing(), state, Event()))
    assert not list(looks), "it did not wait for all of it"
    return state.data


def test_it_waits_until_everything_was_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    seen: list[Any] = []

    def done(*arguments: Any) -> dict[str, Any]:
        seen.append(arguments[1:3])
        return {"at": 5.0, "pod": "slow-1"}

    data = disturb(monkeypatch, tmp_path, ["", "package", "step began"], done)

    assert seen == [(EVICT, "7")]
    assert data["disturbed"].pop("told").split("\n") == ["step began", "", "pod slow-1 is up"]
    assert data["disturbed"] == {"how": "evict", "at": 5.0, "pod": "slow-1"}


@pytest.mark.parametrize("error", [TargetError("no pod"), ApiException(status=403, reason="no pod")])
def test_what_could_not_be_done_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, error: Exception) -> None:
    def refused(*_: Any) -> dict[str, Any]:
        raise error

    data = disturb(monkeypatch, tmp_path, ["step began"], refused)

    assert data["disturbed"] is None
    assert "no pod" in data["message"]


def pod(name: str, *, run: str = "7", step: str = "work", phase: str = "Running", going: bool = False) -> Any:
    notes = {"metaflow/run_id": run, "metaflow/step_name": step}
    meta = SimpleNamespace(name=name, annotations=notes, deletion_timestamp="now" if going else None)
    return SimpleNamespace(metadata=meta, spec=SimpleNamespace(node_name="n1"), status=SimpleNamespace(phase=phase))


def test_the_pod_that_runs_now_is_the_one() -> None:
    others = [pod("a", run="8"), pod("b", step="end"), pod("c", phase="Failed"), pod("d", going=True)]

    found = disturbing.running_pod(SimpleNamespace(pods=lambda: [*others, pod("e")]), "7", "work")  # type: ignore[arg-type]

    assert found.metadata.name == "e"


@pytest.mark.parametrize("pods", [[], [pod("a"), pod("b")]])
def test_none_or_several_are_no_one(pods: list[Any]) -> None:
    with pytest.raises(TargetError, match=f"has {len(pods)} running pods, not one"):
        disturbing.running_pod(SimpleNamespace(pods=lambda: pods), "7", "work")  # type: ignore[arg-type]


def test_a_run_that_is_over_is_waited_for_no_longer(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(disturbing, "disturbed", pytest.fail)
    (tmp_path / "launches").mkdir()
    state = launch.State(session(tmp_path).launch_file(LAUNCH), SCENARIO, LAUNCH)
    over = Event()
    over.set()

    asyncio.run(launch.disturb(session(tmp_path), SCENARIO, SimpleNamespace(), state, over))

    assert state.data["disturbed"] is None


TASK = """
import signal, sys, time
try:
    print("task", flush=True)
    time.sleep(60)
except KeyboardInterrupt:
    time.sleep(1)
    print("task cleaned up", flush=True)
"""
FLOW = f"""
import subprocess, sys
task = subprocess.Popen([sys.executable, "-c", {TASK!r}, "step"])
try:
    task.wait()
except KeyboardInterrupt:
    print("flow interrupted, task", "gone" if task.poll() is not None else "there", flush=True)
"""


@pytest.mark.parametrize(
    ("how", "said"), [("interrupt", ["task cleaned up", "flow interrupted, task gone"]), ("kill", [])]
)
def test_a_signal_reaches_all_and_the_flow_when_its_tasks_are_gone(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, how: str, said: list[str]
) -> None:
    with subprocess.Popen([sys.executable, "-c", FLOW], stdout=subprocess.PIPE, text=True) as flow:
        assert flow.stdout
        assert flow.stdout.readline() == "task\n"
        main = psutil.Process(flow.pid)
        itself = SimpleNamespace(children=lambda **deep: [main, *(main.children() if deep else [])])
        known = {name: getattr(psutil, name) for name in ("NoSuchProcess", "STATUS_ZOMBIE")}
        monkeypatch.setattr(disturbing, "psutil", SimpleNamespace(Process=lambda: itself, **known))

        done = disturbing.disturbed(session(tmp_path), Disturbance(how, ()), "7", Event())

        assert done["at"] > 0
        assert flow.stdout.read().splitlines() == said, "what it started ends late, or not at all"


class Nodes:
    """A cluster whose one pod is replaced after some looks."""

    def __init__(self, looks: int, refusal: Exception | None = None) -> None:
        self.log: list[Any] = []
        self.looks = looks
        self.refusal = refusal
        self.core = SimpleNamespace(patch_node=self.patch)

    def patch(self, *, name: str, body: Any, **_: Any) -> None:
        self.log.append((name, body["spec"]["unschedulable"]))

    def evict(self, name: str) -> None:
        if self.refusal:
            raise self.refusal
        self.log.append(f"evict {name}")

    def pods(self) -> list[Any]:
        self.looks -= 1
        return [pod("a")] if self.looks >= 0 else [pod("a", going=True), pod("b", phase="Pending")]


def drain(monkeypatch: pytest.MonkeyPatch, output: Path, nodes: Nodes, how: str = "drain") -> dict[str, Any]:
    monkeypatch.setattr(disturbing, "Cluster", lambda _: nodes)
    monkeypatch.setattr(disturbing, "LOOK_S", 0)
    return disturbing.disturbed(session(output), Disturbance(how, (), "work"), "7", Event())


def test_a_drained_node_is_opened_again_once_the_step_has_another_pod(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    nodes = Nodes(3)

    done = drain(monkeypatch, tmp_path, nodes)

    assert nodes.log == [("n1", True), "evict a", ("n1", None)]
    assert nodes.looks == -1, "it was opened before there was another pod"
    assert (done["pod"], done["node"]) == ("a", "n1")


def test_a_node_is_opened_at_once_where_the_launch_is_stopped(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    nodes, stopped = Nodes(10**6), Event()
    stopped.set()
    monkeypatch.setattr(disturbing, "Cluster", lambda _: nodes)

    disturbing.disturbed(session(tmp_path), Disturbance("drain", (), "work"), "7", stopped)

    assert nodes.log == [("n1", True), "evict a", ("n1", None)]


def test_a_node_is_opened_again_where_its_pod_may_not_be_evicted(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    nodes = Nodes(3, ApiException(status=429, reason="disruption budget"))

    with pytest.raises(ApiException, match="disruption budget"):
        drain(monkeypatch, tmp_path, nodes)

    assert nodes.log == [("n1", True), ("n1", None)]


def test_a_lost_node_gets_its_power_back(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    log = tmp_path / "power"
    assert not disturbing.has_power()
    monkeypatch.setenv(disturbing.STOP, f"sh -c 'echo stop {{node}} >> {log}'")
    monkeypatch.setenv(disturbing.START, f"sh -c 'echo start {{node}} >> {log}'")

    done = drain(monkeypatch, tmp_path, Nodes(2), "lose")

    assert disturbing.has_power()
    assert log.read_text(encoding="utf-8").splitlines() == ["stop n1", "start n1"]
    assert done["node"] == "n1"


def test_a_node_of_the_local_deployment_is_a_container_of_its_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "private", lambda: {"DOCKER_HOST": "unix:///a b"})

    found = {variable: shlex.split(command.format(node="n1")) for variable, command in kind.power().items()}

    start = ["env", "DOCKER_HOST=unix:///a b", "docker"]
    assert found == {
        disturbing.STOP: [*start, "stop", "--time", "0", "n1"],
        disturbing.START: [*start, "start", "n1"],
    }


@pytest.mark.parametrize("command", ["sh -c 'echo no such node {node} >&2; exit 1'", "/no/such/command {node}"])
def test_a_command_that_fails_is_named(monkeypatch: pytest.MonkeyPatch, command: str) -> None:
    monkeypatch.setenv(disturbing.STOP, command)

    with pytest.raises(TargetError, match=r"MFCONF_NODE_STOP: .*: .*[Nn]o such"):
        disturbing.power(disturbing.STOP, "n1")


class Core:
    """Makes what it is asked for, except claims."""

    def __init__(self) -> None:
        self.made: list[Any] = []

    def create_namespaced_secret(self, **asked: Any) -> None:
        self.made.append((asked["namespace"], asked["body"]))

    def create_namespaced_persistent_volume_claim(self, **_: Any) -> None:
        raise ApiException(status=403, reason="exceeded quota")


def test_props_bear_the_run_and_a_refusal_names_the_thing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    core = Core()
    monkeypatch.setattr(props, "Cluster", lambda _: SimpleNamespace(core=core))

    with pytest.raises(TargetError, match="claim p in default: 403 exceeded quota"):
        props.make(session(tmp_path), "p", ("secret", "claim"))

    (namespace, body), *others = core.made
    assert (namespace, others) == ("default", [])
    assert body["metadata"] == {"name": "p", "labels": {"mfconf.dev/run": "run0000001"}}
    assert body["stringData"] == {props.SECRET_KEY: props.secret_value("p")}
    assert props.secret_value("p") != props.secret_value("q")


def test_a_prop_is_named_as_kubernetes_has_it(tmp_path: Path) -> None:
    assert session(tmp_path).prop(Launch("gpu_pair", "argo")) == "mfconf-run0000001-gpu-pair-argo"
