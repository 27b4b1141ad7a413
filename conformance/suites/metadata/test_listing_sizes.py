"""A list is complete, however long it is: the client asks for no pages."""

from conformance.requirement import equal, requirement
from conformance.suites.metadata.bodies import artifact, record

MANY = 1001
FLOWS = 60
STEPS = 101
TASKS = 40
EACH = 30


@requirement(
    "META-120", needs={"metadata"}, kills=("listing-capped-at-100", "listing-doubled-row", "listing-last-missing")
)
def test_all_tasks_of_a_wide_foreach(metadata):
    """The list of a step's tasks holds all of a thousand and one, each once.

    Why: a foreach over a thousand items is usual; a list that ends at a round number loses results silently.
    """
    flow = metadata.new_flow("WideForeach")
    run = metadata.new_run(flow)["run_number"]
    metadata.new_step(flow, run, "work")

    made = metadata.together(lambda _: str(metadata.new_task(flow, run, "work")["task_id"]), range(MANY))

    path = f"{metadata.at(flow, run, 'work')}/tasks"
    listed = [str(task["task_id"]) for task in metadata.rows(path)]
    equal(len(listed), MANY, f"{path}: tasks listed")
    equal(set(listed), set(made), f"{path}: tasks")


@requirement("META-121", needs={"metadata"}, kills=("listing-capped-at-1000", "runs-capped-at-100"))
def test_all_runs_of_a_busy_flow(metadata):
    """The list of a flow's runs holds all of a thousand and one, each once.

    Why: a flow that runs every ten minutes has as many in a week; the latest must be among them.
    """
    flow = metadata.new_flow("BusyFlow")

    made = metadata.together(lambda _: metadata.new_run(flow)["run_number"], range(MANY))

    listed = [run["run_number"] for run in metadata.rows(f"/flows/{flow}/runs")]
    equal(len(listed), MANY, f"/flows/{flow}/runs: runs listed")
    equal(set(listed), set(made), f"/flows/{flow}/runs: runs")


@requirement(
    "META-122",
    needs={"metadata"},
    kills=("gzip-mislabelled", "listing-as-lines", "steps-capped-at-20", "steps-not-committed"),
)
def test_all_steps_of_a_run(metadata):
    """The list of a run's steps holds all of a hundred and one, each once.

    Why: the client walks through a run by its steps.
    """
    flow = metadata.new_flow("ManySteps")
    run = metadata.new_run(flow)["run_number"]
    names = [f"step_{number}" for number in range(STEPS)]

    metadata.together(lambda name: metadata.new_step(flow, run, name), names)

    listed = [step["step_name"] for step in metadata.rows(f"{metadata.at(flow, run)}/steps")]
    equal(sorted(listed), sorted(names), f"{metadata.at(flow, run)}/steps: names")


@requirement("META-123", needs={"metadata"}, kills="flows-capped-at-10")
def test_all_flows(metadata):
    """The list of flows holds each flow that was just registered, once.

    Why: `Metaflow().flows` is how users find what there is.
    """
    flows = [metadata.new_flow(f"Flow{number}") for number in range(FLOWS)]

    listed = [flow["flow_id"] for flow in metadata.rows("/flows") if flow.get("flow_id") in flows]

    missing = sorted(set(flows) - set(listed))
    equal(missing, [], "/flows: flows that are registered, but not listed")
    equal(len(listed), len(set(listed)), "/flows: flows listed, each once")


@requirement("META-124", level="SHOULD", needs={"metadata"}, kills="listing-capped-at-256")
def test_all_artifacts_of_many_tasks(metadata):
    """The artifacts of a run and of a step are those of all its tasks: 1,200 of 40 tasks, each once.

    Why: these lists are how a whole run is read in one request; one that is cut loses results silently.
    """
    place = metadata.new_place("ManyArtifacts")
    tasks = [place.task, *(metadata.new_task(place.flow, place.run, "start")["task_id"] for _ in range(TASKS - 1))]
    wanted = {(str(task), f"a{number}") for task in tasks for number in range(EACH)}

    for task in tasks:
        body = [artifact(f"a{number}") for number in range(EACH)]
        metadata.write(f"{metadata.at(place.flow, place.run, 'start', task)}/artifact", body)

    for path in (place.in_run, place.in_step):
        listed = [(str(item["task_id"]), item["name"]) for item in metadata.rows(f"{path}/artifacts")]
        equal(len(listed), len(wanted), f"{path}/artifacts: artifacts listed")
        equal(set(listed), wanted, f"{path}/artifacts: tasks and names")


@requirement("META-125", level="SHOULD", needs={"metadata"}, kills=("forgets-old-rows", "listing-capped-at-500"))
def test_all_metadata_of_many_tasks(metadata):
    """The metadata of a run are those of all its tasks: 1,200 of 40 tasks, each once.

    Why: a list that is cut loses attempts and logs silently.
    """
    place = metadata.new_place("ManyRecords")
    tasks = [place.task, *(metadata.new_task(place.flow, place.run, "start")["task_id"] for _ in range(TASKS - 1))]
    wanted = {(str(task), f"f{number}") for task in tasks for number in range(EACH)}

    for task in tasks:
        body = [record(f"f{number}", "v") for number in range(EACH)]
        metadata.write(f"{metadata.at(place.flow, place.run, 'start', task)}/metadata", body)

    listed = [(str(item["task_id"]), item["field_name"]) for item in metadata.rows(f"{place.in_run}/metadata")]
    equal(len(listed), len(wanted), f"{place.in_run}/metadata: records listed")
    equal(set(listed), wanted, f"{place.in_run}/metadata: tasks and fields")
