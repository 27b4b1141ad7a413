"""A step that takes more memory than it may."""

from conformance.requirement import equal, requirement

REMOTE = ("kubernetes", "argo")


@requirement(
    "COMP-203", scenario="greedy", on=REMOTE, full_on="argo", kills=("limits-lost", "memory-limit-not-enforced")
)
def test_memory_limit_holds(launch):
    """A step that takes more memory than its limit is ended, and its run fails.

    Why: a limit that is not enforced ends others' pods on the node, or the node.
    """
    assert launch.outcome != "successful", (
        f"{launch.pathspec}/start took 1024 MB and has a limit of 512: the node it ran on enforces no memory limit, "
        "or the pod lost its limit on the way"
    )
    assert launch.as_expected, launch.explain()


@requirement("COMP-204", scenario="greedy", on=REMOTE, full_on="argo")
def test_lack_of_memory_is_in_the_status(run, cluster):
    """The pod of a step that ran out of memory says so: OOMKilled, exit code 137.

    Why: Metaflow, Argo and every dashboard read the reason there.
    """
    for pod in cluster.pods_of(run):
        name = cluster.main_container(pod).name
        ended = next(status.state.terminated for status in pod.status.container_statuses if status.name == name)
        assert ended, f"pod {pod.metadata.name}: container {name} has not ended: {pod.status.phase}"
        equal((ended.reason, ended.exit_code), ("OOMKilled", 137), f"pod {pod.metadata.name}: how {name} ended")


@requirement("COMP-208", scenario="greedy", on="kubernetes")
def test_launcher_tells_of_the_lack_of_memory(launch):
    """The launcher tells that a step ran out of memory, or its exit code 137.

    Why: the remedy is a number in the flow, which the user alone can change. (Metaflow up to 2.19.39 finds the words
    only where the job has failed by the time that the container has ended; otherwise it shows the code.)
    """
    said = launch.output()

    wanted = ("ran out of memory", "exit code 137")
    assert any(words in said for words in wanted), f"{launch.pathspec}/start: no word of it; it says: {said[-500:]}"


@requirement("COMP-209", profile="full", scenario="greedy", on="argo")
def test_workflow_tells_of_the_lack_of_memory(run, argo):
    """The workflow's node tells that a step ran out of memory.

    Why: nobody sees the pod of a run that was triggered by a schedule.
    """
    told = {node["displayName"]: node.get("message", "") for node in argo.pods(run.id)}

    assert any("OOMKilled" in message for message in told.values()), f"{run.id}: messages of its nodes: {told}"
