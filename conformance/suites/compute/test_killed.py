"""A launcher that dies without a chance to clean up: what its pod is bound by."""

from conformance.requirement import equal, requirement
from conformance.suites.compute.leftovers import nothing_lives, of_run


@requirement("COMP-240", profile="full", scenario="killed", on="kubernetes")
def test_killed_launcher_ends_the_launch(launch):
    """A launcher that is killed (SIGKILL) is gone, and its run is no success.

    Why: laptops sleep and CI jobs are killed; nobody may take such a run for a finished one.
    """
    assert launch.as_expected, launch.explain()


@requirement("COMP-241", profile="full", scenario="killed", on="kubernetes")
def test_pod_of_a_killed_launcher_ends_in_time(run, cluster, until):
    """A pod whose launcher was killed is ended when the time of its step (@timeout) is up, and its job with it.

    Why: nobody else ends it: Metaflow cleans up on Ctrl-C only, and bounds each pod by activeDeadlineSeconds.
    """
    nothing_lives(cluster, run, until, "its launcher was killed and its time was up")

    for pod in of_run(cluster.pods(), run):
        equal(pod.status.reason, "DeadlineExceeded", f"pod {pod.metadata.name} ({pod.status.phase}): reason")
