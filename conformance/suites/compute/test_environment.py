"""What surrounds a step's process."""

from conformance.requirement import equal, requirement

REMOTE = ("kubernetes", "argo")


@requirement("COMP-020", scenario="linear", on=REMOTE, kills="service-url-replaced")
def test_service_url_inside(run, session):
    """Inside a pod, the metadata service has the internal URL, where one is configured.

    Why: the address that users have is often not reachable from the cluster, or costs a detour.
    """
    config = session.config
    want = config.get("METAFLOW_SERVICE_INTERNAL_URL") or config["METAFLOW_SERVICE_URL"]

    got = run.task("start")["where"]["metaflow"].get("METAFLOW_SERVICE_URL")

    equal(got, want, f"{run.pathspec}/start: METAFLOW_SERVICE_URL inside the pod")


@requirement("COMP-021", scenario="linear", on=REMOTE, kills="credentials-in-plain-sight")
def test_secrets_arrive_unseen(run, cluster, session):
    """Configured Kubernetes secrets are given to the step by reference, never as values in the pod's spec.

    Why: whoever may list pods would read them.
    """
    wanted = set(filter(None, session.config.get("METAFLOW_KUBERNETES_SECRETS", "").split(",")))

    for pod in cluster.pods_of(run, "start"):
        container = cluster.main_container(pod)
        given = {source.secret_ref.name for source in container.env_from or [] if source.secret_ref}
        equal(wanted - given, set(), f"pod {pod.metadata.name}: configured secrets that are not given to it")
        plain = {variable.name for variable in container.env or [] if variable.value}
        seen = plain & {"AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"}
        equal(seen, set(), f"pod {pod.metadata.name}: credentials in plain sight in its spec")
