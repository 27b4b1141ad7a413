"""Roles and bindings that give exactly the rights of the table, as YAML with the reason of each rule."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass

from conformance.rights import Right, Scope, Who

GROUP, ACCOUNT = "group:", "system:serviceaccount:"
NAMES = {
    Who.LAUNCHER: "metaflow-launcher",
    Who.JUDGE: "mfconf-judge",
    Who.TASK: "metaflow-task",
    Who.WORKFLOW: "metaflow-workflow",
}


@dataclass(frozen=True)
class Holders:
    """Who is given the rights, and where.

    ``user``: a user's name, ``group:NAME``, or ``system:serviceaccount:NAMESPACE:NAME``. ``task`` and ``workflow``:
    service accounts in ``namespace``. ``sensors``: empty where they are in the namespace of the jobs.
    """

    namespace: str
    user: str
    task: str
    workflow: str
    argo: str = "argo"
    sensors: str = ""
    plugin: str = "kube-system"

    def subject(self, who: Who) -> dict[str, str]:
        """Whom a role is bound to."""
        if who in (Who.TASK, Who.WORKFLOW):
            account = self.task if who is Who.TASK else self.workflow
            return {"kind": "ServiceAccount", "name": account, "namespace": self.namespace}
        if self.user.startswith(ACCOUNT):
            namespace, _, name = self.user.removeprefix(ACCOUNT).partition(":")
            return {"kind": "ServiceAccount", "name": name, "namespace": namespace}
        kind = "Group" if self.user.startswith(GROUP) else "User"
        return {"kind": kind, "name": self.user.removeprefix(GROUP), "apiGroup": "rbac.authorization.k8s.io"}

    def place(self, scope: Scope) -> str:
        """The namespace of a scope; empty for the cluster."""
        return {
            Scope.JOBS: self.namespace,
            Scope.SENSORS: self.sensors or self.namespace,
            Scope.ARGO: self.argo,
            Scope.PLUGIN: self.plugin,
            Scope.CLUSTER: "",
        }[scope]


def rendered(rights: Iterable[Right], holders: Holders) -> str:
    """A Role (ClusterRole where it can't be avoided) and its binding for each holder and place; for kubectl apply."""
    roles: dict[tuple[Who, str], list[Right]] = {}
    for right in rights:
        roles.setdefault((right.who, holders.place(right.scope)), []).append(right)
    documents = [
        text
        for (who, namespace), found in roles.items()
        for text in (_role(NAMES[who], namespace, found), _binding(NAMES[who], namespace, holders.subject(who)))
    ]
    return "---\n".join(documents)


def _head(kind: str, name: str, namespace: str) -> str:
    scope = "" if namespace else "Cluster"
    where = f", namespace: {json.dumps(namespace)}" if namespace else ""
    return f"apiVersion: rbac.authorization.k8s.io/v1\nkind: {scope}{kind}\nmetadata: {{name: {name}{where}}}\n"


def _role(name: str, namespace: str, rights: list[Right]) -> str:
    rules = [
        f"  # {'optional; ' if right.optional else ''}without: {right.lost} ({right.source})\n"
        f"  - {{apiGroups: {json.dumps([right.group])}, resources: {json.dumps([right.resource])}, "
        f"verbs: {json.dumps(right.verbs)}}}\n"
        for right in rights
    ]
    return f"{_head('Role', name, namespace)}rules:\n{''.join(rules)}"


def _binding(name: str, namespace: str, subject: dict[str, str]) -> str:
    kind = "Role" if namespace else "ClusterRole"
    return (
        f"{_head('RoleBinding', name, namespace)}"
        f"roleRef: {{apiGroup: rbac.authorization.k8s.io, kind: {kind}, name: {name}}}\n"
        f"subjects: [{json.dumps(subject)}]\n"
    )
