"""How to use the local deployment: the way to it, past a proxy, and to the engine that carries it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from requests.utils import should_bypass_proxies

from conformance import local
from conformance.local import cluster, engine


@pytest.fixture
def standing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A local deployment that is up."""
    made = tmp_path / "made.json"
    made.touch()
    monkeypatch.setenv("PATH", os.environ["PATH"])
    monkeypatch.setattr(local, "MADE", made)
    monkeypatch.setattr("shutil.which", lambda name: f"/usr/bin/{name}")
    monkeypatch.setattr(cluster, "nodes", lambda: {"mfconf-control-plane": "running"})


@pytest.mark.usefixtures("standing")
@pytest.mark.parametrize("private", [True, False])
def test_status_tells_the_way_to_a_private_engine(monkeypatch: pytest.MonkeyPatch, *, private: bool) -> None:
    address = f"unix://{engine.SOCKET}"

    def attach() -> bool:
        monkeypatch.setenv("DOCKER_HOST", address if private else "tcp://127.0.0.1:2375")
        return True

    monkeypatch.setattr(engine, "attach", attach)
    found = local.status()

    assert found.up
    assert found.environment.get("DOCKER_HOST") == (address if private else None)
    assert "DOCKER_HOST" not in local.environment()


@pytest.mark.parametrize(
    ("lower", "upper", "value"),
    [
        (None, None, "127.0.0.1,localhost"),
        (None, "example.com, 127.0.0.1", "example.com,127.0.0.1,localhost"),
        ("a.example", "b.example", "a.example,b.example,127.0.0.1,localhost"),
        ("", None, "127.0.0.1,localhost"),
    ],
)
def test_a_proxy_is_kept_out_of_the_way_to_this_machine(
    monkeypatch: pytest.MonkeyPatch, lower: str | None, upper: str | None, value: str
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://proxy.example:3128")
    for name, given in (("no_proxy", lower), ("NO_PROXY", upper)):
        monkeypatch.delenv(name, raising=False)
        if given is not None:
            monkeypatch.setenv(name, given)
    found = local.environment()

    assert found["NO_PROXY"] == found["no_proxy"] == value
    assert should_bypass_proxies("http://127.0.0.1:30080", no_proxy=found["no_proxy"])


def test_without_a_proxy_there_is_none_to_keep_out(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.lower().endswith("_proxy")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("NO_PROXY", "example.com")

    assert "NO_PROXY" not in local.environment()


WORKERS = ("control-plane", "worker", "worker2", "worker3")


def containers(stopped: str) -> dict[str, str]:
    return {f"mfconf-{name}": "exited" if name == stopped else "running" for name in WORKERS}


@pytest.mark.usefixtures("standing")
@pytest.mark.parametrize(("stopped", "is_up"), [("", True), ("worker3", True), ("worker2", False), ("worker", False)])
def test_a_node_that_a_run_has_lost_does_not_take_the_deployment_down(
    monkeypatch: pytest.MonkeyPatch, stopped: str, *, is_up: bool
) -> None:
    monkeypatch.setattr(engine, "attach", lambda: True)
    monkeypatch.setattr(cluster, "nodes", lambda: containers(stopped))

    found = local.status()

    assert found.up == is_up
    assert len(found.nodes) == len(WORKERS)
    assert cluster.disposable() == {"mfconf-worker3"}


@pytest.mark.usefixtures("standing")
def test_without_a_node_there_is_no_deployment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "attach", lambda: True)
    monkeypatch.setattr(cluster, "nodes", dict)

    assert not local.status().up


@pytest.mark.parametrize(("stopped", "started"), [("", []), ("worker3", [["docker", "start", "mfconf-worker3"]])])
def test_up_starts_what_is_stopped(monkeypatch: pytest.MonkeyPatch, stopped: str, started: list[list[str]]) -> None:
    ran: list[list[str]] = []
    monkeypatch.setattr(cluster, "run", lambda command, **_: ran.append(command))

    cluster.start(containers(stopped))

    assert ran == started
