"""Which attempt it is that a list shows."""

from conformance.requirement import equal, requirement
from conformance.suites.metadata.bodies import attempt, by_name, offered, record

ELEVEN = 11


@requirement("META-130", needs={"metadata"}, kills=("attempt-capped", "attempt-lexical"))
def test_tenth_retry_is_the_latest(metadata):
    """Attempt 10 is later than attempt 9, in the lists of task, step and run, and alone.

    Why: numbers that are compared as text end at 9; Metaflow retries up to five times, Argo more often.
    """
    place = metadata.new_place("TenRetries")

    for number in range(ELEVEN):
        metadata.write(f"{place.in_task}/artifact", attempt(number, "value", sha=f"{number:040}"))

    want = dict.fromkeys(("name", "value"), f"{10:040}")
    wide = offered(metadata, f"{place.in_step}/artifacts", f"{place.in_run}/artifacts")
    for path in (f"{place.in_task}/artifacts", *wide):
        equal(by_name(metadata.rows(path)), want, f"{path}: sha of the latest attempt")
    equal(metadata.read(f"{place.in_task}/artifacts/value")["attempt_id"], 10, f"{place.in_task}/artifacts/value")
    for number in range(ELEVEN):
        path = f"{place.in_task}/attempt/{number}/artifacts"
        equal(by_name(metadata.rows(path)), dict.fromkeys(("name", "value"), f"{number:040}"), path)


@requirement("META-131", level="SHOULD", needs={"metadata"}, kills=("attempt-max-of-run", "attempt-max-of-step"))
def test_each_task_has_its_own_latest_attempt(metadata):
    """In the lists of a step and of a run, each task shows its own latest attempt.

    Why: of a foreach's tasks one is retried and the others are not; theirs must not vanish.
    """
    place = metadata.new_place("OwnLatest")
    metadata.new_step(place.flow, place.run, "end")
    once = metadata.new_task(place.flow, place.run, "start")["task_id"]
    after = metadata.new_task(place.flow, place.run, "end")["task_id"]
    latest = {str(place.task): 3, str(once): 0, str(after): 1}

    for step, task in (("start", place.task), ("start", once), ("end", after)):
        for number in range(latest[str(task)] + 1):
            metadata.write(f"{metadata.at(place.flow, place.run, step, task)}/artifact", attempt(number, "value"))

    for path, tasks in ((place.in_step, {str(place.task), str(once)}), (place.in_run, set(latest))):
        listed = metadata.rows(f"{path}/artifacts")
        got = sorted((str(item["task_id"]), item["name"], item["attempt_id"]) for item in listed)
        want = sorted((task, name, latest[task]) for task in tasks for name in ("name", "value"))
        equal(got, want, f"{path}/artifacts: task, name and attempt_id")


@requirement("META-132", needs={"metadata"}, kills=("attempt-by-time", "attempt-first"))
def test_late_artifacts_of_an_earlier_attempt(metadata):
    """Artifacts of an earlier attempt that arrive after those of the later one do not take their place.

    Why: a pod that is thought dead can still write; the latest attempt is the highest, not the last written.
    """
    task = metadata.new_task_path("LateEarlier")
    metadata.write(f"{task}/artifact", attempt(1, "value", sha="b" * 40))
    metadata.write(f"{task}/artifact", attempt(0, "value", sha="a" * 40))

    want = dict.fromkeys(("name", "value"), "b" * 40)
    equal(by_name(metadata.rows(f"{task}/artifacts")), want, f"{task}/artifacts: latest attempt")
    equal(metadata.read(f"{task}/artifacts/value")["attempt_id"], 1, f"{task}/artifacts/value: attempt_id")


@requirement("META-133", needs={"metadata"}, kills=("attempt-falls-back", "empty-is-null"))
def test_attempt_without_artifacts(metadata):
    """An attempt that has no artifacts has an empty list.

    Why: an attempt that was killed left nothing; the client shows it without artifacts.
    """
    task = metadata.new_task_path("NoArtifacts")
    equal(metadata.rows(f"{task}/attempt/0/artifacts"), [], f"{task}/attempt/0/artifacts, before there are any")
    metadata.write(f"{task}/artifact", attempt(0, "value"))
    metadata.write(f"{task}/artifact", attempt(2, "value"))

    for number in (1, 3):
        path = f"{task}/attempt/{number}/artifacts"
        equal(metadata.rows(path), [], path)


@requirement("META-134", needs={"metadata"}, kills="attempt-mixed-in-run")
def test_attempts_of_a_named_task(metadata):
    """Attempts of a named task of a named run are kept and told apart like any others.

    Why: on Argo every task has a name, and a retry registers its artifacts under it.
    """
    place = metadata.new_place("NamedAttempts", run="argo-attempts", task="t-attempts")
    for number, sha in ((0, "a" * 40), (1, "b" * 40)):
        metadata.write(f"{place.in_task}/artifact", attempt(number, "value", sha=sha))

    wide = offered(metadata, f"{place.in_run}/artifacts", f"{place.in_step}/artifacts")
    for path, sha in (
        *((path, "b" * 40) for path in (*wide, f"{place.in_task}/artifacts")),
        (f"{place.in_task}/attempt/0/artifacts", "a" * 40),
    ):
        equal(by_name(metadata.rows(path)), dict.fromkeys(("name", "value"), sha), path)
    equal(metadata.read(f"{place.in_task}/artifacts/value")["sha"], "b" * 40, f"{place.in_task}/artifacts/value: sha")
    path = f"{place.in_task}/artifacts/value/attempt/0"
    equal(metadata.read(path)["sha"], "a" * 40, f"{path}: sha")


@requirement("META-135", needs={"metadata"}, kills="metadata-upserted")
def test_metadata_of_every_attempt(metadata):
    """The metadata of all attempts are listed, each with its tag attempt_id:N.

    Why: the client tells attempts apart by this tag, and takes the newest value of a field for current.
    """
    task = metadata.new_task_path("AllAttempts")
    for number in range(3):
        metadata.write(f"{task}/metadata", [record("attempt", str(number), number), record("attempt_ok", "x", number)])

    sent = [("attempt", str(number), number) for number in range(3)] + [("attempt_ok", "x", n) for n in range(3)]
    want = sorted((field, value, [f"attempt_id:{number}"]) for field, value, number in sent)
    got = sorted((item["field_name"], item["value"], item["tags"]) for item in metadata.rows(f"{task}/metadata"))
    equal(got, want, f"{task}/metadata: fields, values and tags")
