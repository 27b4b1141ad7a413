"""Admission: what policies, meshes and operators do to the pods of a run, behind its back."""

from __future__ import annotations

from functools import partial

from conformance.local.deployment import PLATFORM
from conformance.mutants.catalogue import mutant as declare
from conformance.mutants.deployment.bench import STORE_KEY, Bench, Expression, add, remove, replace

mutant = partial(declare, area="compute")

STEP = "/spec/containers/0"
"""The container of a step that is no workflow's."""

CONTAINER = "object.spec.containers[0]"
OWN_IMAGE = Expression(f"{CONTAINER}.image")


@mutant("memory-request-changed")
def memory_request_changed(bench: Bench) -> None:
    """An autoscaler of pods gives each step more memory than it asks for."""
    bench.pods(replace(f"{STEP}/resources/requests/memory", "384M"))


@mutant("cpu-request-halved")
def cpu_request_halved(bench: Bench) -> None:
    """A policy halves the request for CPU: nodes fill beyond what they have."""
    bench.pods(replace(f"{STEP}/resources/requests/cpu", "50m"))


@mutant("account-replaced")
def account_replaced(bench: Bench) -> None:
    """A policy has every pod run as the account `default`."""
    bench.pods(add("/spec/serviceAccountName", "default"), add("/spec/serviceAccount", "default"))


@mutant("labels-lost")
def labels_lost(bench: Bench) -> None:
    """A policy takes away the labels by which Metaflow's pods are known."""
    bench.pods(remove("/metadata/labels/app.kubernetes.io~1part-of"))


@mutant("annotations-lost")
def annotations_lost(bench: Bench) -> None:
    """A policy takes away the annotation that names a pod's step."""
    bench.pods(remove("/metadata/annotations/metaflow~1step_name"))


@mutant("secret-reference-lost")
def secret_reference_lost(bench: Bench) -> None:
    """A policy takes the reference to the configured secret away: the step has no credentials."""
    bench.pods(remove(f"{STEP}/envFrom"))


@mutant("credentials-in-plain-sight")
def credentials_in_plain_sight(bench: Bench) -> None:
    """An injector writes a credential into the pod's spec, where whoever may list pods reads it."""
    bench.pods(add(f"{STEP}/env/-", {"name": "AWS_SECRET_ACCESS_KEY", "value": STORE_KEY}))


@mutant("service-url-replaced")
def service_url_replaced(bench: Bench) -> None:
    """An injector gives steps another address of the metadata service than the configured one."""
    value = f"http://metadata-service.{PLATFORM}.svc:8080"
    bench.pods(add(f"{STEP}/env/-", {"name": "METAFLOW_SERVICE_URL", "value": value}))


@mutant("sidecar-never-ends", hangs=True)
def sidecar_never_ends(bench: Bench) -> None:
    """A mesh puts a container beside the step that never ends, so that no job does."""
    sidecar = {"name": "mesh", "image": OWN_IMAGE, "command": ["sleep", "3600"]}
    bench.pods(add("/spec/containers/-", sidecar))


@mutant("root-file-system-read-only")
def root_file_system_read_only(bench: Bench) -> None:
    """A policy makes the container's root file system read-only."""
    bench.pods(add(f"{STEP}/securityContext", {"readOnlyRootFilesystem": True}))


@mutant("another-user")
def another_user(bench: Bench) -> None:
    """A policy has steps run as a user who may write nowhere."""
    bench.pods(add(f"{STEP}/securityContext", {"runAsUser": 65534}))


@mutant("deadline-of-seconds")
def deadline_of_seconds(bench: Bench) -> None:
    """A policy gives every pod five seconds to live."""
    bench.pods(add("/spec/activeDeadlineSeconds", 5))


@mutant("node-selector-added", hangs=True)
def node_selector_added(bench: Bench) -> None:
    """A policy has pods wait for a node that does not exist."""
    bench.pods(add("/spec/nodeSelector", {"mfconf.dev/pool": "none"}))


@mutant("step-hostname-replaced")
def step_hostname_replaced(bench: Bench) -> None:
    """A policy gives every pod one host name: who ran where is not told any more."""
    bench.pods(add("/spec/hostname", "worker"))


@mutant("limits-lost")
def limits_lost(bench: Bench) -> None:
    """A policy takes limits away: a step under `qos="Guaranteed"` is bound by none."""
    bench.pods(remove(f"{STEP}/resources/limits"), where=f"has({CONTAINER}.resources.limits)")


@mutant("tolerations-lost")
def tolerations_lost(bench: Bench) -> None:
    """A policy takes the tolerations away that a step asks for."""
    bench.pods(remove("/spec/tolerations"), where="has(object.spec.tolerations)")


@mutant("node-selector-lost")
def node_selector_lost(bench: Bench) -> None:
    """A policy takes the node selector away that a step asks for."""
    bench.pods(remove("/spec/nodeSelector"), where="has(object.spec.nodeSelector)")


@mutant("port-lost")
def port_lost(bench: Bench) -> None:
    """A policy takes the ports away that a step declares."""
    bench.pods(remove(f"{STEP}/ports"), where=f"has({CONTAINER}.ports)")


@mutant("security-context-lost")
def security_context_lost(bench: Bench) -> None:
    """A policy takes the security context away that a step asks for."""
    bench.pods(remove(f"{STEP}/securityContext"), where=f"has({CONTAINER}.securityContext)")


@mutant("pull-policy-changed")
def pull_policy_changed(bench: Bench) -> None:
    """A policy forbids that images are pulled: a new version under an old tag is never seen."""
    bench.pods(replace(f"{STEP}/imagePullPolicy", "Never"))


@mutant("shared-memory-lost")
def shared_memory_lost(bench: Bench) -> None:
    """A policy takes the volume at /dev/shm away: data loaders have the 64 MB of the container runtime."""
    without_volume(bench, "dhsm")


@mutant("tmpfs-lost")
def tmpfs_lost(bench: Bench) -> None:
    """A policy takes the volume in memory away that a step asks for."""
    without_volume(bench, "tmpfs-ephemeral-volume")


def without_volume(bench: Bench, name: str) -> None:
    """Take a volume and its mount away from the pods that have it."""
    kept = f'v.name != "{name}"'
    bench.pods(
        replace("/spec/volumes", Expression(f"object.spec.volumes.filter(v, {kept})")),
        replace(f"{STEP}/volumeMounts", Expression(f"{CONTAINER}.volumeMounts.filter(v, {kept})")),
        where=f"has(object.spec.volumes) && !object.spec.volumes.all(v, {kept}) && has({CONTAINER}.volumeMounts)",
    )
