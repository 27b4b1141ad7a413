"""A step under @retry whose pod is evicted, as by a drain, a preemption or a spot node that goes."""

from conformance.requirement import equal, requirement
from conformance.suites.compute.again import assert_ran_again, assert_told
from conformance.suites.compute.leftovers import of_run

EVICT = {"evict"}


@requirement("COMP-250", needs=EVICT, scenario="evicted", on="kubernetes", kills="eviction-forbidden")
def test_run_survives_an_eviction(launch):
    """A run whose step is evicted succeeds, where the step is under @retry.

    Why: on spot nodes, and wherever nodes are upgraded, this is daily life.
    """
    assert launch.as_expected, launch.explain()


@requirement("COMP-251", needs=EVICT, scenario="evicted", on="kubernetes")
def test_evicted_step_runs_again_with_its_inputs(run):
    """An evicted step runs once more, as the next attempt, in another pod, with the same inputs.

    Why: a backend that loses the attempt number retries for ever, or never.
    """
    assert_ran_again(run)


@requirement("COMP-252", needs=EVICT, scenario="evicted", on="kubernetes")
def test_evicted_pod_is_gone(run, cluster):
    """The evicted pod does not run any more, and no job makes another one in its place.

    Why: two attempts at the same time write the same things.
    """
    evicted = run.result.disturbed["pod"]

    phases = {pod.metadata.name: pod.status.phase for pod in of_run(cluster.pods(), run)}
    assert phases.get(evicted, "gone") in ("gone", "Failed"), f"pod {evicted} was evicted and is {phases[evicted]}"
    active = [job.metadata.name for job in of_run(cluster.jobs(), run) if job.status.active]
    equal(active, [], f"{run.pathspec}: jobs that are active although the run is over")


@requirement("COMP-253", needs=EVICT, scenario="evicted", on="kubernetes")
def test_launcher_tells_of_the_lost_attempt(run):
    """The launcher tells that the evicted attempt failed on Kubernetes.

    Why: a run that takes twice as long without a word is reported as slow.
    """
    assert_told(run)


@requirement("COMP-254", needs=EVICT, scenario="evicted", on="kubernetes")
def test_log_of_the_evicted_attempt_is_kept(run):
    """What an evicted attempt had printed is kept, apart from the log of the next attempt.

    Why: logs are saved every few seconds for this very case; they are all that is left of the pod.
    """
    work = run.task("work")

    for number in (0, 1):
        said = work.attempt(number).stdout
        assert f"attempt {number} has begun" in said, f"{work.pathspec}, attempt {number}: its line is not in {said!r}"
        assert f"attempt {1 - number} has begun" not in said, f"{work.pathspec}, attempt {number}: the other's log"
