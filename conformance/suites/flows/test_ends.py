"""Each scenario ends as it should, on each orchestrator."""

from conformance.requirement import requirement

EVERYWHERE = ("local", "kubernetes", "argo")


def judge(launch):
    """The launch has ended as its scenario says."""
    assert launch.as_expected, launch.explain()


@requirement(
    "FLOW-001",
    profile="smoke",
    scenario="linear",
    on=EVERYWHERE,
    kills=(
        "another-user",
        "bucket-that-is-not-there",
        "clock-an-hour-late",
        "cluster-dns-down",
        "deadline-of-seconds",
        "egress-to-store-closed",
        "image-of-another-architecture",
        "image-that-is-not-there",
        "image-without-python",
        "names-not-resolved",
        "namespace-that-is-not-there",
        "namespace-without-account",
        "namespace-without-secret",
        "node-selector-added",
        "pods-must-be-restricted",
        "preempted-by-priority",
        "python-not-on-the-path",
        "quota-of-no-pods",
        "root-file-system-read-only",
        "secret-reference-lost",
        "secret-that-is-not-there",
        "selector-that-no-node-has",
        "service-inside-given-outside",
        "service-out-of-reach",
        "service-outside-given-inside",
        "sidecar-never-ends",
        "store-inside-given-outside",
        "store-out-of-reach",
        "store-outside-given-inside",
        "taint-without-toleration",
        "workers-cordoned",
    ),
)
def test_linear_ends(launch):
    """Steps in a row run to the end.

    Why: the simplest flow of all; where it fails, nothing else can be judged.
    """
    judge(launch)


@requirement("FLOW-002", scenario="branch", on=EVERYWHERE)
def test_branch_ends(launch):
    """Branches run and meet in a join.

    Why: branches run at the same time and are joined by paths, which schedulers get wrong.
    """
    judge(launch)


@requirement("FLOW-003", scenario="foreach", on=EVERYWHERE)
def test_foreach_ends(launch):
    """A foreach runs one task for each item, and joins them.

    Why: on Argo the number of tasks is an output parameter of the step before.
    """
    judge(launch)


@requirement("FLOW-004", scenario="retry", on=EVERYWHERE)
def test_retry_ends(launch):
    """A step under @retry that fails once is run again, and the run succeeds.

    Why: every team puts @retry on what can be evicted.
    """
    judge(launch)


@requirement("FLOW-005", scenario="parameters", on=EVERYWHERE)
def test_parameters_end(launch):
    """A flow with parameters of every type can be launched with values for them.

    Why: parameters pass through a shell, a template and JSON on their way.
    """
    judge(launch)


@requirement("FLOW-006", scenario="failing", on=EVERYWHERE)
def test_failing_step_fails_the_run(launch):
    """A step that raises fails its run.

    Why: a run that swallows an exception is worse than one that fails.
    """
    judge(launch)
