"""Preflight in seconds: each thing that a run would stumble over, asked directly."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from kubernetes.client.exceptions import ApiException

from conformance import preflight
from conformance.errors import HarnessError, TargetError
from conformance.outcome import Exit
from conformance.session import Session
from conformance.system.argo import Argo
from conformance.system.cluster import Cluster, Forbidden
from conformance.system.datastore import Datastore
from conformance.targets import resolve
from conformance.targets.base import Options, Target

BATCH, ARGO = "batch", "argoproj.io"
Rights = dict[tuple[str, str], tuple[str, ...]]
Optional = dict[tuple[str, str], tuple[tuple[str, ...], str]]

RIGHTS: Rights = {
    ("jobs", BATCH): ("create", "get", "patch", "delete"),
    ("pods", ""): ("list",),
}
"""What Metaflow's launcher does on the cluster: (resource, API group) -> verbs (Metaflow: kubernetes_client.py)."""

ARGO_RIGHTS: Rights = {
    ("workflowtemplates", ARGO): ("get", "list", "create", "update", "delete"),
    ("workflows", ARGO): ("get", "create", "patch"),
    ("cronworkflows", ARGO): ("get",),
    ("sensors", ARGO): ("get",),
}
"""The same for deployments on Argo Workflows (Metaflow: argo_client.py)."""

JUDGING: Rights = {("jobs", BATCH): ("list",)}
ARGO_JUDGING: Rights = {("workflows", ARGO): ("list", "delete")}
"""What judging and clean-up ask beyond launching."""

OPTIONAL: Optional = {
    ("pods/exec", ""): (("get", "create"), "Ctrl-C pauses the job of a step that runs, instead of ending its process"),
    ("events", ""): (("list",), "a launch that failed can't tell what befell its pods"),
}
ARGO_OPTIONAL: Optional = {
    ("cronworkflows", ARGO): (("create", "update", "delete"), "flows with @schedule can't be deployed"),
    ("sensors", ARGO): (("create", "update", "delete"), "flows with @trigger can't be deployed"),
}
"""What Metaflow or the checks can do without: verbs, and what is lost."""


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at; ``code`` is 0 where it is well."""

    what: str
    code: Exit = Exit.CONFORMANT

    @property
    def ok(self) -> bool:
        """Tell whether it is well."""
        return self.code is Exit.CONFORMANT


def examine(name: str, options: Options) -> Iterator[Finding]:
    """Look at the target, one finding at a time. Raises ``UsageError`` where its configuration can't be used."""
    target = resolve(name, options)
    target.export()
    capabilities = set(target.declares)
    session = Session.blank(target.identity, target.config)
    yield Finding(f"configuration of {target.name}: {', '.join(sorted(capabilities)) or 'nothing Metaflow could use'}")
    parts: dict[str, Callable[[Target, Session], Iterator[Finding]]] = {
        "metadata": _metadata,
        "datastore": _datastore,
        "kubernetes": _kubernetes,
    }
    for need, look in parts.items():
        if need not in capabilities:
            yield Finding(f"{need}: not configured, its areas will not be tested")
            continue
        try:
            yield from look(target, session)
        except (HarnessError, ApiException) as error:
            words = " ".join(str(error).split())
            yield Finding(f"{need}: {words}", TargetError.exit_code)


def _verdict(what: str, *, ok: bool, otherwise: str) -> Finding:
    return Finding(what) if ok else Finding(f"{what}: {otherwise}", Exit.NON_CONFORMANT)


def _metadata(target: Target, session: Session) -> Iterator[Finding]:
    version = preflight.metadata_service(session)
    yield Finding(f"metadata service at {target.config['METAFLOW_SERVICE_URL']} answers, version {version}")


def _datastore(_: Target, session: Session) -> Iterator[Finding]:
    store = Datastore(session)
    status = store.status("head_bucket")
    yield _verdict(f"bucket {store.bucket}", ok=status == 200, otherwise=f"HEAD answers {status}")  # noqa: PLR2004
    status = store.status("head_object", Key=f"{store.own}/absent")
    hint = f"HEAD answers {status}, not 404: is s3:ListBucket missing from this identity's policy?"
    yield _verdict(f"an absent key in {store.bucket} is absent", ok=status == 404, otherwise=hint)  # noqa: PLR2004


def _kubernetes(target: Target, session: Session) -> Iterator[Finding]:
    yield Finding(f"Kubernetes {preflight.kubernetes()}, namespace {session.namespace}")
    view = Cluster(session)
    yield from _rights(view, RIGHTS)
    yield from _rights(view, JUDGING)
    yield from _optional(view, OPTIONAL)
    yield _account(view, target.config.get("METAFLOW_KUBERNETES_SERVICE_ACCOUNT") or "default", session.namespace)
    if Argo.installed():
        yield from _rights(view, ARGO_RIGHTS)
        yield from _rights(view, ARGO_JUDGING)
        yield from _optional(view, ARGO_OPTIONAL)
        ready = any(deployment.status.ready_replicas for deployment in view.controllers())
        seen = bool(view.controllers())
        yield _verdict("Argo Workflows", ok=ready or not seen, otherwise=view.controller())
    yield from _gpus(view)


def _account(view: Cluster, name: str, namespace: str) -> Finding:
    try:
        exists = view.service_account(name) is not None
    except Forbidden as error:
        return Finding(f"service account {name}: {error}", error.exit_code)
    return _verdict(f"service account {name}", ok=exists, otherwise=f"not in namespace {namespace}")


def _gpus(view: Cluster) -> Iterator[Finding]:
    try:
        nodes = view.gpu_nodes()
    except Forbidden as error:
        yield Finding(f"GPU nodes: ok, but {error}: no GPU will be tested")
        return
    for node in nodes:
        offered = view.offered(node)
        what = f"node {node.metadata.name}: {offered} of nvidia.com/*"
        yield _verdict(what, ok=offered > 0, otherwise="marked as a GPU node; is the device plugin running?")
        open_ = not node.spec.unschedulable
        yield _verdict(f"node {node.metadata.name} takes pods", ok=open_, otherwise="cordoned (unschedulable)")


def _rights(view: Cluster, rights: Rights) -> Iterator[Finding]:
    for (resource, group), verbs in rights.items():
        missing = _missing(view, resource, group, verbs)
        yield _verdict(f"right to {', '.join(verbs)} {resource}", ok=not missing, otherwise=f"not allowed: {missing}")


def _optional(view: Cluster, rights: Optional) -> Iterator[Finding]:
    for (resource, group), (verbs, lost) in rights.items():
        missing = _missing(view, resource, group, verbs)
        told = f": ok, but not allowed: {missing}; {lost}" if missing else ""
        yield Finding(f"right to {', '.join(verbs)} {resource}{told}")


def _missing(view: Cluster, resource: str, group: str, verbs: tuple[str, ...]) -> str:
    name, _, subresource = resource.partition("/")
    return ", ".join(verb for verb in verbs if not view.allowed(verb, name, group, subresource or None))
