"""What befalls a run while it lives: when, to which pod, and how the launch tells of it."""

from __future__ import annotations

import asyncio
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from kubernetes.client.exceptions import ApiException

from conformance.errors import TargetError
from conformance.requirement import Launch
from conformance.session import Session
from conformance.system import disturbing, launch, props
from conformance.system.flows import LaunchResult
from conformance.system.scenarios import Disturbance, Scenario

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

    asyncio.run(launch.disturb(session(output), SCENARIO, Executing(), state))
    assert not list(looks), "it did not wait for all of it"
    return state.data


def test_it_waits_until_everything_was_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    seen: list[Any] = []

    def done(*arguments: Any) -> dict[str, Any]:
        seen.append(arguments[1:])
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
    return SimpleNamespace(metadata=meta, status=SimpleNamespace(phase=phase))


def test_the_pod_that_runs_now_is_the_one() -> None:
    others = [pod("a", run="8"), pod("b", step="end"), pod("c", phase="Failed"), pod("d", going=True)]

    assert disturbing.running_pod(SimpleNamespace(pods=lambda: [*others, pod("e")]), "7", "work") == "e"  # type: ignore[arg-type]


@pytest.mark.parametrize("pods", [[], [pod("a"), pod("b")]])
def test_none_or_several_are_no_one(pods: list[Any]) -> None:
    with pytest.raises(TargetError, match=f"has {len(pods)} running pods, not one"):
        disturbing.running_pod(SimpleNamespace(pods=lambda: pods), "7", "work")  # type: ignore[arg-type]


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
