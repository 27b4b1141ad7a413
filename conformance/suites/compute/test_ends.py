"""How steps in pods end."""

from conformance.requirement import equal, requirement
from conformance.suites.compute.leftovers import of_run


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


@requirement("COMP-200", scenario="ends", on="kubernetes")
def test_run_goes_on_after_ends_of_every_kind(launch):
    """A run goes on after steps that end with a code, a signal, an exception or no time left.

    Why: @retry and @catch are a promise that such an end is the step's alone.
    """
    assert launch.as_expected, launch.explain()


@requirement("COMP-201", scenario="ends", on="kubernetes")
def test_exit_code_is_told(launch):
    """The launcher tells the exit code of a step that ended with one.

    Why: a code is all that a crashed library leaves.
    """
    said = launch.output()

    assert "(exit code 3)" in said, f"{launch.pathspec}/crashes: no word of exit code 3; it says: {said[-500:]}"


@requirement("COMP-202", scenario="ends", on="kubernetes")
def test_segmentation_fault_is_told(launch):
    """The launcher tells of a segmentation fault in words.

    Why: it means a broken build or driver, and no retry mends it.
    """
    said = launch.output()

    assert "segmentation fault" in said, f"{launch.pathspec}/crashes: no word of it; it says: {said[-500:]}"


@requirement("COMP-205", scenario="ends", on="kubernetes")
def test_exception_is_caught(run):
    """@catch hands the exception of a step in a pod to the steps after it.

    Why: flows decide by it what to do without the result.
    """
    caught = run.task("join")["caught"]["crashes"]

    assert "mfconf: this exception is to be caught" in caught, f"{run.pathspec}/crashes: caught {caught!r}"


@requirement("COMP-206", scenario="ends", on="kubernetes")
def test_time_limit_holds(run, cluster):
    """A step is ended when its time (@timeout) is up, and @catch tells the steps after it.

    Why: a step that hangs holds its node, and its run, for five days otherwise.
    """
    caught = run.task("join")["caught"]["hangs"]

    assert "timed out" in caught or "execution environment" in caught, f"{run.pathspec}/hangs: caught {caught!r}"
    for pod in of_run(cluster.pods(), run, "hangs"):
        equal(pod.spec.active_deadline_seconds, 90, f"pod {pod.metadata.name}: activeDeadlineSeconds")


@requirement("COMP-207", scenario="ends", on="kubernetes")
def test_attempts_have_logs_of_their_own(run):
    """Each attempt of a step keeps what it printed before it ended, apart from the other attempts.

    Why: the attempt that crashed is the one to be read, and it is not the last one.
    """
    crashes = run.task("crashes")

    equal(crashes.attempts, [0, 1, 2], f"{crashes.pathspec}: attempts")
    for number in crashes.attempts:
        lines = [line for line in crashes.attempt(number).stdout.splitlines() if line.startswith("this is attempt")]
        equal(lines, [f"this is attempt {number}"], f"{crashes.pathspec}, attempt {number}: its lines in its log")
