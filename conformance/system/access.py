"""What the API server allows: to this context, and to the service accounts that pods run as."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from kubernetes.client import AuthorizationV1Api, CustomObjectsApi

from conformance.rights import ANYTHING, PROBES, Right, Rule, Scope, Triple, Who, needed, told, unneeded
from conformance.session import Session
from conformance.system import cluster
from conformance.system.argo import GROUP

TOGETHER = 8
SENSORS = "METAFLOW_ARGO_EVENTS_SENSOR_NAMESPACE"
ACCOUNT = "METAFLOW_KUBERNETES_SERVICE_ACCOUNT"

Ask = Callable[[Triple], bool]


@dataclass(frozen=True)
class Accounts:
    """The service accounts of a workflow's pods.

    ``task``: of the steps. ``workflow``: where a template names none. ``executor``: whose token Argo's executor uses
    instead of the pod's; empty unless the workflow, or a default of the controller's, says so.
    """

    task: str
    workflow: str = ""
    executor: str = ""

    @property
    def reporter(self) -> str:
        """Who reports what a step put out."""
        return self.executor or self.task

    @property
    def maker(self) -> str:
        """Who makes the JobSet of an @parallel step."""
        return self.executor or self.workflow

    def roles(self, account: str) -> tuple[str, ...]:
        """What an account is needed for."""
        players = {Who.TASK: {self.reporter}, Who.WORKFLOW: {self.maker, self.workflow}}
        return tuple(who for who, names in players.items() if account in names)


class Access:
    """What may be done in the namespace of Metaflow's jobs, and what may not though it is needed.

    ``needs`` (default: what the session's target has) decides which rights are.
    """

    def __init__(self, session: Session, needs: Collection[str] = ()) -> None:
        self.session = session
        self.needs = frozenset(needs) or session.capabilities
        self.namespace = session.namespace
        self.api = AuthorizationV1Api(cluster.connection())
        self.task_account = session.config.get(ACCOUNT) or "default"

    @cached_property
    def _review(self) -> Any:
        body = {"spec": {"namespace": self.namespace}}
        return cluster.call(self.api.create_self_subject_rules_review, body=body).status

    @cached_property
    def rules(self) -> tuple[Rule, ...]:
        """What the API server lists for this context; all that there is only where ``complete``."""
        return tuple(
            Rule(
                tuple(rule.verbs or ()),
                tuple(rule.resources or ()),
                tuple(rule.api_groups or ()),
                tuple(rule.resource_names or ()),
            )
            for rule in self._review.resource_rules or ()
        )

    @property
    def complete(self) -> bool:
        """Tell whether the list is all: an authorizer beside RBAC (EKS has one) may allow what it does not list."""
        return not self._review.incomplete

    def _places(self, scope: Scope) -> tuple[str, ...]:
        return {
            Scope.JOBS: (self.namespace,),
            Scope.SENSORS: (self.session.config.get(SENSORS) or self.namespace,),
            Scope.ARGO: (*cluster.CONTROLLER_NAMESPACES, self.namespace),
            Scope.PLUGIN: (cluster.PLUGIN_NAMESPACE,),
            Scope.CLUSTER: ("",),
        }[scope]

    def may(self, triple: Triple, namespace: str) -> bool:
        """Tell whether this context may do it in the namespace; an empty one is all of them, and what is in none."""
        if namespace == self.namespace and self.complete:
            return any(rule.allows(*triple) for rule in self.rules)
        body = {"spec": {"resourceAttributes": _attributes(triple, namespace)}}
        return bool(cluster.call(self.api.create_self_subject_access_review, body=body).status.allowed)

    def account_may(self, account: str, triple: Triple) -> bool:
        """Tell whether a service account of the namespace may do it there.

        Raises ``Forbidden`` where this context may not ask.
        """
        return self._user_may(
            f"system:serviceaccount:{self.namespace}:{account}",
            ["system:serviceaccounts", f"system:serviceaccounts:{self.namespace}", "system:authenticated"],
            triple,
        )

    def _anyone_may(self, triple: Triple) -> bool:
        return self._user_may("mfconf:nobody", ["system:authenticated"], triple)

    def _user_may(self, user: str, groups: list[str], triple: Triple) -> bool:
        spec = {"user": user, "groups": groups, "resourceAttributes": _attributes(triple, self.namespace)}
        # some releases refuse a review whose own namespace is not told too
        body = {"metadata": {"namespace": self.namespace}, "spec": spec}
        ask, what = self.api.create_namespaced_local_subject_access_review, f"ask what {user} may do"
        return bool(cluster.look(ask, what, namespace=self.namespace, body=body).status.allowed)

    def missing(self, right: Right) -> tuple[str, ...]:
        """The verbs of a right that this context does not have."""
        places = self._places(right.scope)

        def lacks(verb: str) -> bool:
            return not any(self.may((verb, right.resource, right.group), place) for place in places)

        return tuple(verb for verb, lacking in zip(right.verbs, _each(lacks, right.verbs), strict=True) if lacking)

    def account_missing(self, account: str, right: Right) -> tuple[str, ...]:
        """The verbs of a right that a service account does not have. Raises as ``account_may`` does."""
        return tuple(verb for verb in right.verbs if not self.account_may(account, (verb, right.resource, right.group)))

    def gaps(self, *who: str, optional: bool, account: str = "") -> list[str]:
        """A line for each right of ``who`` that is needed and that this context (or the account) lacks."""
        lines = []
        for right in needed(self.needs, *map(Who, who)):
            if right.optional is optional:
                lacking = self.account_missing(account, right) if account else self.missing(right)
                if lacking:
                    where = self._places(right.scope)[0]
                    place = f"in namespace {where}" if where else "on the cluster"
                    lines.append(f"{', '.join(lacking)} {right.named} {place} (without it {right.lost})")
        return lines

    def unneeded(self) -> str:
        """What this context may do in the namespace and neither launching nor judging needs, in words."""
        listed = {triple for rule in self.rules for triple in rule.triples}
        if not self.complete:
            listed |= self._probed(lambda triple: self.may(triple, self.namespace))
        return told(unneeded(listed, Who.LAUNCHER, Who.JUDGE))

    def account_unneeded(self, account: str, *who: str) -> str:
        """What an account may do that ``who`` does not need and not everybody may, in words.

        Raises as ``account_may`` does.
        """
        found = sorted(unneeded(self._probed(lambda triple: self.account_may(account, triple)), *map(Who, who)))
        everybody = _each(self._anyone_may, found)
        return told([triple for triple, allowed in zip(found, everybody, strict=True) if not allowed])

    @staticmethod
    def _probed(ask: Ask) -> set[Triple]:
        if ask(ANYTHING):
            return {ANYTHING}
        return {triple for triple, allowed in zip(PROBES, _each(ask, PROBES), strict=True) if allowed}

    def last_accounts(self) -> Accounts:
        """The accounts of the workflow that started last; the one of the steps alone where none may be seen."""
        api, where = CustomObjectsApi(cluster.connection()), {"namespace": self.namespace, "plural": "workflows"}
        try:
            found = cluster.look(api.list_namespaced_custom_object, "list workflows", **GROUP, **where)["items"]
        except cluster.Forbidden:
            found = []
        last = max(found, key=lambda workflow: workflow["metadata"]["creationTimestamp"], default=None)
        return self.accounts(last) if last else Accounts(self.task_account)

    def accounts(self, workflow: dict[str, Any]) -> Accounts:
        """The accounts of a workflow that a controller has picked up: Argo's own defaults are in it by then."""
        stored = {**workflow["spec"], **workflow.get("status", {}).get("storedWorkflowTemplateSpec", {})}
        named = stored.get("serviceAccountName") or "default"
        return Accounts(self.task_account, named, (stored.get("executor") or {}).get("serviceAccountName", ""))


def _attributes(triple: Triple, namespace: str) -> dict[str, str]:
    verb, resource, group = triple
    name, _, subresource = resource.partition("/")
    found = {"namespace": namespace, "verb": verb, "resource": name, "group": group}
    return {**found, "subresource": subresource} if subresource else found


def _each(ask: Callable[[Any], bool], items: Iterable[Any]) -> list[bool]:
    """The answers, some asked at once: a managed API server is tens of milliseconds away."""
    with ThreadPoolExecutor(TOGETHER) as pool:
        return list(pool.map(ask, items))
