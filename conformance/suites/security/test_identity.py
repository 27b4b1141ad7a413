"""As whom a step's process is known to the API server, and what that lets it do."""

import json

from conformance.requirement import equal, requirement

REMOTE = ("kubernetes", "argo")
CREATED = 201

READING = frozenset({"get", "list", "watch", "*"})
WRITING = frozenset({"create", "update", "patch", "*"})
GRANTING = WRITING | {"bind", "escalate"}
POWERS = {
    "secrets": READING | WRITING,
    **dict.fromkeys(("pods", "pods/exec", "pods/attach", "pods/ephemeralcontainers", "serviceaccounts/token"), WRITING),
    **dict.fromkeys(("jobs", "cronjobs", "deployments", "daemonsets", "statefulsets", "replicasets"), WRITING),
    **dict.fromkeys(("workflows", "workflowtemplates", "cronworkflows"), WRITING),
    **dict.fromkeys(("roles", "rolebindings", "clusterroles", "clusterrolebindings"), GRANTING),
    **dict.fromkeys(("users", "groups", "serviceaccounts"), frozenset({"impersonate", "*"})),
    "*": READING | WRITING,
}
"""Resource -> verbs by which one account takes over what others have."""


def answered(run, kind):
    """What the API server told the step's token of itself; empty where it has none, or does not reach the server."""
    told = (run.task("start")["reach"]["api"] or {}).get(kind, {})
    if "status" not in told:
        return {}
    where = f"{run.pathspec}/start: {kind} with the token that is mounted"
    equal(told["status"], CREATED, f"{where}: status, with {told['text'][:300]!r}")
    return json.loads(told["text"])["status"]


def powers(rule):
    """The powers that one rule of the API server gives, in words; none where it is about objects by name."""
    if rule.get("resourceNames"):
        return set()
    return {
        f"{verb} {resource}"
        for resource in rule["resources"]
        for verb in rule["verbs"]
        if verb in POWERS.get(resource, ())
    }


@requirement("SEC-104", scenario="linear", on=REMOTE, kills="account-replaced")
def test_token_is_of_the_configured_account(run, cluster, session):
    """A token in a step's pod is one of the service account that is configured.

    Why: pods that may ask the API server do so as that account; another one's rights were never meant for steps.
    """
    name = session.config.get("METAFLOW_KUBERNETES_SERVICE_ACCOUNT") or "default"

    told = answered(run, "SelfSubjectReview")

    got = told["userInfo"]["username"] if told else None
    want = f"system:serviceaccount:{cluster.namespace}:{name}"
    assert got in (None, want), f"{run.pathspec}/start: the API server knows the step as {got}, not as {want}"


@requirement("SEC-105", level="SHOULD", scenario="linear", on=REMOTE, kills="task-starts-pods")
def test_token_gives_no_power(run, evidence):
    """With a token in a step's pod one can neither read secrets, start pods, nor give oneself rights.

    Why: a step runs whatever its author and their packages bring along. Steps that deploy flows do need to write
    workflow templates: give those an account of their own.
    """
    told = answered(run, "SelfSubjectRulesReview")
    evidence("rules.json", told)

    found = sorted(set().union(*(powers(rule) for rule in told.get("resourceRules", []))))

    hint = "take them from the Roles and ClusterRoles that are bound to the steps' service account"
    equal(found, [], f"{run.pathspec}/start: what the mounted token lets the step do; {hint}")
