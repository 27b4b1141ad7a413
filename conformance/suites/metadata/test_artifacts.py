"""Artifacts belong to attempts; what is acknowledged is kept."""

from conformance.requirement import equal, requirement
from conformance.suites.metadata.bodies import (
    CLOCKS_MS,
    artifact,
    assert_count,
    attempt,
    by_name,
    epoch,
    offered,
    succeeded,
)


@requirement("META-030", needs={"metadata"}, profile="smoke", kills="writes-behind")
def test_acknowledged_artifacts_are_kept(metadata):
    """The number of artifacts that the service says it created is the number that it has.

    Why: an artifact lost here is a run that looks complete and can't be read.
    """
    task = metadata.new_task_path("Artifacts")
    names = {"plain", "_private", "ünïcode", "x" * 200}

    answer = metadata.post(f"{task}/artifact", [artifact(name) for name in sorted(names)])

    succeeded(answer)
    assert_count(answer.json, len(names), f"{answer.request}")
    equal(set(by_name(metadata.rows(f"{task}/artifacts"))), names, f"{task}/artifacts: names")


@requirement("META-031", needs={"metadata"}, kills="attempt-mixed")
def test_latest_attempt_is_shown(metadata):
    """Without an attempt in the path, the artifacts of the latest attempt are shown.

    Why: a retried step's first attempt is what failed; showing it gives the user wrong data.
    """
    task = metadata.new_task_path("Latest")
    metadata.write(f"{task}/artifact", attempt(0, "value", "only_first", sha="a" * 40))
    metadata.write(f"{task}/artifact", attempt(1, "value", sha="b" * 40))

    want = {"name": "b" * 40, "value": "b" * 40}
    equal(by_name(metadata.rows(f"{task}/artifacts")), want, f"{task}/artifacts: latest attempt")
    one = metadata.read(f"{task}/artifacts/value")
    equal((one["sha"], one["attempt_id"]), ("b" * 40, 1), f"{task}/artifacts/value: sha and attempt_id")


@requirement("META-032", needs={"metadata"}, kills=("attempt-as-text", "attempt-ignored"))
def test_given_attempt_is_shown(metadata):
    """With an attempt in the path, the artifacts of that attempt are shown.

    Why: Task(pathspec, attempt=0) is how users look into what failed (client since service 2.0.6).
    """
    task = metadata.new_task_path("Given")
    metadata.write(f"{task}/artifact", attempt(0, "value", "only_first", sha="a" * 40))
    metadata.write(f"{task}/artifact", attempt(1, "value", "only_second", sha="b" * 40))

    for number, sha, only in ((0, "a" * 40, "only_first"), (1, "b" * 40, "only_second")):
        path = f"{task}/attempt/{number}/artifacts"
        equal(by_name(metadata.rows(path)), dict.fromkeys(("name", "value", only), sha), path)
        for name in ("value", only):
            one = metadata.read(f"{task}/artifacts/{name}/attempt/{number}")
            got = (one["name"], one["sha"], one["attempt_id"])
            equal(got, (name, sha, number), f"{task}/artifacts/{name}/attempt/{number}: name, sha and attempt_id")


@requirement("META-033", needs={"metadata"}, kills=("artifact-fields-swapped", "attempt-off-by-one"))
def test_artifact_fields(metadata):
    """An artifact is answered with every field that was sent, in each list and alone.

    Why: location, sha, ds_type and content_type are how the client finds and unpickles the value.
    """
    place = metadata.new_place("ArtifactFields")
    sent = artifact("value", 0, "c0ffee" * 6 + "abcd", location=":root:s3://bucket/a b/ü?#%41", ds_type="azure")
    sent |= {"content_type": "pickle-v2", "type": "metaflow.artifact", "user_name": "ünï"}
    metadata.write(f"{place.in_task}/artifact", [artifact("name"), sent])

    kept = {key: value for key, value in sent.items() if key not in {"tags", "system_tags"}}
    wide = offered(metadata, f"{place.in_run}/artifacts", f"{place.in_step}/artifacts")
    for path in (*wide, f"{place.in_task}/artifacts", f"{place.in_task}/attempt/0/artifacts"):
        found = [item for item in metadata.rows(path) if item["name"] == "value"]
        equal([{key: item.get(key) for key in kept} for item in found], [kept], f"{path}: fields of an artifact")
    for path in (f"{place.in_task}/artifacts/value", f"{place.in_task}/artifacts/value/attempt/0"):
        found = metadata.read(path)
        equal({key: found.get(key) for key in kept}, kept, f"{path}: fields")


@requirement("META-034", needs={"metadata"}, kills="proxy-rounds-numbers")
def test_artifact_time_is_now(metadata):
    """An artifact's ts_epoch is in milliseconds, and that of its registration.

    Why: `Task.finished_at` is the time of the artifact `_task_ok`.
    """
    task = metadata.new_task_path("ArtifactTime")
    before = epoch(metadata.read(task))
    metadata.write(f"{task}/artifact", attempt(0, "_task_ok"))
    after = epoch(metadata.new_run(task.split("/")[2]))

    found = epoch(metadata.read(f"{task}/artifacts/_task_ok"))

    assert before - CLOCKS_MS <= found <= after + CLOCKS_MS, (
        f"{task}/artifacts/_task_ok: ts_epoch is {found}; its task was registered at {before}, the next run at {after}"
    )


@requirement("META-035", needs={"metadata"}, kills=("attempt-per-name", "attempt-zero-kept"))
def test_missing_artifact_is_404(metadata):
    """An artifact that is not there, or not in this attempt, is answered with 404.

    Why: `task['name']` raises KeyError on 404, and a service error on anything else.
    """
    task = metadata.new_task_path("MissingArtifact")
    metadata.write(f"{task}/artifact", attempt(0, "only_first"))
    metadata.write(f"{task}/artifact", attempt(1, "only_second"))

    for path in ("nothing", "nothing/attempt/0", "only_first/attempt/1", "only_second/attempt/0", "name/attempt/2"):
        equal(metadata.get(f"{task}/artifacts/{path}").status, 404, f"GET {task}/artifacts/{path}: status")
    answer = metadata.get(f"{task}/artifacts/only_first")
    equal(answer.status, 404, f"{answer.request}: status for what the latest attempt does not have")
