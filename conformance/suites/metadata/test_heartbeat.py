"""Heartbeats say that a run is alive."""

from dataclasses import replace

from conformance.requirement import equal, requirement
from conformance.suites.metadata.bodies import CLOCKS_S, assert_beats_now, same, succeeded

ALIVE = ["metaflow_version:2.19.39"]
EARLY = (200, 404)
LATE_S = 10


def beat(metadata, path):
    """A heartbeat as the client sends it: two braces, and no word about their type."""
    return metadata.call("POST", f"{path}/heartbeat", data="{}")


def interval(answer):
    """How many seconds after this heartbeat the next one is due, decoded as the client does it: twice."""
    assert isinstance(answer.json, str), f"{answer}: the client decodes the body twice; this is no string"
    told = replace(answer, text=answer.json).json
    wait = told.get("wait_time_in_seconds") if isinstance(told, dict) else None
    assert isinstance(wait, int), f"{answer}: no whole number wait_time_in_seconds"
    return wait


@requirement(
    "META-060",
    needs={"metadata"},
    kills=(
        "heartbeat-in-local-time",
        "heartbeat-in-milliseconds",
        "heartbeat-never-starts",
        "heartbeat-version-as-text",
    ),
)
def test_heartbeat_is_now(metadata):
    """A run and a task registered by a current client have a heartbeat of now, in seconds since the epoch (UTC).

    Why: a service in another time zone makes every run look hours old: the UI shows it failed.
    """
    flow = metadata.new_flow("Heartbeat")
    run = metadata.new_run(flow, system_tags=ALIVE)["run_number"]
    metadata.new_step(flow, run, "start")
    task = metadata.new_task(flow, run, "start", system_tags=ALIVE)["task_id"]

    for path in (metadata.at(flow, run), metadata.at(flow, run, "start", task)):
        assert_beats_now(metadata, metadata.read(path), f"{path}, with the tag {ALIVE[0]}")


@requirement(
    "META-061",
    needs={"metadata"},
    kills=("heartbeat-answer-empty", "heartbeat-interval-in-milliseconds", "heartbeat-needs-a-body"),
)
def test_heartbeat_tells_the_interval(metadata):
    """POST heartbeat is accepted, and its body is a JSON string of JSON that tells when the next one is due.

    Why: the client's heartbeat process decodes the body twice and sleeps as long as it says; if that fails,
    the process ends and the run counts as dead (metaflow: heartbeat.py, _heartbeat).
    """
    place = metadata.new_place("Beating")

    for path in (place.in_run, place.in_task):
        answer = beat(metadata, path)

        succeeded(answer)
        wait = interval(answer)
        assert 0 < wait <= 60, f"{answer}: {wait} s is no interval for a run that counts as dead after minutes"


@requirement(
    "META-062",
    needs={"metadata"},
    kills=("heartbeat-a-minute-old", "heartbeat-in-words", "heartbeat-of-task-not-kept", "tasks-with-metadata-only"),
)
def test_first_heartbeat_shows(metadata):
    """A run and a task that had no heartbeat have one of now after the first, alone and in lists.

    Why: the UI tells by it whether a run is alive.
    """
    place = metadata.new_place("FirstBeat")

    succeeded(beat(metadata, place.in_run))
    assert_beats_now(metadata, metadata.read(place.in_run), f"{place.in_run}, after a heartbeat")
    listed = metadata.rows(f"{place.in_flow}/runs").only
    assert_beats_now(metadata, listed, f"{place.in_flow}/runs, after a heartbeat")

    succeeded(beat(metadata, place.in_task))
    assert_beats_now(metadata, metadata.read(place.in_task), f"{place.in_task}, after a heartbeat")
    listed = metadata.rows(f"{place.in_step}/tasks").only
    assert_beats_now(metadata, listed, f"{place.in_step}/tasks, after a heartbeat")


@requirement("META-063", needs={"metadata"}, kills="heartbeat-early-is-429")
def test_early_heartbeat_is_no_fault(metadata):
    """A heartbeat that comes within 10 s of the last is accepted, or refused with 404; it is never a fault.

    Why: a task that ends sends a last heartbeat, whenever that is. The real service refuses it with 404
    (observed at v2.5.1: update_heartbeat asks for 10 s since the last).
    """
    place = metadata.new_place("EarlyBeat")

    for path in (place.in_run, place.in_task):
        beat(metadata, path)
        first = metadata.read(path)["last_heartbeat_ts"]
        for _ in range(3):
            answer = beat(metadata, path)
            assert answer.meant in EARLY, f"{answer}: want success or 404 for a heartbeat right after another"
        later = metadata.read(path)["last_heartbeat_ts"]
        assert first, f"{path}: last_heartbeat_ts is {first} after a heartbeat"
        assert later, f"{path}: last_heartbeat_ts is {later} after another heartbeat"
        assert later >= first - CLOCKS_S, f"{path}: last_heartbeat_ts went back from {first} to {later}"


@requirement("META-064", needs={"metadata"}, kills="heartbeat-only-first")
def test_next_heartbeat_is_accepted(metadata, until):
    """After the interval that a heartbeat told, the next one of the run or task is accepted, and later than it.

    Why: the client sends one each time; a run whose heartbeat stands still counts as dead after minutes.
    """
    place = metadata.new_place("NextBeat")
    wait = interval(beat(metadata, place.in_task))
    beat(metadata, place.in_run)
    beats = {}
    for path in (place.in_task, place.in_run):
        beats[path] = metadata.read(path)["last_heartbeat_ts"]
        assert beats[path], f"{path}: last_heartbeat_ts is {beats[path]} after a heartbeat"

    def moved():
        for path in beats:
            beat(metadata, path)
        return all((metadata.read(path)["last_heartbeat_ts"] or 0) > first for path, first in beats.items())

    until(moved, f"{place.in_task}: a later heartbeat of the task and of its run", within="beat_accepted")

    for path, first in beats.items():
        found = metadata.read(path)
        assert_beats_now(metadata, found, f"{path}, after a second heartbeat")
        later = found["last_heartbeat_ts"] - first
        assert later <= wait + LATE_S, f"{path}: the next heartbeat kept is of {later} s later; {wait} s were told"


@requirement("META-065", needs={"metadata"}, kills="heartbeat-of-task-not-for-run")
def test_heartbeat_of_a_task_is_one_of_its_run(metadata):
    """A heartbeat of a task is one of its run too.

    Why: on Argo nothing else says that the run is alive: its tasks alone send heartbeats.
    """
    place = metadata.new_place("BeatOfTask")

    answer = beat(metadata, place.in_task)

    succeeded(answer)
    assert_beats_now(
        metadata, metadata.read(place.in_run), f"{place.in_run}, after a heartbeat of its task {place.task}"
    )


@requirement("META-066", level="SHOULD", needs={"metadata"}, kills="heartbeat-of-missing-run")
def test_heartbeat_of_what_is_missing(metadata):
    """A heartbeat of a run or a task that is not there is answered with 404.

    Why: an acknowledgement would be a lie.
    """
    place = metadata.new_place("BeatOfMissing")

    for path in (
        metadata.at(place.flow, 999999999),
        metadata.at(place.flow, "argo-nothing"),
        metadata.at(place.flow, place.run, "start", 999999999),
        metadata.at(place.flow, place.run, "start", "t-nothing"),
        metadata.at(place.flow, place.run, "nothing", place.task),
    ):
        answer = beat(metadata, path)
        equal(answer.status, 404, f"{answer.request}: status")


@requirement("META-067", needs={"metadata"}, kills="heartbeat-by-number-only")
def test_heartbeat_of_named(metadata):
    """A named run and a named task of it take heartbeats by their names.

    Why: on Argo the path of a heartbeat is made of names.
    """
    place = metadata.new_place("BeatOfNamed", run="argo-beat", task="t-beat")

    for path in (place.in_run, place.in_task):
        answer = beat(metadata, path)
        succeeded(answer)
        assert_beats_now(metadata, metadata.read(path), f"{path}, after a heartbeat")


@requirement("META-068", needs={"metadata"}, kills=("heartbeat-for-all-runs", "heartbeat-for-all-tasks"))
def test_heartbeat_keeps_to_its_own(metadata):
    """A heartbeat reaches its own run and task, and no other of the flow, the run or the step.

    Why: a dead task that is kept alive by its neighbours is never noticed.
    """
    place = metadata.new_place("OwnBeat", run="argo-1", task="t-1")
    metadata.new_run(place.flow, run_number="argo-11")
    metadata.new_step(place.flow, "argo-11", "start")
    others = [metadata.at(place.flow, "argo-11")]
    for run, name in (("argo-1", "t-11"), ("argo-1", "T-1"), ("argo-11", "t-1")):
        metadata.new_task(place.flow, run, "start", task_id=name)
        others.append(metadata.at(place.flow, run, "start", name))
    before = {path: metadata.read(path) for path in others}

    succeeded(beat(metadata, place.in_task))

    for path, found in before.items():
        same(metadata.read(path), found, f"{path}, after a heartbeat of {place.in_task}")


@requirement("META-069", level="SHOULD", needs={"metadata"}, kills="heartbeat-always-starts")
def test_no_heartbeat_without_a_client_that_sends_any(metadata):
    """A run and a task whose client does not say its version start without a heartbeat.

    Why: clients before 2.2.12 send none: their runs would count as dead after minutes.
    """
    place = metadata.new_place("NoBeat")

    for path in (place.in_run, place.in_task):
        equal(metadata.read(path)["last_heartbeat_ts"], None, f"{path}: last_heartbeat_ts, without a version tag")
