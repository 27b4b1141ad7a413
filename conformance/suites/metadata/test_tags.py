"""Tags of a run can be changed while it runs and after."""

from concurrent.futures import ThreadPoolExecutor

from conformance.requirement import equal, requirement

TOGETHER = 8
CONFLICT = 409


@requirement("META-050", needs={"metadata"})
def test_tags_mutate(metadata):
    """Tags are removed, then added; one in both lists stays.

    Why: `run.replace_tag` and the command `tag replace` rely on this order.
    """
    flow = metadata.new_flow("Tags")
    run = metadata.new_run(flow, tags=["old", "both"])["run_number"]
    path = f"/flows/{flow}/runs/{run}"

    change = {"tags_to_add": ["new", "both"], "tags_to_remove": ["old", "both"]}
    answer = metadata.patch(f"{path}/tag/mutate", change)

    equal(answer.status, 200, f"{answer.request}: status")
    equal(set(metadata.get(path).json["tags"]), {"new", "both"}, f"{path}: tags")


@requirement("META-051", needs={"metadata"})
def test_system_tags_stay(metadata):
    """Removing a system tag is answered with 422 and changes nothing.

    Why: system tags say which Metaflow version and runtime made the run.
    """
    flow = metadata.new_flow("SystemTags")
    run = metadata.new_run(flow, tags=["mine"], system_tags=["runtime:dev"])["run_number"]
    path = f"/flows/{flow}/runs/{run}"

    answer = metadata.patch(f"{path}/tag/mutate", {"tags_to_remove": ["runtime:dev", "mine"]})

    equal(answer.status, 422, f"{answer.request}: status")
    found = metadata.get(path).json
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

    with ThreadPoolExecutor(TOGETHER) as pool:
        answers = list(pool.map(add, range(2 * TOGETHER)))

    odd = [answer for answer in answers if answer.status not in (200, CONFLICT)]
    assert not odd, f"a tag mutation is answered with neither 200 nor 409: {odd[0]}"
    acknowledged = {f"tag-{number}" for number, answer in enumerate(answers) if answer.status != CONFLICT}
    assert acknowledged, f"{path}/tag/mutate: every one of {len(answers)} concurrent additions was a conflict"
    lost = acknowledged - set(metadata.get(path).json["tags"])
    equal(lost, set(), f"{path}: acknowledged tags that are not there")


@requirement("META-053", needs={"metadata"})
def test_tags_reach_tasks(metadata):
    """Steps and tasks show their run's tags, also those added later.

    Why: the client filters steps and tasks by tag; tags belong to the run since service 2.3.0.
    """
    flow = metadata.new_flow("Grafted")
    run = metadata.new_run(flow)["run_number"]
    path = f"/flows/{flow}/runs/{run}"
    metadata.new_step(flow, run, "start")
    task = metadata.new_task(flow, run, "start")["task_id"]
    metadata.patch(f"{path}/tag/mutate", {"tags_to_add": ["later"]})

    for below in (f"{path}/steps/start", f"{path}/steps/start/tasks/{task}"):
        equal(metadata.get(below).json["tags"], ["later"], f"{below}: tags")
