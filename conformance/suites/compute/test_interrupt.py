"""A launcher that is stopped while a step runs in a pod."""

import time

from conformance.requirement import equal, requirement
from conformance.suites.compute.leftovers import nothing_lives

LIVED_S, BEAT_S = 25, 10
"""Seconds that the step runs before it is interrupted; how often a task sends a heartbeat."""


class Stillness:
    """Whether a value, read again and again, has not changed for some seconds."""

    def __init__(self, read, seconds):
        self.read = read
        self.seconds = seconds
        self.value = read()
        self.since = time.monotonic()

    def __call__(self):
        """Read again."""
        value = self.read()
        if value != self.value:
            self.value, self.since = value, time.monotonic()
        return time.monotonic() - self.since > self.seconds


def path_of(metadata, run):
    """The path of the step's task in the metadata service."""
    return metadata.at(run.result.scenario.flow, run.id, "start", run.task("start").id)


@requirement("COMP-230", scenario="interrupted", on="kubernetes")
def test_interrupted_run_ends(launch):
    """A run ends when its launcher is interrupted (Ctrl-C) while a step runs.

    Why: this is how users stop a run; a launcher that hangs is killed, and then cleans nothing up.
    """
    assert launch.as_expected, launch.explain()


@requirement("COMP-231", scenario="interrupted", on="kubernetes")
def test_interrupt_ends_the_pod(run, cluster, until):
    """After Ctrl-C, the pod of the running step is ended, and its job is not active any more.

    Why: a pod that outlives its run goes on paying, and holds its GPU.
    """
    nothing_lives(cluster, run, until, "Ctrl-C")


@requirement("COMP-232", scenario="interrupted", on="kubernetes")
def test_interrupted_run_is_no_success(run):
    """A run that was interrupted, and its task, are neither finished nor successful.

    Why: what comes next in a pipeline asks the run, not the terminal that it was started in.
    """
    told = {"successful": run.successful, "finished": run.finished, "start successful": run.task("start").successful}

    equal([name for name, said in told.items() if said], [], f"{run.pathspec}: what it says it is, after Ctrl-C")


@requirement("COMP-233", scenario="interrupted", on="kubernetes")
def test_living_task_sends_heartbeats(run, metadata):
    """A task in a pod sends heartbeats to the metadata service as long as it lives.

    Why: a task without them shows as failed, although it computes.
    """
    path = path_of(metadata, run)
    began = [row["ts_epoch"] / 1000 for row in metadata.rows(f"{path}/metadata") if row["field_name"] == "attempt"]
    beat = metadata.read(path)["last_heartbeat_ts"]

    equal(len(began), 1, f"{path}: attempts that registered themselves")
    assert beat, f"{path}: no heartbeat; can pods reach METAFLOW_SERVICE_INTERNAL_URL?"
    lasted = beat - began[0]
    assert lasted > LIVED_S - 1.5 * BEAT_S, (
        f"{path}: the task lived {LIVED_S} s and more after it began, its last heartbeat came {lasted:.0f} s after"
    )


@requirement("COMP-234", scenario="interrupted", on="kubernetes")
def test_dead_task_sends_no_heartbeats(run, metadata, until):
    """A task that was ended sends no heartbeat any more, and neither does its run.

    Why: a run that is shown as running for ever is looked after by nobody.
    """
    path, whole = path_of(metadata, run), metadata.at(run.result.scenario.flow, run.id)

    def last_beats():
        return metadata.read(path)["last_heartbeat_ts"], metadata.read(whole)["last_heartbeat_ts"]

    until(
        Stillness(last_beats, 1.5 * BEAT_S),
        f"no heartbeat of {path} and of its run for {1.5 * BEAT_S:.0f} s after Ctrl-C",
        within="settle",
        explain=lambda: f"Seconds since the epoch of their last ones: {last_beats()}",
    )
