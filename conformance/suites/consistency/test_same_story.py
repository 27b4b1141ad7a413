"""Metadata service, store, pods and Argo tell the same story of a run."""

from collections import Counter

from conformance.requirement import equal, requirement

EVERYWHERE = ("local", "kubernetes", "argo")


def stored(run, datastore):
    """(step, task, attempt) of every attempt that the store knows as done (Metaflow: task_datastore.py)."""
    done = [key.split("/")[-3:] for key in datastore.keys(run.folder(datastore)) if key.endswith(".DONE.lock")]
    return sorted((step, task, int(name.split(".")[0])) for step, task, name in done if step != "_parameters")


def judge(run, datastore, cluster, argo):
    """All components agree, task by task and attempt by attempt."""
    told = sorted((step, task.id, n) for step, tasks in run.steps.items() for task in tasks for n in task.attempts)
    assert told, f"{run.pathspec}: the metadata service knows no task of it"

    equal(stored(run, datastore), told, f"{run.pathspec}: attempts done in S3, against those in the metadata service")
    if run.orchestrator == "local":
        return
    named = sorted(name for task in run.tasks() for name in task.pods)
    equal(len(set(named)), len(told), f"{run.pathspec}: pods named by the tasks, against attempts")
    if run.orchestrator == "kubernetes":
        pods = sorted(pod.metadata.name for pod in cluster.pods_of(run))
        equal(pods, named, f"{run.pathspec}: pods on the cluster, against those named by the tasks")
    else:
        nodes = Counter(node["templateName"] for node in argo.pods(run.id))
        steps = Counter(step.replace("_", "-") for step, _, _ in told)
        equal(nodes, steps, f"{run.pathspec}: pod nodes of the Argo workflow, against attempts by step")


@requirement("CONS-001", scenario="linear", on=EVERYWHERE)
def test_linear_story(run, datastore, cluster, argo):
    """Of steps in a row, all components tell the same.

    Why: a component that lost or doubled a task is found only by asking the others.
    """
    judge(run, datastore, cluster, argo)


@requirement("CONS-002", scenario="branch", on=EVERYWHERE)
def test_branch_story(run, datastore, cluster, argo):
    """Of branches and their join, all components tell the same.

    Why: branches run at the same time, where registrations are lost.
    """
    judge(run, datastore, cluster, argo)


@requirement("CONS-003", scenario="foreach", on=EVERYWHERE)
def test_foreach_story(run, datastore, cluster, argo):
    """Of a foreach, all components tell the same.

    Why: tasks of one step differ only by their ID, which is where one is overwritten by another.
    """
    judge(run, datastore, cluster, argo)


@requirement("CONS-004", scenario="retry", on=EVERYWHERE)
def test_retry_story(run, datastore, cluster, argo):
    """Of a retried step, all components tell the same.

    Why: an attempt that one component does not know is what makes a failure unexplainable.
    """
    judge(run, datastore, cluster, argo)


@requirement("CONS-005", scenario="parameters", on=EVERYWHERE)
def test_parameters_story(run, datastore, cluster, argo):
    """Of a run with parameters, all components tell the same.

    Why: parameters are a task that no pod runs, which components treat differently.
    """
    judge(run, datastore, cluster, argo)
