"""Who needs which right on the cluster, and for what: one table, by which rights are printed, granted and judged."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from enum import StrEnum
from itertools import groupby

from conformance.requirement import Profile, catalogue

BATCH, ARGO, JOBSET, AUTHORIZATION = "batch", "argoproj.io", "jobset.x-k8s.io", "authorization.k8s.io"
TOLD = 12
"""So many of the rights that nobody needs are told by name."""


class Who(StrEnum):
    """Whom a right is for.

    launcher: whoever runs Metaflow's commands. judge: the same, where this suite asks or removes more than Metaflow
    does. task: the service account of the steps. workflow: the one that Argo uses where a template names none.
    """

    LAUNCHER = "launcher"
    JUDGE = "judge"
    TASK = "task"
    WORKFLOW = "workflow"


class Scope(StrEnum):
    """Where a right is needed: in the namespace of the jobs, sensors, Argo or the GPU plugin, or on the cluster."""

    JOBS = "jobs"
    SENSORS = "sensors"
    ARGO = "argo"
    PLUGIN = "plugin"
    CLUSTER = "cluster"


@dataclass(frozen=True)
class Right:
    """Verbs on one resource (``pods``, ``pods/exec``) of an API group.

    ``needs``: what a target has, or a profile asks, for it to be needed; names from ``NEEDS``. ``lost``: what does not
    work without it. ``optional``: Metaflow, or the suite, does the rest all the same. ``source``: who calls it.
    """

    who: Who
    verbs: tuple[str, ...]
    resource: str
    group: str
    needs: tuple[str, ...]
    lost: str
    source: str
    optional: bool = False
    scope: Scope = Scope.JOBS

    @property
    def named(self) -> str:
        """The resource with its group, as kubectl writes it: ``jobs.batch``."""
        return named(self.resource, self.group)


def _table(who: Who, *rows: tuple[str, str, str, str, str, str], scope: Scope = Scope.JOBS) -> tuple[Right, ...]:
    """Rows of verbs, resource, group, needs, what is lost (after ``?`` where it can be done without), source."""
    return tuple(
        Right(
            who,
            tuple(verbs.split()),
            resource,
            group,
            tuple(needs.split()),
            lost.removeprefix("? "),
            source,
            lost.startswith("? "),
            scope,
        )
        for verbs, resource, group, needs, lost, source in rows
    )


JOB, SETS, CLIENT, DEPLOYER = "kubernetes_job.py", "kubernetes_jobsets.py", "argo_client.py", "argo_workflows.py"
ENDING = "? Ctrl-C pauses the job of a step that runs, instead of ending its process"
DELETING = "? with METAFLOW_KUBERNETES_JOB_TERMINATE_MODE=delete, Ctrl-C leaves pods running"
AGAIN = "flows can't be deployed a second time or deleted, with a trigger or without"
CLEANING = "what a run leaves on the cluster can't be removed"

LAUNCHER = (
    *_table(
        Who.LAUNCHER,
        ("create", "jobs", BATCH, "kubernetes", "no step can be started as a pod", JOB),
        ("get", "jobs", BATCH, "kubernetes", "the launcher can't follow the job of a step, and gives up", JOB),
        ("patch", "jobs", BATCH, "kubernetes", "Ctrl-C leaves the pod of a step that waits for a node", JOB),
        ("delete", "jobs", BATCH, "kubernetes", DELETING, JOB),
        ("list", "pods", "", "kubernetes", "the launcher can't follow the pod of a step, and gives up", JOB),
        ("get create", "pods/exec", "", "kubernetes", ENDING, JOB),
        ("create", "jobsets", JOBSET, "jobset", "no step with @parallel can be started", SETS),
        ("get", "jobsets", JOBSET, "jobset", "the launcher can't follow a step with @parallel, and gives up", SETS),
        ("delete", "jobsets", JOBSET, "jobset", "Ctrl-C leaves the pods of a step with @parallel that waits", SETS),
        ("get create update", "workflowtemplates", ARGO, "argo", "flows can't be deployed", CLIENT),
        ("list", "workflowtemplates", ARGO, "argo", "list-workflow-templates fails", CLIENT),
        ("delete", "workflowtemplates", ARGO, "argo", "deployed flows can't be deleted", CLIENT),
        ("create", "workflows", ARGO, "argo", "deployed flows can't be triggered", CLIENT),
        ("get", "workflows", ARGO, "argo", "the status of a run can't be told", CLIENT),
        ("patch", "workflows", ARGO, "argo", "runs can't be suspended or terminated", CLIENT),
        ("get", "cronworkflows", ARGO, "argo", "flows can't be deployed, with a schedule or without", CLIENT),
        ("delete", "cronworkflows", ARGO, "argo", "flows can't be deleted, with a schedule or without", CLIENT),
        ("create update", "cronworkflows", ARGO, "argo", "? flows with @schedule can't be deployed", CLIENT),
    ),
    *_table(
        Who.LAUNCHER,
        ("delete", "sensors", ARGO, "argo", AGAIN, DEPLOYER),
        ("get create update", "sensors", ARGO, "argo", "? flows with @trigger can't be deployed", CLIENT),
        scope=Scope.SENSORS,
    ),
)
"""What Metaflow's launcher and deployer do. ``get`` and ``create`` on pods/exec: which of them a WebSocket needs is for
the version of the API server to say."""

JUDGE = (
    *_table(
        Who.JUDGE,
        ("list delete", "jobs", BATCH, "kubernetes", CLEANING, "cleanup.py"),
        (
            "get",
            "serviceaccounts",
            "",
            "kubernetes",
            "whether the account of the steps exists is not known",
            "COMP-004",
        ),
        ("list", "events", "", "kubernetes", "? a launch that failed can't tell what befell its pods", "cluster.py"),
        ("list", "resourcequotas", "", "quotas", "? a quota that keeps pods away is not named", "cluster.py"),
        ("list", "limitranges", "", "quotas", "? limits that a namespace adds are not known", "cluster.py"),
        ("create", "pods/eviction", "", "evict", "? no step is evicted to see it run again", "cluster.py"),
        ("create delete", "secrets", "", "secrets", "? secrets in steps are not tested", "props.py"),
        (
            "create delete",
            "persistentvolumeclaims",
            "",
            "storage",
            "? volumes in steps are not tested",
            "props.py",
        ),
        (
            "create",
            "localsubjectaccessreviews",
            AUTHORIZATION,
            "rights-of-others",
            "? what the service accounts may do is not known",
            "access.py",
        ),
        ("list", "jobsets", JOBSET, "jobset", CLEANING, "cleanup.py"),
        ("list delete", "workflows", ARGO, "argo", CLEANING, "cleanup.py"),
    ),
    *_table(
        Who.JUDGE,
        ("list", "deployments", "apps", "argo", "? how Argo's controller is doing is not known", "cluster.py"),
        scope=Scope.ARGO,
    ),
    *_table(
        Who.JUDGE,
        ("list delete", "pods", "", "gpu-plugin", "? the GPU plugin is not restarted amid a run", "cluster.py"),
        scope=Scope.PLUGIN,
    ),
    *_table(
        Who.JUDGE,
        (
            "list",
            "nodes",
            "",
            "kubernetes",
            "? no GPU is tested, and no node that is not ready is named",
            "cluster.py",
        ),
        ("patch", "nodes", "", "disposable-node", "? no node is drained amid a run", "disturbing.py"),
        ("list", "storageclasses", "storage.k8s.io", "storage", "? volumes in steps are not tested", "preflight.py"),
        scope=Scope.CLUSTER,
    ),
)
"""What judging and clean-up ask beyond launching."""

EXECUTOR = "argoexec: UpsertTaskResult"
ACCOUNTS = (
    *_table(
        Who.TASK,
        ("create patch", "workflowtaskresults", ARGO, "argo", "Argo does not learn what a step put out", EXECUTOR),
    ),
    *_table(
        Who.WORKFLOW,
        (
            "create patch",
            "workflowtaskresults",
            ARGO,
            "argo jobset",
            "Argo does not learn what an @parallel step put out",
            EXECUTOR,
        ),
        ("create get", "jobsets", JOBSET, "argo jobset", "@parallel steps can't be started on Argo", DEPLOYER),
        ("list watch", "workflowtasksets", ARGO, "argo", "? exit hooks over HTTP are not sent", "argoexec: agent"),
        ("patch", "workflowtasksets/status", ARGO, "argo", "? exit hooks over HTTP are not sent", "argoexec: agent"),
    ),
)
"""What pods ask of the API server. A step that a launcher started asks nothing."""

RIGHTS = (*LAUNCHER, *JUDGE, *ACCOUNTS)

EVERYBODY = {
    ("create", "selfsubjectaccessreviews", AUTHORIZATION),
    ("create", "selfsubjectrulesreviews", AUTHORIZATION),
    ("create", "selfsubjectreviews", "authentication.k8s.io"),
}
"""What Kubernetes gives all who are logged in (ClusterRole system:basic-user)."""

Triple = tuple[str, str, str]
"""Verb, resource, API group."""

ANYTHING: Triple = ("*", "*", "*")
GRAVE = {"secrets", "pods", "pods/exec", "serviceaccounts/token", "roles", "rolebindings"}
"""Who may do something with these can come by what others may do."""

PROBES: tuple[Triple, ...] = tuple(
    (verb, resource, group)
    for group, resources in {
        "": "pods pods/exec pods/log secrets configmaps services persistentvolumeclaims serviceaccounts/token events",
        BATCH: "jobs",
        "apps": "deployments daemonsets",
        ARGO: "workflows workflowtemplates cronworkflows sensors workflowtaskresults workflowtasksets",
        JOBSET: "jobsets",
        "rbac.authorization.k8s.io": "roles rolebindings",
    }.items()
    for resource in resources.split()
    for verb in ("get", "list", "create", "update", "patch", "delete")
)
"""What is asked, one by one, where the API server does not list what an account may do."""


def needs_of(profile: Profile) -> frozenset[str]:
    """Every need that some case of the profile declares."""
    cases = [case for found in catalogue() for case in found.cases if profile.includes(case.profile)]
    return frozenset().union(*(case.needs for case in cases))


def needed(needs: Collection[str], *who: Who) -> tuple[Right, ...]:
    """The rights of ``who`` (of all, if none is named) where all their needs are among ``needs``."""
    return tuple(right for right in RIGHTS if right.who in (who or tuple(Who)) and set(right.needs) <= set(needs))


@dataclass(frozen=True)
class Rule:
    """One rule as the API server tells it; ``*`` is anything. ``names``: of these objects alone."""

    verbs: tuple[str, ...]
    resources: tuple[str, ...]
    groups: tuple[str, ...]
    names: tuple[str, ...] = ()

    def allows(self, verb: str, resource: str, group: str) -> bool:
        """Tell whether it allows the verb on every such object."""
        _, slash, subresource = resource.partition("/")
        forms = {"*", resource, f"*/{subresource}" if slash else resource}
        return bool(
            not self.names
            and {"*", verb} & {*self.verbs}
            and forms & {*self.resources}
            and {"*", group} & {*self.groups}
        )

    @property
    def triples(self) -> set[Triple]:
        """Each verb on each resource of each group, as it stands."""
        return {(verb, resource, group) for verb in self.verbs for resource in self.resources for group in self.groups}


def unneeded(allowed: Iterable[Triple], *who: Who) -> set[Triple]:
    """What is allowed and neither ``who`` needs, whatever the target has, nor everybody has. ``*`` nobody needs."""
    wanted = {(verb, right.resource, right.group) for right in RIGHTS if right.who in who for verb in right.verbs}
    return set(allowed) - wanted - EVERYBODY


def told(allowed: Collection[Triple]) -> str:
    """Rights in words, those that say most first: ``*``, what gives more rights, what changes things, what reads."""
    if ANYTHING in allowed:
        return "anything"
    verbs: dict[tuple[str, str], list[str]] = {}
    for verb, resource, group in sorted(allowed):
        verbs.setdefault((resource, group), []).append(verb)
    reading = {"get", "list", "watch"}
    ranked = sorted(
        (
            "*" not in {*found, resource, group},
            resource not in GRAVE,
            {*found} <= reading,
            found,
            named(resource, group),
        )
        for (resource, group), found in verbs.items()
    )
    lines = [
        f"{', '.join(found)} {', '.join(resource for *_, resource in rows)}"
        for (*_, found), rows in groupby(ranked[:TOLD], key=lambda row: row[:-1])
    ]
    more = [f"and {len(ranked) - TOLD} resources more"] if len(ranked) > TOLD else []
    return "; ".join(lines + more)


def named(resource: str, group: str) -> str:
    """A resource as kubectl writes it: ``jobs.batch``, ``pods``."""
    return f"{resource}.{group}" if group else resource
