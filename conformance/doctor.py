"""Preflight in seconds: each thing that a run would stumble over, asked directly."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from kubernetes.client.exceptions import ApiException

from conformance import preflight
from conformance.errors import HarnessError, TargetError
from conformance.outcome import Exit
from conformance.rights import JOBSET, RIGHTS, Right, Scope, Who, needed
from conformance.session import Session
from conformance.system.access import Access, Accounts
from conformance.system.argo import Argo
from conformance.system.cluster import Cluster, Forbidden, has_api
from conformance.system.datastore import Datastore
from conformance.targets import resolve
from conformance.targets.base import Options, Target

LAUNCHING = (Who.LAUNCHER, Who.JUDGE)


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


def _kubernetes(_: Target, session: Session) -> Iterator[Finding]:
    yield Finding(f"Kubernetes {preflight.kubernetes()}, namespace {session.namespace}")
    view = Cluster(session)
    there = {"argo": Argo.installed(), "jobset": has_api(JOBSET)}
    access = Access(session, {need for right in RIGHTS for need in right.needs if there.get(need, True)})
    for right in needed(access.needs, *LAUNCHING):
        yield _right(access, right)
    yield _excess(access)
    yield _account(view, access.task_account, session.namespace)
    try:
        yield from _accounts(access, argo=there["argo"])
    except Forbidden as error:
        yield Finding(f"rights of the service accounts: ok, but {error}")
    if there["argo"]:
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


def _right(access: Access, right: Right) -> Finding:
    place = {Scope.ARGO: " of Argo", Scope.PLUGIN: " of the GPU plugin", Scope.CLUSTER: " of the cluster"}
    what = f"right to {', '.join(right.verbs)} {right.resource}{place.get(right.scope, '')}"
    missing = ", ".join(access.missing(right))
    if missing and right.optional:
        return Finding(f"{what}: ok, but not allowed: {missing}; {right.lost}")
    return _verdict(what, ok=not missing, otherwise=f"not allowed: {missing}; {right.lost}")


def _excess(access: Access) -> Finding:
    found = access.unneeded()
    if found:
        return Finding(f"rights in {access.namespace} that nobody needs: ok, but allowed: {found}")
    return Finding(f"no right in {access.namespace} that nobody needs")


def _accounts(access: Access, *, argo: bool) -> Iterator[Finding]:
    """What pods may do by the accounts they run as. Raises ``Forbidden`` where this context may not ask."""
    accounts = access.last_accounts() if argo else Accounts(access.task_account)
    for who, name in ((Who.TASK, accounts.reporter), (Who.WORKFLOW, accounts.maker)):
        if name:
            lacking = access.gaps(who, optional=False, account=name)
            yield _verdict(f"rights of service account {name} as {who}", ok=not lacking, otherwise="; ".join(lacking))
    for name in sorted({accounts.task, accounts.workflow, accounts.executor, "default"} - {""}):
        if found := access.account_unneeded(name, *accounts.roles(name)):
            yield Finding(f"rights of service account {name} that nobody needs: ok, but allowed: {found}")
