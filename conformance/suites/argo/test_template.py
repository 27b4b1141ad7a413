"""Deploying a flow: its workflow template, and who may change it."""

from conformance.requirement import equal, requirement


@requirement("ARGO-001", profile="smoke", scenario="linear", on="argo")
def test_template_is_created(launch, argo):
    """`argo-workflows create` makes a workflow template that names its flow, owner and production token.

    Why: the template is the deployment; schedules, triggers and other users start from it.
    """
    assert launch.template, launch.explain()
    template = argo.template(launch.template)

    assert template, f"no workflow template {launch.template} in {argo.namespace} after argo-workflows create"
    notes = template["metadata"]["annotations"]
    equal(notes.get("metaflow/flow_name"), "MfconfLinear", f"template {launch.template}: metaflow/flow_name")
    for name in ("metaflow/owner", "metaflow/production_token"):
        assert notes.get(name), f"template {launch.template}: annotation {name} is missing"


@requirement("ARGO-002", scenario="linear", on="argo")
def test_other_user_needs_the_token(run, argo):
    """Another user can't deploy over a flow without its production token.

    Why: the token is what keeps one team from replacing another's production flow by accident.
    """
    before = argo.template(run.result.template)["metadata"]["annotations"]

    done = argo.command("linear", "create", user="somebody-else")

    said = done.stdout + done.stderr
    assert done.returncode != 0, f"another user deployed over {run.result.template} without its token: {said[-300:]}"
    assert "token" in said.lower(), f"the refusal does not speak of the production token: {said[-500:]}"
    after = argo.template(run.result.template)["metadata"]["annotations"]
    equal(after["metaflow/owner"], before["metaflow/owner"], f"owner of {run.result.template}")


@requirement("ARGO-003", needs={"client", "kubernetes", "argo"})
def test_deleted_template_is_gone(argo):
    """`argo-workflows delete` removes the workflow template that `create` made.

    Why: a template that stays goes on being triggered by its schedule or sensor.
    """
    name = argo.session.template("to-delete")
    made = argo.command("linear", "create", name=name)
    equal(made.returncode, 0, f"argo-workflows create: exit code; it says: {made.stderr[-300:]}")
    assert argo.template(name), f"no workflow template {name} after argo-workflows create"

    done = argo.command("linear", "delete", name=name)

    equal(done.returncode, 0, f"argo-workflows delete: exit code; it says: {done.stderr[-300:]}")
    assert argo.template(name) is None, f"the workflow template {name} is still there after argo-workflows delete"
