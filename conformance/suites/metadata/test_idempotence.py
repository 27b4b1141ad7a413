"""Registered again is refused, and changes nothing: what retries of the client rely on."""

from conformance.requirement import equal, requirement
from conformance.suites.metadata.bodies import same

OTHER = {"user_name": "somebody else", "tags": ["second"], "system_tags": ["second:1"]}


@requirement("META-110", needs={"metadata"}, kills=("duplicate-overwrites", "named-runs-hidden", "run-name-ignored"))
def test_second_named_run_changes_nothing(metadata):
    """A named run that is registered again is answered with 409, stays as it was, and is listed once.

    Why: each pod of an Argo workflow registers its run; the first one's tags, user and time are the run's.
    """
    flow = metadata.new_flow("SecondRun")
    metadata.new_run(flow, run_number="argo-second", tags=["first"], system_tags=["first:1"])
    path = metadata.at(flow, "argo-second")
    first = metadata.read(path)

    answer = metadata.post(f"/flows/{flow}/run", {**OTHER, "run_number": "argo-second"})

    equal(answer.status, 409, f"{answer.request}: status")
    same(metadata.read(path), first, f"{path}: after a second registration")
    same(metadata.rows(f"/flows/{flow}/runs"), [first], f"/flows/{flow}/runs: after a second registration")


@requirement("META-111", needs={"metadata"}, kills=("duplicate-is-500", "duplicate-named-task", "task-name-ignored"))
def test_second_named_task_changes_nothing(metadata):
    """A named task that is registered again is answered with 409, stays as it was, and is listed once.

    Why: a retried Argo pod registers its task again under the same name; it has to find the first one.
    """
    place = metadata.new_place("SecondTask", run="argo-second", task="t-second")
    first = metadata.read(place.in_task)

    answer = metadata.post(f"{place.in_step}/task", {**OTHER, "task_id": "t-second"})

    equal(answer.status, 409, f"{answer.request}: status")
    same(metadata.read(place.in_task), first, f"{place.in_task}: after a second registration")
    same(metadata.rows(f"{place.in_step}/tasks"), [first], f"{place.in_step}/tasks: after a second registration")


@requirement("META-112", needs={"metadata"}, kills=("duplicate-accepted", "step-replaced"))
def test_second_step_changes_nothing(metadata):
    """A step that is registered again is answered with 409, stays as it was, and keeps its tasks.

    Why: every task of a foreach registers its step.
    """
    place = metadata.new_place("SecondStep")
    first = metadata.read(place.in_step)

    answer = metadata.post(f"{place.in_step}/step", OTHER)

    equal(answer.status, 409, f"{answer.request}: status")
    same(metadata.read(place.in_step), first, f"{place.in_step}: after a second registration")
    same(metadata.rows(f"{place.in_run}/steps"), [first], f"{place.in_run}/steps: after a second registration")
    equal(len(metadata.rows(f"{place.in_step}/tasks")), 1, f"{place.in_step}/tasks: tasks")


@requirement("META-113", needs={"metadata"}, kills="flow-replaced")
def test_second_flow_keeps_its_runs(metadata):
    """A flow that is registered again keeps its runs.

    Why: the client registers the flow before each run.
    """
    flow = metadata.new_flow("SecondFlow")
    run = metadata.new_run(flow)["run_number"]

    answer = metadata.post(f"/flows/{flow}", OTHER)

    equal(answer.status, 409, f"{answer.request}: status")
    listed = [found["run_number"] for found in metadata.rows(f"/flows/{flow}/runs")]
    equal(listed, [run], f"/flows/{flow}/runs: after a second registration")


@requirement("META-114", needs={"metadata"}, kills=("ids-from-the-clock", "requests-merged"))
def test_runs_without_names_are_never_the_same(metadata):
    """Runs and tasks registered without names are new each time.

    Why: nothing but the answer tells two local runs apart; a service that recognises 'the same body'
    makes them one.
    """
    place = metadata.new_place("NoNames")

    runs = [metadata.new_run(place.flow)["run_number"] for _ in range(5)]
    tasks = [metadata.new_task(place.flow, place.run, "start")["task_id"] for _ in range(5)]

    equal(len({str(place.run), *map(str, runs)}), 6, f"{place.in_flow}: different runs of 6")
    equal(len({str(place.task), *map(str, tasks)}), 6, f"{place.in_step}: different tasks of 6")


@requirement("META-115", needs={"metadata"}, kills="absence-cached")
def test_pod_of_argo(metadata):
    """What a pod of Argo sends, and what its retry sends again, is answered as the client expects.

    Why: this is the client's whole conversation, with the fields it really sends, in its order: GET, POST
    on 404, GET on 409 (metaflow: service.py, _get_or_create).
    """
    flow = f"Mfconf_{metadata.run_id}_Pod"
    common = {"flow_id": flow, "user_name": "me", "tags": [], "system_tags": ["user:me"], "ts_epoch": 1}
    run, step, task = (
        metadata.at(flow, "argo-p"),
        metadata.at(flow, "argo-p", "s"),
        metadata.at(flow, "argo-p", "s", "t-p"),
    )
    objects = [
        (metadata.at(flow), metadata.at(flow), {"flow_id": flow, "ts_epoch": 1}),
        (run, f"{metadata.at(flow)}/run", {"run_number": "argo-p", **common}),
        (step, f"{step}/step", {"run_number": "argo-p", "step_name": "s", **common}),
        (task, f"{step}/task", {"run_number": "argo-p", "step_name": "s", "task_id": "t-p", **common}),
    ]

    for want in ((404, 200), (200, 409)):
        for path, create, body in objects:
            got = (metadata.get(path).meant, metadata.post(create, body).meant)
            equal(got, want, f"GET {path}, then POST {create}: statuses")
    equal(metadata.read(task)["task_id"], "t-p", f"{task}: task_id")
