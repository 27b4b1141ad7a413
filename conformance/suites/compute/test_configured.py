"""What is configured in METAFLOW_KUBERNETES_* is in the pod of a step that does not ask for something else."""

from conformance.requirement import equal, requirement

REMOTE = ("kubernetes", "argo")
MB = 10**6
KEY = "mfconf.dev/configured"
PAGE = 2**16


@requirement("COMP-120", scenario="configured", on=REMOTE, full_on="argo")
def test_configured_size(run, cluster):
    """METAFLOW_KUBERNETES_CPU, _MEMORY and _DISK are the requests of a step that asks for none.

    Why: else every small step takes a CPU and 4 GB, and the queue grows in front of an idle cluster.
    """
    want = {"cpu": 0.5, "memory": 512 * MB, "ephemeral-storage": 900 * MB}

    for pod in cluster.pods_of(run, "start"):
        got = cluster.quantities(cluster.main_container(pod).resources.requests)
        for name, value in want.items():
            equal(got.get(name), value, f"pod {pod.metadata.name}: request for {name}")


@requirement("COMP-121", scenario="configured", on=REMOTE, full_on="argo")
def test_configured_class(run, cluster):
    """METAFLOW_KUBERNETES_QOS=Guaranteed limits every step to its requests, and the process feels its memory limit.

    Why: this is how one who runs the platform keeps steps from eating each other's memory.
    """
    for pod in cluster.pods_of(run, "start"):
        resources = cluster.main_container(pod).resources
        limits, requests = cluster.quantities(resources.limits), cluster.quantities(resources.requests)
        for name in ("cpu", "memory"):
            equal(limits.get(name), requests.get(name), f"pod {pod.metadata.name}: limit of {name}, as its request")
    got = run.task("start")["memory"]
    within = str(got).isdigit() and 512 * MB - PAGE < int(got) <= 512 * MB
    assert within, f"{run.pathspec}/start: memory limit of its control group is {got}, not {512 * MB} bytes"


@requirement("COMP-122", scenario="configured", on=REMOTE, full_on="argo")
def test_configured_labels_and_annotations(run, cluster):
    """METAFLOW_KUBERNETES_LABELS and _ANNOTATIONS are on the pods of all steps, beside those of the flow.

    Why: a platform finds its pods, and their costs, by what it puts on all of them.
    """
    for step in ("start", "end"):
        for pod in cluster.pods_of(run, step):
            where, meta = f"pod {pod.metadata.name} of step {step}", pod.metadata
            equal(meta.labels.get("mfconf.dev/all"), "labelled", f"{where}: label mfconf.dev/all")
            got = (meta.annotations or {}).get("mfconf.dev/all")
            equal(got, "annotated", f"{where}: annotation mfconf.dev/all")


@requirement("COMP-123", scenario="configured", on=REMOTE, full_on="argo")
def test_configured_placement(run, cluster):
    """METAFLOW_KUBERNETES_NODE_SELECTOR and _TOLERATIONS are those of a step that has none of its own.

    Why: without them steps go to nodes that are for other things, or wait for ever.
    """
    for pod in cluster.pods_of(run, "start"):
        selector = pod.spec.node_selector or {}
        equal(selector.get("kubernetes.io/os"), "linux", f"pod {pod.metadata.name}: selector kubernetes.io/os")
        got = [(t.operator, t.value, t.effect) for t in pod.spec.tolerations or [] if t.key == KEY]
        equal(got, [("Equal", "yes", "NoSchedule")], f"pod {pod.metadata.name}: tolerations for {KEY}")


@requirement("COMP-124", scenario="configured", on=REMOTE, full_on="argo")
def test_configured_port(run, cluster):
    """METAFLOW_KUBERNETES_PORT is that of a step that has none of its own.

    Why: services and network policies that name a container's port find steps by it.
    """
    for pod in cluster.pods_of(run, "start"):
        ports = {port.container_port for port in cluster.main_container(pod).ports or []}
        equal(ports & {8766}, {8766}, f"pod {pod.metadata.name}: configured port of the step's container, of {ports}")


@requirement("COMP-127", scenario="configured", on=REMOTE, full_on="argo")
def test_configured_pull_secrets(run, cluster):
    """METAFLOW_KUBERNETES_IMAGE_PULL_SECRETS are those of a step that has none of its own.

    Why: with a private registry, no step starts without the secret.
    """
    for pod in cluster.pods_of(run, "start"):
        names = {secret.name for secret in pod.spec.image_pull_secrets or []}
        where = f"pod {pod.metadata.name}"
        assert "mfconf-none" in names, f"{where}: the configured mfconf-none is not among its pull secrets {names}"


@requirement("COMP-125", scenario="configured", on=REMOTE, full_on="argo")
def test_flow_wins_over_configuration(run, cluster):
    """Size, class, port, label and annotation that a step gives in `@kubernetes` win over the configured ones.

    Why: a flow that knows better than its platform's default must get what it asks for.
    """
    want = {"cpu": 0.1, "memory": 256 * MB, "ephemeral-storage": 1024 * MB}

    for pod in cluster.pods_of(run, "end"):
        where, container = f"pod {pod.metadata.name}", cluster.main_container(pod)
        got = cluster.quantities(container.resources.requests)
        for name, value in want.items():
            equal(got.get(name), value, f"{where}: request for {name}")
        limits = set(container.resources.limits or {}) & {"cpu", "memory"}
        equal(limits, set(), f"{where}: limits of a step with qos=Burstable, where Guaranteed is configured")
        equal([port.container_port for port in container.ports or []], [8767], f"{where}: ports")
        equal(pod.metadata.labels.get(KEY), "in-the-flow", f"{where}: label {KEY}")
        equal((pod.metadata.annotations or {}).get(KEY), "in the flow", f"{where}: annotation {KEY}")


@requirement("COMP-126", scenario="configured", on=REMOTE, full_on="argo")
def test_label_of_the_configuration_without_one_in_the_flow(run, cluster):
    """A configured label or annotation that a step does not overrule keeps its configured value.

    Why: a mix-up of the two takes a pod out of its team's reports.
    """
    for pod in cluster.pods_of(run, "start"):
        where = f"pod {pod.metadata.name}"
        equal(pod.metadata.labels.get(KEY), "configured", f"{where}: label {KEY}")
        equal((pod.metadata.annotations or {}).get(KEY), "configured", f"{where}: annotation {KEY}")
