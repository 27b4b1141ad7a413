"""Two GPUs at a time."""

import json

from conformance.requirement import equal, requirement

PAIR = {"gpu", "gpu-whole", "gpu-exclusive", "gpu-pair", "evict"}
TOLD = "mfconf: GPUs "


def told(task):
    """What an attempt printed of its GPUs: ``devices``, ``visible``."""
    lines = [line for line in task.stdout.splitlines() if line.startswith(TOLD)]
    assert lines, f"{task.pathspec}: its log does not tell of GPUs: {task.stdout[-300:]!r}"
    return json.loads(lines[-1].removeprefix(TOLD))


@requirement("GPU-025", scenario="gpu_pair", on="kubernetes", needs=PAIR)
def test_gpus_come_back(launch):
    """A flow whose tasks want both GPUs of a node runs to its end, though one fails and one is evicted.

    Why: where devices of a task that was ended are not given back, the node seems full until someone restarts it.
    """
    assert launch.as_expected, launch.explain()


@requirement("GPU-026", scenario="gpu_pair", on="kubernetes", needs=PAIR)
def test_two_gpus_are_two_different_ones(run, cluster):
    """A step with gpu=2 has two different devices, and its pod asks for two.

    Why: a plugin that hands one device out twice makes training on two GPUs slower than on one.
    """
    for pod in cluster.pods_of(run, "start"):
        limits = cluster.quantities(cluster.main_container(pod).resources.limits)
        equal(limits.get(cluster.GPU), 2, f"pod {pod.metadata.name}: limit for {cluster.GPU}")
    start = run.task("start")
    seen = told(start)
    what = f"{start.pathspec}: devices /dev/nvidia[0-9]* that the device plugin gave to a step with gpu=2"
    equal(len(seen["devices"]), 2, f"{what}, {seen['devices']}")
    names = seen["visible"].split(",")
    equal(
        len(set(names)), len(names), f"{start.pathspec}: different ones of the names in NVIDIA_VISIBLE_DEVICES {names}"
    )


@requirement("GPU-027", scenario="gpu_pair", on="kubernetes", needs=PAIR)
def test_each_attempt_has_both_gpus(run):
    """After an attempt that failed, and after one that was evicted, the next one has both GPUs again.

    Why: retries exist for long trainings; one that goes on with half of its devices fails or takes twice as long.
    """
    work = run.task("work")

    equal(work.attempts, [0, 1, 2], f"{work.pathspec}: attempts: one failed, one evicted, one that ends well")
    for number in work.attempts:
        devices = told(work.attempt(number))["devices"]
        equal(
            len(devices),
            2,
            f"{work.pathspec}, attempt {number}: devices that the device plugin gave with gpu=2, {devices}",
        )
