"""One of the nodes of a step under @parallel fails."""

from conformance.requirement import requirement
from conformance.suites.compute.leftovers import jobset_is_over

RAISED = "ValueError: mfconf: the worker fails on purpose"


def failed_worker(run):
    """The task whose log has the exception. Raises ``AssertionError`` where there is none."""
    nodes = run.steps["work"]
    found = [node for node in nodes if RAISED in node.stderr]
    said = {node.id: node.stderr[-300:] for node in nodes}
    assert found, f"{run.pathspec}/work: no node's log has the worker's exception; their ends: {said}"
    return found[0]


@requirement("COMP-320", scenario="parallel_failing", on="kubernetes", needs={"jobset"})
def test_a_failing_worker_fails_the_run(launch):
    """A run ends as failed when a worker fails, long before the main node would have ended by itself.

    Why: the main node waits for a worker that is gone, on GPUs that are paid for.
    """
    assert launch.as_expected, launch.explain()


@requirement("COMP-321", scenario="parallel_failing", on="kubernetes", needs={"jobset"})
def test_launcher_tells_of_the_worker(run, launch):
    """The launcher says that it was a worker that failed.

    Why: it shows the main node's log alone, where nothing is wrong.
    """
    said = launch.output()

    assert "Worker pods failed" in said, (
        f"{run.pathspec}: the launcher does not say that a worker failed; it says: {said[-500:]}"
    )


@requirement("COMP-322", scenario="parallel_failing", on="kubernetes", needs={"jobset"})
def test_the_workers_log_is_kept(run):
    """The failed worker's log can be read through the client, exception and all.

    Why: it is the only place that says what went wrong.
    """
    assert not failed_worker(run).successful, f"{run.pathspec}/work: the worker that raised counts as successful"


@requirement("COMP-323", scenario="parallel_failing", on="kubernetes", needs={"jobset"})
def test_nothing_of_it_runs_on(run, cluster, until):
    """When a worker has failed, the JobSet has failed too, and no pod of it runs on.

    Why: a main node that is left alone holds its GPUs until its time is up.
    """
    jobset_is_over(cluster, run, until, "Failed")


@requirement("COMP-324", scenario="parallel_failing", on="argo", needs={"jobset"}, profile="full")
def test_a_failing_worker_fails_the_workflow(run, cluster, until):
    """On Argo, too, a failing worker fails the run, its exception is kept, and no pod runs on.

    Why: a workflow that does not see its JobSet fail runs until its deadline, which Metaflow sets to days.
    """
    failed_worker(run)

    jobset_is_over(cluster, run, until, "Failed")
