"""Runs as another process sees them, which has only the configuration."""

from conformance.requirement import equal, requirement

EVERYWHERE = ("local", "kubernetes", "argo")


@requirement("CLI-001", scenario="foreach", on=EVERYWHERE)
def test_every_artifact_is_read(run, elsewhere):
    """Another process, in an empty folder and with an empty cache, reads every artifact of every task.

    Why: notebooks and services read runs long after, from other machines, with other versions.
    """
    found = elsewhere.artifacts(run)

    wanted = {task.pathspec: {name: repr(value) for name, value in task.artifacts.items()} for task in run.tasks()}
    assert wanted, f"{run.pathspec}: no task to read"
    equal(found, wanted, f"{run.pathspec}: artifacts as another process reads them")


@requirement("CLI-002", scenario="linear", on=EVERYWHERE)
def test_run_is_found_by_tag(run, session, elsewhere):
    """The run is found by the tag that it was launched with.

    Why: tags are how users and dashboards find the runs that concern them.
    """
    assert session.tag in run.tags, f"{run.pathspec}: launched with the tag {session.tag}, has {sorted(run.tags)}"
    found = elsewhere.tagged(run, session.tag)
    assert run.pathspec in found, (
        f"{run.pathspec} is not among the runs of its flow with the tag {session.tag}: {found}"
    )


@requirement("CLI-003", scenario="branch", on=EVERYWHERE)
def test_run_has_ended_well(run):
    """A run that ended well is finished and successful, and ended after it began.

    Why: `Flow.latest_successful_run` is what downstream flows start from.
    """
    assert run.finished, f"{run.pathspec} has ended, but its client says it is not finished"
    assert run.successful, f"{run.pathspec} has ended well, but its client says it is not successful"
    assert run.began <= run.ended, f"{run.pathspec} began at {run.began}, ended at {run.ended}"


@requirement("CLI-004", scenario="failing", on=EVERYWHERE)
def test_failed_run_is_not_successful(run):
    """A run that failed is not successful.

    Why: whoever takes the latest successful run must not get this one.
    """
    assert not run.successful, f"{run.pathspec} has failed, but its client says it is successful"
