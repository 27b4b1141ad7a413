"""Steps that can't start: the reason is told, within the scenario's deadline, and nothing stays behind."""

import re

from conformance.requirement import requirement
from conformance.suites.compute.leftovers import nothing_lives


def told(launch):
    """What launcher and cluster said when the last reason was told, or else when the launch ran into its deadline."""
    return launch.disturbed["told"] if launch.disturbed else launch.message


def assert_told(launch, pattern, what):
    """One of the reasons is told in words."""
    said = told(launch)
    assert re.search(pattern, said), (
        f"{launch.pathspec}: {what}, and in {launch.duration_s:.0f} s neither the launcher nor the cluster told "
        f"why (want {pattern!r}): {said[-800:]}"
    )


@requirement("COMP-220", scenario="waiting", on="kubernetes")
def test_run_whose_steps_wait_can_be_interrupted(launch):
    """A run whose steps can't start tells why of each, and ends when it is interrupted.

    Why: Metaflow waits without an end for a pod that never starts; the user has to see why, and to get out.
    """
    assert launch.as_expected, launch.explain()


@requirement("COMP-221", scenario="waiting", on="kubernetes")
def test_image_that_cannot_be_pulled_is_told(launch):
    """Of an image that can't be pulled, the pod's status says so, and names the image.

    Why: a wrong tag is the most frequent reason for a step that does not start.
    """
    assert_told(launch, r"image .*mfconf\.invalid/none:0", "step pulls has no such image")


@requirement("COMP-222", scenario="waiting", on="kubernetes")
def test_node_that_does_not_exist_is_told(launch):
    """Of a node selector that no node matches, the scheduler says so.

    Why: a pool that was renamed leaves steps pending, and only the scheduler knows.
    """
    assert_told(launch, r"node affinity|selector|no nodes available", "no node is what step selects wants")


@requirement("COMP-223", scenario="waiting", on="kubernetes")
def test_gpus_that_no_node_has_are_told(launch):
    """Of more GPUs than any node has, the scheduler says that they are missing.

    Why: a step that waits for a GPU looks like one that waits for its turn.
    """
    assert_told(launch, r"Insufficient (nvidia|amd)\.com/gpu|no nodes available", "no node has what step asks wants")


@requirement("COMP-224", scenario="waiting", on="kubernetes")
def test_interrupted_while_waiting_leaves_nothing(run, cluster, until):
    """Pods that no node has taken are gone after the run is interrupted, and no job makes new ones.

    Why: a forgotten pod starts as soon as somebody adds the node it waits for, and computes for nobody. (One whose
    image can't be pulled stays: Metaflow, up to 2.19.39, asks it to kill its processes, and Kubernetes, from 1.30 on,
    answers as if it had.)
    """
    nothing_lives(cluster, run, until, "Ctrl-C", "selects", "asks")
