"""Metadata records of a task."""

from conformance.requirement import equal, requirement
from conformance.suites.metadata.bodies import (
    CLOCKS_MS,
    artifact,
    assert_count,
    assert_registered_now,
    offered,
    record,
    service_time,
    values,
)


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


@requirement("META-041", needs={"metadata"}, kills="registration-loses-user")
def test_record_is_now(metadata):
    """A record tells its user, and when it was registered.

    Why: the client sorts records by ts_epoch, in milliseconds: the newest value of a field is current.
    """
    place = metadata.new_place("RecordFields")
    metadata.write(f"{place.in_task}/metadata", [record("attempt", "0")])

    for path in (f"{place.in_task}/metadata", *offered(metadata, f"{place.in_run}/metadata")):
        found = metadata.rows(path).only
        equal(found["user_name"], "mfconf", f"{path}: user_name")
        assert_registered_now(metadata, found, path)


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
def test_newest_value_wins(metadata, until):
    """Sorted by ts_epoch, as the client sorts them, a field's last value is the one registered last.

    Why: `Task.metadata_dict`, and with it `current_attempt`, is made this way. Between the two more time goes by
    than the clocks of two replicas may lie apart.
    """
    task = metadata.new_task_path("NewestValue")
    metadata.write(f"{task}/metadata", [record("attempt", "0", 0)])
    first = service_time(metadata)
    until(
        lambda: service_time(metadata) > first + 2 * CLOCKS_MS, f"{task}: a later time of the service", within="settle"
    )

    metadata.write(f"{task}/metadata", [record("attempt", "1", 1)])

    equal(values(metadata.rows(f"{task}/metadata"))["attempt"], ["0", "1"], f"{task}/metadata: by age")


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
        fields = sorted(item["field_name"] for item in metadata.rows(path))
        equal(fields, ["attempt", "ds-type"], f"{path}: fields")


@requirement("META-028", level="SHOULD", needs={"metadata"}, kills="ids-of-parent-lost")
def test_rows_tell_where_they_belong(metadata):
    """A metadata record and an artifact tell the flow, run, step and task that they belong to.

    Why: who reads a whole run needs it. The client knows it from the path that it asks for, so this is no must.
    """
    place = metadata.new_place("RowsBelong")
    metadata.write(f"{place.in_task}/metadata", [record("attempt", "0")])
    metadata.write(f"{place.in_task}/artifact", [artifact("name")])

    want = {"flow_id": place.flow, "run_number": str(place.run), "step_name": "start", "task_id": str(place.task)}
    for path in (f"{place.in_task}/metadata", f"{place.in_task}/artifacts"):
        found = metadata.rows(path).only
        equal({key: str(found.get(key)) for key in want}, want, f"{path}: where it belongs")
