"""The kind cluster: made, found, taken away; and commands inside it."""

from __future__ import annotations

import json
import socket
from pathlib import Path
from typing import Any

import yaml

from conformance.errors import UsageError
from conformance.local import builds, engine
from conformance.local.paths import ADMIN_KUBECONFIG, kind_config
from conformance.local.shell import run

CREATE_S = 600
DELETE_S = 120
START_S = 60
KUBECTL_S = 300

ENVIRONMENT = {"KIND_EXPERIMENTAL_DOCKER_NETWORK": engine.NETWORK}


def configuration() -> dict[str, Any]:
    """``kind-config/cluster.yaml``."""
    loaded: dict[str, Any] = yaml.safe_load((kind_config() / "cluster.yaml").read_text(encoding="utf-8"))
    return loaded


NAME: str = "mfconf"
CONTROL_PLANE = f"{NAME}-control-plane"
DISPOSABLE = "mfconf.dev/disposable"


def kind() -> Path:
    """The ``kind`` program at the pinned version."""
    return builds.go_program("kind", "kind", "sigs.k8s.io/kind", "")


def ports() -> dict[int, int]:
    """Ports on this machine by the node port they lead to."""
    mappings = configuration()["nodes"][0]["extraPortMappings"]
    return {mapping["containerPort"]: mapping["hostPort"] for mapping in mappings}


def check_ports() -> None:
    """Raise ``UsageError`` naming the first port of ``cluster.yaml`` that something else listens on."""
    for port in ports().values():
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                raise UsageError(
                    f"port 127.0.0.1:{port} is taken; stop what listens there, or change hostPort in "
                    f"{kind_config() / 'cluster.yaml'}"
                ) from None


def nodes() -> dict[str, str]:
    """The cluster's node containers and their states, such as ``running`` or ``exited``."""
    listed = run(
        [
            *("docker", "ps", "--all", "--filter", f"label=io.x-k8s.kind.cluster={NAME}"),
            *("--format", "{{.Names}} {{.State}}"),
        ],
        doing="listing the nodes",
        timeout=30,
    )
    return dict(line.split() for line in listed.splitlines())


def disposable() -> set[str]:
    """The node containers that ``cluster.yaml`` has to be lost; kind numbers the workers in its order."""
    workers = [node for node in configuration()["nodes"] if node["role"] == "worker"]
    return {
        f"{NAME}-worker{number if number > 1 else ''}"
        for number, node in enumerate(workers, start=1)
        if DISPOSABLE in node.get("labels", {})
    }


def stands(found: dict[str, str]) -> bool:
    """Tell whether the cluster of these ``nodes`` is up: a run may have one of the disposable nodes stopped."""
    stopped = {name for name, state in found.items() if state != "running"}
    return bool(found) and stopped <= disposable()


def start(found: dict[str, str]) -> None:
    """Start those of the ``nodes`` that are stopped, as a run does that was killed before it could."""
    stopped = [name for name, state in found.items() if state != "running"]
    if stopped:
        run(["docker", "start", *stopped], doing=f"starting {' '.join(stopped)}", timeout=START_S)


def create(image: str) -> None:
    """Make the cluster from ``cluster.yaml`` with nodes of ``image``. Raises ``TargetError`` where it fails."""
    if not _network_exists():
        run(
            [
                *("docker", "network", "create", "--driver=bridge"),
                *("--opt", f"com.docker.network.bridge.name={engine.NETWORK_BRIDGE}", engine.NETWORK),
            ],
            doing="making the cluster's network",
            timeout=30,
        )
    run(
        [
            *(kind(), "create", "cluster", "--name", NAME, "--image", image, "--wait", "0s"),
            *("--config", kind_config() / "cluster.yaml", "--kubeconfig", ADMIN_KUBECONFIG),
        ],
        doing="making the kind cluster",
        timeout=CREATE_S,
        env=ENVIRONMENT,
    )


def delete() -> None:
    """Take away the node containers, their volumes and the network, however far the cluster came."""
    containers = list(nodes())
    if containers:
        run(
            ["docker", "rm", "--force", "--volumes", *containers],
            doing="removing the nodes",
            timeout=DELETE_S,
        )
    if _network_exists():
        run(["docker", "network", "rm", engine.NETWORK], doing="removing the cluster's network", timeout=30)


def _network_exists() -> bool:
    listed = run(["docker", "network", "ls", "--format", "{{.Name}}"], doing="listing networks", timeout=30)
    return engine.NETWORK in listed.split()


def kubectl(
    *arguments: str, doing: str, stdin: str | None = None, timeout: float = KUBECTL_S, secret: bool = False
) -> str:
    """Run kubectl as the cluster's administrator, inside its control plane: the host needs none."""
    return run(
        [
            *("docker", "exec", "--interactive", CONTROL_PLANE),
            *("kubectl", "--kubeconfig=/etc/kubernetes/admin.conf", *arguments),
        ],
        doing=doing,
        stdin=stdin,
        timeout=timeout,
        secret=secret,
    )


def get(kind_: str, name: str, namespace: str = "default") -> dict[str, Any]:
    """One object of the cluster."""
    said = kubectl("get", kind_, name, f"--namespace={namespace}", "--output=json", doing=f"reading {kind_} {name}")
    found: dict[str, Any] = json.loads(said)
    return found


def api_server() -> tuple[str, str]:
    """The API server's URL on this machine, and its certificate authority (base64 PEM)."""
    admin = yaml.safe_load(ADMIN_KUBECONFIG.read_text(encoding="utf-8"))
    cluster = admin["clusters"][0]["cluster"]
    return cluster["server"], cluster["certificate-authority-data"]
