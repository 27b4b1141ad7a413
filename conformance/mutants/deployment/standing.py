"""The local deployment as it stands unbroken: what mutants are made from."""

from __future__ import annotations

import base64
from collections.abc import Callable
from functools import cached_property
from typing import Any

from kubernetes.client import ApiClient, CoreV1Api, RbacAuthorizationV1Api
from kubernetes.config import new_client_from_config

from conformance.errors import TargetError
from conformance.local import cluster
from conformance.local.deployment import JOBS, TASK_SECRET
from conformance.local.paths import ADMIN_KUBECONFIG
from conformance.mutants.deployment.bench import LABEL, LAUNCHER, RBAC, Bench, Manifest, Patch, Rights
from conformance.system.cluster import call

TOKEN_S = 7200
TOKEN = "kubernetes.io/service-account-token"  # noqa: S105 - the type of a secret


def admin() -> ApiClient:
    """The cluster's administrator. What kubectl puts out is kept in a log, where no secret belongs."""
    return new_client_from_config(config_file=str(ADMIN_KUBECONFIG))


def listed(api: str, kind: str, function: Callable[..., Any], **where: str) -> list[Manifest]:
    """What one API call lists, as manifests."""
    found = [ApiClient().sanitize_for_serialization(one) for one in call(function, **where).items]
    return [{**one, "apiVersion": api, "kind": kind} for one in found]


class Standing:
    """``config``: the Metaflow configuration of its users."""

    def __init__(self, config: dict[str, str]) -> None:
        self.config = config

    @cached_property
    def _rbac(self) -> list[Manifest]:
        api = RbacAuthorizationV1Api(admin())
        return [
            *listed(RBAC, "Role", api.list_role_for_all_namespaces),
            *listed(RBAC, "RoleBinding", api.list_role_binding_for_all_namespaces),
            *listed(RBAC, "ClusterRole", api.list_cluster_role),
            *listed(RBAC, "ClusterRoleBinding", api.list_cluster_role_binding),
        ]

    @cached_property
    def _jobs(self) -> list[Manifest]:
        """What a namespace of jobs has."""
        api = CoreV1Api(admin())
        return [
            *listed("v1", "ServiceAccount", api.list_namespaced_service_account, namespace=JOBS),
            *listed("v1", "Secret", api.list_namespaced_secret, namespace=JOBS),
            *(one for one in self._rbac if one["metadata"].get("namespace") == JOBS),
        ]

    @property
    def store_key(self) -> str:
        """The secret key with which steps sign requests to the store."""
        secret = next(one for one in self._jobs if (one["kind"], one["metadata"]["name"]) == ("Secret", TASK_SECRET))
        return base64.b64decode(secret["data"]["AWS_SECRET_ACCESS_KEY"]).decode()

    @staticmethod
    def token(account: str) -> str:
        """A token of an account of the jobs' namespace."""
        body = {"spec": {"expirationSeconds": TOKEN_S}}
        made = call(CoreV1Api(admin()).create_namespaced_service_account_token, name=account, namespace=JOBS, body=body)
        token: str = made.status.token
        return token

    @staticmethod
    def former(patch: Patch) -> Manifest:
        """What is patched, as it stands. Raises ``TargetError`` where it is not there."""
        return cluster.get(patch.kind, patch.name, patch.namespace or "default")

    def granted(self, account: str) -> dict[str, list[Manifest]]:
        """The rules of an account of the jobs' namespace, by the namespace they are for; none for all of them."""
        rules = {
            (one["kind"], one["metadata"].get("namespace", ""), one["metadata"]["name"]): one for one in self._rbac
        }
        found: dict[str, list[Manifest]] = {}
        for binding in self._rbac:
            subjects = binding.get("subjects") or []
            if not any(subject["name"] == account and subject.get("namespace") == JOBS for subject in subjects):
                continue
            where, role = binding["metadata"].get("namespace", ""), binding["roleRef"]
            of_role = rules[role["kind"], where if role["kind"] == "Role" else "", role["name"]]
            found.setdefault(where, []).extend(of_role["rules"])
        return found

    def accounts(self, bench: Bench) -> list[Manifest]:
        """An account for each set of rights on the bench, with roles and bindings.

        Raises ``TargetError`` where nobody has the right that is to be taken away.
        """
        made: list[Manifest] = []
        for rights in bench.rights:
            home = JOBS if rights.account == LAUNCHER else bench.namespace
            made.append(_object("v1", "ServiceAccount", bench, home))
            for where, rules in self._less(rights, bench).items():
                kind = "Role" if where else "ClusterRole"
                made.append(_object(RBAC, kind, bench, where, rules=rules))
                subject = {"kind": "ServiceAccount", "name": bench.made, "namespace": home}
                reference = {"apiGroup": "rbac.authorization.k8s.io", "kind": kind, "name": bench.made}
                made.append(_object(RBAC, f"{kind}Binding", bench, where, subjects=[subject], roleRef=reference))
        return made

    def _less(self, rights: Rights, bench: Bench) -> dict[str, list[Manifest]]:
        """The account's rules without what it is to lack, by namespace, that of the jobs being the bench's."""
        taken: set[str] = set()
        found: dict[str, list[Manifest]] = {}
        for where, rules in self.granted(rights.account).items():
            for rule in rules:
                for resource in rule.get("resources", []):
                    lost = {verb for verb in rule["verbs"] if f"{verb} {resource}" in rights.lacks}
                    taken |= {f"{verb} {resource}" for verb in lost}
                    if kept := [verb for verb in rule["verbs"] if verb not in lost]:
                        there = found.setdefault(bench.namespace if where == JOBS else where, [])
                        there.append({**rule, "resources": [resource], "verbs": kept})
        if missing := set(rights.lacks) - taken:
            words = ", ".join(sorted(missing))
            raise TargetError(f"mutant {bench.name}: {rights.account} may not {words} anyway; adapt the mutant")
        found.setdefault(bench.namespace, []).extend(rights.more)
        return found

    def namespace(self, bench: Bench) -> list[Manifest]:
        """The mutant's own namespace, where it has one, with accounts, secrets and roles as in that of the jobs."""
        if bench.namespace == JOBS:
            return []
        meta = {"name": bench.namespace, "labels": bench.labels}
        made: list[Manifest] = [{"apiVersion": "v1", "kind": "Namespace", "metadata": meta}]
        for one in self._jobs:
            name = one["metadata"]["name"]
            outside = one["kind"] == "ServiceAccount" and name in ("default", LAUNCHER)
            dropped = outside or one.get("type") == TOKEN or (one["kind"], name) in bench.removed
            if dropped or LABEL in one["metadata"].get("labels", {}):
                continue
            kept = {key: value for key, value in one.items() if key not in ("metadata", "apiVersion", "kind")}
            if "subjects" in kept:
                inside = {"namespace": bench.namespace}
                kept["subjects"] = [{**who, **(inside if who["name"] != LAUNCHER else {})} for who in kept["subjects"]]
            copied = _object(one["apiVersion"], one["kind"], bench, bench.namespace, **kept)
            copied["metadata"]["name"] = name
            made.append(copied)
        return made


def _object(api: str, kind: str, bench: Bench, namespace: str, **content: Any) -> Manifest:
    where = {"namespace": namespace} if namespace else {}
    meta: Manifest = {"name": bench.made, **where, "labels": {LABEL: bench.name}}
    return {"apiVersion": api, "kind": kind, "metadata": meta, **content}
