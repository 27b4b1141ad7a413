"""Where and as whom a step runs."""

from conformance.requirement import equal, requirement

REMOTE = ("kubernetes", "argo")


@requirement("COMP-001", profile="smoke", scenario="linear", on=REMOTE, kills="step-hostname-replaced")
def test_step_runs_in_a_pod_of_its_own(run, cluster):
    """Each task runs in a pod of its own, in the namespace that is configured.

    Why: quotas, network policies and bills hang on the namespace.
    """
    pods = [pod.metadata.name for pod in cluster.pods_of(run)]

    told = [name for task in run.tasks() for name in task.values("kubernetes-pod-namespace")]
    equal(set(told), {cluster.namespace}, f"{run.pathspec}: namespaces that the tasks name")
    hosts = {task["where"]["host"] for task in run.steps["start"]}
    assert hosts <= set(pods), f"{run.pathspec}: step start ran on host {hosts}, which is none of its pods {pods}"


@requirement("COMP-002", scenario="linear", on=REMOTE, kills="account-replaced")
def test_service_account(run, cluster, session):
    """Pods run under the service account that is configured.

    Why: it carries the right to the bucket; under another one, steps get in where they should not, or fail.
    """
    want = session.config.get("METAFLOW_KUBERNETES_SERVICE_ACCOUNT") or "default"

    for pod in cluster.pods_of(run):
        equal(pod.spec.service_account_name, want, f"pod {pod.metadata.name}: service account")


@requirement("COMP-003", scenario="linear", on=REMOTE, kills=("annotations-lost", "labels-lost"))
def test_pod_says_whose_it_is(run, cluster):
    """Pods carry Metaflow's labels, and annotations that name flow and step.

    Why: cost reports, network policies and the people on call find a pod's owner by them.
    """
    for step in ("start", "end"):
        for pod in cluster.pods_of(run, step):
            notes = pod.metadata.annotations or {}
            where = f"pod {pod.metadata.name}"
            equal(pod.metadata.labels.get("app.kubernetes.io/part-of"), "metaflow", f"{where}: label part-of")
            equal(notes.get("metaflow/flow_name"), "MfconfLinear", f"{where}: annotation metaflow/flow_name")
            equal(notes.get("metaflow/step_name"), step, f"{where}: annotation metaflow/step_name")


@requirement(
    "COMP-004",
    needs={"kubernetes"},
    profile="smoke",
    kills=("account-that-is-not-there", "namespace-without-account"),
)
def test_service_account_exists(cluster, session):
    """The service account that is configured for steps exists.

    Why: without it no pod is created, and Metaflow waits without a word.
    """
    name = session.config.get("METAFLOW_KUBERNETES_SERVICE_ACCOUNT") or "default"

    assert cluster.service_account(name), f"namespace {cluster.namespace} has no service account {name!r}"
