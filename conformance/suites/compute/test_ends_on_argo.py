"""How steps end where Argo runs and retries them."""

from conformance.requirement import equal, requirement


def messages(argo, run, step):
    """What Argo says of each attempt of a step, in order."""
    nodes = [node for node in argo.pods(run.id) if node["templateName"] == step]
    return [node.get("message", "") for node in sorted(nodes, key=lambda node: node["startedAt"])]


@requirement("COMP-210", profile="full", scenario="ends", on="argo")
def test_workflow_goes_on_after_ends_of_every_kind(launch):
    """A workflow goes on after steps that end with a code, a signal, an exception or no time left.

    Why: @retry and @catch are a promise that such an end is the step's alone; here Argo keeps it.
    """
    assert launch.as_expected, launch.explain()


@requirement("COMP-211", profile="full", scenario="ends", on="argo")
def test_nodes_tell_exit_codes(run, argo):
    """The workflow's nodes tell with which code each attempt ended.

    Why: nobody watches the launcher of a run that was triggered by a schedule.
    """
    told = messages(argo, run, "crashes")

    for number, code in enumerate(("(exit code 3)", "(exit code 139)")):
        assert code in (told[number : number + 1] or [""])[0], f"{run.id}/crashes: attempt {number}: {code} of {told}"


@requirement("COMP-212", profile="full", scenario="ends", on="argo")
def test_attempts_of_a_workflow_have_logs_of_their_own(run):
    """Each attempt that Argo makes keeps what it printed before it ended, apart from the other attempts.

    Why: the attempt's number is handed on in Argo's template; if it is lost, all write to the first one's log.
    """
    crashes = run.task("crashes")

    equal(crashes.attempts, [0, 1, 2], f"{crashes.pathspec}: attempts")
    for number in crashes.attempts:
        lines = [line for line in crashes.attempt(number).stdout.splitlines() if line.startswith("this is attempt")]
        equal(lines, [f"this is attempt {number}"], f"{crashes.pathspec}, attempt {number}: its lines in its log")


@requirement("COMP-213", profile="full", scenario="ends", on="argo")
def test_time_limit_holds_in_a_workflow(run, argo):
    """Argo ends a step whose time (@timeout) is up, and says so; @catch tells the steps after it.

    Why: a step that hangs holds its node, and its workflow, for five days otherwise.
    """
    told, caught = messages(argo, run, "hangs"), run.task("join")["caught"]["hangs"]

    assert "timed out" in caught or "execution environment" in caught, f"{run.pathspec}/hangs: caught {caught!r}"
    assert told, f"{run.id}/hangs: no node"
    assert "deadline" in told[0] or "timed out" in caught, f"{run.id}/hangs: nobody says that its time was up: {told}"
