"""A listing is complete and keeps to its parent."""

from conformance.requirement import equal, requirement
from conformance.suites.metadata.bodies import offered, succeeded

TASKS = 60


@requirement(
    "META-020",
    needs={"metadata"},
    kills=("listing-capped", "listing-first-missing", "tasks-by-heartbeat", "tasks-of-all-runs"),
)
def test_tasks_are_all_listed(metadata):
    """The list of a step's tasks holds every task of it, and none of another step or run.

    Why: the client asks for no pages; a service that caps its lists makes foreach results vanish.
    """
    flow = metadata.new_flow("Listing")
    run = metadata.new_run(flow)["run_number"]
    other = metadata.new_run(flow)["run_number"]
    for number, step in ((run, "work"), (run, "beside"), (other, "work")):
        metadata.new_step(flow, number, step)
    wanted = {str(metadata.new_task(flow, run, "work")["task_id"]) for _ in range(TASKS)}
    metadata.new_task(flow, run, "beside")
    metadata.new_task(flow, other, "work")

    answer = metadata.get(f"/flows/{flow}/runs/{run}/steps/work/tasks")

    listed = [str(task["task_id"]) for task in answer.json]
    equal(len(listed), TASKS, f"{answer.request}: tasks listed")
    equal(set(listed), wanted, f"{answer.request}: tasks")


@requirement("META-021", needs={"metadata"}, kills=("empty-is-404", "listing-wrapped"))
def test_empty_listing(metadata):
    """The lists of a run that has nothing yet are empty.

    Why: a client that looks at a run while it starts must see nothing, not an error.
    """
    flow = metadata.new_flow("Empty")
    run = metadata.new_run(flow)["run_number"]

    above = f"/flows/{flow}/runs/{run}"
    for path in (f"{above}/steps", *offered(metadata, f"{above}/artifacts", f"{above}/metadata")):
        answer = metadata.get(path)
        succeeded(answer)
        equal(answer.json, [], f"{answer.request}: body")
