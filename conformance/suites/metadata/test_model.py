"""Random histories: the service answers as the model of one does, whatever comes in whichever order."""

from conformance.requirement import requirement


@requirement(
    "META-900",
    needs={"metadata"},
    profile="smoke",
    kills=(
        "attempt-one-first",
        "metadata-of-name-in-all-steps",
        "run-name-of-any-flow",
        "tags-of-first-run",
        "task-of-any-step",
    ),
)
def test_histories_agree_with_the_model(model, evidence):
    """Whatever clients register, change and read one after another, each answer is the one a sound service gives.

    Why: the fixed checks look where somebody thought of looking; a stale cache, a row of another run or a
    list that ends early shows in histories that nobody wrote down. The evidence is a script that replays it.
    """
    found = model.one_after_another()

    if found:
        evidence("replay.sh", found.script)
    assert found is None, found.line


@requirement("META-901", needs={"metadata"}, profile="smoke", kills=("tags-lost-update", "replica-lags"))
def test_nothing_is_lost_at_the_same_time(model, evidence):
    """Of clients that write and read one run at once, none loses what it was told is kept, and no read goes back.

    Why: a foreach registers hundreds of tasks, artifacts and tags at once; a write that is acknowledged and
    lost, or a read from a replica that lags, is a result that silently lacks a part.
    """
    found = model.together()

    if found:
        evidence("replay.sh", found.script)
        evidence("calls.txt", found.record)
    assert found is None, found.line
