"""What a step asks for that few clusters have: judged on what Metaflow hands to the cluster, as no node can take it."""

from conformance.requirement import equal, requirement

POOL, EXTENDED, GPU = "outerbounds.co/compute-pool", "mfconf.dev/none", "amd.com/gpu"


@requirement("COMP-130", scenario="pool", on="kubernetes")
def test_compute_pool(run, cluster):
    """`@kubernetes(compute_pool=)` is a node selector, outerbounds.co/compute-pool.

    Why: it is how a step names the machines that it is for.
    """
    for job in cluster.jobs_of(run):
        selector = job.spec.template.spec.node_selector or {}
        equal(selector.get(POOL), "mfconf-none", f"job {job.metadata.name}: selector {POOL}")


@requirement("COMP-131", scenario="pool", on="kubernetes")
def test_extended_resources(run, cluster):
    """`@kubernetes(extended_resources=)`: the step requests them, and is limited to them.

    Why: devices that are no GPU, as network cards and accelerators, are given by these names.
    """
    for job in cluster.jobs_of(run):
        resources = job.spec.template.spec.containers[0].resources
        got = [(group or {}).get(EXTENDED) for group in (resources.requests, resources.limits)]
        equal(got, ["2", "2"], f"job {job.metadata.name}: request and limit of {EXTENDED}")


@requirement("COMP-132", scenario="pool", on="kubernetes")
def test_gpu_of_a_vendor(run, cluster):
    """`@kubernetes(gpu=, gpu_vendor="amd")` is a limit of amd.com/gpu, and of no other vendor's.

    Why: a limit under the wrong name waits for a GPU that the cluster does not have.
    """
    for job in cluster.jobs_of(run):
        limits = job.spec.template.spec.containers[0].resources.limits or {}
        got = {name: count for name, count in limits.items() if name.endswith("/gpu")}
        equal(got, {GPU: "3"}, f"job {job.metadata.name}: limits of GPUs")


@requirement("COMP-133", scenario="pool", on="kubernetes")
def test_image_and_account(run, cluster):
    """Image, pull policy and service account that a step gives in `@kubernetes` win over the configured ones.

    Why: a step with packages or rights of its own does not work in the image, or as the account, of all others.
    """
    for job in cluster.jobs_of(run):
        spec = job.spec.template.spec
        image = spec.containers[0].image
        assert image.endswith("-none"), f"job {job.metadata.name}: image {image}, not the one with -none that was asked"
        equal(spec.containers[0].image_pull_policy, "Always", f"job {job.metadata.name}: image pull policy")
        equal(spec.service_account_name, "default", f"job {job.metadata.name}: service account")


@requirement("COMP-134", needs={"client", "kubernetes", "argo"})
def test_template_of_a_pool(argo):
    """On Argo too, compute pool, resources, vendor, image, pull policy and account are those of the step.

    Why: Metaflow writes Argo's templates in another place than jobs; what is lost there is lost in production alone.
    """
    steps = deployed(argo)
    container = steps["start"]["container"]
    limits = container["resources"]["limits"]

    got = {
        "pool": steps["start"].get("nodeSelector", {}).get(POOL),
        "extended": [container["resources"][kind].get(EXTENDED) for kind in ("requests", "limits")],
        "gpu": {key: count for key, count in limits.items() if key.endswith("/gpu")},
        "image": container["image"].endswith("-none"),
        "policy": container.get("imagePullPolicy"),
        "account": steps["start"].get("serviceAccountName"),
    }

    want = {
        "pool": "mfconf-none",
        "extended": ["2", "2"],
        "gpu": {GPU: "3"},
        "image": True,
        "policy": "Always",
        "account": "default",
    }
    equal(got, want, "workflow template of the scenario pool: what its steps ask for")


def deployed(argo):
    """The templates of the scenario's steps, by name, in a workflow template that was just made and never runs."""
    name = argo.session.template("pool")
    made = argo.command("pool", "create", name=name)
    equal(made.returncode, 0, f"argo-workflows create: exit code; it says: {made.stderr[-300:]}")
    found = argo.template(name)
    assert found, f"no workflow template {name} after argo-workflows create"
    return {entry["name"]: entry for entry in found["spec"]["templates"]}
