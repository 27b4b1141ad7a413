"""What is left on the cluster of a run on Kubernetes."""

from conformance.requirement import equal

ALIVE = ("Pending", "Running")

HOW_METAFLOW_ENDS_PODS = (
    "Metaflow ends a step that runs with /sbin/killall5 inside its pod (the image needs that program, and the launcher "
    "leave to create pods/exec), and one that waits by a patch of its job (leave to patch jobs)"
)


def of_run(things, run, step=None):
    """Those pods or jobs that Metaflow's annotations give to the run, or to one of its steps."""
    wanted = {"metaflow/run_id": run.id, "metaflow/flow_name": run.result.scenario.flow}
    if step:
        wanted["metaflow/step_name"] = step
    return [thing for thing in things if wanted.items() <= (thing.metadata.annotations or {}).items()]


def living_pods(cluster, run, *steps):
    """A line for each pod of the run (of some steps, if given) that waits or runs: name, step and phase."""
    found = [(pod, pod.metadata.annotations.get("metaflow/step_name")) for pod in of_run(cluster.pods(), run)]
    return [
        f"{pod.metadata.name} (step {step}, {pod.status.phase})"
        for pod, step in found
        if pod.status.phase in ALIVE and (not steps or step in steps)
    ]


def active_jobs(cluster, run, *steps):
    """The names of the run's jobs (of some steps, if given) that still have a pod to look after."""
    return [
        job.metadata.name
        for job in of_run(cluster.jobs(), run)
        if job.status.active and (not steps or job.metadata.annotations.get("metaflow/step_name") in steps)
    ]


def nothing_lives(cluster, run, until, after, *steps):
    """Wait until no pod of the run (of some steps, if given) lives and no job of it is active.

    ``after`` says what ended it.
    """
    until(
        lambda: not living_pods(cluster, run, *steps),
        f"no pod of {run.pathspec} lives after {after}",
        within="workflow_end",
        explain=lambda: f"Still there: {', '.join(living_pods(cluster, run, *steps))}. {HOW_METAFLOW_ENDS_PODS}",
    )
    until(
        lambda: not active_jobs(cluster, run, *steps),
        f"no job of {run.pathspec} is active after {after}",
        within="workflow_end",
        explain=lambda: f"Still active: {', '.join(active_jobs(cluster, run, *steps))}",
    )


def jobset_is_over(cluster, run, until, end):
    """Wait until no pod of the run lives and its JobSets have ended, which has to be by the condition ``end``."""
    until(
        lambda: not living_pods(cluster, run) and all(cluster.end_of(jobset) for jobset in cluster.jobsets_of(run)),
        f"the JobSet of {run.pathspec} is over, and no pod of the run lives",
        within="workflow_end",
        explain=lambda: f"Still there: {', '.join(living_pods(cluster, run))}. Does JobSet's controller run?",
    )
    for jobset in cluster.jobsets_of(run):
        equal(cluster.end_of(jobset), end, f"JobSet {jobset['metadata']['name']}: the condition that ended it")
