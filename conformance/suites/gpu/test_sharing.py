"""More tasks that want a GPU than there may be GPUs."""

from itertools import combinations

from conformance.requirement import requirement

EXCLUSIVE = {"gpu", "gpu-whole", "gpu-exclusive"}


@requirement(
    "GPU-014", scenario="gpu", on="kubernetes", needs=EXCLUSIVE, kills=("devices-shared-in-secret", "same-device-twice")
)
def test_devices_are_not_shared(run, cluster):
    """Never do more one-GPU tasks run at a time on a node than it has devices, nor two on the same device.

    Why: two trainings on one device run out of its memory, at random.
    """
    spans = run.task("join")["spans"]

    for (began, ended, node, one), (other_began, other_ended, other_node, other) in combinations(spans, 2):
        if began < other_ended and other_began < ended and node == other_node:
            assert one != other, f"{run.pathspec}: two tasks held {one} of node {node} at the same time"
    for node in cluster.gpu_nodes():
        for address in cluster.addresses(node):
            here = [(began, ended) for began, ended, where, _ in spans if where == address]
            most = max((sum(began <= start < ended for began, ended in here) for start, _ in here), default=0)
            devices = cluster.offered(node)
            assert most <= devices, (
                f"{run.pathspec}: {most} one-GPU tasks ran at a time on node {node.metadata.name}, "
                f"which has {devices} devices"
            )


@requirement("GPU-016", level="SHOULD", scenario="gpu", on="kubernetes", needs={*EXCLUSIVE, "gpu-scarce"})
def test_the_waiting_task_starts_when_a_device_is_free(run, cluster, until):
    """The one of three one-GPU tasks for which no device is left starts soon after one is free.

    Why: a device that is given back late, or to nobody, is paid for and idle. Where others use the GPUs too, it may
    have gone to them: hence SHOULD.
    """
    spans = run.task("join")["spans"]
    devices = sum(cluster.offered(node) for node in cluster.gpu_nodes())

    ends = sorted(ended for _, ended, _, _ in spans)
    freed = ends[max(0, len(spans) - 1 - devices)]
    waited = spans[-1][0] - freed
    limit = until.limit("pod_start")
    assert waited <= limit, (
        f"{run.pathspec}: the last of {len(spans)} one-GPU tasks began {waited:.0f} s after one of {devices} devices "
        f"was free, not within {limit:.0f} s"
    )
