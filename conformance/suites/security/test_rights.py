"""What launchers and pods may do on the cluster."""

from conformance.requirement import requirement

OTHERS = {"rights-of-others"}
ON_ARGO = {"scenario": "linear", "on": "argo"}


def listed(lines):
    """Findings in one sentence, each with what it costs."""
    return "; ".join(lines)


@requirement(
    "SEC-001",
    needs={"kubernetes"},
    profile="smoke",
    kills=(
        "deployer-without-create-templates",
        "deployer-without-create-workflows",
        "deployer-without-delete-templates",
        "deployer-without-get-cronworkflows",
        "deployer-without-patch-workflows",
        "deployer-without-sensors",
        "deployer-without-update-templates",
        "launcher-without-create-jobs",
        "launcher-without-create-jobsets",
        "launcher-without-get-jobs",
        "launcher-without-list-pods",
        "launcher-without-patch-jobs",
        "namespace-without-launcher",
    ),
)
def test_launcher_has_its_rights(access):
    """Whoever launches may do all that Metaflow's launcher and deployer have to do.

    Why: a right that is missing surfaces amid a run, as a step that never starts or a pod that nobody can end.
    """
    lacking = access.gaps("launcher", optional=False)

    assert not lacking, f"this context is not allowed to {listed(lacking)}; mfconf rbac prints the role it needs"


@requirement("SEC-002", needs=OTHERS, **ON_ARGO, kills=("task-without-create-results", "task-without-patch-results"))
def test_task_account_has_its_rights(started, access, argo, until):
    """The service account of the steps (of Argo's executor, if it has one) may report what a step put out.

    Why: without it each step on Argo does its work, and its workflow fails all the same.
    """
    name = accounts(started, access, argo, until).reporter
    lacking = access.gaps("task", optional=False, account=name)

    assert not lacking, f"service account {name} is not allowed to {listed(lacking)}; mfconf rbac prints its role"


@requirement("SEC-003", needs={"jobset", *OTHERS}, **ON_ARGO, kills="workflow-account-without-rights")
def test_workflow_account_has_its_rights(started, access, argo, until):
    """The account that Argo uses where a template names none may make JobSets, and report on them.

    Why: the pod that makes the JobSet of an @parallel step names no account, so it is this one: `default`, unless
    workflowDefaults in the controller's configuration says another.
    """
    name = accounts(started, access, argo, until).maker
    lacking = access.gaps("workflow", optional=False, account=name)

    assert not lacking, f"service account {name} is not allowed to {listed(lacking)}; mfconf rbac prints its role"


@requirement(
    "SEC-004", level="SHOULD", needs={"kubernetes"}, kills=("launcher-without-delete-jobs", "launcher-without-exec")
)
def test_launcher_lacks_nothing(access):
    """Whoever launches may also do what Metaflow can do without, or what only some flows need.

    Why: schedules, triggers and a prompt Ctrl-C fail late, and only for those who use them.
    """
    lacking = access.gaps("launcher", optional=True)

    assert not lacking, f"this context is not allowed to {listed(lacking)}"


@requirement("SEC-005", level="SHOULD", needs={"kubernetes"}, kills="judge-without-list-events")
def test_judge_has_its_rights(access):
    """Whoever judges may look at, and remove, what a run of this suite makes.

    Why: what can't be seen is not told in a finding, and what can't be removed stays.
    """
    lacking = access.gaps("judge", optional=False) + access.gaps("judge", optional=True)

    assert not lacking, f"this context is not allowed to {listed(lacking)}; mfconf rbac prints the role mfconf-judge"


@requirement("SEC-006", level="SHOULD", needs=OTHERS, **ON_ARGO)
def test_workflow_account_lacks_nothing(started, access, argo, until):
    """The account that Argo uses where a template names none may run exit hooks over HTTP.

    Why: @exit_hook and notifications to a URL are sent by a pod of this account, after the run: nobody sees it fail.
    """
    name = accounts(started, access, argo, until).workflow
    lacking = access.gaps("workflow", optional=True, account=name)

    assert not lacking, f"service account {name} is not allowed to {listed(lacking)}"


@requirement("SEC-007", level="SHOULD", needs={"kubernetes"}, kills="launcher-with-everything")
def test_launcher_has_no_more(access):
    """Whoever launches may do nothing in the namespace of the jobs that neither Metaflow nor this suite needs.

    Why: a laptop or CI token that leaks is worth as much as its rights.
    """
    more = access.unneeded()

    assert not more, f"in {access.namespace} this context may, and nobody needs it to: {more}"


@requirement("SEC-008", level="SHOULD", needs=OTHERS, **ON_ARGO, kills="task-reads-secrets")
def test_task_account_has_no_more(started, access, argo, until):
    """The service account of the steps may do nothing that no step needs.

    Why: its token lies in every pod that runs a user's code, and whatever that code installs.
    """
    known = accounts(started, access, argo, until)
    more = access.account_unneeded(known.task, *known.roles(known.task))

    assert not more, f"service account {known.task} may, and no step needs it to: {more}"


@requirement("SEC-009", level="SHOULD", needs=OTHERS, **ON_ARGO, kills="workflow-account-with-edit")
def test_workflow_account_has_no_more(started, access, argo, until):
    """The account that Argo uses where a template names none may do nothing that no workflow needs.

    Why: whoever may create a workflow runs what he likes under it.
    """
    known = accounts(started, access, argo, until)
    more = access.account_unneeded(known.workflow, *known.roles(known.workflow))

    assert not more, f"service account {known.workflow} may, and no workflow needs it to: {more}"


@requirement("SEC-010", level="SHOULD", needs={"kubernetes", *OTHERS}, kills="default-account-with-edit")
def test_default_account_may_do_nothing(access):
    """The service account `default` of the jobs' namespace may do nothing beyond what everybody may.

    Why: every pod that names no account has its token; give steps one of their own
    (METAFLOW_KUBERNETES_SERVICE_ACCOUNT), and Argo one in workflowDefaults.
    """
    more = access.account_unneeded("default")

    assert not more, f"service account default in {access.namespace} may: {more}"


def accounts(started, access, argo, until):
    """The accounts of this run's workflow, which has been picked up: by then Argo's defaults are in it."""
    name = started.run_id
    until(
        lambda: argo.phase(name),
        f"{name} is picked up",
        within="workflow_picked_up",
        explain=lambda: argo.explain(name),
    )
    return access.accounts(argo.workflow(name))
