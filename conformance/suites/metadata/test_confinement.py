"""A list keeps to its parent, also where another one's name is nearly the same."""

from conformance.requirement import equal, requirement
from conformance.suites.metadata.bodies import artifact, offered, record, same

NEAR = ("a", "ab", "A", "a_b", "axb", "a1", "a11", "a.b", "a-b")
ODD = ("a%b", "a b", "a'b", "ä")


def kinds(metadata, path):
    """List -> names in it, of those below ``path``: artifacts by name, metadata by value."""
    return {
        f"{path}/{below}": [item[key] for item in metadata.rows(f"{path}/{below}")]
        for below, key in (("artifacts", "name"), ("metadata", "value"))
        if offered(metadata, f"{path}/{below}")
    }


@requirement("META-126", needs={"metadata"}, kills=("flow-name-as-pattern", "names-case-insensitive"))
def test_runs_keep_to_their_flow(metadata):
    """A flow's runs are its own, though other flows begin with its name, or differ from it by one letter or case.

    Why: a comparison by prefix, by pattern (an underscore is one in SQL) or without case mixes flows up.
    """
    flows = [metadata.new_flow(f"Near_{name}") for name in NEAR]
    runs = {flow: metadata.new_run(flow)["run_number"] for flow in flows}

    for flow, run in runs.items():
        listed = [found["run_number"] for found in metadata.rows(f"/flows/{flow}/runs")]
        equal(listed, [run], f"/flows/{flow}/runs: runs")
        equal(metadata.read(f"/flows/{flow}")["flow_id"], flow, f"/flows/{flow}: flow_id")


@requirement("META-127", needs={"metadata"}, kills=("metadata-of-all-runs", "run-name-by-prefix", "steps-of-all-runs"))
def test_steps_keep_to_their_run(metadata):
    """A run's steps, artifacts and metadata are its own, though other runs of its flow have nearly its name.

    Why: the names of Argo's runs differ in their last letters.
    """
    flow = metadata.new_flow("NearRuns")
    for name in NEAR:
        metadata.new_run(flow, run_number=name)
        metadata.new_step(flow, name, f"step-{name}")
        metadata.new_task(flow, name, f"step-{name}", task_id="t")
        task = metadata.at(flow, name, f"step-{name}", "t")
        metadata.write(f"{task}/artifact", [artifact(name)])
        metadata.write(f"{task}/metadata", [record("of", name)])

    for name in NEAR:
        run = metadata.at(flow, name)
        listed = [step["step_name"] for step in metadata.rows(f"{run}/steps")]
        equal(listed, [f"step-{name}"], f"{run}/steps: steps")
        for path, names in kinds(metadata, run).items():
            equal(names, [name], f"{path}: artifacts or metadata")


@requirement(
    "META-128", needs={"metadata"}, kills=("artifacts-of-all-steps", "step-name-as-pattern", "steps-case-insensitive")
)
def test_tasks_keep_to_their_step(metadata):
    """A step's tasks and artifacts are its own, though other steps of its run have nearly its name.

    Why: steps are named alike: train, train_all, train2.
    """
    flow = metadata.new_flow("NearSteps")
    run = metadata.new_run(flow)["run_number"]
    tasks = {}
    for name in NEAR:
        metadata.new_step(flow, run, name)
        tasks[name] = metadata.new_task(flow, run, name)["task_id"]
        metadata.write(f"{metadata.at(flow, run, name, tasks[name])}/artifact", [artifact(name)])

    for name in NEAR:
        step = metadata.at(flow, run, name)
        listed = [task["task_id"] for task in metadata.rows(f"{step}/tasks")]
        equal(listed, [tasks[name]], f"{step}/tasks: tasks")
        for path in offered(metadata, f"{step}/artifacts"):
            equal([item["name"] for item in metadata.rows(path)], [name], f"{path}: artifacts")


@requirement(
    "META-129", needs={"metadata"}, kills=("artifact-of-any-task", "artifacts-of-all-tasks", "metadata-of-all-tasks")
)
def test_artifacts_and_metadata_keep_to_their_task(metadata):
    """A task's artifacts and metadata are its own, though other tasks of its step have nearly its name.

    Why: a task that shows another one's results is believed.
    """
    place = metadata.new_place("NearTasks")
    for name in NEAR:
        metadata.new_task(place.flow, place.run, "start", task_id=name)
        task = metadata.at(place.flow, place.run, "start", name)
        metadata.write(f"{task}/artifact", [artifact(name), artifact("common", sha=name)])
        metadata.write(f"{task}/metadata", [record("of", name)])

    for name in NEAR:
        task = metadata.at(place.flow, place.run, "start", name)
        names = sorted(item["name"] for item in metadata.rows(f"{task}/artifacts"))
        equal(names, sorted([name, "common"]), f"{task}/artifacts: artifacts")
        equal([item["value"] for item in metadata.rows(f"{task}/metadata")], [name], f"{task}/metadata: values")
        equal(metadata.read(f"{task}/artifacts/common/attempt/0")["sha"], name, f"{task}/artifacts/common: sha")


@requirement("META-022", level="SHOULD", needs={"metadata"}, kills="proxy-encodes-twice")
def test_odd_names_keep_apart(metadata):
    """Steps with a percent sign, a blank, a quote or an accent in their names keep apart too.

    Why: these letters are special in SQL or in URLs. Python allows none of them in a step's name but the accent.
    """
    flow = metadata.new_flow("OddSteps")
    run = metadata.new_run(flow)["run_number"]
    tasks = {}
    for name in ODD:
        step = metadata.at(flow, run, name)
        metadata.write(f"{step}/step", {"user_name": "mfconf", "tags": [], "system_tags": []})
        tasks[name] = metadata.write(f"{step}/task", {"user_name": "mfconf", "tags": [], "system_tags": []})["task_id"]

    equal(
        sorted(step["step_name"] for step in metadata.rows(f"{metadata.at(flow, run)}/steps")),
        sorted(ODD),
        f"{metadata.at(flow, run)}/steps: names",
    )
    for name in ODD:
        step = metadata.at(flow, run, name)
        listed = [task["task_id"] for task in metadata.rows(f"{step}/tasks")]
        equal(listed, [tasks[name]], f"{step}/tasks: tasks")


@requirement("META-023", needs={"metadata"}, kills=("ids-zero-padded", "listing-single-unwrapped"))
def test_lists_agree_with_single_reads(metadata):
    """What a list says of a flow, run, step, task or artifact is what reading it alone says.

    Why: the client makes its objects from either, and takes them for the same.
    """
    place = metadata.new_place("ListsAgree")
    metadata.write(f"{place.in_task}/artifact", [artifact("name")])

    for one, every, key in (
        (place.in_flow, "/flows", "flow_id"),
        (place.in_run, f"{place.in_flow}/runs", "run_number"),
        (place.in_step, f"{place.in_run}/steps", "step_name"),
        (place.in_task, f"{place.in_step}/tasks", "task_id"),
        (f"{place.in_task}/artifacts/name", f"{place.in_task}/artifacts", "name"),
    ):
        alone = metadata.read(one)
        listed = [item for item in metadata.rows(every) if item.get(key) == alone[key]]
        same(listed, [alone], f"{every}: the entry that GET {one} reads")
