"""What is acknowledged is still there, for every client, from then on."""

from conformance.requirement import equal, requirement
from conformance.suites.metadata.bodies import artifact, assert_count, offered, record, same, succeeded

WRITERS = 8
TASKS = 320
RUNS = 320
READERS = 3
TURNS = 40


@requirement("META-220", needs={"metadata"}, kills="error-deadlock")
def test_tasks_written_together_are_kept(metadata):
    """Of tasks, artifacts and metadata that eight clients register at once, everything acknowledged is there later.

    Why: a write that is lost under load is a result that is lost; every n-th is enough. They are read over
    new connections, several times: a cache, or a replica that lags, must not hide them.
    """
    place = metadata.new_place("WrittenTogether", task="t-first")

    def register(number):
        task = f"{place.in_step}/tasks/t-{number}"
        metadata.new_task(place.flow, place.run, "start", task_id=f"t-{number}")
        metadata.write(f"{task}/artifact", [artifact("name", sha=f"{number}")])
        metadata.write(f"{task}/metadata", [record("attempt", f"{number}")])

    metadata.together(register, range(TASKS), at_once=WRITERS)

    wanted = {f"t-{number}": f"{number}" for number in range(TASKS)}
    for _ in range(READERS):
        reader = metadata.fresh()
        tasks = {task["task_id"] for task in reader.rows(f"{place.in_step}/tasks")}
        equal({"t-first", *wanted} - tasks, set(), f"{place.in_step}/tasks: acknowledged tasks that are not there")
        for below, key in (("artifacts", "sha"), ("metadata", "value")):
            paths = [f"{place.in_step}/tasks/{task}/{below}" for task in wanted]
            lists = reader.together(reader.rows, paths, at_once=WRITERS)
            got = [[item[key] for item in listed] for listed in lists]
            lost = [path for path, found, want in zip(paths, got, wanted.values(), strict=True) if found != [want]]
            equal(lost, [], f"{place.in_step}: tasks of which the acknowledged {below} are not there")


@requirement("META-221", needs={"metadata"}, kills="named-runs-lost-when-busy")
def test_runs_written_together_are_kept(metadata):
    """Of named runs that eight clients register at once, each acknowledged one is found by its name, with its tags.

    Why: a run that its launcher believes in and nobody finds is lost with all that it does.
    """
    flow = metadata.new_flow("RunsTogether")
    names = [f"argo-{number}" for number in range(RUNS)]

    metadata.together(lambda name: metadata.new_run(flow, run_number=name, tags=[name]), names, at_once=WRITERS)

    reader = metadata.fresh()
    found = reader.together(lambda name: reader.read(metadata.at(flow, name)), names, at_once=WRITERS)
    wrong = [name for name, run in zip(names, found, strict=True) if (run["run_number"], run["tags"]) != (name, [name])]
    equal(wrong, [], f"{flow}: runs that are found with another name or other tags")
    listed = [run["run_number"] for run in reader.rows(f"/flows/{flow}/runs")]
    equal(sorted(listed), sorted(names), f"/flows/{flow}/runs: names")


@requirement("META-222", needs={"metadata"}, kills="writes-behind")
def test_what_is_written_is_read(metadata):
    """What one client has registered, another one reads at once.

    Why: a pod is started by its launcher and reads what that has registered, often within milliseconds.
    """
    place = metadata.new_place("ReadAtOnce")

    for turn in range(TURNS):
        task = metadata.new_task(place.flow, place.run, "start", task_id=f"t-{turn}")["task_id"]
        path = f"{place.in_step}/tasks/{task}"
        answer = metadata.fresh().get(path)
        succeeded(answer)
        metadata.write(f"{path}/artifact", [artifact("name")])
        answer = metadata.fresh().get(f"{path}/artifacts/name")
        succeeded(answer)


@requirement("META-223", needs={"metadata"}, kills="proxy-caches-listings")
def test_missing_then_registered(metadata):
    """What was asked for when it was not there is found as soon as it is registered.

    Why: the client asks before it registers; an answer 'not there' that is kept for later makes it wrong.
    """
    flow = metadata.new_flow("MissingThenThere")

    for turn in range(TURNS):
        path = metadata.at(flow, f"argo-{turn}")
        equal(metadata.get(path).status, 404, f"GET {path}: status, before it was registered")
        metadata.new_run(flow, run_number=f"argo-{turn}")
        for reader in (metadata, metadata.fresh()):
            succeeded(reader.get(path))


@requirement(
    "META-224", needs={"metadata"}, kills=("proxy-caches-reads", "replica-lags-at-times", "tasks-once-per-metadatum")
)
def test_lists_are_fresh(metadata):
    """A list that was just read shows what was registered since, to every client, each time.

    Why: a list from a cache, or from a replica that lags, makes a run's last step look undone.
    """
    place = metadata.new_place("FreshLists")
    wide = [place.in_run] if offered(metadata, f"{place.in_run}/artifacts") else []

    for turn in range(1, TURNS):
        task = metadata.at(place.flow, place.run, "start", place.task)
        metadata.new_task(place.flow, place.run, "start")
        metadata.write(f"{task}/artifact", [artifact(f"a{turn}")])
        metadata.write(f"{task}/metadata", [record("turn", f"{turn}")])
        for reader in (metadata, metadata.fresh()):
            tasks = len(reader.rows(f"{place.in_step}/tasks"))
            lists = [len(reader.rows(f"{path}/artifacts")) for path in (task, *wide)]
            records = len(reader.rows(f"{task}/metadata"))
            want = (turn + 1, [turn] * (1 + len(wide)), turn)
            equal((tasks, lists, records), want, f"{place.in_run}: tasks, artifacts and metadata listed in turn {turn}")


@requirement("META-225", needs={"metadata"}, kills="tags-frozen-at-registration")
def test_tags_are_fresh(metadata):
    """A change of tags that is acknowledged shows at once, to every client, and stays.

    Why: whoever removes `production` from a run and reads it again must not see it.
    """
    place = metadata.new_place("FreshTags")

    for turn in range(TURNS):
        change = {"tags_to_add": [f"tag-{turn}"], "tags_to_remove": [f"tag-{turn - 1}"]}
        succeeded(metadata.retag(place.in_run, change))
        for path in (place.in_run, place.in_run, place.in_task):
            tags = metadata.fresh().read(path)["tags"]
            equal(tags, [f"tag-{turn}"], f"{path}: tags, right after a change (turn {turn})")


@requirement("META-226", needs={"metadata"}, kills="heartbeat-not-kept")
def test_heartbeats_are_fresh(metadata):
    """A first heartbeat that is acknowledged shows at once, to every client, and does not go away.

    Why: a heartbeat that comes and goes is a run that dies and lives.
    """
    flow = metadata.new_flow("FreshBeats")

    for turn in range(TURNS):
        path = metadata.at(flow, metadata.new_run(flow)["run_number"])
        metadata.read(path)
        succeeded(metadata.call("POST", f"{path}/heartbeat", data="{}"))
        seen = [metadata.fresh().read(path)["last_heartbeat_ts"] for _ in range(3)]
        assert all(seen), f"{path}: last_heartbeat_ts is {seen} after an acknowledged heartbeat (turn {turn})"
        equal(sorted(seen), seen, f"{path}: last_heartbeat_ts, read three times (turn {turn})")


@requirement(
    "META-227",
    needs={"metadata"},
    kills=(
        "error-502-every-60th",
        "error-after-the-write",
        "error-every-150th",
        "error-every-40th",
        "proxy-drops-answers",
    ),
)
def test_four_hundred_requests(metadata):
    """Of four hundred ordinary requests, each is answered as it has to be.

    Why: the client ends the task at the first 500, 502 or 504; one in fifty is enough to fail every run.
    """
    place = metadata.new_place("FourHundred", run="argo-many", task="t-many")
    metadata.write(f"{place.in_task}/artifact", [artifact("name")])

    def turn(number):
        step, task = f"{place.in_step}", f"{place.in_step}/tasks/t-{number}"
        wanted = (
            ("GET", place.in_run, None, 200),
            ("GET", task, None, 404),
            (
                "POST",
                f"{step}/task",
                {"user_name": "mfconf", "tags": [], "system_tags": [], "task_id": f"t-{number}"},
                200,
            ),
            ("GET", task, None, 200),
            ("POST", f"{task}/metadata", [record("attempt", "0")], 200),
            ("GET", f"{task}/metadata", None, 200),
            ("GET", f"{place.in_task}/artifacts/name", None, 200),
            ("GET", f"{place.in_run}/steps", None, 200),
        )
        answers = [(metadata.call(method, path, body), status) for method, path, body, status in wanted]
        return [f"{answer}, want {status}" for answer, status in answers if answer.meant != status]

    odd = [text for texts in metadata.together(turn, range(50), at_once=4) for text in texts]

    equal(odd, [], f"{place.in_flow}: answers out of 400 that are not as they have to be")


@requirement("META-228", needs={"metadata"}, kills=("proxy-drops-connections", "writes-lost"))
def test_single_records_are_kept(metadata):
    """Of three hundred metadata records and artifacts that are registered one by one, all are told and kept.

    Why: a task that runs long registers its records one by one.
    """
    task = metadata.new_task_path("OneByOne")

    for number in range(150):
        told = metadata.write(f"{task}/metadata", [record("progress", f"{number}")])
        assert_count(told, 1, f"POST {task}/metadata for record {number}")
        told = metadata.write(f"{task}/artifact", [artifact(f"a{number}")])
        assert_count(told, 1, f"POST {task}/artifact for artifact {number}")

    reader = metadata.fresh()
    got = sorted(str(item["value"]) for item in reader.rows(f"{task}/metadata"))
    equal(got, sorted(str(number) for number in range(150)), f"{task}/metadata: values")
    got = sorted(item["name"] for item in reader.rows(f"{task}/artifacts"))
    equal(got, sorted(f"a{number}" for number in range(150)), f"{task}/artifacts: names")


@requirement("META-229", needs={"metadata"}, kills=("process-dies", "stops-writing"))
def test_the_first_is_not_forgotten(metadata):
    """What was registered first is still there, the same, after five hundred more.

    Why: a store with room for so many forgets the oldest, silently.
    """
    place = metadata.new_place("NotForgotten", run="argo-first", task="t-first")
    metadata.write(f"{place.in_task}/artifact", [artifact("name")])
    metadata.write(f"{place.in_task}/metadata", [record("attempt", "0")])
    paths = (place.in_flow, place.in_run, place.in_step, place.in_task, f"{place.in_task}/artifacts/name")
    before = {path: metadata.read(path) for path in paths}
    records = metadata.rows(f"{place.in_task}/metadata")

    flow = metadata.new_flow("ManyMore")
    run = metadata.new_run(flow)["run_number"]
    metadata.new_step(flow, run, "start")
    metadata.together(lambda _: metadata.new_task(flow, run, "start"), range(500))

    for path, found in before.items():
        same(metadata.fresh().read(path), found, f"{path}, after five hundred tasks of another flow")
    same(metadata.fresh().rows(f"{place.in_task}/metadata"), records, f"{place.in_task}/metadata, after as many")
