"""What is attached to a step: secrets and volumes."""

import hashlib

from conformance.requirement import equal, requirement

REMOTE = ("kubernetes", "argo")
NEEDS = {"secrets", "storage"}
ASKED, CONFIGURED = "/mfconf-asked", "/mfconf-configured"


def digest(text):
    """What stands for a secret where the secret itself must not stand."""
    return hashlib.sha256(text.encode()).hexdigest()


@requirement("COMP-140", needs=NEEDS, scenario="attached", on=REMOTE, full_on="argo")
def test_secret_is_in_the_environment(run, session):
    """`@kubernetes(secrets=)`: each key of the secret is an environment variable of the step, with its value.

    Why: this is how steps get at databases and APIs.
    """
    name = session.prop(run.result.launch)

    got = run.task("start")["given"]["secret"]

    assert got, f"{run.pathspec}/start: no variable MFCONF_SECRET from the secret {name}"
    equal(got, digest(f"mfconf-{digest(name)}"), f"{run.pathspec}/start: digest of the value that {name} holds")


@requirement("COMP-141", needs=NEEDS, scenario="attached", on=REMOTE, full_on="argo")
def test_secret_goes_to_its_step_alone(run, cluster, session):
    """A step that does not ask for a secret has it neither in its environment nor in its pod's spec.

    Why: the step that runs somebody else's code is the one that was not given the password.
    """
    name = session.prop(run.result.launch)

    equal(run.task("end")["given"]["secret"], None, f"{run.pathspec}/end: MFCONF_SECRET, for which it does not ask")
    for pod in cluster.pods_of(run, "end"):
        sources = [source.secret_ref.name for source in cluster.main_container(pod).env_from or [] if source.secret_ref]
        assert name not in sources, f"pod {pod.metadata.name} is given the secret {name}, for which it does not ask"


@requirement("COMP-142", needs=NEEDS, scenario="attached", on=REMOTE, full_on="argo")
def test_claim_is_mounted_where_asked(run, cluster, session):
    """`@kubernetes(persistent_volume_claims=)`: the step has the claim's volume at the path it asks for, and no other.

    Why: models and data sets that are too large to copy are read from there.
    """
    judge_volume(run, cluster, session, "start", ASKED)


@requirement("COMP-143", needs=NEEDS, scenario="attached", on=REMOTE, full_on="argo")
def test_claim_is_mounted_where_configured(run, cluster, session):
    """METAFLOW_KUBERNETES_PERSISTENT_VOLUME_CLAIMS are mounted in a step that asks for no claim of its own.

    Why: a cache that all steps share is configured once, not in each flow.
    """
    judge_volume(run, cluster, session, "end", CONFIGURED)


def judge_volume(run, cluster, session, step, path):
    """Judge that a step has the claim at a path, in its pod's spec and in its process."""
    claim = session.prop(run.result.launch)
    for pod in cluster.pods_of(run, step):
        claims = {v.name: v.persistent_volume_claim.claim_name for v in pod.spec.volumes if v.persistent_volume_claim}
        mounts = [m.mount_path for m in cluster.main_container(pod).volume_mounts or [] if claims.get(m.name) == claim]
        equal(mounts, [path], f"pod {pod.metadata.name}: where the claim {claim} is mounted")
    equal(run.task(step)["given"]["volumes"], [path], f"{run.pathspec}/{step}: volumes that its process sees")


@requirement("COMP-144", needs=NEEDS, scenario="attached", on=REMOTE, full_on="argo")
def test_volume_outlives_the_pod(run):
    """What one step writes to a claim's volume the next one reads, in another pod.

    Why: a volume that is new in each pod is a slow way to lose data.
    """
    equal(run.task("end")["note"], "from start", f"{run.pathspec}/end: what step start wrote to the volume")
