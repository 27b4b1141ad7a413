"""Placement: nodes that take no pods, or the wrong ones."""

from __future__ import annotations

from functools import partial

from conformance.mutants.catalogue import mutant as declare
from conformance.mutants.deployment.bench import Bench, Manifest, add

mutant = partial(declare, area="compute")

WORKER = "mfconf-worker"
LOW, HIGH = -20, -10


@mutant("taint-without-toleration")
def taint_without_toleration(bench: Bench) -> None:
    """The nodes for steps have a taint that no step tolerates."""

    def tainted(former: Manifest) -> Manifest:
        taint = {"key": "mfconf.dev/reserved", "value": "true", "effect": "NoSchedule"}
        return {"spec": {"taints": [*former["spec"].get("taints", []), taint]}}

    bench.patch("node", WORKER, "", tainted)


@mutant("workers-cordoned")
def workers_cordoned(bench: Bench) -> None:
    """The nodes for steps were cordoned for maintenance, and forgotten."""
    bench.patch("node", WORKER, "", lambda _: {"spec": {"unschedulable": True}})


@mutant("preempted-by-priority")
def preempted_by_priority(bench: Bench) -> None:
    """Steps run with the lowest priority, and pods of a higher one come: the steps have to go."""
    api = "scheduling.k8s.io/v1"
    low, high = f"{bench.made}-low", f"{bench.made}-high"
    bench.make(api, "PriorityClass", low, namespaced=False, value=LOW, preemptionPolicy="Never")
    bench.make(api, "PriorityClass", high, namespaced=False, value=HIGH)
    bench.pods(add("/spec/priorityClassName", low), add("/spec/priority", LOW))
