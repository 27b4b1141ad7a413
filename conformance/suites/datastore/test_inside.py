"""The store as seen from inside a step."""

from conformance.requirement import equal, requirement

REMOTE = ("kubernetes", "argo")


@requirement("STOR-020", scenario="linear", on=REMOTE)
def test_step_reads_what_a_step_wrote(run):
    """A step reads the artifacts of the step before it.

    Why: each step is a pod of its own; only the store connects them.
    """
    seen = run.task("end")["seen"]

    equal(seen, {"number": 7, "words": "héllo, wörld 🌍", "length": 256 * 4096}, "what the step end read of start")


@requirement("STOR-021", scenario="linear", on=REMOTE)
def test_absent_key_inside_a_step(run):
    """Inside a step, Metaflow's S3 reads back what it wrote and finds an absent key absent.

    Why: the task's identity often has another policy than the user's: without s3:ListBucket, absent keys
    look forbidden.
    """
    start = run.task("start")

    equal(start["read_back"], "written where the step runs", "an object written and read with S3(run=self)")
    assert not start["absent"], f"{run.pathspec}/start: an absent key counts as present"
