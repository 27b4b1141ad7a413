"""Many at once: the number told is the number kept, and what was refused is told."""

from conformance.requirement import equal, requirement
from conformance.suites.metadata.bodies import artifact, assert_count, by_name, count, record

SIZES = (1, 2, 500)
MANY = 2000
WRITERS = 8
LONG = "x" * 5000


def outcome(metadata, task, kind, body):
    """How many the service says that it made, and how many more are listed now; 0 where it refused them all."""
    lists = {"artifact": "artifacts", "metadata": "metadata"}
    before = len(metadata.rows(f"{task}/{lists[kind]}"))
    answer = metadata.post(f"{task}/{kind}", body)
    kept = len(metadata.rows(f"{task}/{lists[kind]}")) - before
    return count(answer.json, kept) if answer.ok else 0, kept


@requirement("META-140", needs={"metadata"}, kills=("bulk-one-at-a-time", "listing-capped-at-256"))
def test_artifacts_in_bulk(metadata):
    """One, two and five hundred artifacts sent at once are all kept, and their number is told.

    Why: the client sends all artifacts of a task in one request, and never looks again.
    """
    for size in SIZES:
        task = metadata.new_task_path(f"Bulk{size}")
        body = [artifact(f"a{number}", sha=f"{number:040}") for number in range(size)]

        told = metadata.write(f"{task}/artifact", body)

        assert_count(told, size, f"POST {task}/artifact")
        want = {item["name"]: item["sha"] for item in body}
        equal(by_name(metadata.rows(f"{task}/artifacts")), want, f"{task}/artifacts: names and shas")


@requirement("META-141", needs={"metadata"}, kills=("bulk-capped", "bulk-last-lost"))
def test_metadata_in_bulk(metadata):
    """One, two and five hundred metadata records sent at once are all kept, and their number is told.

    Why: the client sends a task's records in one request, and never looks again.
    """
    for size in SIZES:
        task = metadata.new_task_path(f"BulkRecords{size}")
        body = [record(f"f{number}", f"v{number}") for number in range(size)]

        told = metadata.write(f"{task}/metadata", body)

        assert_count(told, size, f"POST {task}/metadata")
        got = {item["field_name"]: item["value"] for item in metadata.rows(f"{task}/metadata")}
        equal(got, {item["field_name"]: item["value"] for item in body}, f"{task}/metadata: fields and values")


@requirement("META-142", needs={"metadata"}, kills=("proxy-breaks-long-answers", "proxy-limits-bodies-64k"))
def test_two_thousand_artifacts(metadata):
    """Two thousand artifacts sent at once, 700 KB of JSON, are all kept and listed.

    Why: the client sends however many a task has; what bounds their number, or the body far below a
    megabyte, refuses them.
    """
    task = metadata.new_task_path("BulkMany")
    body = [artifact(f"a{number}", sha=f"{number:040}", location="s3://bucket/" + "p" * 100) for number in range(MANY)]

    told = metadata.write(f"{task}/artifact", body)

    assert_count(told, MANY, f"POST {task}/artifact")
    got = by_name(metadata.rows(f"{task}/artifacts"))
    equal(len(got), MANY, f"{task}/artifacts: artifacts listed")
    equal(got, {item["name"]: item["sha"] for item in body}, f"{task}/artifacts: names and shas")


@requirement("META-143", needs={"metadata"}, kills="bulk-count-lies")
def test_same_artifact_twice_in_one_request(metadata):
    """Of an artifact that comes twice in one request, one is kept, and the number told is the number kept.

    Why: two artifacts of one name in one attempt are two truths about one value.
    """
    task = metadata.new_task_path("TwiceInOne")

    told, kept = outcome(
        metadata, task, "artifact", [artifact("value", sha="a"), artifact("value", sha="b"), artifact("other")]
    )

    equal(told, kept, f"POST {task}/artifact: artifacts told, and kept")
    found = by_name(metadata.rows(f"{task}/artifacts"))
    equal(set(found) - {"value", "other"}, set(), f"{task}/artifacts: names that nobody sent")


@requirement("META-144", level="SHOULD", needs={"metadata"}, kills=("artifact-overwritten", "bulk-refused-for-one"))
def test_first_artifact_stays(metadata):
    """An artifact that is registered again in the same attempt stays as it was, and the refusal is told.

    Why: what a task has acknowledged must not change under its readers. The real service keeps the first
    and counts none (observed at v2.5.1).
    """
    task = metadata.new_task_path("FirstStays")
    metadata.write(f"{task}/artifact", [artifact("value", sha="a" * 40)])

    told = metadata.write(f"{task}/artifact", [artifact("value", sha="b" * 40), artifact("new", sha="c" * 40)])

    assert_count(told, 1, f"POST {task}/artifact, for one known and one new artifact")
    want = {"value": "a" * 40, "new": "c" * 40}
    equal(by_name(metadata.rows(f"{task}/artifacts")), want, f"{task}/artifacts: names and shas")


@requirement("META-145", needs={"metadata"}, kills="bulk-long-rows-dropped")
def test_refused_artifacts_are_told(metadata):
    """Of artifacts some of which can't be kept, the number told is the number kept.

    Why: the client can do nothing about a refusal, but its user can see one that is told.
    """
    task = metadata.new_task_path("RefusedArtifacts")
    null_name, no_name = artifact(None), artifact("gone")
    del no_name["name"]

    for odd in (null_name, artifact("x" * 5000), artifact("place", location=None), artifact("a", "not a number")):
        told, kept = outcome(metadata, task, "artifact", [artifact(f"good{id(odd)}"), odd])
        equal(told, kept, f"POST {task}/artifact: artifacts told, and kept, one of them being {str(odd)[:80]}")
    told, kept = outcome(metadata, task, "artifact", [no_name])
    equal(told, kept, f"POST {task}/artifact: artifacts told, and kept, for one without a name")


@requirement("META-146", needs={"metadata"}, kills="bulk-long-rows-dropped")
def test_refused_metadata_are_told(metadata):
    """Of metadata records some of which can't be kept, the number told is the number kept.

    Why: a record that is lost without a word is an attempt or a log that can't be found.
    """
    task = metadata.new_task_path("RefusedRecords")

    for odd in (record("null", None), record(LONG, "v"), record("f", "v", type=LONG), record(None, "v")):
        told, kept = outcome(metadata, task, "metadata", [record("good", "v"), odd])
        equal(told, kept, f"POST {task}/metadata: records told, and kept, one of them being {str(odd)[:80]}")


@requirement("META-147", level="SHOULD", needs={"metadata"}, kills="bulk-empty-is-400")
def test_empty_lists(metadata):
    """An empty list of artifacts or metadata is taken: none is made.

    Why: nothing to register is no fault.
    """
    task = metadata.new_task_path("EmptyLists")

    assert_count(metadata.write(f"{task}/artifact", []), 0, f"POST {task}/artifact: body for []")
    assert_count(metadata.write(f"{task}/metadata", []), 0, f"POST {task}/metadata: body for []")


@requirement("META-148", needs={"metadata"}, kills="writes-lost-when-busy")
def test_bulk_by_many_tasks_at_once(metadata):
    """Artifacts and metadata that eight tasks of a run register at the same time are all kept, each with its task.

    Why: the tasks of a foreach end together.
    """
    place = metadata.new_place("BulkTogether")
    tasks = [metadata.new_task(place.flow, place.run, "start")["task_id"] for _ in range(WRITERS)]

    def register(task):
        path = metadata.at(place.flow, place.run, "start", task)
        body = [artifact(f"a{number}", sha=f"{task}") for number in range(50)]
        return (
            count(metadata.write(f"{path}/artifact", body), 50),
            count(metadata.write(f"{path}/metadata", [record("attempt", f"{task}")]), 1),
        )

    equal(metadata.together(register, tasks), [(50, 1)] * WRITERS, f"{place.in_step}: artifacts and metadata told")
    for task in tasks:
        path = metadata.at(place.flow, place.run, "start", task)
        shas = [item["sha"] for item in metadata.rows(f"{path}/artifacts")]
        equal(shas, [f"{task}"] * 50, f"{path}/artifacts: shas")
        values = [item["value"] for item in metadata.rows(f"{path}/metadata")]
        equal(values, [f"{task}"], f"{path}/metadata: values")


@requirement("META-149", needs={"metadata"}, kills="metadata-deduplicated")
def test_same_record_twice(metadata):
    """A metadata record that is registered again is kept again, within one request and in the next.

    Why: the same field comes with each attempt, with the same value mostly; the client counts on seeing all.
    """
    task = metadata.new_task_path("RecordTwice")
    body = [record("attempt_ok", "True"), record("attempt_ok", "True")]

    for _ in range(2):
        assert_count(metadata.write(f"{task}/metadata", body), 2, f"POST {task}/metadata: body")

    listed = metadata.rows(f"{task}/metadata")
    equal([item["value"] for item in listed], ["True"] * 4, f"{task}/metadata: values")
