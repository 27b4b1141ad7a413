"""What is done to a run on Kubernetes while it lives, and undone afterwards."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from threading import Event
from typing import Any

import psutil

from conformance.errors import TargetError
from conformance.session import Session
from conformance.system.cluster import Cluster, call
from conformance.system.scenarios import Disturbance
from conformance.waiting import Unsettled, wait

LOOK_S = 1.0
TASKS_S = 60
POWER_S = 90
STOP, START = "MFCONF_NODE_STOP", "MFCONF_NODE_START"
"""The variables with the commands that stop and start a node; ``{node}`` in them stands for its name."""

AWAY_S = {"drain": 60.0, "lose": 240.0}
"""Seconds that a node is away at most, if no other pod of the step comes."""


def disturbed(session: Session, disturbance: Disturbance, run_id: str, stopped: Event) -> dict[str, Any]:
    """Do it to the run; when that was (``at``, seconds since the epoch), and to which ``pod`` on which ``node``.

    Of the GPUs' device plugin, also the names of the pods that were ``restarted`` while ``pod`` ran. A node that was
    drained or stopped is back when this returns, which is at once where the launch is ``stopped``.
    Raises ``TargetError`` where the pod is not there, or the node not to be had.
    """
    if disturbance.how in ("interrupt", "kill"):
        at = time.time()
        {"interrupt": interrupt, "kill": kill}[disturbance.how]()
        return {"at": at}
    cluster = Cluster(session)
    pod = running_pod(cluster, run_id, disturbance.step)
    name, node = pod.metadata.name, pod.spec.node_name
    done = {"at": time.time(), "pod": name, "node": node}
    if disturbance.how == "evict":
        cluster.evict(name)
        return done
    if disturbance.how == "restart-gpu-plugin":
        return done | {"restarted": cluster.restart_gpu_plugin()}
    with {"drain": drained, "lose": lost}[disturbance.how](cluster, pod):
        end = time.monotonic() + AWAY_S[disturbance.how] * session.patience
        while time.monotonic() < end and not stopped.wait(LOOK_S):
            if any(other.metadata.name != name for other in pods_of(cluster, run_id, disturbance.step)):
                break
    return done


def interrupt() -> None:
    """Ctrl-C, which a terminal sends to all that the launch started.

    The flow is held until its tasks have ended: it gives them five seconds to end their pods, and then kills them
    (metaflow: runtime.py, _killall), and how busy this machine is says nothing about the deployment.
    """
    flows = psutil.Process().children()
    others = [child for flow in flows for child in flow.children(recursive=True)]
    tasks = [other for other in others if is_task(other)]
    send(signal.SIGSTOP, flows)
    try:
        send(signal.SIGINT, others)
        with suppress(Unsettled):
            wait(lambda: not any(map(lives, tasks)), "the tasks have ended their pods", TASKS_S)
    finally:
        send(signal.SIGINT, flows)
        send(signal.SIGCONT, flows)


def kill() -> None:
    """Kill all that the launch started."""
    send(signal.SIGKILL, psutil.Process().children(recursive=True))


def send(number: int, processes: list[psutil.Process]) -> None:
    """Send a signal to those that are still there."""
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            process.send_signal(number)


def is_task(process: psutil.Process) -> bool:
    """Tell whether a process is a task of the flow, and not one of Metaflow's helpers."""
    try:
        return "step" in process.cmdline()
    except psutil.NoSuchProcess:
        return False


def lives(process: psutil.Process) -> bool:
    """Tell whether a process runs."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


@contextmanager
def drained(cluster: Cluster, pod: Any) -> Iterator[None]:
    """As ``kubectl drain`` does with the pod's node: closed to new pods, and this pod evicted."""
    close(cluster, pod.spec.node_name, closed=True)
    try:
        cluster.evict(pod.metadata.name)
        yield
    finally:
        close(cluster, pod.spec.node_name, closed=False)


def close(cluster: Cluster, node: str, *, closed: bool) -> None:
    """Close a node to new pods, or open it again. Raises as ``call`` does."""
    call(cluster.core.patch_node, name=node, body={"spec": {"unschedulable": closed or None}})


@contextmanager
def lost(_cluster: Cluster, pod: Any) -> Iterator[None]:
    """The pod's node without power, by the target's own commands."""
    power(STOP, pod.spec.node_name)
    try:
        yield
    finally:
        power(START, pod.spec.node_name)


def has_power() -> bool:
    """Tell whether the target says how nodes are stopped and started."""
    return bool(os.environ.get(STOP) and os.environ.get(START))


def power(variable: str, node: str) -> None:
    """Run one of the commands on a node. Raises ``TargetError`` where it fails."""
    words = [word.replace("{node}", node) for word in shlex.split(os.environ[variable])]
    try:
        subprocess.run(words, check=True, capture_output=True, text=True, timeout=POWER_S, start_new_session=True)
    except (OSError, subprocess.SubprocessError) as error:
        said = str(getattr(error, "stderr", None) or error).strip()
        raise TargetError(f"{variable}: {shlex.join(words)}: {said}") from None


def pods_of(cluster: Cluster, run_id: str, step: str) -> list[Any]:
    """The pods of a step that are there, in whatever state."""
    return [
        pod
        for pod in cluster.pods()
        if (notes := pod.metadata.annotations or {}).get("metaflow/run_id") == run_id
        and notes.get("metaflow/step_name") == step
    ]


def running_pod(cluster: Cluster, run_id: str, step: str) -> Any:
    """The one pod of a step that runs now. Raises ``TargetError`` where there is none, or several."""
    found = [
        pod
        for pod in pods_of(cluster, run_id, step)
        if pod.status.phase == "Running" and pod.metadata.deletion_timestamp is None
    ]
    if len(found) != 1:
        names = [pod.metadata.name for pod in found]
        raise TargetError(f"step {step} of run {run_id} has {len(found)} running pods, not one: {names}")
    return found[0]
