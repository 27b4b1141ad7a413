"""Namespaces: quotas, limits and policies that are on the jobs' namespace."""

from __future__ import annotations

from functools import partial
from typing import Any

from conformance.mutants.catalogue import mutant as declare
from conformance.mutants.deployment.bench import Bench

mutant = partial(declare, area="compute")


def quota(bench: Bench, **hard: str) -> None:
    """A namespace of the mutant's own with a quota; in names, ``_`` stands for a dot."""
    bench.own_namespace()
    spec = {"hard": {name.replace("_", "."): value for name, value in hard.items()}}
    bench.make("v1", "ResourceQuota", spec=spec)


def limits(bench: Bench, **limit: Any) -> None:
    """A namespace of the mutant's own with limits for each container."""
    bench.own_namespace()
    bench.make("v1", "LimitRange", spec={"limits": [{"type": "Container", **limit}]})


@mutant("quota-of-no-pods", hangs=True)
def quota_of_no_pods(bench: Bench) -> None:
    """The namespace's quota is used up: no pod is created any more."""
    quota(bench, pods="0")


@mutant("quota-of-cpu-too-small")
def quota_of_cpu_too_small(bench: Bench) -> None:
    """The namespace's quota of CPU is less than one step asks for."""
    quota(bench, requests_cpu="50m")


@mutant("quota-demands-limits")
def quota_demands_limits(bench: Bench) -> None:
    """The namespace's quota demands limits, which Metaflow's pods do not have."""
    quota(bench, limits_memory="64Gi")


@mutant("limit-range-maximum")
def limit_range_maximum(bench: Bench) -> None:
    """The namespace allows a container less memory than a step asks for."""
    limits(bench, max={"memory": "128M"})


@mutant("limit-range-minimum")
def limit_range_minimum(bench: Bench) -> None:
    """The namespace demands that a container asks for more CPU than a step does."""
    limits(bench, min={"cpu": "500m"})


@mutant("limit-range-default")
def limit_range_default(bench: Bench) -> None:
    """The namespace gives containers without a limit one that is less than what a step asks for."""
    limits(bench, default={"memory": "128M"})


@mutant("pods-must-be-restricted", hangs=True)
def pods_must_be_restricted(bench: Bench) -> None:
    """The namespace enforces the pod security standard `restricted`, which Metaflow's pods do not meet."""
    bench.own_namespace(labels={"pod-security.kubernetes.io/enforce": "restricted"})


@mutant("namespace-without-secret", hangs=True)
def namespace_without_secret(bench: Bench) -> None:
    """The configured secret is in another namespace than the jobs."""
    bench.own_namespace(without=[("Secret", "s3-credentials")])


@mutant("namespace-without-account", hangs=True)
def namespace_without_account(bench: Bench) -> None:
    """The configured service account is in another namespace than the jobs."""
    bench.own_namespace(without=[("ServiceAccount", "metaflow-task")])


@mutant("namespace-without-launcher")
def namespace_without_launcher(bench: Bench) -> None:
    """The launcher's role is bound in another namespace than that of the jobs."""
    bench.own_namespace(without=[("RoleBinding", "metaflow-launcher")])
