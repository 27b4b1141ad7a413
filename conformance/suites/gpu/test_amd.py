"""AMD's GPUs, by configuration alone."""

from conformance.requirement import equal, requirement

AMD = {"gpu-amd"}


@requirement("GPU-035", scenario="gpu_amd", on="kubernetes", needs=AMD)
def test_amd_flow_ends(launch):
    """With METAFLOW_KUBERNETES_GPU_VENDOR=amd, a flow with a one-GPU step runs to its end.

    Why: flows say gpu=1 and no more; whose GPU it is belongs into the configuration.
    """
    assert launch.as_expected, launch.explain()


@requirement("GPU-036", scenario="gpu_amd", on="kubernetes", needs=AMD)
def test_amd_pod_asks_for_amd(run, cluster):
    """With METAFLOW_KUBERNETES_GPU_VENDOR=amd, the pod of a one-GPU step asks for one amd.com/gpu and no other.

    Why: under the other vendor's name it waits forever, or computes on the wrong node.
    """
    for pod in cluster.pods_of(run, "start"):
        limits = cluster.quantities(cluster.main_container(pod).resources.limits)
        asked = {name: count for name, count in limits.items() if name.endswith(".com/gpu")}
        equal(asked, {"amd.com/gpu": 1}, f"pod {pod.metadata.name}: limits for GPUs")


@requirement("GPU-037", scenario="gpu_amd", on="kubernetes", needs=AMD, kills="amd-without-compute-node")
def test_amd_step_sees_its_device(run):
    """Inside a step with one of AMD's GPUs there is /dev/kfd and one render node.

    Why: ROCm computes through these two; without them frameworks fall back to the CPU.
    """
    start = run.task("start")

    assert start["compute_node"], f"{start.pathspec}: no /dev/kfd inside a step with one amd.com/gpu"
    equal(len(start["render_nodes"]), 1, f"{start.pathspec}: render nodes /dev/dri/renderD*, {start['render_nodes']}")
