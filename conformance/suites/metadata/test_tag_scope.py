"""What a change of tags reaches, and what it leaves alone."""

from conformance.requirement import equal, requirement
from conformance.suites.metadata.bodies import artifact, offered, same, succeeded

CONFLICT = 409
WRITERS = 8
EACH = 6


@requirement("META-150", needs={"metadata"}, kills="tags-of-all-runs")
def test_other_runs_keep_their_tags(metadata):
    """A change of one run's tags leaves the tags of all other runs alone.

    Why: namespaces are tags: a run that loses or gains one vanishes from, or shows up for, the wrong people.
    """
    flow, other = metadata.new_flow("TagsMine"), metadata.new_flow("TagsOther")
    runs = [
        (f, metadata.new_run(f, run_number=name, tags=["kept"])) for f in (flow, other) for name in ("a", "a1", "A")
    ]
    before = {metadata.at(f, run["run_number"]): metadata.read(metadata.at(f, run["run_number"])) for f, run in runs}

    change = {"tags_to_add": ["new"], "tags_to_remove": ["kept"]}
    metadata.retag(metadata.at(flow, "a"), change)

    for path, found in before.items():
        want = {**found, "tags": ["new"]} if path == metadata.at(flow, "a") else found
        same(metadata.read(path), want, f"{path}, after the tags of {metadata.at(flow, 'a')} were changed")


@requirement("META-151", needs={"metadata"}, kills=("tags-not-in-artifact-listings", "tags-not-on-artifacts"))
def test_tags_reach_artifacts(metadata):
    """Artifacts show their run's tags, also those added later, alone and in every list.

    Why: the client checks the namespace of an artifact by its tags.
    """
    place = metadata.new_place("TagsOnArtifacts")
    metadata.write(f"{place.in_task}/artifact", [artifact("name", tags=["its own"])])
    metadata.retag(place.in_run, {"tags_to_add": ["later"]})

    wide = offered(metadata, f"{place.in_run}/artifacts", f"{place.in_step}/artifacts")
    for path in (*wide, f"{place.in_task}/artifacts", f"{place.in_task}/attempt/0/artifacts"):
        equal([item["tags"] for item in metadata.rows(path)], [["later"]], f"{path}: tags")
    for path in ("artifacts/name", "artifacts/name/attempt/0"):
        equal(metadata.read(f"{place.in_task}/{path}")["tags"], ["later"], f"{place.in_task}/{path}: tags")


@requirement("META-152", needs={"metadata"}, kills="tags-lost-update")
def test_concurrent_additions_and_removals(metadata):
    """Of tags that eight clients add and remove at the same time, each ends as its last acknowledged change left it.

    Why: a lost removal is a run that still counts as production; 409 is a conflict that the client retries.
    """
    flow = metadata.new_flow("AddAndRemove")
    run = metadata.new_run(flow, tags=[f"old-{number}" for number in range(WRITERS)])["run_number"]
    path = metadata.at(flow, run)

    def change(number):
        mine = f"new-{number}"
        wanted: set[str] = set()
        removed = False
        for turn in range(EACH):
            add, remove = ([mine], [f"old-{number}"]) if turn % 2 == 0 else ([], [mine])
            answer = metadata.patch(f"{path}/tag/mutate", {"tags_to_add": add, "tags_to_remove": remove})
            assert answer.meant in (200, CONFLICT), f"{answer}: want success or 409"
            wanted = wanted if answer.status == CONFLICT else {"add" if add else "remove"}
            removed = removed or (answer.ok and f"old-{number}" in remove)
        return mine, wanted, {f"old-{number}"} if removed else set()

    done = metadata.together(change, range(WRITERS))

    ended = {mine: wanted for mine, wanted, _ in done}
    tags = set(metadata.read(path)["tags"] or [])
    equal(tags & set().union(*(gone for *_, gone in done)), set(), f"{path}: tags there whose removal was acknowledged")
    wrong = {tag for tag, last in ended.items() if (last == {"add"}) != (tag in tags) and last}
    equal(wrong, set(), f"{path}: tags that are not as their last acknowledged change left them")
    assert any(ended.values()), f"{path}/tag/mutate: every change of {WRITERS} clients was a conflict"


@requirement("META-153", needs={"metadata"}, kills=("entity-cached", "task-cached"))
def test_change_of_tags_changes_tags_only(metadata):
    """A change of tags leaves everything else of the run as it was, and of its steps and tasks.

    Why: a run that is written anew when it is tagged loses its heartbeat, or moves to the top of the list.
    """
    place = metadata.new_place("TagsOnly")
    succeeded(metadata.call("POST", f"{place.in_run}/heartbeat", data="{}"))
    paths = (place.in_run, place.in_step, place.in_task)
    before = {path: metadata.read(path) for path in paths}

    succeeded(metadata.retag(place.in_run, {"tags_to_add": ["new"]}))

    for path, found in before.items():
        same(metadata.read(path), {**found, "tags": ["new"]}, f"{path}, after a change of tags")


@requirement("META-154", needs={"metadata"}, kills="registration-loses-tags")
def test_tags_at_registration(metadata):
    """A run keeps the tags and the system tags that it is registered with, each kind apart.

    Why: the user's namespace is a system tag; who mixes the two lets users remove it.
    """
    flow = metadata.new_flow("TagsRegistered")
    tags, system = ["z", "a", "k:v"], ["user:me", "runtime:dev", "metaflow_version:2.19.39", "date:2026-01-01"]
    run = metadata.new_run(flow, tags=tags, system_tags=system)["run_number"]

    for found in (metadata.read(metadata.at(flow, run)), metadata.rows(f"/flows/{flow}/runs").only):
        equal(sorted(found["tags"] or []), sorted(tags), f"{metadata.at(flow, run)}: tags")
        equal(sorted(found["system_tags"] or []), sorted(system), f"{metadata.at(flow, run)}: system_tags")


@requirement("META-155", level="SHOULD", needs={"metadata"}, kills="tags-not-on-steps")
def test_tasks_own_tags_do_not_show(metadata):
    """A step and a task show their run's tags, not the ones that they were registered with.

    Why: they can't be changed, so they would contradict the run after its first change of tags.
    """
    flow = metadata.new_flow("OwnTaskTags")
    run = metadata.new_run(flow, tags=["of the run"])["run_number"]
    step = metadata.at(flow, run, "start")
    body = {"user_name": "mfconf", "tags": ["its own"], "system_tags": ["its:own"]}
    metadata.write(f"{step}/step", body)
    task = metadata.write(f"{step}/task", body)["task_id"]

    for path in (step, f"{step}/tasks/{task}"):
        found = metadata.read(path)
        equal((found["tags"], found["system_tags"]), (["of the run"], []), f"{path}: tags and system tags")


@requirement("META-156", level="SHOULD", needs={"metadata"}, kills="tag-of-both-kinds-refused")
def test_system_tag_is_not_added_twice(metadata):
    """Adding a tag that is a system tag of the run already is taken, and leaves it a system tag only.

    Why: as a user tag it could be removed, and seem gone.
    """
    flow = metadata.new_flow("SystemTagTwice")
    run = metadata.new_run(flow, tags=["mine"], system_tags=["runtime:dev"])["run_number"]
    path = metadata.at(flow, run)

    answer = metadata.retag(path, {"tags_to_add": ["runtime:dev"]})

    succeeded(answer)
    found = metadata.read(path)
    equal((found["tags"], found["system_tags"]), (["mine"], ["runtime:dev"]), f"{path}: tags and system tags")


@requirement(
    "META-157", needs={"metadata"}, kills=("tags-in-lower-case", "tags-removed-by-prefix", "tags-removed-without-case")
)
def test_tags_are_compared_whole(metadata):
    """A tag is removed by its whole text: others that begin with it, or differ in case, stay.

    Why: `v1` and `v10` are different versions of a model.
    """
    flow = metadata.new_flow("WholeTags")
    run = metadata.new_run(flow, tags=["v1", "v10", "V1", "v1 ", "xv1"], system_tags=["v1:s"])["run_number"]
    path = metadata.at(flow, run)

    answer = metadata.retag(path, {"tags_to_remove": ["v1", "v"]})

    succeeded(answer)
    equal(sorted(metadata.read(path)["tags"] or []), sorted(["v10", "V1", "v1 ", "xv1"]), f"{path}: tags")
