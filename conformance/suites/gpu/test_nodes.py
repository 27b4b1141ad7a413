"""GPU nodes offer what they say they have."""

from conformance.requirement import requirement


@requirement("GPU-001", needs={"kubernetes", "gpu"}, profile="smoke", kills=("device-plugin-gone", "devices-unhealthy"))
def test_gpu_nodes_offer_devices(cluster):
    """Each node that says it has GPUs offers at least one to pods.

    Why: where the device plugin is missing or broken, GPU steps wait forever without a word.
    """
    for node in cluster.gpu_nodes():
        assert cluster.offered(node), (
            f"node {node.metadata.name} is marked as a GPU node, but has no allocatable nvidia.com/*: "
            "is the device plugin running there?"
        )


@requirement("GPU-002", needs={"kubernetes", "gpu"}, profile="smoke", kills="gpu-nodes-cordoned")
def test_a_gpu_node_takes_pods(cluster):
    """At least one GPU node is ready and takes pods.

    Why: a node that was cordoned for maintenance, and forgotten, makes GPU steps wait forever.
    """
    states = []
    for node in cluster.gpu_nodes():
        ready = any(c.type == "Ready" and c.status == "True" for c in node.status.conditions)
        state = "cordoned (unschedulable)" if node.spec.unschedulable else "ready" if ready else "not ready"
        states.append(f"node {node.metadata.name} is {state}")

    assert any(state.endswith(" is ready") for state in states), f"no GPU node takes pods: {'; '.join(states)}"
