"""What a task prints."""

from conformance.requirement import requirement


@requirement("FLOW-018", scenario="linear", on=("local", "kubernetes", "argo"))
def test_streams_are_apart(run):
    """What a step writes to stderr is in its stderr log, and not in its stdout log.

    Why: programs parse stdout; tools that warn on stderr must not break them.
    """
    start = run.task("start")

    assert "a line on stderr" in start.stderr, f"{start.pathspec}: not in the stderr log {start.stderr!r}"
    assert "a line on stderr" not in start.stdout, f"{start.pathspec}: stderr is mixed into the stdout log"
