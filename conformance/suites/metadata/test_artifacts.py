"""Artifacts belong to attempts; what is acknowledged is kept."""

from conformance.requirement import equal, requirement


def artifact(name, attempt=0, sha="0" * 40):
    """An artifact as Metaflow registers it."""
    return {
        "name": name,
        "attempt_id": attempt,
        "location": "s3://bucket/path",
        "ds_type": "s3",
        "sha": sha,
        "type": "metaflow.artifact",
        "content_type": "gzip+pickle-v4",
        "user_name": "mfconf",
        "tags": [],
        "system_tags": [],
    }


def shas(answer):
    """Name -> sha of the artifacts in an answer."""
    equal(answer.status, 200, f"{answer.request}: status")
    return {item["name"]: item["sha"] for item in answer.json}


@requirement("META-030", needs={"metadata"}, profile="smoke")
def test_acknowledged_artifacts_are_kept(metadata):
    """The number of artifacts that the service says it created is the number that it has.

    Why: an artifact lost here is a run that looks complete and can't be read.
    """
    task = metadata.new_task_path("Artifacts")
    names = {"plain", "_private", "ünïcode", "x" * 200}

    answer = metadata.post(f"{task}/artifact", [artifact(name) for name in sorted(names)])

    equal(answer.status, 200, f"{answer.request}: status")
    equal(answer.json, {"artifacts_created": len(names)}, f"{answer.request}: body")
    equal(set(shas(metadata.get(f"{task}/artifacts"))), names, f"{task}/artifacts: names")


@requirement("META-031", needs={"metadata"}, kills="attempt-first")
def test_latest_attempt_is_shown(metadata):
    """Without an attempt in the path, the artifacts of the latest attempt are shown.

    Why: a retried step's first attempt is what failed; showing it gives the user wrong data.
    """
    task = metadata.new_task_path("Latest")
    metadata.post(f"{task}/artifact", [artifact("value", 0, "a" * 40), artifact("only_first", 0)])
    metadata.post(f"{task}/artifact", [artifact("value", 1, "b" * 40)])

    equal(shas(metadata.get(f"{task}/artifacts")), {"value": "b" * 40}, f"{task}/artifacts: latest attempt")
    one = metadata.get(f"{task}/artifacts/value")
    equal(one.json["sha"], "b" * 40, f"{one.request}: sha")
    equal(one.json["attempt_id"], 1, f"{one.request}: attempt_id")


@requirement("META-032", needs={"metadata"}, kills="attempt-ignored")
def test_given_attempt_is_shown(metadata):
    """With an attempt in the path, the artifacts of that attempt are shown.

    Why: Task(pathspec, attempt=0) is how users look into what failed (client since service 2.0.6).
    """
    task = metadata.new_task_path("Given")
    metadata.post(f"{task}/artifact", [artifact("value", 0, "a" * 40), artifact("value", 1, "b" * 40)])

    for attempt, sha in ((0, "a" * 40), (1, "b" * 40)):
        path = f"{task}/attempt/{attempt}/artifacts"
        equal(shas(metadata.get(path)), {"value": sha}, path)
        one = metadata.get(f"{task}/artifacts/value/attempt/{attempt}")
        equal(one.json["sha"], sha, f"{one.request}: sha")
