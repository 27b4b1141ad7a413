"""What is done to a run on Kubernetes while it lives."""

from __future__ import annotations

import signal
import time
from typing import Any

import psutil

from conformance.errors import TargetError
from conformance.session import Session
from conformance.system.cluster import Cluster
from conformance.system.scenarios import Disturbance


def disturbed(session: Session, disturbance: Disturbance, run_id: str) -> dict[str, Any]:
    """Do it to the run; when that was (``at``, seconds since the epoch), and to which ``pod``.

    Raises ``TargetError`` where the pod is not there.
    """
    at = time.time()
    if disturbance.how == "evict":
        pod = running_pod(Cluster(session), run_id, disturbance.step)
        Cluster(session).evict(pod)
        return {"at": at, "pod": pod}
    number = {"interrupt": signal.SIGINT, "kill": signal.SIGKILL}[disturbance.how]
    for process in psutil.Process().children(recursive=True):  # a terminal sends Ctrl-C to all of them, too
        process.send_signal(number)
    return {"at": at}


def running_pod(cluster: Cluster, run_id: str, step: str) -> str:
    """The name of the one pod of a step that runs now. Raises ``TargetError`` where there is none, or several."""
    found: list[str] = [
        pod.metadata.name
        for pod in cluster.pods()
        if (notes := pod.metadata.annotations or {}).get("metaflow/run_id") == run_id
        and notes.get("metaflow/step_name") == step
        and pod.status.phase == "Running"
        and pod.metadata.deletion_timestamp is None
    ]
    if len(found) != 1:
        raise TargetError(f"step {step} of run {run_id} has {len(found)} running pods, not one: {found}")
    return found[0]
