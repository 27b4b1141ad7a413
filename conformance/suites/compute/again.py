"""A step ``work`` whose first attempt lost its pod, and that ran again."""

from conformance.requirement import equal


def assert_ran_again(run):
    """It ran once more, as the next attempt, in another pod, with the same inputs."""
    work = run.task("work")

    equal(work.attempts, [0, 1], f"{work.pathspec}: attempts")
    equal(work["received"], run.task("start")["token"], f"{work.pathspec}: what it was given by step start")
    equal(len(set(work.pods)), 2, f"{work.pathspec}: different pods named by its two attempts, {work.pods}")


def assert_told(run):
    """The launcher told of the attempt that was lost."""
    said = run.result.output()

    assert "Kubernetes error:" in said, f"{run.pathspec}: no word of the lost attempt; it says: {said[-500:]}"
