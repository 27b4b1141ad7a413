"""Placement: nodes that take no pods, or the wrong ones."""

from __future__ import annotations

import json
import shlex
from functools import partial

from conformance.local.cluster import CONTROL_PLANE
from conformance.mutants.catalogue import mutant as declare
from conformance.mutants.deployment.bench import LABEL, WORKER, Bench, Manifest, add

mutant = partial(declare, area="compute")

LOW, HIGH = -20, -10
KUBECTL = "kubectl --kubeconfig=/etc/kubernetes/admin.conf"
SLOT = "mfconf.dev/slot"
PATCH = f"{KUBECTL} patch node {WORKER} --subresource=status --type=merge --patch"


@mutant("taint-without-toleration", hangs=True)
def taint_without_toleration(bench: Bench) -> None:
    """The nodes for steps have a taint that no step tolerates."""

    def tainted(former: Manifest) -> Manifest:
        taint = {"key": "mfconf.dev/reserved", "value": "true", "effect": "NoSchedule"}
        return {"spec": {"taints": [*former["spec"].get("taints", []), taint]}}

    bench.patch("node", WORKER, "", tainted)


@mutant("workers-cordoned", hangs=True)
def workers_cordoned(bench: Bench) -> None:
    """The nodes for steps were cordoned for maintenance, and forgotten."""
    bench.patch("node", WORKER, "", lambda _: {"spec": {"unschedulable": True}})


@mutant("preempted-by-priority")
def preempted_by_priority(bench: Bench) -> None:
    """Steps run with a low priority, and have to go as soon as a pod of a higher one wants their place.

    The place is one of a kind that the node offers once, so that no other pod has to go.
    """
    api, file = "scheduling.k8s.io/v1", f"/run/{bench.made}"
    low, high = f"{bench.made}-low", f"{bench.made}-high"
    bench.make(api, "PriorityClass", low, namespaced=False, value=LOW)
    bench.make(api, "PriorityClass", high, namespaced=False, value=HIGH)
    bench.pods(
        add("/spec/priorityClassName", low),
        add("/spec/priority", LOW),
        add("/spec/containers/0/resources/limits", {SLOT: "1"}),
        add(f"/spec/containers/0/resources/requests/{SLOT.replace('/', '~1')}", "1"),
    )
    container = {"name": "pause", "image": "registry.k8s.io/pause:3.10", "resources": {"limits": {SLOT: "1"}}}
    meta = {"name": high, "namespace": bench.namespace}
    spec = {"priorityClassName": high, "terminationGracePeriodSeconds": 0, "containers": [container]}
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": spec}
    runs = f"{KUBECTL} get pods -A -l {LABEL}={bench.name} --field-selector=status.phase=Running -o name | grep -q ."
    comes = f"for i in $(seq 300); do if {runs}; then {KUBECTL} create -f {file}.json; exit; fi; sleep 1; done"
    bench.on_node(
        CONTROL_PLANE,
        f"cat >{file}.json; {offer('1')}; setsid sh -c '{comes}' </dev/null >/dev/null 2>&1 & echo $! >{file}.pid",
        f"if [ -e {file}.pid ]; then kill $(cat {file}.pid) 2>/dev/null || true; rm -f {file}.*; fi; "
        f"{KUBECTL} delete pod {high} -n {bench.namespace} --ignore-not-found --wait=false; {offer(None)}",
        stdin=json.dumps(pod),
        alone=False,
    )


def offer(slots: str | None) -> str:
    """Have the node offer so many slots."""
    status = {"capacity": {SLOT: slots}, "allocatable": {SLOT: slots}}
    return f"{PATCH} {shlex.quote(json.dumps({'status': status}))}"


@mutant("eviction-forbidden", hangs=True)
def eviction_forbidden(bench: Bench) -> None:
    """A disruption budget forbids that a step's pod is evicted: no node can be drained while it runs."""
    spec = {"minAvailable": 1, "selector": {"matchLabels": {LABEL: bench.name}}}
    bench.make("policy/v1", "PodDisruptionBudget", spec=spec)
