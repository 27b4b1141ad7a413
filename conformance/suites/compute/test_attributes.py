"""What a step asks for in ``@kubernetes`` and ``@resources`` is in the spec of its live pod."""

from conformance.requirement import equal, requirement

REMOTE = ("kubernetes", "argo")
MB = 10**6
"""Metaflow's megabyte is decimal."""

ASKED = {"cpu": 0.5, "memory": 512 * MB, "ephemeral-storage": 1100 * MB}
LARGER = {"cpu": 0.2, "memory": 300 * MB, "ephemeral-storage": 1024 * MB}
"""Of @resources(cpu=0.2, memory=300, disk=512) and of what each launch gives @kubernetes."""


@requirement("COMP-100", scenario="attributes", on=REMOTE, kills="limits-lost")
def test_guaranteed_step_is_limited_to_its_requests(run, cluster):
    """`@kubernetes(qos="Guaranteed")`: CPU, memory and disk that a step asks for are its requests and its limits.

    Why: a step that is promised all it asks for is evicted last, and starves no neighbour.
    """
    for pod in cluster.pods_of(run, "start"):
        resources = cluster.main_container(pod).resources
        for kind in ("requests", "limits"):
            got = cluster.quantities(getattr(resources, kind))
            for name, want in ASKED.items():
                equal(got.get(name), want, f"pod {pod.metadata.name}: {kind} of {name}")


@requirement("COMP-101", level="SHOULD", scenario="attributes", on="kubernetes")
def test_guaranteed_step_is_in_that_class(run, cluster):
    """Kubernetes counts the pod of a step with `qos="Guaranteed"` as Guaranteed.

    Why: a container that was injected without limits takes the promise away: the step is evicted before others.
    """
    for pod in cluster.pods_of(run, "start"):
        names = [container.name for container in pod.spec.containers]
        equal(pod.status.qos_class, "Guaranteed", f"pod {pod.metadata.name} with containers {names}: class")


@requirement("COMP-102", scenario="attributes", on=REMOTE)
def test_larger_of_both_decorators_counts(run, cluster):
    """Where a step asks for CPU, memory or disk in `@resources` and `@kubernetes`, its pod requests the larger.

    Why: `@resources` is how a flow states its size wherever it runs; a smaller pod is killed at its limit.
    """
    for pod in cluster.pods_of(run, "end"):
        got = cluster.quantities(cluster.main_container(pod).resources.requests)
        for name, want in LARGER.items():
            equal(got.get(name), want, f"pod {pod.metadata.name}: request for {name}")


@requirement("COMP-103", scenario="attributes", on=REMOTE)
def test_labels_and_annotations(run, cluster):
    """`@kubernetes(labels=, annotations=)`: the pod carries them, with any words in an annotation.

    Why: network policies and cost reports choose pods by labels; injectors are told by annotations what to do.
    """
    for pod in cluster.pods_of(run, "start"):
        where, key = f"pod {pod.metadata.name}", "mfconf.dev/asked"
        equal(pod.metadata.labels.get(key), "in-the-flow", f"{where}: label {key}")
        equal((pod.metadata.annotations or {}).get(key), "wörds, signs: {x} = 'y'", f"{where}: annotation {key}")


@requirement("COMP-104", scenario="attributes", on=REMOTE, kills="node-selector-lost")
def test_node_selector(run, cluster):
    """`@kubernetes(node_selector=)`: the pod may go to such nodes alone.

    Why: without it a step runs on a machine that is too small, too dear or of the wrong make.
    """
    for pod in cluster.pods_of(run, "start"):
        selector = pod.spec.node_selector or {}
        equal(selector.get("kubernetes.io/os"), "linux", f"pod {pod.metadata.name}: selector kubernetes.io/os")


@requirement("COMP-105", scenario="attributes", on=REMOTE, kills="tolerations-lost")
def test_tolerations(run, cluster):
    """`@kubernetes(tolerations=)`: the pod has them, each as it was given.

    Why: without it the nodes that are kept for such steps take none; with a wider one a step goes where it must not.
    """
    want = {"key": "mfconf.dev/asked", "operator": "Exists", "value": None, "effect": "NoSchedule"}

    for pod in cluster.pods_of(run, "start"):
        found = [entry for entry in pod.spec.tolerations or [] if entry.key == want["key"]]
        got = [{name: getattr(entry, name) for name in want} for entry in found]
        equal(got, [want], f"pod {pod.metadata.name}: tolerations for {want['key']}")


@requirement("COMP-106", scenario="attributes", on=REMOTE, kills="port-lost")
def test_port(run, cluster):
    """`@kubernetes(port=)`: the step's container declares it.

    Why: services and network policies that name a container's port find the step by it.
    """
    for pod in cluster.pods_of(run, "start"):
        ports = {port.container_port for port in cluster.main_container(pod).ports or []}
        equal(ports & {8765}, {8765}, f"pod {pod.metadata.name}: port of the step's container, of {ports}")


@requirement("COMP-107", scenario="attributes", on=REMOTE)
def test_image_pull_secrets(run, cluster):
    """`@kubernetes(image_pull_secrets=)`: the pod names them.

    Why: an image in a private registry can't be pulled without.
    """
    for pod in cluster.pods_of(run, "start"):
        names = {secret.name for secret in pod.spec.image_pull_secrets or []}
        assert "mfconf-none" in names, f"pod {pod.metadata.name}: mfconf-none is not among its pull secrets {names}"


@requirement("COMP-108", scenario="attributes", on=REMOTE)
def test_image_is_the_configured_one(run, cluster, session):
    """A step that asks for no image runs in the one that is configured, whatever registry it is taken from.

    Why: another one has other packages, or another Python than the one that packed the flow.
    """
    config = session.config
    configured = [config.get(f"METAFLOW_{name}") for name in ("KUBERNETES_CONTAINER_IMAGE", "DEFAULT_CONTAINER_IMAGE")]
    want = next(filter(None, configured), "python:3").rpartition("/")[2]

    for pod in cluster.pods_of(run, "start"):
        image = cluster.main_container(pod).image
        assert image.rpartition("/")[2].startswith(want), (
            f"pod {pod.metadata.name} runs in {image}, not in {want}: a policy or webhook exchanges images"
        )


@requirement("COMP-109", level="SHOULD", scenario="attributes", on=REMOTE, kills="pull-policy-changed")
def test_image_pull_policy(run, cluster):
    """`@kubernetes(image_pull_policy=)`: the pod's container has it.

    Why: with IfNotPresent a step starts though the registry is down. A cluster may insist on Always.
    """
    for pod in cluster.pods_of(run, "start"):
        got = cluster.main_container(pod).image_pull_policy
        equal(got, "IfNotPresent", f"pod {pod.metadata.name}: image pull policy")
