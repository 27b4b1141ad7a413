"""Rights: verbs that the launcher or an account of pods lacks, and such as nobody needs."""

from __future__ import annotations

from functools import partial

from conformance.mutants.catalogue import mutant as declare
from conformance.mutants.deployment.bench import RBAC, Bench

mutant = partial(declare, area="security")

EDIT = {"apiGroup": RBAC.partition("/")[0], "kind": "ClusterRole", "name": "edit"}


@mutant("launcher-without-create-jobs")
def launcher_without_create_jobs(bench: Bench) -> None:
    """The launcher may not create jobs: no step becomes a pod."""
    bench.launcher("create jobs")


@mutant("launcher-without-get-jobs")
def launcher_without_get_jobs(bench: Bench) -> None:
    """The launcher may not get jobs: it starts a step and can't follow it."""
    bench.launcher("get jobs")


@mutant("launcher-without-patch-jobs")
def launcher_without_patch_jobs(bench: Bench) -> None:
    """The launcher may not patch jobs: Ctrl-C leaves the pods running."""
    bench.launcher("patch jobs")


@mutant("launcher-without-delete-jobs")
def launcher_without_delete_jobs(bench: Bench) -> None:
    """The launcher may not delete jobs."""
    bench.launcher("delete jobs")


@mutant("launcher-without-list-pods")
def launcher_without_list_pods(bench: Bench) -> None:
    """The launcher may not list pods: it does not see the pod of the job that it made."""
    bench.launcher("list pods")


@mutant("launcher-without-exec")
def launcher_without_exec(bench: Bench) -> None:
    """The launcher may not exec into pods: Ctrl-C can't end the process of a step."""
    bench.launcher("get pods/exec", "create pods/exec")


@mutant("deployer-without-create-templates")
def deployer_without_create_templates(bench: Bench) -> None:
    """The deployer may not create workflow templates."""
    bench.launcher("create workflowtemplates")


@mutant("deployer-without-update-templates")
def deployer_without_update_templates(bench: Bench) -> None:
    """The deployer may not update workflow templates: the first deployment of a flow works, the second does not."""
    bench.launcher("update workflowtemplates")


@mutant("deployer-without-delete-templates")
def deployer_without_delete_templates(bench: Bench) -> None:
    """The deployer may not delete workflow templates."""
    bench.launcher("delete workflowtemplates")


@mutant("deployer-without-create-workflows")
def deployer_without_create_workflows(bench: Bench) -> None:
    """The deployer may not create workflows: a deployed flow can't be triggered."""
    bench.launcher("create workflows")


@mutant("deployer-without-patch-workflows")
def deployer_without_patch_workflows(bench: Bench) -> None:
    """The deployer may not patch workflows: a run on Argo can't be ended."""
    bench.launcher("patch workflows")


@mutant("deployer-without-get-cronworkflows")
def deployer_without_get_cronworkflows(bench: Bench) -> None:
    """The deployer may not get cron workflows, which Metaflow looks for with a schedule or without."""
    bench.launcher("get cronworkflows")


@mutant("deployer-without-sensors")
def deployer_without_sensors(bench: Bench) -> None:
    """The deployer may do nothing with sensors."""
    bench.launcher("get sensors", "create sensors", "update sensors", "delete sensors")


@mutant("launcher-without-create-jobsets")
def launcher_without_create_jobsets(bench: Bench) -> None:
    """The launcher may not create JobSets: no @parallel step starts."""
    bench.launcher("create jobsets")


@mutant("judge-without-list-events")
def judge_without_list_events(bench: Bench) -> None:
    """Whoever judges may not list events: why a pod does not start stays unknown."""
    bench.launcher("list events")


@mutant("launcher-with-everything")
def launcher_with_everything(bench: Bench) -> None:
    """The launcher may do anything in the namespace of the jobs."""
    bench.launcher(more=[{"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]}])


@mutant("task-without-create-results", on="argo")
def task_without_create_results(bench: Bench) -> None:
    """The account of the steps may not create task results: on Argo, a step that did its work fails."""
    bench.task("create workflowtaskresults")


@mutant("task-without-patch-results", on="argo")
def task_without_patch_results(bench: Bench) -> None:
    """The account of the steps may not patch task results."""
    bench.task("patch workflowtaskresults")


@mutant("task-reads-secrets", on="argo")
def task_reads_secrets(bench: Bench) -> None:
    """The account of the steps may read every secret of the namespace."""
    bench.task(more=[{"apiGroups": [""], "resources": ["secrets"], "verbs": ["get", "list"]}])


@mutant("workflow-account-without-rights", on="argo")
def workflow_account_without_rights(bench: Bench) -> None:
    """The account that Argo uses where a template names none has no rights at all."""
    bench.own_namespace(without=[("RoleBinding", "metaflow-workflow")])


@mutant("workflow-account-with-edit", on="argo")
def workflow_account_with_edit(bench: Bench) -> None:
    """The account that Argo uses where a template names none may change nearly everything in the namespace."""
    bench.own_namespace()
    subject = {"kind": "ServiceAccount", "name": "metaflow-workflow", "namespace": bench.namespace}
    bench.make(RBAC, "RoleBinding", roleRef=EDIT, subjects=[subject])


@mutant("default-account-with-edit")
def default_account_with_edit(bench: Bench) -> None:
    """The account `default`, which every pod has that names none, may change nearly everything in the namespace."""
    bench.own_namespace()
    subject = {"kind": "ServiceAccount", "name": "default", "namespace": bench.namespace}
    bench.make(RBAC, "RoleBinding", roleRef=EDIT, subjects=[subject])


@mutant("task-starts-pods")
def task_starts_pods(bench: Bench) -> None:
    """The account of the steps may create pods, and with them take on any other account of the namespace."""
    bench.task(more=[{"apiGroups": [""], "resources": ["pods"], "verbs": ["create"]}])


@mutant("anybody-reads-secrets")
def anybody_reads_secrets(bench: Bench) -> None:
    """Who does not say who they are may read the secrets of the namespace."""
    bench.own_namespace()
    rule = {"apiGroups": [""], "resources": ["secrets"], "verbs": ["get", "list"]}
    bench.make(RBAC, "Role", rules=[rule])
    reference = {"apiGroup": RBAC.partition("/")[0], "kind": "Role", "name": bench.made}
    subject = {"apiGroup": RBAC.partition("/")[0], "kind": "Group", "name": "system:unauthenticated"}
    bench.make(RBAC, "RoleBinding", roleRef=reference, subjects=[subject])
