"""What can be looked at once a run is over."""

from conformance.requirement import equal, requirement


@requirement("COMP-005", level="SHOULD", scenario="linear", on=("kubernetes", "argo"), kills="jobs-removed-at-once")
def test_pods_stay_for_a_while(run, cluster):
    """The pods of a run are still there when it has just ended.

    Why: why a step was slow, evicted or out of memory stands in its pod's status; once that is removed nobody knows.
    """
    named = {name for task in run.tasks() for name in task.pods}
    there = {pod.metadata.name for pod in cluster.pods()}

    assert named, f"{run.pathspec}: no task names its pod"
    remedy = "raise METAFLOW_KUBERNETES_JOB_TTL_SECONDS_AFTER_FINISHED; on Argo, podGC and ttlStrategy"
    equal(sorted(named - there), [], f"{run.pathspec}: pods that were removed as soon as the run ended; {remedy}")
