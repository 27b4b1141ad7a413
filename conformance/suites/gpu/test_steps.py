"""Steps that ask for a GPU, beside steps that do not."""

from itertools import combinations

from conformance.requirement import equal, requirement


@requirement("GPU-010", scenario="gpu", on="kubernetes", needs={"gpu"})
def test_gpu_flow_ends(launch):
    """A flow with three one-GPU tasks at once runs to its end.

    Why: taints, labels, device plugin and scheduler all have to agree before a GPU step starts.
    """
    assert launch.as_expected, launch.explain()


@requirement("GPU-011", scenario="gpu", on="kubernetes", needs={"gpu"})
def test_gpu_step_lands_on_a_gpu_node(run, cluster):
    """A step that asks for a GPU runs on a GPU node, and its pod asks for just one.

    Why: one that landed elsewhere would run on the CPU, slowly, and nobody would know.
    """
    names = {node.metadata.name for node in cluster.gpu_nodes()}
    pods = cluster.pods_of(run, "work")

    equal(len(pods), 3, f"{run.pathspec}/work: pods")
    for pod in pods:
        assert pod.spec.node_name in names, f"pod {pod.metadata.name} ran on {pod.spec.node_name}, no GPU node"
        limits = cluster.quantities(cluster.main_container(pod).resources.limits)
        equal(limits.get(cluster.GPU), 1, f"pod {pod.metadata.name}: limit for {cluster.GPU}")


@requirement("GPU-012", scenario="gpu", on="kubernetes", needs={"gpu"})
def test_gpu_step_sees_its_device(run):
    """Inside a one-GPU step there is one device, and the environment names it.

    Why: a step that is given a node but no device fails in the framework, far from the cause.
    """
    for task in run.steps["work"]:
        assert task["visible"], f"{task.pathspec}: NVIDIA_VISIBLE_DEVICES is empty inside the step"
        equal(len(task["devices"]), 1, f"{task.pathspec}: devices /dev/nvidia[0-9]*, which are {task['devices']}")


@requirement("GPU-013", scenario="gpu", on="kubernetes", needs={"gpu"})
def test_cpu_step_stays_away(run, cluster):
    """A step that asks for no GPU runs on no GPU node with a taint, and sees no device.

    Why: CPU steps on GPU nodes burn money and keep GPU steps waiting.
    """
    tainted = {n.metadata.name for n in cluster.gpu_nodes() if any(t.key == cluster.GPU for t in n.spec.taints or [])}

    for step in ("start", "join", "end"):
        for pod in cluster.pods_of(run, step):
            assert pod.spec.node_name not in tainted, f"pod {pod.metadata.name} of CPU step {step} ran on a GPU node"
    equal(run.task("start")["cpu_devices"], [], f"{run.pathspec}/start: devices in a step without a GPU")


@requirement("GPU-014", scenario="gpu", on="kubernetes", needs={"gpu", "gpu-exclusive"})
def test_devices_are_not_shared(run, cluster):
    """Never do more one-GPU tasks run at a time than there are devices, nor two on the same device.

    Why: two trainings on one device run out of its memory, at random.
    """
    spans = run.task("join")["spans"]
    devices = sum(int(node.status.allocatable.get(cluster.GPU, 0)) for node in cluster.gpu_nodes())

    for (began, ended, one), (other_began, other_ended, other) in combinations(spans, 2):
        if began < other_ended and other_began < ended:
            assert one != other, f"{run.pathspec}: two tasks held device {one} at the same time"
    most = max(sum(began <= start < ended for began, ended, _ in spans) for start, _, _ in spans)
    assert most <= devices, f"{run.pathspec}: {most} one-GPU tasks ran at a time on {devices} devices"
