"""What a step is given as a secret stays in its process."""

from conformance.requirement import equal, requirement

REMOTE = ("kubernetes", "argo")
NEEDS = {"secrets", "storage"}


@requirement("SEC-110", scenario="attached", on=REMOTE, full_on="argo", needs=NEEDS)
def test_secret_is_in_no_spec(run, cluster, leaks):
    """The value of a step's secret does not stand in the specs of its pods and jobs.

    Why: whoever may list pods would read it; secrets have rights of their own.
    """
    seen = leaks.found(leaks.of_steps(), leaks.in_specs(run, cluster))

    equal(seen, [], f"{run.pathspec}: seen by all who may read pods; a webhook or operator copies secrets into them")


@requirement("SEC-111", profile="full", scenario="attached", on="argo", needs=NEEDS)
def test_secret_is_in_no_workflow(run, argo, leaks):
    """The value of a step's secret stands neither in the workflow template nor in its workflow.

    Why: Argo's server and UI show both to everybody who may read workflows.
    """
    seen = leaks.found(leaks.of_steps(), leaks.in_argo(run, argo))

    equal(seen, [], f"{run.pathspec}: seen by all who may read workflows")


@requirement("SEC-112", scenario="attached", on=REMOTE, full_on="argo", needs=NEEDS)
def test_secret_is_in_no_log(run, leaks):
    """The value of a step's secret is not printed to the task's logs.

    Why: an entry point or a wrapper in the image that prints the environment tells it to everyone who reads logs.
    """
    seen = leaks.found(leaks.of_steps(), leaks.in_logs(run))

    equal(seen, [], f"{run.pathspec}: does the image's entry point, or a sidecar, print the environment?")


@requirement("SEC-113", scenario="attached", on="kubernetes", needs=NEEDS)
def test_secret_is_not_shown_to_the_launcher(run, leaks):
    """The value of a step's secret is not in what the launcher prints.

    Why: CI keeps that output, and shows it to all who may see the project.
    """
    seen = leaks.found(leaks.of_steps(), leaks.in_output(run))

    equal(seen, [], f"{run.pathspec}: does the image's entry point print the environment?")


@requirement("SEC-114", scenario="attached", on=REMOTE, full_on="argo", needs=NEEDS)
def test_secret_is_in_no_object(run, datastore, leaks):
    """The value of a step's secret does not stand in artifacts, code packages or stored logs.

    Why: all who may read the bucket would have it, for as long as the run is kept.
    """
    seen = leaks.found(leaks.of_steps(), leaks.in_store(run, datastore))

    equal(seen, [], f"{run.pathspec}: seen by all who may read the bucket")


@requirement("SEC-115", scenario="attached", on=REMOTE, full_on="argo", needs=NEEDS)
def test_secret_is_in_no_metadata(run, metadata, leaks):
    """The value of a step's secret does not stand in the run's metadata.

    Why: the metadata service and the UI show it to everybody.
    """
    seen = leaks.found(leaks.of_steps(), leaks.in_metadata(run, metadata))

    equal(seen, [], f"{run.pathspec}: shown by the metadata service")


@requirement("SEC-116", scenario="attached", on=REMOTE, full_on="argo", needs=NEEDS)
def test_secret_is_not_in_the_report(run, leaks):
    """The value of a step's secret does not stand in what this run of the harness writes.

    Why: reports are handed on, and CI keeps them. Metaflow, the cluster and Argo are quoted in them.
    """
    seen = leaks.found(leaks.of_steps(), leaks.in_record())

    equal(seen, [], f"after {run.pathspec}: do not hand on this report; which component printed the secret?")
