"""Argo Workflows as its users see it: workflows, their nodes, templates."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Any

from kubernetes.client import CustomObjectsApi
from kubernetes.client.exceptions import ApiException

from conformance.session import Session
from conformance.system import cluster
from conformance.system.flows import session_environment
from conformance.system.scenarios import catalogue

GROUP = {"group": "argoproj.io", "version": "v1alpha1"}
OVER = {"Succeeded", "Failed", "Error"}
COMMAND_S = 90
NOT_FOUND = 404


class Argo:
    """Workflows and templates in the namespace of Metaflow's jobs."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.api = CustomObjectsApi(cluster.connection())
        self.namespace = session.namespace
        self.where = {**GROUP, "namespace": session.namespace}

    @staticmethod
    def installed() -> bool:
        """Tell whether the cluster knows workflow templates; Argo CD and Rollouts are in the same API group."""
        api = CustomObjectsApi(cluster.connection())
        try:
            known = cluster.call(api.get_api_resources, **GROUP).resources
        except ApiException as error:
            if error.status == NOT_FOUND:
                return False
            raise
        return any(resource.name == "workflowtemplates" for resource in known)

    def _get(self, plural: str, name: str) -> dict[str, Any] | None:
        try:
            found: dict[str, Any] = cluster.call(
                self.api.get_namespaced_custom_object, **self.where, plural=plural, name=name
            )
        except ApiException as error:
            if error.status == NOT_FOUND:
                return None
            raise
        return found

    def workflow(self, name: str) -> dict[str, Any] | None:
        """The workflow; its name is the run ID without ``argo-``. None where there is none."""
        return self._get("workflows", name.removeprefix("argo-"))

    def template(self, name: str) -> dict[str, Any] | None:
        """The workflow template; None where there is none."""
        return self._get("workflowtemplates", name)

    def phase(self, name: str) -> str:
        """The workflow's phase; empty until a controller has picked it up."""
        found = self.workflow(name) or {}
        phase: str = found.get("status", {}).get("phase", "")
        return phase

    def is_over(self, phase: str) -> bool:
        """Tell whether a phase is final."""
        return phase in OVER

    def pods(self, name: str) -> list[dict[str, Any]]:
        """The workflow's nodes that stand for a pod."""
        found = self.workflow(name) or {}
        return [node for node in found.get("status", {}).get("nodes", {}).values() if node["type"] == "Pod"]

    def terminate(self, name: str) -> None:
        """Ask Argo to end the workflow now: Metaflow's own way, a shutdown in its spec."""
        body = {"spec": {"shutdown": "Terminate"}}
        cluster.call(
            self.api.patch_namespaced_custom_object,
            **self.where,
            plural="workflows",
            name=name.removeprefix("argo-"),
            body=body,
        )

    def explain(self, name: str) -> str:
        """Why the workflow is as it is: its phase and message, then those of each node that did not succeed."""
        found = self.workflow(name)
        if found is None:
            return f"the workflow {name} does not exist"
        status = found.get("status", {})
        if not status.get("phase"):
            return (
                f"no Argo controller has picked up the workflow {name}: it has no status; "
                f"{cluster.Cluster(self.session).controller()}"
            )
        lines = [f"workflow {name}: {status['phase']} {status.get('message', '')}".strip()]
        lines += [
            f"{node['displayName']}: {node.get('phase', '?')} {node.get('message', '')}".strip()
            for node in status.get("nodes", {}).values()
            if node.get("phase") != "Succeeded" and node["type"] == "Pod"
        ]
        if not self.is_over(status["phase"]):
            lines.append(cluster.Cluster(self.session).controller())
        return "\n".join([*lines, cluster.Cluster(self.session).explain()])

    def _stranger(self, user: str) -> dict[str, str]:
        """The environment of a user who has deployed nothing: production tokens are kept in a folder."""
        return {"METAFLOW_USER": user, "METAFLOW_TOKEN_HOME": str(self.session.output / "tokens" / user)}

    def command(
        self, scenario: str, *arguments: str, name: str = "", user: str | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Metaflow's ``argo-workflows`` command on a scenario's template, as ``user`` (default: this one).

        ``name``: another template than the one that the scenario's launch uses.
        """
        entry = catalogue()[scenario]
        words = ["--no-pylint", "argo-workflows", "--name", name or self.session.template(scenario), *arguments]
        env = {**os.environ, **session_environment(self.session), **(self._stranger(user) if user else {})}
        return subprocess.run(
            [sys.executable, str(entry.file), *words],
            check=False,
            capture_output=True,
            text=True,
            timeout=COMMAND_S,
            env=env,
        )
