"""Metadata records of a task."""

import time

from conformance.requirement import equal, requirement
from conformance.suites.metadata.bodies import assert_count, epoch, offered, record, values

CLOSE_MS = 60_000


@requirement(
    "META-040",
    needs={"metadata"},
    kills=(
        "metadata-type-lost",
        "unicode-as-latin-1",
        "value-cut-at-255",
        "value-newlines-normalised",
        "value-trimmed",
    ),
)
def test_records_are_kept(metadata):
    """Every metadata record of a task is listed with field, value, type and tags as they were sent.

    Why: the client finds attempts, logs, code packages and the success of a task in these records.
    """
    task = metadata.new_task_path("Records")
    sent = [
        {"field_name": "attempt", "value": "0", "type": "attempt", "tags": ["attempt_id:0"]},
        {"field_name": "attempt", "value": "1", "type": "attempt", "tags": ["attempt_id:1"]},
        {"field_name": "words", "value": 'grüße "quoted" 🌍 \\ \n', "type": "text", "tags": []},
        {"field_name": "long", "value": "x" * 5000, "type": "text", "tags": []},
    ]

    body = [{**one, "user_name": "mfconf", "system_tags": []} for one in sent]
    answer = metadata.post(f"{task}/metadata", body)

    assert_count(answer.json, len(sent), f"{answer.request}")
    listed = metadata.get(f"{task}/metadata")
    got = [{key: one[key] for key in sent[0]} for one in listed.json]
    equal(sorted(got, key=str), sorted(sent, key=str), f"{listed.request}: records")


@requirement("META-041", needs={"metadata"}, kills=("ids-of-parent-lost", "registration-loses-user"))
def test_record_belongs_and_is_now(metadata):
    """A record tells the flow, run, step and task it belongs to, its user, and when it was registered.

    Why: the client sorts records by ts_epoch, in milliseconds: the newest value of a field is current.
    """
    place = metadata.new_place("RecordFields")
    metadata.write(f"{place.in_task}/metadata", [record("attempt", "0")])

    want = {"flow_id": place.flow, "run_number": str(place.run), "step_name": "start", "task_id": str(place.task)}
    for path in (f"{place.in_task}/metadata", *offered(metadata, f"{place.in_run}/metadata")):
        found = metadata.rows(path).only
        equal({key: str(found.get(key)) for key in want}, want, f"{path}: where the record belongs")
        equal(found["user_name"], "mfconf", f"{path}: user_name")
        assert abs(epoch(found) - time.time() * 1000) < CLOSE_MS, f"{path}: ts_epoch is {found['ts_epoch']}"


@requirement("META-042", needs={"metadata"}, kills="metadata-tags-of-run")
def test_records_keep_their_own_tags(metadata):
    """A record shows the tags that it was sent with, not its run's.

    Why: its tag attempt_id:N says which attempt it is of; the run's tags are grafted onto steps, tasks and
    artifacts only.
    """
    flow = metadata.new_flow("OwnTags")
    run = metadata.new_run(flow, tags=["of the run"])["run_number"]
    metadata.new_step(flow, run, "start")
    task = metadata.at(flow, run, "start", metadata.new_task(flow, run, "start")["task_id"])
    metadata.write(f"{task}/metadata", [record("attempt", "2", 2)])
    metadata.retag(metadata.at(flow, run), {"tags_to_add": ["later"]})

    for path in (f"{task}/metadata", *offered(metadata, f"{metadata.at(flow, run)}/metadata")):
        equal([item["tags"] for item in metadata.rows(path)], [["attempt_id:2"]], f"{path}: tags")


@requirement("META-043", needs={"metadata"}, kills="attempt-of-metadata-latest")
def test_newest_value_wins(metadata):
    """Sorted by ts_epoch, as the client sorts them, a field's last value is the one registered last.

    Why: `Task.metadata_dict`, and with it `current_attempt`, is made this way.
    """
    task = metadata.new_task_path("NewestValue")
    for number in range(4):
        metadata.write(f"{task}/metadata", [record("attempt", str(number), number)])
        metadata.read(task)  # what comes between two attempts: at least a millisecond

    equal(values(metadata.rows(f"{task}/metadata"))["attempt"], ["0", "1", "2", "3"], f"{task}/metadata: by age")


@requirement("META-044", needs={"metadata"}, kills="value-of-other-type-lost")
def test_values_that_are_no_strings(metadata):
    """A list and a number as values are kept, as text in which everything that was sent can be read.

    Why: the client sends the stack of a foreach as a list and the size of a cluster as a number (metaflow:
    task.py, parallel_decorator.py); a service that refuses them loses where in the foreach a task is.
    """
    task = metadata.new_task_path("NoStrings")
    stack = ["x=1", "item=b"]

    told = metadata.write(f"{task}/metadata", [record("foreach-stack", stack), record("parallel-world-size", 4)])

    assert_count(told, 2, f"POST {task}/metadata")
    found = values(metadata.rows(f"{task}/metadata"))
    equal([str(value) for value in found["parallel-world-size"]], ["4"], f"{task}/metadata: parallel-world-size")
    lost = [part for part in stack if part not in str(found["foreach-stack"])]
    equal(lost, [], f"{task}/metadata: parts of foreach-stack that are not in {found['foreach-stack']}")


@requirement("META-045", needs={"metadata"}, kills=("run-name-not-found-below", "task-name-not-found-below"))
def test_records_of_a_named_task(metadata):
    """The records of a named task of a named run are kept under its names.

    Why: on Argo every record is registered by names.
    """
    place = metadata.new_place("NamedRecords", run="argo-records", task="t-records")

    told = metadata.write(f"{place.in_task}/metadata", [record("attempt", "0"), record("ds-type", "s3")])

    assert_count(told, 2, f"POST {place.in_task}/metadata")
    for path in (f"{place.in_task}/metadata", *offered(metadata, f"{place.in_run}/metadata")):
        got = sorted((item["run_number"], item["task_id"], item["field_name"]) for item in metadata.rows(path))
        want = [("argo-records", "t-records", "attempt"), ("argo-records", "t-records", "ds-type")]
        equal(got, want, f"{path}: run, task and field")
