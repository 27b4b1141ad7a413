"""Tags of a run can be changed while it runs and after."""

from conformance.requirement import equal, requirement
from conformance.suites.metadata.bodies import succeeded

CONFLICT = 409


@requirement(
    "META-050",
    needs={"metadata"},
    kills=("proxy-refuses-patch", "tags-add-before-remove", "tags-answer-is-empty", "tags-answer-is-old"),
)
def test_tags_mutate(metadata):
    """Tags are removed, then added; one in both lists stays. The answer tells the tags as they are then.

    Why: `run.replace_tag` and the command `tag replace` rely on this order, and show what the answer tells.
    """
    flow = metadata.new_flow("Tags")
    run = metadata.new_run(flow, tags=["old", "both"])["run_number"]
    path = f"/flows/{flow}/runs/{run}"

    change = {"tags_to_add": ["new", "both"], "tags_to_remove": ["old", "both"]}
    answer = metadata.retag(path, change)

    succeeded(answer)
    equal(sorted(answer.json["tags"] or []), ["both", "new"], f"{answer.request}: tags in the body")
    equal(sorted(metadata.read(path)["tags"] or []), ["both", "new"], f"{path}: tags")


@requirement(
    "META-051",
    needs={"metadata"},
    kills=("system-tags-removable", "system-tags-silently-kept", "tags-partly-on-refusal", "tags-removed-on-refusal"),
)
def test_system_tags_stay(metadata):
    """A change that removes a system tag is answered with 422, and nothing of it is done.

    Why: system tags say which Metaflow version and runtime made the run; the client gives up on 422 and
    tells its user that nothing has changed.
    """
    flow = metadata.new_flow("SystemTags")
    run = metadata.new_run(flow, tags=["mine"], system_tags=["runtime:dev"])["run_number"]
    path = f"/flows/{flow}/runs/{run}"

    change = {"tags_to_add": ["new"], "tags_to_remove": ["runtime:dev", "mine"]}
    answer = metadata.retag(path, change)

    equal(answer.status, 422, f"{answer.request}: status")
    found = metadata.read(path)
    equal((found["tags"], found["system_tags"]), (["mine"], ["runtime:dev"]), f"{path}: tags and system tags")


@requirement("META-052", needs={"metadata"}, kills="tags-lost-update")
def test_concurrent_tags_are_not_lost(metadata):
    """Of tags added at the same time, every one that was acknowledged is there afterwards.

    Why: a foreach that tags its run does this from many tasks at once; 409 is a conflict the client retries.
    """
    flow = metadata.new_flow("ConcurrentTags")
    run = metadata.new_run(flow)["run_number"]
    path = f"/flows/{flow}/runs/{run}"

    def add(number):
        return metadata.patch(f"{path}/tag/mutate", {"tags_to_add": [f"tag-{number}"]})

    answers = metadata.together(add, range(40))

    odd = [answer for answer in answers if answer.meant not in (200, CONFLICT)]
    assert not odd, f"a tag mutation is answered with neither success nor 409: {odd[0]}"
    acknowledged = {f"tag-{number}" for number, answer in enumerate(answers) if answer.status != CONFLICT}
    assert acknowledged, f"{path}/tag/mutate: every one of {len(answers)} concurrent additions was a conflict"
    lost = acknowledged - set(metadata.read(path)["tags"] or [])
    equal(lost, set(), f"{path}: acknowledged tags that are not there")


@requirement("META-053", needs={"metadata"}, kills=("system-tags-hidden", "tags-not-in-listings", "tags-not-on-tasks"))
def test_tags_reach_tasks(metadata):
    """Steps and tasks show their run's tags, also those added later, alone and in lists.

    Why: the client filters steps and tasks by tag; tags belong to the run since service 2.3.0.
    """
    flow = metadata.new_flow("Grafted")
    run = metadata.new_run(flow, tags=["early"], system_tags=["runtime:dev"])["run_number"]
    path = f"/flows/{flow}/runs/{run}"
    metadata.new_step(flow, run, "start")
    task = metadata.new_task(flow, run, "start")["task_id"]
    metadata.retag(path, {"tags_to_add": ["later"], "tags_to_remove": ["early"]})

    for below in (f"{path}/steps/start", f"{path}/steps/start/tasks/{task}"):
        found = metadata.read(below)
        equal((found["tags"], found["system_tags"]), (["later"], ["runtime:dev"]), f"{below}: tags and system tags")
    for below in (f"{path}/steps", f"{path}/steps/start/tasks"):
        found = metadata.rows(below).only
        equal((found["tags"], found["system_tags"]), (["later"], ["runtime:dev"]), f"{below}: tags and system tags")


@requirement("META-054", needs={"metadata"}, kills="tags-unchecked")
def test_malformed_tags_change_nothing(metadata):
    """Tags that are no list, or no strings, are refused with 400 and change nothing.

    Why: the client gives up at once on 400, and tries ten times on anything else.
    """
    flow = metadata.new_flow("MalformedTags")
    run = metadata.new_run(flow, tags=["mine"])["run_number"]
    path = f"/flows/{flow}/runs/{run}"

    for change in (
        {"tags_to_add": "new"},
        {"tags_to_remove": "mine"},
        {"tags_to_add": {"new": 1}},
        {"tags_to_add": ["new", 7]},
        {"tags_to_add": ["new"], "tags_to_remove": [None]},
        {"tags_to_add": [["new"]], "tags_to_remove": ["mine"]},
    ):
        answer = metadata.retag(path, change)
        equal(answer.status, 400, f"{answer.request} with {change}: status")
    equal(metadata.read(path)["tags"], ["mine"], f"{path}: tags after what was refused")


@requirement("META-055", needs={"metadata"}, kills="tags-of-missing-run")
def test_tags_of_a_missing_run(metadata):
    """A change of tags of a run that is not there is answered with 404.

    Why: an acknowledgement would be a lie.
    """
    flow = metadata.new_flow("TagsOfMissing")

    for run in (999999999, "argo-nothing"):
        answer = metadata.retag(metadata.at(flow, run), {"tags_to_add": ["new"]})
        equal(answer.status, 404, f"{answer.request}: status")


@requirement("META-056", needs={"metadata"}, kills=("tags-removal-is-strict", "tags-repeated", "tags-replaced"))
def test_tags_are_a_set(metadata):
    """A tag that is added again is there once; one that is removed though it is not there changes nothing.

    Why: the client retries a change whose answer it missed.
    """
    flow = metadata.new_flow("TagSet")
    run = metadata.new_run(flow, tags=["a"])["run_number"]
    path = f"/flows/{flow}/runs/{run}"

    for change in ({"tags_to_add": ["a", "b", "b"]}, {"tags_to_add": ["b"]}, {"tags_to_remove": ["nothing"]}):
        answer = metadata.retag(path, change)
        succeeded(answer)
        equal(sorted(answer.json["tags"] or []), ["a", "b"], f"{answer.request} with {change}: tags in the body")
    equal(sorted(metadata.read(path)["tags"] or []), ["a", "b"], f"{path}: tags")


@requirement("META-057", needs={"metadata"}, kills=("tags-by-number-only", "tags-patch-refused"))
def test_tags_of_a_named_run(metadata):
    """The tags of a named run are changed by its name.

    Why: a run on Argo is known to its users by nothing else.
    """
    place = metadata.new_place("TagsOfNamed", run="argo-tagged", task="t-tagged")

    answer = metadata.retag(place.in_run, {"tags_to_add": ["new"]})

    succeeded(answer)
    for path in (place.in_run, place.in_step, place.in_task):
        equal(metadata.read(path)["tags"], ["new"], f"{path}: tags")


@requirement("META-058", needs={"metadata"}, kills="tags-split-at-commas")
def test_tags_that_hurt(metadata):
    """Tags with quotes, commas, colons, slashes, other scripts and 500 characters are kept and removed as they are.

    Why: the client allows any text of up to 500 characters (metaflow: tagging_util.py).
    """
    flow = metadata.new_flow("TagsThatHurt")
    tags = ["it's", 'a "b"', "a,b", "k:v:w", "a/b", "a\\b", "{a}", "[1]", "null", "ünï", "🌍", "שלום", " a ", "x" * 500]
    run = metadata.new_run(flow, tags=tags[:5])["run_number"]
    path = f"/flows/{flow}/runs/{run}"

    metadata.retag(path, {"tags_to_add": tags})
    equal(sorted(metadata.read(path)["tags"] or []), sorted(tags), f"{path}: tags")

    metadata.retag(path, {"tags_to_remove": tags[1:]})
    equal(metadata.read(path)["tags"], tags[:1], f"{path}: tags after all but one were removed")


@requirement("META-059", needs={"metadata"}, kills="tags-cut-at-10")
def test_fifty_tags(metadata):
    """A run keeps fifty tags, given when it is registered or added later.

    Why: fifty are what the client allows (metaflow: tagging_util.py).
    """
    flow = metadata.new_flow("FiftyTags")
    tags = sorted(f"tag-{number}" for number in range(50))
    early, late = (metadata.new_run(flow, tags=given)["run_number"] for given in (tags, []))

    metadata.retag(metadata.at(flow, late), {"tags_to_add": tags})

    for run in (early, late):
        equal(sorted(metadata.read(metadata.at(flow, run))["tags"] or []), tags, f"{metadata.at(flow, run)}: tags")
