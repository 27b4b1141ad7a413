"""What finished runs leave behind for their users."""

from conformance.requirement import equal, requirement

EVERYWHERE = ("local", "kubernetes", "argo")


@requirement("FLOW-010", scenario="linear", on=EVERYWHERE)
def test_artifacts_survive(run):
    """Artifacts of every kind come back as they were.

    Why: an artifact is what a run is for.
    """
    start = run.task("start")

    equal(start["number"], 7, "a number")
    equal(start["nothing"], None, "None")
    equal(start["words"], "héllo, wörld 🌍", "unicode text")
    equal(
        start["nested"],
        {"list": [1, 2.5, None, {"k": "v"}], "tuple": (1, "a"), "set": {1, 2, 3}},
        "nested containers",
    )
    assert start["megabyte"] == bytes(range(256)) * 4096, "a megabyte of bytes came back changed"


@requirement("FLOW-011", scenario="linear", on=EVERYWHERE)
def test_log_is_kept(run):
    """What a step prints is in its log, letters with accents too.

    Why: the log is the first thing that anyone reads.
    """
    log = run.task("start").stdout

    assert "a line for the log: grüße" in log, f"{run.pathspec}/start: the printed line is not in the log {log!r}"


@requirement("FLOW-012", scenario="branch", on=EVERYWHERE)
def test_branches_are_merged(run):
    """A join sees each branch's own artifacts, and merges what does not conflict.

    Why: inputs mixed up give wrong results without any error.
    """
    join, end = run.task("join"), run.task("end")

    equal(join["sides"], ["left", "right"], "sides seen by the join")
    equal(join["common"], "from start", "an artifact that both branches inherit")
    equal(end["both"], [1, 2], "artifacts that only one branch has")


@requirement("FLOW-013", scenario="foreach", on=EVERYWHERE)
def test_foreach_collects_all(run):
    """A foreach gives each task its item and index, and the join all of them.

    Why: an item run twice, or not at all, gives wrong results without any error.
    """
    items = {(task["position"], task["item"]) for task in run.steps["work"]}

    equal(items, {(0, "a"), (1, "b"), (2, "ü")}, "index and item of the tasks")
    equal(sorted(run.task("join")["collected"]), [(0, "a"), (1, "b"), (2, "ü")], "what the join collected")


@requirement("FLOW-014", scenario="parameters", on=EVERYWHERE)
def test_parameters_arrive(run):
    """Parameters arrive with value and type; those not given have their default.

    Why: quotes and JSON are lost where a shell or a template comes between.
    """
    want = [42, 'it\'s "two" words', 0.25, True, {"deep": [1, 2, {"x": "y"}]}, 99]

    equal(run.task("end")["seen"], want, "parameters as the last step sees them")


@requirement("FLOW-015", scenario="retry", on=EVERYWHERE)
def test_attempts_are_kept_apart(run):
    """A retried task has attempts 0 and 1, and shows the artifacts of the second.

    Why: a backend that loses the attempt number retries forever, or never.
    """
    task = run.task("start")

    equal(task.attempts, [0, 1], "attempts on record")
    equal(task["attempt"], 1, "current.retry_count of the attempt that is shown")
    equal(run.task("end")["inherited"], 1, "what the next step inherits")


@requirement("FLOW-016", scenario="retry", on=EVERYWHERE)
def test_logs_of_attempts_are_kept_apart(run):
    """Each attempt has its own log.

    Why: the log of the attempt that failed says why.
    """
    task = run.task("start")

    for number in (0, 1):
        log = task.attempt(number).stdout
        assert f"this is attempt {number}" in log, f"{task.pathspec}: the log of attempt {number} is {log!r}"
        assert f"this is attempt {1 - number}" not in log, f"{task.pathspec}: the logs of the attempts are mixed"


@requirement("FLOW-017", scenario="failing", on=EVERYWHERE)
def test_failure_is_told(run):
    """Of a step that raised, the log has the exception and the task is not successful.

    Why: users see what went wrong through the client, long after the pod is gone.
    """
    task = run.task("start")

    assert not task.successful, f"{task.pathspec} raised, but counts as successful"
    assert "this step fails on purpose" in task.stderr, f"{task.pathspec}: the exception is not in {task.stderr!r}"
