"""What is registered is there, once, under identifiers of its own."""

from concurrent.futures import ThreadPoolExecutor

from conformance.requirement import equal, requirement
from conformance.suites.metadata.bodies import same, succeeded

TOGETHER = 8


@requirement(
    "META-010",
    needs={"metadata"},
    profile="smoke",
    kills=("byte-order-mark", "proxy-redirects-writes", "proxy-wraps-answers"),
)
def test_registered_is_readable(metadata):
    """A flow, run, step and task can be read as soon as they are registered.

    Why: the client registers each of them and reads it back before the step's code starts.
    """
    flow = metadata.new_flow("Readable")
    run = metadata.new_run(flow, tags=["a tag"])["run_number"]
    metadata.new_step(flow, run, "start")
    task = metadata.new_task(flow, run, "start")["task_id"]

    above = f"/flows/{flow}/runs/{run}"
    for path, field, value in (
        (f"/flows/{flow}", "flow_id", flow),
        (above, "run_number", run),
        (f"{above}/steps/start", "step_name", "start"),
        (f"{above}/steps/start/tasks/{task}", "task_id", task),
    ):
        answer = metadata.get(path)
        succeeded(answer)
        equal(str(answer.json[field]), str(value), f"{answer.request}: {field}")
        equal(answer.json["flow_id"], flow, f"{answer.request}: flow_id")


@requirement("META-011", needs={"metadata"}, profile="smoke", kills=("duplicate-is-404", "duplicate-named-run"))
def test_duplicate_flow_is_refused(metadata):
    """Registering a flow, step, or named run a second time answers 409 and changes nothing.

    Why: the client takes 409 for 'somebody else made it' and reads that one; 200 makes two launchers
    believe that each owns the run (Metaflow: service.py, _get_or_create).
    """
    flow = metadata.new_flow("Duplicate")
    first = metadata.read(f"/flows/{flow}")
    run = metadata.new_run(flow, run_number=f"argo-{flow.lower()}")["run_number"]
    metadata.new_step(flow, run, "start")

    body = {"user_name": "somebody else", "tags": ["second"], "system_tags": []}
    for path, more in (
        (f"/flows/{flow}", {}),
        (f"/flows/{flow}/run", {"run_number": run}),
        (f"/flows/{flow}/runs/{run}/steps/start/step", {}),
    ):
        answer = metadata.post(path, {**body, **more})
        equal(answer.status, 409, f"{answer.request}: status for what is registered already")
    same(metadata.read(f"/flows/{flow}"), first, f"the flow {flow} after a second registration")


@requirement("META-012", needs={"metadata"}, kills=("error-429-when-busy", "error-when-busy", "runs-lost-when-busy"))
def test_numbers_are_unique(metadata):
    """Runs registered at the same time get numbers of their own.

    Why: two runs with one number write into each other's artifacts.
    """
    flow = metadata.new_flow("Unique")

    with ThreadPoolExecutor(TOGETHER) as pool:
        numbers = list(pool.map(lambda _: metadata.new_run(flow)["run_number"], range(3 * TOGETHER)))

    equal(len(set(numbers)), 3 * TOGETHER, f"{flow}: different numbers of runs registered at the same time")
    listed = {run["run_number"] for run in metadata.get(f"/flows/{flow}/runs").json}
    equal(listed, set(numbers), f"/flows/{flow}/runs: the runs that were acknowledged")


@requirement("META-013", needs={"metadata"}, kills=("missing-is-403", "missing-is-empty", "proxy-hides-404"))
def test_missing_is_404(metadata):
    """A flow, run, step or task that does not exist is answered with 404.

    Why: the client registers on 404 and raises on anything else.
    """
    flow = metadata.new_flow("Missing")
    run = metadata.new_run(flow)["run_number"]
    metadata.new_step(flow, run, "start")

    above = f"/flows/{flow}/runs/{run}"
    for path in (
        f"/flows/{flow}_not_there",
        f"/flows/{flow}/runs/999999999",
        f"/flows/{flow}/runs/argo-not-there",
        f"{above}/steps/nothing",
        f"{above}/steps/start/tasks/999999999",
    ):
        answer = metadata.get(path)
        equal(answer.status, 404, f"{answer.request}: status for what does not exist")
