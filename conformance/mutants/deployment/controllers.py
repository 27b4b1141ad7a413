"""Controllers that are not there: what is asked for is noted, and nothing ever comes of it."""

from __future__ import annotations

from functools import partial

from conformance.local.deployment import ARGO
from conformance.mutants.catalogue import mutant as declare
from conformance.mutants.deployment.bench import Bench, Manifest

mutant = partial(declare, area="compute")


def away(bench: Bench, deployment: str, namespace: str) -> None:
    """Have no pod of a deployment."""

    def none(_: Manifest) -> Manifest:
        return {"spec": {"replicas": 0}}

    bench.patch("deployment", deployment, namespace, none)
    bench.wait("rollout", "status", f"deployment/{deployment}", f"--namespace={namespace}")


@mutant("cluster-dns-down", hangs=True)
def cluster_dns_down(bench: Bench) -> None:
    """The cluster's name server is gone."""
    away(bench, "coredns", "kube-system")


@mutant("workflow-controller-down", on="argo", hangs=True)
def workflow_controller_down(bench: Bench) -> None:
    """Argo's controller is gone: workflows are made, and never run."""
    away(bench, "workflow-controller", ARGO)


@mutant("jobset-controller-down", hangs=True)
def jobset_controller_down(bench: Bench) -> None:
    """JobSet's controller is gone, and with it the webhook that every JobSet has to pass."""
    away(bench, "jobset-controller-manager", "jobset-system")
