"""Every answer keeps the contract: status, headers and schema of conformance/contract/openapi.yaml.

One check a part of the document; together they call each of its operations.
"""

from conformance.requirement import equal, requirement
from conformance.suites.metadata.bodies import assert_count, same

WHO = {"user_name": "mfconf", "tags": ["a tag"], "system_tags": ["runtime:dev", "metaflow_version:2.19.0"]}
DATUM = {"field_name": "attempt_ok", "value": "True", "type": "internal_attempt_status", "tags": ["attempt_id:0"]}
STORED = {"location": "s3://b/x", "ds_type": "s3", "sha": "0" * 40, "type": "metaflow.artifact", "content_type": "text"}


def in_task(place):
    """The path parameters of a task, and of what is above it."""
    return {"flow_id": place.flow, "run_number": place.run, "step_name": place.step, "task_id": place.task}


def in_step(place):
    """The path parameters of a step."""
    return {"flow_id": place.flow, "run_number": place.run, "step_name": place.step}


@requirement("META-801", needs={"metadata"}, profile="smoke", kills="ping-at-times")
def test_ping_keeps_its_contract(contract):
    """Ping answers as the contract has it.

    Why: the client decides by it whether there is a service, and which.
    """
    equal(contract.call("ping"), "pong", "GET /ping: body")


@requirement("META-810", level="SHOULD", needs={"metadata"}, kills="version-missing")
def test_version_and_health_keep_their_contract(contract):
    """Version and health answer as the contract has it.

    Why: people and load balancers decide by these. The client reads neither, so this is no must.
    """
    version = contract.answer("ping").headers["METADATA_SERVICE_VERSION"]
    equal(contract.call("version"), version, "GET /version: the version that the header has too")
    contract.call("healthcheck")


@requirement("META-802", needs={"metadata"}, kills="proxy-shows-error-pages")
def test_flows_keep_their_contract(contract, metadata):
    """Flows are registered, refused, read and listed as the contract has it.

    Why: a client reads these fields by name; one that is missing or of another type ends in its traceback.
    """
    name = f"{metadata.new_flow('ContractFlows')}_new"

    made = contract.call("registerFlow", flow_id=name, body=WHO)

    contract.call("registerFlow", flow_id=name, body=WHO, status=409)
    same(contract.call("getFlow", flow_id=name), made, f"/flows/{name}: what its registration answered")
    contract.call("getFlow", flow_id=f"{name}_missing", status=404)
    listed = [flow for flow in contract.call("listFlows") if flow["flow_id"] == name]
    same(listed, [made], f"/flows: the flow {name}")


@requirement("META-803", needs={"metadata"}, kills=("ids-as-floats", "runs-without-tasks-hidden"))
def test_runs_keep_their_contract(contract, metadata):
    """Runs, numbered and named, are registered, refused, read and listed as the contract has it.

    Why: the number decides where artifacts go; a number that is a string to one route and none to another
    makes two runs of one.
    """
    flow = metadata.new_flow("ContractRuns")
    named = {**WHO, "run_number": "argo-contract"}

    made = [contract.call("registerRun", flow_id=flow, body=body) for body in (WHO, named)]

    contract.call("registerRun", flow_id=flow, body=named, status=409)
    contract.call("registerRun", flow_id=f"{flow}_missing", body=WHO, status=404)
    equal(made[1]["run_number"], "argo-contract", f"{flow}: the name of the run")
    for run in made:
        same(contract.call("getRun", flow_id=flow, run_number=run["run_number"]), run, f"the run {run['run_number']}")
    contract.call("getRun", flow_id=flow, run_number="argo-missing", status=404)
    listed = contract.call("listRuns", flow_id=flow)
    equal({str(run["run_number"]) for run in listed}, {str(run["run_number"]) for run in made}, f"{flow}: its runs")
    contract.call("listRuns", "_limit=1", flow_id=flow)


@requirement("META-804", needs={"metadata"}, kills=("duplicate-is-400", "missing-is-500"))
def test_steps_keep_their_contract(contract, metadata):
    """Steps are registered, refused, read and listed as the contract has it.

    Why: the client finds a run's steps, and by them its end, in these fields.
    """
    flow = metadata.new_flow("ContractSteps")
    run = {"flow_id": flow, "run_number": metadata.new_run(flow)["run_number"]}

    made = contract.call("registerStep", step_name="start", body=WHO, **run)

    contract.call("registerStep", step_name="start", body=WHO, status=409, **run)
    same(contract.call("getStep", step_name="start", **run), made, f"{flow}: the step that was registered")
    contract.call("getStep", step_name="missing", status=404, **run)
    same(contract.call("listSteps", **run), [made], f"{flow}: its steps")


@requirement("META-805", needs={"metadata"}, kills=("fields-in-camel-case", "wrong-join-time"))
def test_tasks_keep_their_contract(contract, metadata):
    """Tasks, numbered and named, are registered, refused, read, listed and filtered as the contract has it.

    Why: a foreach's results are put together from these lists.
    """
    flow = metadata.new_flow("ContractTasks")
    number = metadata.new_run(flow)["run_number"]
    metadata.new_step(flow, number, "start")
    step = {"flow_id": flow, "run_number": number, "step_name": "start"}
    named = {**WHO, "task_id": "t-contract"}

    made = [contract.call("registerTask", body=body, **step) for body in (WHO, named)]

    contract.call("registerTask", body=named, status=409, **step)
    contract.call("registerTask", body=WHO, status=404, **{**step, "step_name": "missing"})
    for task in made:
        same(contract.call("getTask", task_id=task["task_id"], **step), task, f"the task {task['task_id']}")
    contract.call("getTask", task_id="t-missing", status=404, **step)
    listed = contract.call("listTasks", **step)
    equal({str(task["task_id"]) for task in listed}, {str(task["task_id"]) for task in made}, f"{flow}: its tasks")
    contract.call("listTasks", "_limit=1", **step)
    contract.call("registerMetadata", body=[DATUM], task_id="t-contract", **step)
    found = contract.call("filterTasks", "metadata_field_name=attempt_ok&pattern=True", **step)
    equal(found, [f"{flow}/{number}/start/t-contract"], f"{flow}: the tasks with attempt_ok True")


@requirement("META-806", needs={"metadata"}, kills="nulls-dropped")
def test_metadata_keep_their_contract(contract, metadata):
    """Metadata are registered, refused and listed as the contract has it.

    Why: a task's success, logs and attempts are metadata; the client reads them field by field.
    """
    place = metadata.new_place("ContractMetadata")
    task = in_task(place)

    kept = contract.call("registerMetadata", body=[DATUM, {**DATUM, "value": ""}], **task)

    assert_count(kept, 2, f"{place.in_task}/metadata")
    missing = contract.answer("registerMetadata", body=[DATUM], **{**task, "task_id": "t-missing"})
    assert missing.status in (400, 404), f"{missing}: the task is missing"
    equal(len(contract.call("listTaskMetadata", **task)), 2, f"{place.in_task}/metadata: how many")
    contract.call("listTaskMetadata", "_limit=1", **task)


@requirement("META-807", needs={"metadata"}, kills=("missing-artifact-is-empty", "proxy-drops-nulls"))
def test_artifacts_keep_their_contract(contract, metadata):
    """Artifacts are registered, refused, read and listed as the contract has it.

    Why: an artifact without its sha can't be found in the datastore.
    """
    place = metadata.new_place("ContractArtifacts", run="argo-contract", task="t-contract")
    task = in_task(place)
    body = [{**STORED, "name": name, "attempt_id": 0} for name in ("name", "x")]

    kept = contract.call("registerArtifacts", body=body, **task)

    assert_count(kept, 2, f"{place.in_task}/artifact")
    missing = contract.answer("registerArtifacts", body=body, **{**task, "task_id": "t-missing"})
    assert missing.status in (400, 404), f"{missing}: the task is missing"
    one = contract.call("getArtifact", artifact_name="x", **task)
    same(contract.call("getAttemptArtifact", artifact_name="x", attempt_id=0, **task), one, "x of attempt 0")
    contract.call("getAttemptArtifact", artifact_name="x", attempt_id=1, status=404, **task)
    contract.call("getArtifact", artifact_name="missing", status=404, **task)
    for operation, path in (
        ("listTaskArtifacts", task),
        ("listAttemptArtifacts", {**task, "attempt_id": 0}),
    ):
        listed = contract.call(operation, **path)
        same([row for row in listed if row["name"] == "x"], [one], f"{operation}: the artifact x")
        equal(len(listed), 2, f"{operation}: how many")


@requirement("META-808", needs={"metadata"}, kills="bad-body-is-404")
def test_tag_mutations_keep_their_contract(contract, metadata):
    """Tag mutations are done and refused as the contract has it.

    Why: the client tries again on 409, gives up on 400 and 422, and shows the tags that it is told.
    """
    flow = metadata.new_flow("ContractTags")
    made = metadata.new_run(flow, tags=["old"], system_tags=["runtime:dev"])
    run = {"flow_id": flow, "run_number": made["run_number"]}

    told = contract.call("mutateTags", body={"tags_to_add": ["new"], "tags_to_remove": ["old"]}, **run)

    equal(told["tags"], ["new"], f"{flow}: the tags that a mutation tells")
    contract.call("mutateTags", body={"tags_to_remove": ["runtime:dev"]}, status=422, **run)
    contract.call("mutateTags", body={"tags_to_add": "new"}, status=400, **run)
    contract.call("mutateTags", body={"tags_to_add": [7]}, status=400, **run)
    contract.call("mutateTags", body={"tags_to_add": ["x"]}, status=404, **{**run, "run_number": "argo-missing"})


@requirement("META-809", needs={"metadata"}, kills="heartbeat-answer-decoded")
def test_heartbeats_keep_their_contract(contract, metadata):
    """Heartbeats of a run and of a task are taken as the contract has it.

    Why: the client's heartbeat process decodes the body twice, and dies of one that it can't decode.
    """
    flow = metadata.new_flow("ContractBeats")
    run = metadata.new_run(flow)["run_number"]
    metadata.new_step(flow, run, "start")
    quiet = [{"flow_id": flow, "run_number": metadata.new_run(flow)["run_number"]}]
    quiet.append({"flow_id": flow, "run_number": run, "step_name": "start"})
    quiet[1]["task_id"] = metadata.new_task(flow, run, "start")["task_id"]

    for operation, path in (("beatRun", quiet[0]), ("beatTask", quiet[1])):
        contract.call(operation, body={}, **path)
    beat = contract.call("getRun", **quiet[0])["last_heartbeat_ts"]
    assert beat is not None, f"{flow}: a run without a heartbeat after one was taken"


@requirement("META-811", level="SHOULD", needs={"metadata"})
def test_lists_of_run_and_step_keep_their_contract(contract, metadata):
    """The lists of a run's metadata, and of a run's and a step's artifacts, are there and keep the contract.

    Why: they read a whole run in one request. The client goes from task to task, and the UI has its own way to
    the database, so this is no must.
    """
    place = metadata.new_place("ContractWide")
    task, run = in_task(place), {"flow_id": place.flow, "run_number": place.run}
    contract.call("registerMetadata", body=[DATUM], **task)
    contract.call("registerArtifacts", body=[{**STORED, "name": "x", "attempt_id": 0}], **task)

    for wide, where, narrow in (
        ("listRunMetadata", run, "listTaskMetadata"),
        ("listRunArtifacts", run, "listTaskArtifacts"),
        ("listStepArtifacts", in_step(place), "listTaskArtifacts"),
    ):
        same(contract.call(wide, **where), contract.call(narrow, **task), f"{wide}: what {narrow} has")
