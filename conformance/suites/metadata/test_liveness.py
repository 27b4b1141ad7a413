"""Heartbeats among everything else that happens to a run."""

from conformance.requirement import equal, requirement
from conformance.suites.metadata.bodies import assert_beats_now, same, succeeded

ALIVE = ["metaflow_version:2.19.39"]


@requirement("META-160", level="SHOULD", needs={"metadata"}, kills="task-is-no-heartbeat")
def test_new_task_is_a_heartbeat_of_its_run(metadata):
    """A task that a current client registers counts as a heartbeat of its run.

    Why: between two steps there is no task that sends any.
    """
    place = metadata.new_place("NewTaskBeats")
    equal(metadata.read(place.in_run)["last_heartbeat_ts"], None, f"{place.in_run}: last_heartbeat_ts before")

    metadata.new_task(place.flow, place.run, "start", system_tags=ALIVE)

    assert_beats_now(metadata, metadata.read(place.in_run), f"{place.in_run}, after a task was registered")


@requirement("META-161", needs={"metadata"}, kills="heartbeat-undoes-tags")
def test_heartbeats_and_tags_at_once(metadata):
    """Heartbeats and changes of tags that come at the same time undo nothing of each other.

    Why: a service that reads the run, changes it and writes it whole loses one of the two.
    """
    flow = metadata.new_flow("BeatsAndTags")
    runs = [metadata.new_run(flow, tags=["old"])["run_number"] for _ in range(16)]
    change = {"tags_to_add": ["new"], "tags_to_remove": ["old"]}

    def touch(item):
        run, kind = item
        if kind == "beat":
            return metadata.call("POST", f"{metadata.at(flow, run)}/heartbeat", data="{}").meant
        return metadata.patch(f"{metadata.at(flow, run)}/tag/mutate", change).meant

    work = [(run, kind) for run in runs for kind in ("beat", "tag")]
    done = dict(zip(work, metadata.together(touch, work), strict=True))

    for run in runs:
        path = metadata.at(flow, run)
        found = metadata.read(path)
        if done[run, "beat"] == 200:
            assert found["last_heartbeat_ts"], f"{path}: the acknowledged heartbeat is gone"
        if done[run, "tag"] == 200:
            equal(found["tags"], ["new"], f"{path}: tags after an acknowledged change")
    faults = {item: status for item, status in done.items() if status not in (200, 409)}
    equal(faults, {}, f"{flow}: statuses of heartbeats and changes of tags that are neither success (here 200) nor 409")


@requirement("META-162", needs={"metadata"}, kills=("time-changed-by-heartbeat", "time-of-reading"))
def test_heartbeat_changes_nothing_else(metadata):
    """A heartbeat changes the heartbeat of its task and run, and nothing else of them.

    Why: the time of registration orders the lists; a heartbeat must not move a run in them.
    """
    place = metadata.new_place("BeatOnly")
    paths = (place.in_run, place.in_step, place.in_task)
    before = {path: metadata.read(path) for path in paths}

    succeeded(metadata.call("POST", f"{place.in_task}/heartbeat", data="{}"))

    for path, found in before.items():
        after = metadata.read(path)
        quiet, want = ({**row, "last_heartbeat_ts": None} for row in (after, found))
        same(quiet, want, f"{path}, after a heartbeat: everything but it")


@requirement("META-163", needs={"metadata"}, kills="heartbeat-when-busy-is-500")
def test_many_tasks_beat_at_once(metadata):
    """Heartbeats that many tasks of one run send at the same time are all accepted.

    Why: the tasks of a foreach send theirs together; all of them touch their run.
    """
    place = metadata.new_place("ManyBeats")
    tasks = [metadata.new_task(place.flow, place.run, "start")["task_id"] for _ in range(24)]

    def beat(task):
        return metadata.call("POST", f"{metadata.at(place.flow, place.run, 'start', task)}/heartbeat", data="{}").meant

    equal(metadata.together(beat, tasks, at_once=12), [200] * 24, f"{place.in_step}: statuses of 24 heartbeats")
    listed = metadata.rows(f"{place.in_step}/tasks")
    still = [task["task_id"] for task in listed if task["task_id"] != place.task and not task["last_heartbeat_ts"]]
    equal(still, [], f"{place.in_step}/tasks: tasks whose heartbeat was accepted, but does not show")
