"""Before a run: can the target be reached at all, what does it have, which versions are there."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import requests
from kubernetes.client import VersionApi
from kubernetes.client.exceptions import ApiException

from conformance.errors import TargetError
from conformance.session import Session
from conformance.system import cluster
from conformance.system.access import Access
from conformance.system.argo import Argo
from conformance.system.datastore import Datastore
from conformance.system.disturbing import has_power
from conformance.system.metadata import MetadataService
from conformance.targets.base import Target
from conformance.waiting import Unsettled

VERSION_HEADER = "METADATA_SERVICE_VERSION"
LIMIT_HEADER = "X-Limit"
PAIR = 2
SHORT_LIST = "/flows/Mfconf_none/runs?_limit=1"
"""A list that is empty everywhere: a service without pages would send all its flows."""


@dataclass
class Observed:
    """``capabilities``: the needs the target has, working or not. ``versions``: read from the target."""

    capabilities: set[str]
    versions: dict[str, str] = field(default_factory=dict)


def observe(target: Target, session: Session) -> Observed:
    """Look at the target. Raises ``TargetError`` where the way to it fails; a broken component does not."""
    seen = Observed(set(target.declares))
    if "client" in target.declares:
        import metaflow  # noqa: PLC0415 - reads its configuration when imported

        seen.versions["metaflow"] = metaflow.__version__
    if "metadata" in target.declares:
        seen.versions["metadata_service"] = metadata_service(session)
        if pages(session):
            seen.capabilities.add("metadata-paging")
    if "datastore" in target.declares:
        # without an answer, Metaflow hangs in each launch without a word; what the answer is, checks judge
        Datastore(session).status("head_bucket")
    if "kubernetes" in target.declares:
        seen.versions["kubernetes"] = kubernetes()
        if Argo.installed():
            seen.capabilities.add("argo")
            if version := argo_version(session):
                seen.versions["argo"] = version
        seen.capabilities |= gpu_needs(session) | leave_needs(session)
        if "gpu" in seen.capabilities - target.simulated:
            seen.capabilities.add("gpu-real")
        if cluster.has_api(cluster.JOBSETS["group"]):
            seen.capabilities.add("jobset")
    return seen


def metadata_service(session: Session) -> str:
    """The version in the header of ``/ping``. Raises ``TargetError`` for anything but a metadata service."""
    service = MetadataService(session)
    answer = service.get("/ping", as_is=True)
    if answer.status in (301, 302, 303, 307, 308):
        raise TargetError(
            f"{service.url}: redirects to {answer.headers.get('Location')}; give the metadata service's own URL"
        )
    if answer.status in (401, 403):
        raise TargetError(f"{service.url}: status {answer.status}: not authorized; give the header with --header K:V")
    if answer.status != requests.codes.ok or answer.text.strip().strip('"') != "pong":
        said = " ".join(answer.text.split())[:80]
        raise TargetError(
            f"{service.url}: not a metadata service: /ping answers {answer.status} {said!r}, not 'pong'; check the URL"
        )
    return answer.headers.get(VERSION_HEADER, "not told")


def pages(session: Session) -> bool:
    """Whether the metadata service has pages and filters: a header says so, its version does not.

    Raises ``TargetError`` where there is no answer.
    """
    try:
        return LIMIT_HEADER in MetadataService(session).get(SHORT_LIST).headers
    except Unsettled as error:
        raise TargetError(str(error)) from None


def kubernetes() -> str:
    """The API server's version. Raises ``TargetError`` where it refuses or does not answer."""
    try:
        answer: Any = cluster.call(VersionApi(cluster.connection()).get_code)
    except ApiException as error:
        raise TargetError(
            f"the Kubernetes API refuses this kubeconfig: {error.status} {error.reason}; log in again"
        ) from None
    version: str = answer.git_version
    return version


def gpu_needs(session: Session) -> set[str]:
    """The needs that GPU nodes meet; none where this context may not list nodes."""
    view = cluster.Cluster(session)
    try:
        nodes = view.nodes()
    except cluster.Forbidden:
        return set()
    marked = list(filter(view.says_gpus, nodes))
    whole = [int(node.status.allocatable.get(cluster.GPU, 0)) for node in nodes]
    offers_slices_alone = not any(whole) and any(map(cluster.Cluster.offered, nodes))
    met = {
        "gpu": bool(marked),
        "gpu-exclusive": bool(marked) and not any(map(cluster.Cluster.shares_gpus, marked)),
        "gpu-whole": bool(marked) and not offers_slices_alone,
        "gpu-pair": max(whole, default=0) >= PAIR and not any(map(cluster.Cluster.slices_gpus, nodes)),
        "gpu-scarce": 0 < sum(whole) <= PAIR,
        "gpu-amd": any(int(node.status.allocatable.get(cluster.AMD, 0)) for node in nodes),
    }
    return {need for need, is_met in met.items() if is_met}


def leave_needs(session: Session) -> set[str]:
    """The needs that are met where this context has leave for something."""
    view, access = cluster.Cluster(session), Access(session)

    def may(resource: str, *verbs: str, group: str = "", namespace: str = session.namespace) -> bool:
        return all(access.may((verb, resource, group), namespace) for verb in verbs)

    met = {
        "secrets": may("secrets", "create", "delete"),
        "storage": may("persistentvolumeclaims", "create", "delete") and _seen(view.default_storage),
        "quotas": may("resourcequotas", "list") and may("limitranges", "list"),
        "evict": may("pods/eviction", "create"),
        "gpu-plugin": _seen(view.gpu_plugin) and may("pods", "delete", namespace=cluster.PLUGIN_NAMESPACE),
        "disposable-node": _seen(view.disposable_nodes) and may("nodes", "patch", namespace=""),
        "node-power": has_power(),
        "rights-of-others": may("localsubjectaccessreviews", "create", group="authorization.k8s.io"),
    }
    return {need for need, is_met in met.items() if is_met}


def _seen(look: Callable[[], object]) -> bool:
    try:
        return bool(look())
    except cluster.Forbidden:
        return False


def argo_version(session: Session) -> str:
    """The tag of the controller's image, as far as this context may see it."""
    for deployment in cluster.Cluster(session).controllers():
        for container in deployment.spec.template.spec.containers:
            image: str = container.image
            tag = image.rpartition("/")[2].partition("@")[0].partition(":")[2]
            return tag or image
    return ""
