"""What launchers and pods may do on the cluster."""

from conformance.requirement import requirement

OTHERS = {"kubernetes", "argo", "rights-of-others"}
ON_ARGO = {"scenario": "linear", "on": "argo"}


def listed(lines):
    """Findings in one sentence, each with what it costs."""
    return "; ".join(lines)


@requirement("SEC-001", needs={"kubernetes"}, profile="smoke")
def test_launcher_has_its_rights(access):
    """Whoever launches may do all that Metaflow's launcher and deployer have to do.

    Why: a right that is missing surfaces amid a run, as a step that never starts or a pod that nobody can end.
    """
    lacking = access.gaps("launcher", optional=False)

    assert not lacking, f"this context is not allowed to {listed(lacking)}; mfconf rbac prints the role it needs"


@requirement("SEC-002", needs=OTHERS)
def test_task_account_has_its_rights(access):
    """The service account of the steps may report to Argo what a step put out.

    Why: without it each step on Argo does its work, and its workflow fails all the same.
    """
    name = access.task_account
    lacking = access.gaps("task", optional=False, account=name)

    assert not lacking, f"service account {name} is not allowed to {listed(lacking)}; mfconf rbac prints its role"


@requirement("SEC-003", needs={"jobset", "rights-of-others"}, **ON_ARGO)
def test_workflow_account_has_its_rights(started, access, argo, until):
    """The account that Argo uses where a template names none may make JobSets, and report on them.

    Why: the pod that makes the JobSet of an @parallel step names no account, so it is this one: `default`, unless
    workflowDefaults in the controller's configuration says another.
    """
    name = workflow_account(started, access, argo, until)
    lacking = access.gaps("workflow", optional=False, account=name)

    assert not lacking, f"service account {name} is not allowed to {listed(lacking)}; mfconf rbac prints its role"


@requirement("SEC-004", level="SHOULD", needs={"kubernetes"})
def test_launcher_lacks_nothing(access):
    """Whoever launches may also do what Metaflow can do without, or what only some flows need.

    Why: schedules, triggers and a prompt Ctrl-C fail late, and only for those who use them.
    """
    lacking = access.gaps("launcher", optional=True)

    assert not lacking, f"this context is not allowed to {listed(lacking)}"


@requirement("SEC-005", level="SHOULD", needs={"kubernetes"})
def test_judge_has_its_rights(access):
    """Whoever judges may look at, and remove, what a run of this suite makes.

    Why: what can't be seen is not told in a finding, and what can't be removed stays.
    """
    lacking = access.gaps("judge", optional=False) + access.gaps("judge", optional=True)

    assert not lacking, f"this context is not allowed to {listed(lacking)}; mfconf rbac prints the role mfconf-judge"


@requirement("SEC-006", level="SHOULD", needs={"rights-of-others"}, **ON_ARGO)
def test_workflow_account_lacks_nothing(started, access, argo, until):
    """The account that Argo uses where a template names none may run exit hooks over HTTP.

    Why: @exit_hook and notifications to a URL are sent by a pod of this account, after the run: nobody sees it fail.
    """
    name = workflow_account(started, access, argo, until)
    lacking = access.gaps("workflow", optional=True, account=name)

    assert not lacking, f"service account {name} is not allowed to {listed(lacking)}"


@requirement("SEC-007", level="SHOULD", needs={"kubernetes"})
def test_launcher_has_no_more(access):
    """Whoever launches may do nothing in the namespace of the jobs that neither Metaflow nor this suite needs.

    Why: a laptop or CI token that leaks is worth as much as its rights.
    """
    more = access.unneeded()

    assert not more, f"in {access.namespace} this context may, and nobody needs it to: {more}"


@requirement("SEC-008", level="SHOULD", needs=OTHERS)
def test_task_account_has_no_more(access):
    """The service account of the steps may do nothing that no step needs.

    Why: its token lies in every pod that runs a user's code, and whatever that code installs.
    """
    name = access.task_account
    more = access.account_unneeded(name, "task")

    assert not more, f"service account {name} may, and no step needs it to: {more}"


@requirement("SEC-009", level="SHOULD", needs={"rights-of-others"}, **ON_ARGO)
def test_workflow_account_has_no_more(started, access, argo, until):
    """The account that Argo uses where a template names none may do nothing that no workflow needs.

    Why: whoever may create a workflow runs what he likes under it.
    """
    name = workflow_account(started, access, argo, until)
    roles = ("workflow", "task") if name == access.task_account else ("workflow",)
    more = access.account_unneeded(name, *roles)

    assert not more, f"service account {name} may, and no workflow needs it to: {more}"


@requirement("SEC-010", level="SHOULD", needs={"kubernetes", "rights-of-others"})
def test_default_account_may_do_nothing(access):
    """The service account `default` of the jobs' namespace may do nothing beyond what everybody may.

    Why: every pod that names no account has its token; give steps one of their own
    (METAFLOW_KUBERNETES_SERVICE_ACCOUNT), and Argo one in workflowDefaults.
    """
    more = access.account_unneeded("default")

    assert not more, f"service account default in {access.namespace} may: {more}"


def workflow_account(started, access, argo, until):
    """The account in a workflow of this run that has been picked up, by when Argo's defaults are in it."""
    name = started.run_id
    until(
        lambda: argo.phase(name),
        f"{name} is picked up",
        within="workflow_picked_up",
        explain=lambda: argo.explain(name),
    )
    return access.workflow_account(argo.workflow(name))
