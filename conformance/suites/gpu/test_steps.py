"""Steps that ask for a GPU, beside steps that do not."""

from conformance.requirement import equal, requirement

WHOLE = {"gpu", "gpu-whole"}


@requirement(
    "GPU-010", scenario="gpu", on="kubernetes", needs=WHOLE, kills=("devices-not-given-back", "toleration-lost")
)
def test_gpu_flow_ends(launch):
    """A flow with three one-GPU tasks at once, and a step with gpu=0, runs to its end.

    Why: taints, labels, device plugin and scheduler all have to agree before a GPU step starts.
    """
    assert launch.as_expected, launch.explain()


@requirement("GPU-011", scenario="gpu", on="kubernetes", needs=WHOLE, kills="gpu-limit-lost")
def test_gpu_step_lands_on_a_gpu_node(run, cluster):
    """A step that asks for a GPU runs on a GPU node, and its pod asks for just one.

    Why: one that landed elsewhere would run on the CPU, slowly, and nobody would know.
    """
    with_gpus = {node.metadata.name for node in cluster.gpu_nodes()}
    without = {node.metadata.name for node in cluster.nodes()} - with_gpus
    pods = cluster.pods_of(run, "work")

    equal(len(pods), 3, f"{run.pathspec}/work: pods")
    for pod in pods:
        assert pod.spec.node_name not in without, f"pod {pod.metadata.name} ran on {pod.spec.node_name}, no GPU node"
        limits = cluster.quantities(cluster.main_container(pod).resources.limits)
        equal(limits.get(cluster.GPU), 1, f"pod {pod.metadata.name}: limit for {cluster.GPU}")


@requirement(
    "GPU-012",
    scenario="gpu",
    on="kubernetes",
    needs=WHOLE,
    kills=("all-devices-to-each", "device-without-name", "name-without-device"),
)
def test_gpu_step_sees_its_device(run):
    """Inside a one-GPU step there is one device, and the environment names it.

    Why: a step that is given a node but no device fails in the framework, far from the cause.
    """
    for task in run.steps["work"]:
        assert task["visible"], (
            f"{task.pathspec}: NVIDIA_VISIBLE_DEVICES is empty inside the step: "
            "the device plugin on its node did not set it when it gave the device"
        )
        gpus = [path for path in task["devices"] if "caps" not in path]
        what = f"{task.pathspec}: devices /dev/nvidia[0-9]* that the device plugin gave to a step with gpu=1, {gpus}"
        equal(len(gpus), 1, what)


@requirement("GPU-013", scenario="gpu", on="kubernetes", needs=WHOLE, kills="toleration-too-wide")
def test_cpu_step_stays_away(run, cluster):
    """A step that says nothing of GPUs runs on no GPU node with a taint, and sees no device.

    Why: CPU steps on GPU nodes burn money and keep GPU steps waiting.
    """
    tainted = cluster.tainted_gpu_nodes()

    for pod in cluster.pods_of(run, "start"):
        assert pod.spec.node_name not in tainted, (
            f"pod {pod.metadata.name} of a CPU step ran on GPU node {pod.spec.node_name}: it tolerates {cluster.GPU}; "
            "see METAFLOW_KUBERNETES_TOLERATIONS and what admission adds"
        )
    equal(run.task("start")["cpu_devices"], [], f"{run.pathspec}/start: devices in a step without a GPU")


@requirement("GPU-015", scenario="gpu", on="kubernetes", needs=WHOLE)
def test_a_step_with_no_gpu_in_so_many_words_stays_away(run, cluster):
    """A step with gpu=0 runs on no GPU node with a taint, sees no device, and its pod's limit is 0.

    Why: Metaflow writes the 0 into the pod (Netflix/metaflow#2005); what takes a mention of GPUs for a wish adds a
    toleration, or waits for a GPU node, for steps that want none.
    """
    tainted = cluster.tainted_gpu_nodes()

    for pod in cluster.pods_of(run, "end"):
        limits = cluster.quantities(cluster.main_container(pod).resources.limits)
        equal(limits.get(cluster.GPU), 0, f"pod {pod.metadata.name} of a step with gpu=0: limit for {cluster.GPU}")
        assert pod.spec.node_name not in tainted, (
            f"pod {pod.metadata.name} of a step with gpu=0 ran on GPU node {pod.spec.node_name}: "
            f"it tolerates {cluster.GPU}, though Metaflow asks for no toleration; does admission add one?"
        )
    equal(run.task("end")["cpu_devices"], [], f"{run.pathspec}/end: devices in a step with gpu=0")
