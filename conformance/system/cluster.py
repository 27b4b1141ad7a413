"""Kubernetes as a deployment's users see it: what a run's pods were given, and why they are as they are."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import cache
from typing import Any

import kubernetes
from kubernetes.client import (
    ApiClient,
    ApisApi,
    AppsV1Api,
    BatchV1Api,
    CoreV1Api,
    CustomObjectsApi,
    StorageV1Api,
)
from kubernetes.client.exceptions import ApiException
from kubernetes.utils import parse_quantity
from urllib3.exceptions import HTTPError

from conformance.errors import Blocked, TargetError
from conformance.session import LABEL, Session
from conformance.system.flows import RunView
from conformance.system.limits import Limits

CALL_S = (5, 30)
GPU = "nvidia.com/gpu"
AMD = "amd.com/gpu"
DEVICES = "nvidia.com/"
PLUGIN_NAMESPACE = "kube-system"
"""Where the GPU's device plugin usually is."""

DISPOSABLE = "mfconf.dev/disposable"
"""The label, with the value ``true``, by which the owner of a node or a pod says that it may be ended."""

JOBSETS = {"group": "jobset.x-k8s.io", "version": "v1alpha2", "plural": "jobsets"}
DEFAULT_CLASS = "storageclass.kubernetes.io/is-default-class"
LOG_LINES = 8
FORBIDDEN, NOT_FOUND = 403, 404
CONTROLLER_NAMESPACES = ("argo", "argo-workflows")
"""Where Argo's controller usually is; where else is for its owner to tell."""

TELLING = {"FailedScheduling", "FailedCreate", "Failed", "FailedMount", "BackOff", "Evicted", "FailedCreatePodSandBox"}


@cache
def connection() -> ApiClient:
    """The API client of the current kubeconfig context. Raises ``TargetError`` where there is none."""
    try:
        # named here: the library reads KUBECONFIG when it is imported, before a target is chosen
        return kubernetes.config.new_client_from_config(config_file=os.environ.get("KUBECONFIG"))
    except (kubernetes.config.ConfigException, OSError) as error:
        raise TargetError(f"kubeconfig: {error}; set KUBECONFIG or choose a context with --context") from None


def call(function: Callable[..., Any], **arguments: Any) -> Any:
    """One API call with a deadline. Raises ``TargetError`` where the API server does not answer."""
    try:
        return function(**arguments, _request_timeout=CALL_S)
    except HTTPError as error:
        raise TargetError(f"the Kubernetes API does not answer: {type(error).__name__}: {error}") from None


def has_api(group: str) -> bool:
    """Tell whether the cluster serves an API group."""
    return any(found.name == group for found in call(ApisApi(connection()).get_api_versions).groups)


class Forbidden(TargetError):
    """What was asked for is hidden from this context."""


def look(function: Callable[..., Any], what: str, **arguments: Any) -> Any:
    """What one API call finds. Raises as ``call`` does, and ``Forbidden`` where this context may not see ``what``."""
    try:
        return call(function, **arguments)
    except ApiException as error:
        if error.status == FORBIDDEN:
            raise Forbidden(f"not allowed to {what}") from None
        raise


class Cluster:
    """Nodes, and the pods, jobs and events in the namespace of Metaflow's jobs."""

    GPU = GPU

    def __init__(self, session: Session) -> None:
        self.session = session
        self.core = CoreV1Api(connection())
        self.batch = BatchV1Api(connection())
        self.apps = AppsV1Api(connection())
        self.storage = StorageV1Api(connection())
        self.namespace = session.namespace
        self.selector = f"{LABEL}={session.run_id}"

    def nodes(self) -> list[Any]:
        """All nodes. Raises ``Forbidden`` where this context is confined to namespaces."""
        return list(look(self.core.list_node, "list nodes").items)

    @staticmethod
    def says_gpus(node: Any) -> bool:
        """Tell whether a node says that it has GPUs, by a taint, a label or a capacity: working or not."""
        taints = {taint.key for taint in node.spec.taints or []}
        labels = node.metadata.labels or {}
        return GPU in taints or labels.get(f"{GPU}.present") == "true" or int(node.status.capacity.get(GPU, 0)) > 0

    def gpu_nodes(self) -> list[Any]:
        """The nodes that say they have GPUs. Raises as ``nodes`` does."""
        return list(filter(self.says_gpus, self.nodes()))

    def tainted_gpu_nodes(self) -> set[str]:
        """The names of the GPU nodes whose taint keeps pods away that do not tolerate it."""
        return {
            node.metadata.name for node in self.gpu_nodes() if any(taint.key == GPU for taint in node.spec.taints or [])
        }

    @staticmethod
    def addresses(node: Any) -> list[str]:
        """The IP addresses by which a node's pods know it."""
        return [address.address for address in node.status.addresses or [] if address.type == "InternalIP"]

    def disposable_nodes(self) -> list[Any]:
        """The nodes that may be drained and lost: those with the label ``mfconf.dev/disposable=true``."""
        return [node for node in self.nodes() if (node.metadata.labels or {}).get(DISPOSABLE) == "true"]

    @staticmethod
    def offered(node: Any) -> int:
        """How many of NVIDIA's devices a node offers to pods: whole, shared, or slices (``nvidia.com/mig-...``)."""
        return sum(int(count) for name, count in node.status.allocatable.items() if name.startswith(DEVICES))

    @staticmethod
    def slices_gpus(node: Any) -> bool:
        """Tell whether a node says that what it offers as GPUs are slices of them (MIG, strategy ``single``)."""
        return "-MIG-" in (node.metadata.labels or {}).get(f"{GPU}.product", "")

    @staticmethod
    def shares_gpus(node: Any) -> bool:
        """Tell whether a node says that several pods are given one GPU, by time-slicing or MPS."""
        labels = node.metadata.labels or {}
        strategy, replicas = labels.get(f"{GPU}.sharing-strategy", "none"), labels.get(f"{GPU}.replicas", "1")
        return strategy != "none" or replicas not in ("0", "1")

    def default_storage(self) -> bool:
        """Tell whether there is a default storage class. Raises ``Forbidden`` where this context may not list them."""
        classes = look(self.storage.list_storage_class, "list storage classes").items
        return any((found.metadata.annotations or {}).get(DEFAULT_CLASS) == "true" for found in classes)

    def pods(self, **labels: str) -> list[Any]:
        """The pods of this session, those with all the labels."""
        selector = ",".join([self.selector, *(f"{name}={value}" for name, value in labels.items())])
        where = {"namespace": self.namespace, "label_selector": selector}
        return list(look(self.core.list_namespaced_pod, f"list pods in {self.namespace}", **where).items)

    def pods_of(self, run: RunView, step: str | None = None) -> list[Any]:
        """The pods of a run on Kubernetes or Argo (of one of its steps) that were there when somebody first asked.

        Raises ``Blocked`` where there was none, so that nothing is judged well by looking at no pod.
        """
        if run.listed is None:
            run.listed = self.pods()
        if step:
            named = {name for task in run.steps[step] for name in task.pods}
            found = [pod for pod in run.listed if pod.metadata.name in named]
        else:
            found = [
                pod
                for pod in run.listed
                if (pod.metadata.annotations or {}).get("metaflow/run_id") == run.id
                or pod.metadata.labels.get("workflows.argoproj.io/workflow") == run.id.removeprefix("argo-")
            ]
        if not found:
            what = "/".join(filter(None, [run.pathspec, step]))
            raise Blocked(f"no pod of {what} is left on the cluster: is podGC or a TTL set?")
        return found

    def jobsets(self) -> list[Any]:
        """The JobSets of this session, as the API has them: dictionaries."""
        api = CustomObjectsApi(connection())
        where = {**JOBSETS, "namespace": self.namespace, "label_selector": self.selector}
        what = f"list jobsets in {self.namespace}"
        return list(look(api.list_namespaced_custom_object, what, **where)["items"])

    def jobsets_of(self, run: RunView) -> list[Any]:
        """The JobSets of a run. Raises ``Blocked`` where none is left."""
        found = [s for s in self.jobsets() if s["metadata"].get("annotations", {}).get("metaflow/run_id") == run.id]
        if not found:
            raise Blocked(f"no JobSet of {run.pathspec} is left on the cluster: who removed it?")
        return found

    @staticmethod
    def end_of(jobset: Any) -> str:
        """The condition that says how a JobSet ended, ``Completed`` or ``Failed``; empty if none does."""
        met = {c["type"] for c in jobset.get("status", {}).get("conditions", []) if c["status"] == "True"}
        return next((end for end in ("Completed", "Failed") if end in met), "")

    @staticmethod
    def main_container(pod: Any) -> Any:
        """The container that runs the step: ``main`` on Argo, the only one otherwise."""
        containers = pod.spec.containers
        return next((container for container in containers if container.name == "main"), containers[0])

    @staticmethod
    def quantities(resources: dict[str, str] | None) -> dict[str, float]:
        """Requests or limits as numbers: CPUs, bytes, devices."""
        return {name: float(parse_quantity(text)) for name, text in (resources or {}).items()}

    def jobs(self) -> list[Any]:
        """The Kubernetes jobs of this session."""
        where = {"namespace": self.namespace, "label_selector": self.selector}
        return list(look(self.batch.list_namespaced_job, f"list jobs in {self.namespace}", **where).items)

    def jobs_of(self, run: RunView) -> list[Any]:
        """The Kubernetes jobs of a run. Raises ``Blocked`` where none is left, as ``pods_of`` does."""
        found = [job for job in self.jobs() if (job.metadata.annotations or {}).get("metaflow/run_id") == run.id]
        if not found:
            raise Blocked(f"no job of {run.pathspec} is left on the cluster: is a TTL set?")
        return found

    def limits(self) -> Limits:
        """What quotas and limit ranges of the jobs' namespace refuse. Raises ``Forbidden`` as others do."""
        where = {"namespace": self.namespace}
        quotas = look(self.core.list_namespaced_resource_quota, f"list resource quotas in {self.namespace}", **where)
        ranges = look(self.core.list_namespaced_limit_range, f"list limit ranges in {self.namespace}", **where)
        qos = self.session.config.get("METAFLOW_KUBERNETES_QOS", "")
        return Limits(list(quotas.items), list(ranges.items), guaranteed=qos.lower() == "guaranteed")

    def evict(self, pod: str) -> None:
        """Evict a pod, as a drain does. Raises ``TargetError`` where a disruption budget or a right is in the way."""
        body = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": pod, "namespace": self.namespace}}
        call(self.core.create_namespaced_pod_eviction, name=pod, namespace=self.namespace, body=body)

    def gpu_plugin(self) -> list[str]:
        """The pods of the GPUs' device plugin that may be restarted: those with the label ``mfconf.dev/disposable``."""
        where = {"namespace": PLUGIN_NAMESPACE, "label_selector": f"{DISPOSABLE}=true"}
        pods = look(self.core.list_namespaced_pod, f"list pods in {PLUGIN_NAMESPACE}", **where).items
        return [pod.metadata.name for pod in pods]

    def restart_gpu_plugin(self) -> list[str]:
        """Delete the pods of the GPUs' device plugin, which its owner makes anew; their names."""
        names = self.gpu_plugin()
        for name in names:
            call(self.core.delete_namespaced_pod, name=name, namespace=PLUGIN_NAMESPACE)
        return names

    def service_account(self, name: str) -> Any:
        """The service account, or None. Raises ``Forbidden`` where this context may not read it."""
        what, where = f"read service accounts in {self.namespace}", {"name": name, "namespace": self.namespace}
        try:
            return look(self.core.read_namespaced_service_account, what, **where)
        except ApiException as error:
            if error.status == NOT_FOUND:
                return None
            raise

    def events(self) -> list[Any]:
        """The events in the namespace that are not Normal: of those there are thousands, and reading one costs a ms."""
        where = {"namespace": self.namespace, "field_selector": "type!=Normal"}
        return list(look(self.core.list_namespaced_event, f"list events in {self.namespace}", **where).items)

    def controllers(self) -> list[Any]:
        """The deployments of Argo's workflow controller that this context may see."""
        found: list[Any] = []
        for namespace in dict.fromkeys((*CONTROLLER_NAMESPACES, self.namespace)):
            try:
                found += call(self.apps.list_namespaced_deployment, namespace=namespace).items
            except ApiException as error:
                if error.status != FORBIDDEN:
                    raise
        return [deployment for deployment in found if "workflow-controller" in deployment.metadata.name]

    def controller(self) -> str:
        """How Argo's workflow controller is doing, in words."""
        found = [
            f"deployment {deployment.metadata.name} in {deployment.metadata.namespace}: "
            f"{deployment.status.ready_replicas or 0} ready of {deployment.spec.replicas} wanted replicas"
            for deployment in self.controllers()
        ]
        return "; ".join(found) or "the deployment of the workflow controller can't be seen from here"

    def unready(self) -> list[str]:
        """A line for each node that is not ready."""
        conditions = [(node, c) for node in self.nodes() for c in node.status.conditions or [] if c.type == "Ready"]
        return [f"node {node.metadata.name} is not ready: {c.message}" for node, c in conditions if c.status != "True"]

    def explain(self, pathspec: str = "") -> str:
        """Why pods and jobs of this session (of one run, if given) are as they are, in words. Empty if all are well.

        What this context may not see is told too.
        """
        lines: list[str] = []

        def seen_by(method: Callable[[], list[Any]]) -> list[Any]:
            try:
                return method()
            except Forbidden as error:
                lines.append(str(error))
                return []

        lines += seen_by(self.unready)
        events = seen_by(self.events)
        seen = set()
        for pod in seen_by(self.pods):
            notes = pod.metadata.annotations or {}
            seen.add(pod.metadata.labels.get("job-name"))
            if pathspec and pathspec != f"{notes.get('metaflow/flow_name')}/{notes.get('metaflow/run_id')}":
                continue
            lines += _pod_lines(pod, [event for event in _on(pod, events) if event.reason in TELLING])
        for job in seen_by(self.jobs):
            if job.metadata.name not in seen:
                told = {event.message for event in _on(job, events) if event.type == "Warning"}
                lines += [f"job {job.metadata.name} has no pod: {text}" for text in sorted(told)]
        return "\n".join(dict.fromkeys(lines))


def _on(owner: Any, events: list[Any]) -> list[Any]:
    """The events on an object, and on those that it made, which are named after it."""
    return [event for event in events if event.involved_object.name.startswith(owner.metadata.name)]


def _pod_lines(pod: Any, events: list[Any]) -> list[str]:
    lines = [f"{pod.status.reason}: {pod.status.message or ''}".strip()] if pod.status.reason else []
    for status in [*(pod.status.init_container_statuses or []), *(pod.status.container_statuses or [])]:
        if waiting := status.state.waiting:
            if waiting.reason not in ("ContainerCreating", "PodInitializing"):
                lines.append(f"{status.name}: {waiting.reason} {waiting.message or ''}".strip())
        elif (ended := status.state.terminated) and ended.exit_code:
            lines.append(f"{status.name}: {ended.reason}, exit code {ended.exit_code} {ended.message or ''}".strip())
    if pod.status.phase in ("Pending", "Failed"):
        lines += [f"{event.reason}: {event.message}" for event in events]
        lines += [condition.message for condition in pod.status.conditions or [] if condition.message]
    return [f"pod {pod.metadata.name} ({pod.status.phase}): {' '.join(line.split())}" for line in lines]
