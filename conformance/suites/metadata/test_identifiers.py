"""Identifiers: given by the service, or names that the client chooses."""

from conformance.requirement import equal, requirement
from conformance.suites.metadata.bodies import artifact, offered, record, same

TOGETHER = 8
SEARCHED = 300


def identities(metadata, place):
    """What -> (run, task) as answered in everything below a run, as text; META-028 says what has to tell them."""
    found = {
        "step": metadata.read(place.in_step),
        "steps": metadata.rows(f"{place.in_run}/steps").only,
        "task": metadata.read(place.in_task),
        "tasks": metadata.rows(f"{place.in_step}/tasks").only,
        "artifact": metadata.rows(f"{place.in_task}/artifacts").only,
        "metadata": metadata.rows(f"{place.in_task}/metadata").only,
    }
    wide = offered(metadata, f"{place.in_run}/artifacts", f"{place.in_run}/metadata")
    found |= {path: metadata.rows(path).only for path in wide}
    return {
        what: (str(item.get("run_number", place.run)), str(item.get("task_id", place.task)))
        for what, item in found.items()
    }


@requirement("META-100", needs={"metadata"}, kills="run-number-off-by-one")
def test_numbers_agree(metadata):
    """A run and a task without names are numbers, and everything below tells the same ones.

    Why: the client puts paths together from these answers, and takes digits for 'given by the service':
    it never registers such an identifier again (metaflow: service.py, register_run_id).
    """
    place = metadata.new_place("Numbers")
    metadata.write(f"{place.in_task}/artifact", [artifact("name")])
    metadata.write(f"{place.in_task}/metadata", [record("attempt", "0")])

    assert str(place.run).isdigit(), f"{place.in_flow}/run: run_number is {place.run!r}, not digits"
    assert str(place.task).isdigit(), f"{place.in_step}/task: task_id is {place.task!r}, not digits"
    for what, found in identities(metadata, place).items():
        equal(found, (str(place.run), str(place.task)), f"{place.in_task}: run and task as told by the {what}")


@requirement(
    "META-101",
    needs={"metadata"},
    kills=("run-name-hidden", "run-name-not-found", "task-name-hidden", "task-name-not-found"),
)
def test_names_agree(metadata):
    """A run and a task with names bear them in every answer, and are found by them.

    Why: Argo, Step Functions and Airflow name runs and tasks; their paths are made of names alone.
    """
    place = metadata.new_place("Names", run="argo-names-x7k2p", task="t-0a1b2c3d")
    metadata.write(f"{place.in_task}/artifact", [artifact("name")])
    metadata.write(f"{place.in_task}/metadata", [record("attempt", "0")])

    equal((place.run, place.task), ("argo-names-x7k2p", "t-0a1b2c3d"), f"{place.in_flow}: names as registered")
    equal(metadata.read(place.in_run)["run_number"], place.run, f"{place.in_run}: run_number")
    listed = [run["run_number"] for run in metadata.rows(f"{place.in_flow}/runs")]
    equal(listed, [place.run], f"{place.in_flow}/runs: run_number")
    for what, found in identities(metadata, place).items():
        equal(found, (place.run, place.task), f"{place.in_task}: run and task as told by the {what}")


@requirement("META-102", level="SHOULD", needs={"metadata"}, kills="run-number-not-found")
def test_named_run_has_a_number(metadata):
    """A named run is also found by its number, and is the same run.

    Why: old links and the database know it by number. The number is looked for between those of the runs
    registered before and after.
    """
    flow = metadata.new_flow("Alias")
    before = metadata.new_run(flow)["run_number"]
    name = metadata.new_run(flow, run_number="argo-alias")["run_number"]
    after = metadata.new_run(flow)["run_number"]

    between = range(int(before) + 1, min(int(after), int(before) + SEARCHED))
    found = [answer.json for n in between if (answer := metadata.get(metadata.at(flow, n))).ok]

    same(found, [metadata.read(metadata.at(flow, name))], f"{flow}: runs between the numbers {before} and {after}")


@requirement("META-103", needs={"metadata"}, kills="run-name-unique-everywhere")
def test_same_run_name_in_two_flows(metadata):
    """Two flows may each have a run of the same name; they stay apart.

    Why: a name is unique in its flow only: Argo names of two projects can be equal.
    """
    one, two = metadata.new_flow("SameRunOne"), metadata.new_flow("SameRunTwo")
    for flow in (one, two):
        metadata.new_run(flow, run_number="argo-same", tags=[flow])

    for flow in (one, two):
        found = metadata.read(metadata.at(flow, "argo-same"))
        equal((found["flow_id"], found["tags"]), (flow, [flow]), f"{metadata.at(flow, 'argo-same')}: flow and tags")


@requirement("META-104", needs={"metadata"}, kills=("task-name-unique-in-flow", "wrong-join-user"))
def test_same_task_name_in_two_places(metadata):
    """Two steps, and two runs, may each have a task of the same name; they stay apart.

    Why: Argo's task names repeat: `_parameters` has the task that is named after the run's parameters.
    """
    flow = metadata.new_flow("SameTask")
    for run in ("argo-a", "argo-b"):
        metadata.new_run(flow, run_number=run)
        for step in ("left", "right"):
            metadata.new_step(flow, run, step)
            metadata.new_task(flow, run, step, task_id="t-same", user_name=f"{run} {step}")

    for run in ("argo-a", "argo-b"):
        for step in ("left", "right"):
            path = metadata.at(flow, run, step, "t-same")
            equal(metadata.read(path)["user_name"], f"{run} {step}", f"{path}: user_name")
            listed = [task["user_name"] for task in metadata.rows(f"{metadata.at(flow, run, step)}/tasks")]
            equal(listed, [f"{run} {step}"], f"{metadata.at(flow, run, step)}/tasks: user_name")


@requirement(
    "META-105", needs={"metadata"}, kills=("proxy-repeats-writes", "task-ids-per-step", "tasks-lost-when-busy")
)
def test_task_ids_are_unique(metadata):
    """Tasks registered at the same time get identifiers of their own, and all are listed.

    Why: the tasks of a foreach are registered together; two with one identifier write over each other.
    """
    place = metadata.new_place("UniqueTasks")

    made = metadata.together(lambda _: metadata.new_task(place.flow, place.run, "start")["task_id"], range(64))

    equal(len({place.task, *made}), 65, f"{place.in_step}: different identifiers of 65 tasks")
    listed = [task["task_id"] for task in metadata.rows(f"{place.in_step}/tasks")]
    equal(sorted(map(str, listed)), sorted(map(str, [place.task, *made])), f"{place.in_step}/tasks: identifiers")


@requirement("META-106", needs={"metadata"}, kills=("duplicate-race", "duplicate-task-accepted"))
def test_one_of_many_registers(metadata):
    """Of clients that register the same flow, run, step or task at once, one succeeds and the others get 409.

    Why: the tasks of a foreach on Argo all register their step and their run; two that are told 'made'
    is a lost conflict, any other status ends the task.
    """
    flow = f"Mfconf_{metadata.run_id}_Race"
    run = metadata.at(flow, "argo-race")
    body = {"user_name": "mfconf", "tags": [], "system_tags": []}
    for path, more in (
        (metadata.at(flow), {}),
        (f"{metadata.at(flow)}/run", {"run_number": "argo-race"}),
        (f"{run}/steps/start/step", {}),
        (f"{run}/steps/start/task", {"task_id": "t-race"}),
    ):
        answers = metadata.together(lambda _, path=path, more=more: metadata.post(path, {**body, **more}), range(8))

        statuses = sorted(answer.meant for answer in answers)
        equal(statuses, [200] + [409] * 7, f"POST {path} by 8 clients at once: statuses")
    equal(metadata.read(f"{run}/steps/start/tasks/t-race")["task_id"], "t-race", f"{run}: the task afterwards")


@requirement("META-107", needs={"metadata"}, kills=("proxy-lower-cases-paths", "run-name-in-lower-case"))
def test_names_of_orchestrators(metadata):
    """Names as orchestrators give them, with dots, dashes, underscores, capitals and 200 characters, are kept.

    Why: a project's branch puts dots into the names of Argo, Step Functions have UUIDs, Airflow hashes.
    """
    flow = metadata.new_flow("OrchestratorNames")
    names = ["argo-a.b.user.me-x7k2p", "sfn-0f3b2c1d-7e6f-4a5b", "airflow-1a2b3c", "UPPER_and_lower", "x" * 200, "1a"]

    for name in names:
        metadata.new_run(flow, run_number=name)

    for name in names:
        equal(metadata.read(metadata.at(flow, name))["run_number"], name, f"{metadata.at(flow, name)}: run_number")
    listed = [run["run_number"] for run in metadata.rows(f"/flows/{flow}/runs")]
    equal(sorted(listed), sorted(names), f"/flows/{flow}/runs: names")


@requirement("META-108", level="SHOULD", needs={"metadata"}, kills="proxy-refuses-unicode")
def test_names_in_other_letters(metadata):
    """Names with letters of other scripts, blanks, quotes and percent signs are kept and found, encoded in the path.

    Why: nothing forbids them; a service or proxy that decodes a path twice finds the wrong thing.
    """
    flow = metadata.new_flow("OtherLetters")
    names = ["lauf-ü", "запуск", "実行", "a b", "it's", "100%", "%41", "a+b", "semi;colon", "a&b=c", "emoji-🌍"]

    for name in names:
        metadata.new_run(flow, run_number=name)

    for name in names:
        equal(metadata.read(metadata.at(flow, name))["run_number"], name, f"{metadata.at(flow, name)}: run_number")


@requirement("META-109", level="SHOULD", needs={"metadata"}, kills="names-of-digits-accepted")
def test_digits_are_no_name(metadata):
    """A name of digits alone is refused with 4xx, for a run and for a task.

    Why: in a path it can't be told from a number that the service gave. The real service refuses it with
    500 (observed at v2.5.1: run.py, task.py).
    """
    place = metadata.new_place("Digits")

    for path, name in ((f"{place.in_flow}/run", "run_number"), (f"{place.in_step}/task", "task_id")):
        for digits in ("99999999", "007"):
            answer = metadata.post(path, {"user_name": "mfconf", "tags": [], "system_tags": [], name: digits})
            assert 400 <= answer.status < 500, f"{answer}: want 4xx for the name {digits!r}"
