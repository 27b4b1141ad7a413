"""A step under @retry whose node is drained, or lost."""

from conformance.requirement import requirement
from conformance.suites.compute.again import assert_ran_again, assert_told

DRAIN, POWER = {"disposable-node", "evict"}, {"disposable-node", "node-power"}


@requirement("COMP-260", profile="full", needs=DRAIN, scenario="drained", on="kubernetes")
def test_run_survives_a_drain(launch):
    """A run whose node is drained amid a step succeeds, where the step is under @retry.

    Why: every upgrade of a node group drains its nodes one after the other.
    """
    assert launch.as_expected, launch.explain()


@requirement("COMP-261", profile="full", needs=DRAIN, scenario="drained", on="kubernetes")
def test_drained_step_runs_again(run):
    """A step whose node was drained runs again with the same inputs, as soon as a node takes it.

    Why: the work of the first attempt is lost, what came before it must not be.
    """
    assert_ran_again(run)


@requirement("COMP-265", profile="full", needs=POWER, scenario="lost", on="kubernetes")
def test_run_survives_a_lost_node(launch):
    """A run whose node is lost amid a step succeeds, where the step is under @retry.

    Why: no kubelet tells how such a pod ended; who waits for its word waits for ever.
    """
    assert launch.as_expected, launch.explain()


@requirement("COMP-266", profile="full", needs=POWER, scenario="lost", on="kubernetes")
def test_lost_step_runs_again(run):
    """A step whose node was lost runs again with the same inputs, as soon as a node takes it.

    Why: an attempt number that is lost with the node makes a second first attempt, which overwrites the logs.
    """
    assert_ran_again(run)


@requirement("COMP-267", profile="full", needs=POWER, scenario="lost", on="kubernetes")
def test_lost_attempt_is_told(run):
    """The launcher tells that the attempt on the lost node failed.

    Why: a run that takes minutes longer without a word is reported as slow.
    """
    assert_told(run)
