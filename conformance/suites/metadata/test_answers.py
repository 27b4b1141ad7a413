"""What is registered is answered field by field as the client and its users read it."""

import itertools
import time

from conformance.requirement import equal, requirement
from conformance.suites.metadata.bodies import CLOCKS_MS, USER, artifact, assert_registered_now, epoch, record, same

RUNS = 30


@requirement(
    "META-014",
    needs={"metadata"},
    kills=("time-as-text", "time-in-local-zone", "time-in-microseconds", "time-in-seconds"),
)
def test_flow_fields(metadata):
    """A flow is answered with flow_id, user_name, ts_epoch and tags, when registered and when read.

    Why: the client fails without ts_epoch, and finds the flow by flow_id.
    """
    flow = f"Mfconf_{metadata.run_id}_FlowFields"
    sent = {"flow_id": flow, "user_name": "ünï", "tags": ["a"], "system_tags": ["s"]}

    made = metadata.write(f"/flows/{flow}", sent)

    equal({key: made.get(key) for key in sent}, sent, f"POST /flows/{flow}: fields")
    assert_registered_now(metadata, made, f"POST /flows/{flow}")
    same(metadata.read(f"/flows/{flow}"), made, f"/flows/{flow}: as it was answered when registered")


@requirement("META-015", needs={"metadata"}, kills="json-with-none")
def test_run_fields(metadata):
    """A run is answered with flow_id, run_number, user_name, ts_epoch and tags, when registered and when read.

    Why: these are what `Run(...)` and its list are made of.
    """
    flow = metadata.new_flow("RunFields")
    sent = {"user_name": USER, "tags": ["mine"], "system_tags": ["runtime:dev", "user:mfconf"]}

    made = metadata.new_run(flow, **sent)

    path = f"/flows/{flow}/runs/{made['run_number']}"
    want = {"flow_id": flow, "user_name": USER, "tags": ["mine"]}
    equal({key: made.get(key) for key in want}, want, f"POST /flows/{flow}/run: fields")
    equal(sorted(made["system_tags"] or []), sorted(sent["system_tags"]), f"POST /flows/{flow}/run: system_tags")
    assert_registered_now(metadata, made, f"POST /flows/{flow}/run")
    found = metadata.read(path)
    same({key: found.get(key) for key in made}, made, f"{path}: as it was answered when registered")


@requirement("META-016", needs={"metadata"}, kills="replica-lags")
def test_step_fields(metadata):
    """A step is answered with flow_id, run_number, step_name, user_name and ts_epoch.

    Why: these are what `Step(...)` and its list are made of.
    """
    flow = metadata.new_flow("StepFields")
    run = metadata.new_run(flow)["run_number"]

    made = metadata.new_step(flow, run, "start")

    path = f"/flows/{flow}/runs/{run}/steps/start"
    want = {"flow_id": flow, "run_number": str(run), "step_name": "start", "user_name": USER}
    for what, answer in ((f"POST {path}/step", made), (f"GET {path}", metadata.read(path))):
        equal({key: str(answer.get(key)) for key in want}, want, f"{what}: fields")
        assert_registered_now(metadata, answer, what)


@requirement("META-017", needs={"metadata"}, kills="registration-echoes")
def test_task_fields(metadata):
    """A task is answered with flow_id, run_number, step_name, task_id, user_name and ts_epoch.

    Why: these are what `Task(...)` and its list are made of.
    """
    place = metadata.new_place("TaskFields")

    made = metadata.new_task(place.flow, place.run, "start")

    path = f"{place.in_step}/tasks/{made['task_id']}"
    want = {"flow_id": place.flow, "run_number": str(place.run), "step_name": "start", "user_name": USER}
    for what, answer in ((f"POST {place.in_step}/task", made), (f"GET {path}", metadata.read(path))):
        equal({key: str(answer.get(key)) for key in want}, want, f"{what}: fields")
        equal(str(answer["task_id"]), str(made["task_id"]), f"{what}: task_id")
        assert_registered_now(metadata, answer, what)


@requirement("META-018", needs={"metadata"}, kills="fields-required")
def test_flow_of_the_client(metadata):
    """A flow registered as the client does it, without user and tags, is taken and can be read.

    Why: the client sends flow_id and ts_epoch and nothing else (metaflow: metadata.py, _flow_to_json).
    """
    flow = f"Mfconf_{metadata.run_id}_BareFlow"

    metadata.write(f"/flows/{flow}", {"flow_id": flow, "ts_epoch": int(time.time() * 1000)})

    found = metadata.read(f"/flows/{flow}")
    equal(found["flow_id"], flow, f"/flows/{flow}: flow_id")
    assert_registered_now(metadata, found, f"/flows/{flow}")
    equal(found.get("tags") or [], [], f"/flows/{flow}: tags")


@requirement("META-019", needs={"metadata"}, kills="proxy-rounds-numbers")
def test_time_has_milliseconds(metadata):
    """Of runs registered one after the other, none is older than the one before, and times are not whole seconds.

    Why: `Flow.latest_run` and the order of every list are what the client sorts by ts_epoch.
    """
    flow = metadata.new_flow("Milliseconds")

    epochs = [epoch(metadata.new_run(flow)) for _ in range(RUNS)]

    back = [later - earlier for earlier, later in itertools.pairwise(epochs) if later < earlier - CLOCKS_MS]
    equal(back, [], f"{flow}: steps back in time, in ms, between runs registered one after the other")
    assert any(one % 1000 for one in epochs), f"{flow}: ts_epoch of {RUNS} runs are all whole seconds"


@requirement("META-025", level="SHOULD", needs={"metadata"})
def test_creations_are_200(metadata):
    """A creation is answered with 200, as the Netflix service does.

    Why: other tools compare with 200. The client takes every status below 300 for success (metaflow: service.py,
    _request), so this is no must.
    """
    flow = f"Mfconf_{metadata.run_id}_Created"
    body = {"user_name": USER, "tags": [], "system_tags": []}
    step = metadata.at(flow, "argo-made", "start")
    task = metadata.at(flow, "argo-made", "start", "t-made")

    for path, sent in (
        (metadata.at(flow), body),
        (f"{metadata.at(flow)}/run", {**body, "run_number": "argo-made"}),
        (f"{step}/step", body),
        (f"{step}/task", {**body, "task_id": "t-made"}),
        (f"{task}/artifact", [artifact("name")]),
        (f"{task}/metadata", [record("attempt", "0")]),
    ):
        answer = metadata.post(path, sent)
        equal(answer.status, 200, f"{answer.request}: status")


@requirement("META-026", level="SHOULD", needs={"metadata"}, kills="bulk-count-missing")
def test_count_is_told(metadata):
    """The registration of artifacts or of metadata tells how many were made.

    Why: people and tools see by it what was refused. The client drops it (metaflow: service.py,
    register_data_artifacts), so this is no must.
    """
    task = metadata.new_task_path("CountTold")

    for path, body, want in (
        (f"{task}/artifact", [artifact("a"), artifact("b")], {"artifacts_created": 2}),
        (f"{task}/metadata", [record("attempt", "0")], {"metadata_created": 1}),
    ):
        equal(metadata.write(path, body), want, f"POST {path}: body")


@requirement("META-027", level="SHOULD", needs={"metadata"}, kills="ids-as-text")
def test_given_numbers_are_numbers(metadata):
    """The numbers that the service gives to runs and tasks are numbers in JSON, not text.

    Why: other tools sort by them. The client makes text of them, so this is no must.
    """
    place = metadata.new_place("GivenNumbers")

    for path, key in ((place.in_run, "run_number"), (place.in_task, "task_id")):
        told = metadata.read(path)[key]
        assert isinstance(told, int), f"GET {path}: {key} is {told!r}, not a number"
