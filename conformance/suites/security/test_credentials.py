"""Keys of the launcher and of the metadata service stay out of what a run leaves behind."""

from conformance.requirement import equal, requirement

REMOTE = ("kubernetes", "argo")


@requirement("SEC-120", scenario="linear", on=REMOTE, kills="credentials-in-plain-sight")
def test_launcher_keys_are_in_no_pod(run, cluster, leaks):
    """The launcher's own keys do not stand in the specs of pods and jobs.

    Why: a step has an identity of its own; a launcher's key in a pod's environment is read by whoever may list pods.
    """
    seen = leaks.found(leaks.of_launcher(), leaks.in_specs(run, cluster))

    equal(seen, [], f"{run.pathspec}: seen by all who may read pods; give steps a role, or METAFLOW_KUBERNETES_SECRETS")


@requirement("SEC-121", scenario="linear", on="argo")
def test_launcher_keys_are_in_no_workflow(run, argo, leaks):
    """The launcher's own keys do not stand in the workflow template, nor in its workflows.

    Why: a template lives for years, and is what people show each other.
    """
    seen = leaks.found(leaks.of_launcher(), leaks.in_argo(run, argo))

    equal(seen, [], f"{run.pathspec}: seen by all who may read workflows; give steps METAFLOW_KUBERNETES_SECRETS")


@requirement("SEC-122", scenario="linear", on=REMOTE, kills="agent-prints-environment")
def test_keys_are_in_no_object(run, datastore, leaks):
    """Neither the launcher's keys nor the metadata service's stand in artifacts, code packages or stored logs.

    Why: all who may read the bucket would have them, for as long as the run is kept.
    """
    secrets = [*leaks.of_launcher(), *leaks.of_service()]

    seen = leaks.found(secrets, leaks.in_store(run, datastore))

    equal(seen, [], f"{run.pathspec}: remove these objects and renew the key")


@requirement("SEC-123", scenario="linear", on=REMOTE)
def test_keys_are_in_no_record(run, metadata, leaks):
    """Neither the launcher's keys nor the metadata service's stand in the run's metadata.

    Why: the metadata service and the UI show it to everybody.
    """
    secrets = [*leaks.of_launcher(), *leaks.of_service()]

    seen = leaks.found(secrets, leaks.in_metadata(run, metadata))

    equal(seen, [], f"{run.pathspec}: shown by the metadata service; renew the key")


@requirement("SEC-124", level="SHOULD", scenario="linear", on=REMOTE)
def test_service_key_is_in_no_pod(run, cluster, leaks):
    """The metadata service's key does not stand in the specs of pods and jobs.

    Why: who may list pods can then write metadata of any flow. Metaflow 2.19 itself puts it there, as
    METAFLOW_SERVICE_HEADERS (kubernetes.py, argo_workflows.py), so confine who may read pods and workflows.
    """
    seen = leaks.found(leaks.of_service(), leaks.in_specs(run, cluster))

    hint = "confine who may get or list pods and jobs, or authenticate at a proxy by the pod's own identity"
    equal(seen, [], f"{run.pathspec}: {hint}")


@requirement("SEC-125", scenario="linear", on=REMOTE)
def test_keys_are_not_in_the_report(run, leaks):
    """Neither the launcher's keys nor the metadata service's stand in what this run of the harness writes.

    Why: reports are handed on, and CI keeps them. Metaflow, the cluster and Argo are quoted in them.
    """
    secrets = [*leaks.of_launcher(), *leaks.of_service()]

    seen = leaks.found(secrets, leaks.in_record())

    equal(seen, [], f"after {run.pathspec}: do not hand on this report; which component printed the key?")
