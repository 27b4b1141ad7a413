"""What belongs to something that is not there is refused."""

from conformance.requirement import equal, requirement
from conformance.suites.metadata.bodies import artifact, offered, record

BODY = {"user_name": "mfconf", "tags": [], "system_tags": []}


@requirement("META-080", needs={"metadata"}, kills="flow-made-up")
def test_run_needs_its_flow(metadata):
    """A run of a flow that is not registered is refused, and nothing of it is there afterwards.

    Why: a run that is told 'made' and whose flow no list shows is lost to its owner. The client registers parents
    first; this, as the checks after it, guards the data against everybody else.
    """
    flow = f"Mfconf_{metadata.run_id}_NeverRegistered"

    answer = metadata.post(f"/flows/{flow}/run", {**BODY, "run_number": "argo-orphan"})

    equal(answer.status, 404, f"{answer.request}: status")
    equal(metadata.get(f"/flows/{flow}").status, 404, f"/flows/{flow}: status")
    equal(metadata.get(f"/flows/{flow}/runs/argo-orphan").status, 404, f"/flows/{flow}/runs/argo-orphan: status")


@requirement("META-081", needs={"metadata"}, kills=("parent-missing-is-500", "writes-to-first-run"))
def test_task_needs_its_step(metadata):
    """A task of a step that is not registered in this run is refused with 404, and is not there afterwards.

    Why: a task that is told 'made' and whose step no list shows is lost to its owner.
    """
    place = metadata.new_place("NeedsStep")
    other = metadata.new_run(place.flow)["run_number"]

    for step in (metadata.at(place.flow, place.run, "nothing"), metadata.at(place.flow, other, "start")):
        answer = metadata.post(f"{step}/task", {**BODY, "task_id": "t-orphan"})
        equal(answer.status, 404, f"{answer.request}: status")
        equal(metadata.get(f"{step}/tasks/t-orphan").status, 404, f"{step}/tasks/t-orphan: status")


@requirement("META-082", needs={"metadata"}, kills=("error-status-200", "parent-not-checked"))
def test_steps_and_tasks_need_their_run(metadata):
    """A step or a task of a run that is not registered is refused, and is not there afterwards.

    Why: a typing error in a run's name would else make steps that belong to nothing.
    """
    flow = metadata.new_flow("NeedsRun")

    for run in (999999999, "argo-nothing"):
        path = metadata.at(flow, run, "start")
        for create, body in ((f"{path}/step", BODY), (f"{path}/task", {**BODY, "task_id": "t-orphan"})):
            answer = metadata.post(create, body)
            assert answer.status >= 400, f"{answer}: want a refusal, the run is not registered"
        equal(metadata.get(path).status, 404, f"GET {path}: status")


@requirement("META-083", level="SHOULD", needs={"metadata"}, kills="parent-missing-is-409")
def test_missing_run_is_told(metadata):
    """A step or a task of a run that is not registered is refused with 404.

    Why: the client's message is made of the status. The real service answers 500 with a stack trace
    (observed at v2.5.1: step.py and task.py read the run's numbers from an empty answer).
    """
    flow = metadata.new_flow("MissingRunTold")

    for create in ("step", "task"):
        answer = metadata.post(f"{metadata.at(flow, 999999999, 'start')}/{create}", BODY)
        equal(answer.status, 404, f"{answer.request}: status")


@requirement("META-084", needs={"metadata"}, kills=("parent-made-up", "parent-missing-is-500"))
def test_artifacts_and_metadata_need_their_task(metadata):
    """Artifacts and metadata of a task that is not registered are refused with 4xx.

    Why: a count that is told for what belongs to nothing makes the client think that its results are safe.
    """
    place = metadata.new_place("NeedsTask")

    for task in (999999999, "t-nothing"):
        path = metadata.at(place.flow, place.run, "start", task)
        for create, body in (("artifact", [artifact("name")]), ("metadata", [record("attempt", "0")])):
            answer = metadata.post(f"{path}/{create}", body)
            assert 400 <= answer.status < 500, f"{answer}: want 4xx, the task is not registered"
    for path in offered(metadata, f"{place.in_run}/artifacts", f"{place.in_run}/metadata"):
        equal(metadata.rows(path), [], f"{path}: what the refused requests left")


@requirement("META-085", needs={"metadata"}, kills="writes-by-any-path")
def test_task_of_another_run_is_no_parent(metadata):
    """Artifacts and metadata can't be given to a task by the path of another run, step or flow.

    Why: a task is found by its whole path; a service that looks at its number alone mixes runs up.
    """
    place = metadata.new_place("RightPath")
    other = metadata.new_run(place.flow)["run_number"]
    metadata.new_step(place.flow, other, "start")
    metadata.new_step(place.flow, place.run, "beside")

    for wrong in (
        metadata.at(place.flow, other, "start", place.task),
        metadata.at(place.flow, place.run, "beside", place.task),
    ):
        equal(metadata.get(wrong).status, 404, f"GET {wrong}: status")
        for create, body in (("artifact", [artifact("name")]), ("metadata", [record("attempt", "0")])):
            answer = metadata.post(f"{wrong}/{create}", body)
            assert 400 <= answer.status < 500, f"{answer}: want 4xx, the task is in {place.in_step}"
    for below in ("artifacts", "metadata"):
        equal(metadata.rows(f"{place.in_task}/{below}"), [], f"{place.in_task}/{below}: what came by wrong paths")


@requirement("META-086", needs={"metadata"}, kills=("missing-list-is-500", "tasks-of-all-steps"))
def test_lists_of_what_is_missing(metadata):
    """A list below something that is not there is empty, or answered with 404.

    Why: the client takes both for 'nothing there' and fails on anything else (metaflow: service.py,
    _get_object_internal).
    """
    place = metadata.new_place("MissingLists")

    none = metadata.at(place.flow, "argo-nothing", "nothing", "t-nothing")
    for path in (
        f"/flows/{place.flow}_nothing/runs",
        f"{metadata.at(place.flow, 999999999)}/steps",
        f"{metadata.at(place.flow, place.run, 'nothing')}/tasks",
        *(f"{none}/{below}" for below in ("artifacts", "metadata", "attempt/0/artifacts")),
        *(f"{metadata.at(place.flow, 999999999)}/{below}" for below in ("artifacts", "metadata")),
    ):
        answer = metadata.get(path)
        assert answer.meant in (200, 404), f"{answer}: want success or 404 for a list below what is not there"
        assert answer.status == 404 or answer.json == [], f"{answer}: want nothing below what is not there"


@requirement("META-087", needs={"metadata"}, kills=("ids-per-flow", "run-of-any-flow"))
def test_read_by_another_path_is_404(metadata):
    """A run, step, task or artifact is not found by the path of another flow, run, step or task.

    Why: what a path says is what the user sees; a run of another flow under it is another user's.
    """
    mine, other = metadata.new_place("PathMine", step="mine"), metadata.new_place("PathOther", step="other")
    metadata.write(f"{mine.in_task}/artifact", [artifact("name")])

    for path in (
        metadata.at(other.flow, mine.run),
        metadata.at(other.flow, mine.run, "mine"),
        metadata.at(other.flow, other.run, "mine"),
        metadata.at(mine.flow, mine.run, "other"),
        metadata.at(other.flow, other.run, "other", mine.task),
        metadata.at(mine.flow, other.run, "mine", mine.task),
        f"{other.in_task}/artifacts/name",
    ):
        equal(metadata.get(path).status, 404, f"GET {path}: status for what is elsewhere")
