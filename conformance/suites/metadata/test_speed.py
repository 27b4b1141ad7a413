"""As fast as a client can wait for: no store that takes long for each row."""

import time

from conformance.requirement import equal, requirement
from conformance.suites.metadata.bodies import artifact, offered, record, succeeded

ROWS = 200
SLOW_S = 1.0


@requirement("META-230", needs={"metadata"}, kills="slow-per-row-written")
def test_two_hundred_artifacts_in_time(metadata):
    """Two hundred artifacts are registered, and listed for task and run, each in much less than a minute.

    Why: each task waits for this; at a second a row it would wait for minutes.
    """
    place = metadata.new_place("ArtifactsInTime")

    body = [artifact(f"a{number}") for number in range(ROWS)]
    answer = metadata.call("POST", f"{place.in_task}/artifact", body, within="client_patience")
    succeeded(answer)

    wide = offered(metadata, f"{place.in_step}/artifacts", f"{place.in_run}/artifacts")
    for path in (f"{place.in_task}/artifacts", *wide):
        answer = metadata.call("GET", path, within="client_patience")
        equal(len(answer.json), ROWS, f"{answer.request}: artifacts listed")


@requirement("META-231", needs={"metadata"}, kills="slow-per-row-written")
def test_two_hundred_records_in_time(metadata):
    """Two hundred metadata records are registered, and listed for task and run, each in much less than a minute.

    Why: each look at a task reads its metadata.
    """
    place = metadata.new_place("RecordsInTime")

    body = [record(f"f{number}", "v") for number in range(ROWS)]
    answer = metadata.call("POST", f"{place.in_task}/metadata", body, within="client_patience")
    succeeded(answer)

    for path in (f"{place.in_task}/metadata", *offered(metadata, f"{place.in_run}/metadata")):
        answer = metadata.call("GET", path, within="client_patience")
        equal(len(answer.json), ROWS, f"{answer.request}: records listed")


@requirement("META-232", needs={"metadata"}, kills="slow-per-row-read")
def test_two_hundred_tasks_in_time(metadata):
    """Two hundred tasks are listed, filtered and plain, in much less than a minute.

    Why: whoever looks at a foreach asks for this list.
    """
    place = metadata.new_place("TasksInTime")
    metadata.together(lambda _: metadata.new_task(place.flow, place.run, "start"), range(ROWS - 1))

    for path in ("tasks", "filtered_tasks?metadata_field_name=x&pattern=y"):
        answer = metadata.call("GET", f"{place.in_step}/{path}", within="client_patience")
        succeeded(answer)


@requirement(
    "META-233", level="SHOULD", needs={"metadata"}, kills=("slow-registration", "slow-to-fail", "slower-and-slower")
)
def test_a_request_takes_no_second(metadata):
    """Half of the ordinary requests, to read or to register one thing, take less than a second.

    Why: a task makes about ten of them before its code starts, a run of a thousand tasks ten thousand.
    """
    place = metadata.new_place("NoSecond")

    for what, call in (
        ("GET of a run", lambda: metadata.read(place.in_run)),
        ("GET of a run that is not there", lambda: metadata.get(metadata.at(place.flow, 999_999_999))),
        ("POST of a task", lambda: metadata.new_task(place.flow, place.run, "start")),
        ("POST of a record", lambda: metadata.write(f"{place.in_task}/metadata", [record("attempt", "0")])),
    ):
        taken = []
        for _ in range(5):
            began = time.monotonic()
            call()
            taken.append(time.monotonic() - began)
        middle = sorted(taken)[2]
        assert middle < SLOW_S, f"{metadata.url}: {what} takes {middle:.2f} s, want less than {SLOW_S:.0f} s"
