"""Workflows: triggered, followed, ended."""

from conformance.requirement import equal, requirement


@requirement("ARGO-010", profile="smoke", scenario="linear", on="argo", kills="workflow-controller-down")
def test_controller_picks_up(launch, argo):
    """A triggered workflow is picked up by a controller.

    Why: without a controller, triggers succeed and nothing ever happens.
    """
    assert launch.run_id, launch.explain()
    assert argo.phase(launch.run_id), argo.explain(launch.run_id)


@requirement("ARGO-011", scenario="linear", on="argo")
def test_run_is_named_after_its_workflow(run, argo):
    """The run's ID is argo- and the workflow's name, and its tasks name workflow and template.

    Why: this is how one gets from a failed run to its workflow, and back.
    """
    workflow = run.id.removeprefix("argo-")

    assert argo.workflow(workflow), f"the run {run.pathspec} names a workflow {workflow} that does not exist"
    for task in run.tasks():
        equal(task.values("argo-workflow-name"), [workflow], f"{task.pathspec}: argo-workflow-name")
        equal(task.values("argo-workflow-template"), [run.result.template], f"{task.pathspec}: argo-workflow-template")


@requirement("ARGO-012", scenario="linear", on="argo")
def test_status_is_told(run, argo):
    """`argo-workflows status` tells how a run ended.

    Why: it is what a deployment pipeline asks.
    """
    done = argo.command("linear", "status", run.id)

    equal(done.returncode, 0, f"argo-workflows status: exit code; it says: {done.stderr[-300:]}")
    said = (done.stdout + done.stderr).lower()
    assert "succeeded" in said, f"the status of the finished run {run.id} is not succeeded: {said[-300:]}"


@requirement("ARGO-013", scenario="endless", on="argo")
def test_terminated_run_ends(started, argo, cluster, until):
    """`argo-workflows terminate` ends a running workflow and its pods.

    Why: a run that can't be stopped goes on paying, and writing.
    """
    name = started.run_id.removeprefix("argo-")
    until(
        lambda: [node for node in argo.pods(name) if node["phase"] == "Running"],
        f"the step of {started.pathspec} runs",
        within="pod_start",
        explain=lambda: argo.explain(name),
    )

    done = argo.command("endless", "terminate", started.run_id)

    equal(done.returncode, 0, f"argo-workflows terminate: exit code; it says: {done.stderr[-300:]}")
    until(lambda: argo.phase(name) == "Failed", f"{name} has failed after it was terminated", within="workflow_end")
    until(
        lambda: not [p for p in cluster.pods() if name in p.metadata.name and p.status.phase in ("Pending", "Running")],
        f"no pod of {name} runs any more",
        within="workflow_end",
    )


@requirement("ARGO-014", scenario="retry", on="argo")
def test_retry_is_a_node_of_its_own(run, argo):
    """A retried step shows both attempts as nodes of the workflow, the first one failed.

    Why: Argo, not Metaflow, retries here; the attempt number is handed on in its template.
    """
    nodes = [node for node in argo.pods(run.id) if node["templateName"] == "start"]

    equal(
        sorted(node["phase"] for node in nodes), ["Failed", "Succeeded"], f"{run.id}: phases of the nodes of step start"
    )
