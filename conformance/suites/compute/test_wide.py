"""A hundred tasks at once."""

from conformance.requirement import equal, requirement

WIDTH = 100
LONGEST_S = 6


@requirement("COMP-160", profile="full", scenario="wide", on="kubernetes")
def test_every_artifact_of_a_wide_foreach_is_there(run):
    """A foreach of 100 finishes, and each task's artifact is there with the value that belongs to its item.

    Why: under load, one lost upload or one mixed-up task is silent, and the result is wrong.
    """
    tasks = run.steps["work"]

    got = sorted((task["item"], task.id) for task in tasks)

    equal([item for item, _ in got], list(range(WIDTH)), f"{run.pathspec}/work: items of its {len(tasks)} tasks")
    equal(run.task("join")["collected"], got, f"{run.pathspec}/join: items and tasks that the join saw")


@requirement("COMP-161", profile="full", scenario="wide", on="kubernetes")
def test_every_task_of_a_wide_foreach_has_one_pod(run, cluster):
    """Each task of a foreach of 100 ran once, in one pod of its own, none of which failed.

    Why: pods that are lost under load and started again hide a cluster that is too small for its work.
    """
    pods = cluster.pods_of(run, "work")

    equal(len(pods), WIDTH, f"{run.pathspec}/work: pods")
    bad = {pod.metadata.name: pod.status.phase for pod in pods if pod.status.phase != "Succeeded"}
    equal(bad, {}, f"{run.pathspec}/work: pods that did not succeed")
    again = {task.pathspec: task.pods for task in run.steps["work"] if len(task.pods) != 1}
    equal(again, {}, f"{run.pathspec}/work: tasks that ran in another number of pods than one")


def spans(pods):
    """When each pod was made, and when the last of its containers had ended."""
    ends = [max(status.state.terminated.finished_at for status in pod.status.container_statuses) for pod in pods]
    return [(pod.metadata.creation_timestamp, ended) for pod, ended in zip(pods, ends, strict=True)]


@requirement("COMP-162", level="SHOULD", profile="full", scenario="wide", on="kubernetes")
def test_time_of_a_pod_more(run, cluster, evidence):
    """A wide foreach takes no more than 6 seconds for each pod that is added.

    Why: where pods start one after the other, as with slow pulls or a node too few, width gains nothing.
    """
    lives = spans(cluster.pods_of(run, "work"))
    starts, ends = [began for began, _ in lives], [ended for _, ended in lives]

    wall = (max(ends) - min(starts)).total_seconds()
    found = {
        "pods": len(lives),
        "wall_s": wall,
        "wall_s_per_pod": round(wall / len(lives), 2),
        "pods_at_a_time": max(sum(began <= at < ended for began, ended in lives) for at in starts),
        "slowest_pod_s": max((ended - began).total_seconds() for began, ended in lives),
    }
    evidence("times.json", found)
    assert found["wall_s_per_pod"] <= LONGEST_S, f"{run.pathspec}/work: more than {LONGEST_S} s for each pod: {found}"
