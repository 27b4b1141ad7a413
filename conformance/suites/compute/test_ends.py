"""How steps in pods end."""

from conformance.requirement import equal, requirement


@requirement("COMP-030", scenario="retry", on=("kubernetes", "argo"))
def test_each_attempt_has_its_pod(run):
    """A retried step gets a new pod.

    Why: a second attempt in the broken place of the first fails like the first.
    """
    pods = run.task("start").pods

    equal(len(set(pods)), 2, f"{run.pathspec}/start: different pods named by its two attempts, {pods}")


@requirement("COMP-031", scenario="failing", on="kubernetes")
def test_launcher_shows_the_exception(launch):
    """The launcher shows the exception of a step that failed in a pod.

    Why: 'task failed' alone sends the user to kubectl, which most of them do not have.
    """
    said = launch.output()

    wanted = "ValueError: mfconf: this step fails on purpose"
    assert wanted in said, f"{launch.pathspec}: the launcher does not show the exception; it says: {said[-500:]}"
