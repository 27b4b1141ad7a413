"""What a mutant can do to the local deployment; it is laid out here, without touching a cluster."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from conformance.local.deployment import JOBS

LABEL = "mfconf.dev/mutant"
"""Borne by everything that a mutant makes, and by the pods of the run that judges it."""

LAUNCHER, TASK = "metaflow-user", "metaflow-task"
"""The accounts whose rights a mutant can change: who starts flows, and what steps and workflows run as."""

STORE_KEY = "(the secret key of the store)"
"""What an object on the bench has in place of it; it is put in as the object is made."""

MARK = f'JSONPatch{{{{op: "add", path: "/metadata/annotations/" + jsonpatch.escapeKey("{LABEL}"), value: "{{}}"}}}}'
"""Tells that the API server heeds the policy; pods of a run have annotations, and so has a probe."""

WORKER, GPU_NODE = "mfconf-worker", "mfconf-worker2"
"""The node that takes steps, and the one with the GPUs."""

RBAC = "rbac.authorization.k8s.io/v1"

Manifest = dict[str, Any]


class Breaks(StrEnum):
    """What a mutant breaks for everybody."""

    NOTHING = ""
    GPUS = "gpus"
    EVERYTHING = "everything"


@dataclass(frozen=True)
class Patch:
    """A JSON merge patch of an object that is there for all; it is made from what is there."""

    kind: str
    name: str
    namespace: str
    content: Callable[[Manifest], Manifest]


@dataclass(frozen=True)
class Script:
    """Shell commands on a node, and those that undo them, which have to be harmless where nothing was done."""

    node: str
    do: str
    undo: str
    stdin: str = ""


@dataclass(frozen=True)
class Rights:
    """An account's rights without some, and with others. ``lacks``: ``VERB RESOURCE[/SUBRESOURCE]``."""

    account: str
    lacks: tuple[str, ...]
    more: tuple[Manifest, ...]


class Bench:
    """The changes of one mutant.

    Most concern only the run that judges it: its configuration, its accounts, its namespace, its pods. ``breaks`` says
    what is broken for everybody meanwhile: nothing, the GPUs, or everything, so that it has to be tried alone.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.made = f"mfconf-mutant-{name}"
        self.namespace = JOBS
        self.config = {"METAFLOW_KUBERNETES_LABELS": f"{LABEL}={name}"}
        self.objects: list[Manifest] = []
        self.patches: list[Patch] = []
        self.scripts: list[Script] = []
        self.rights: list[Rights] = []
        self.removed: list[tuple[str, str]] = []
        self.labels = {LABEL: name}
        self.waits: list[tuple[str, ...]] = []
        self.breaks = Breaks.NOTHING

    @property
    def changes(self) -> bool:
        """Whether there is anything on the bench."""
        laid_out = (self.objects, self.patches, self.scripts, self.rights, self.removed)
        return any(laid_out) or len(self.config) > 1

    def configure(self, **settings: str) -> None:
        """Give the run's user another configuration: names without ``METAFLOW_``, as in ``config.json``."""
        self.config |= {f"METAFLOW_{name}": value for name, value in settings.items()}

    def launcher(self, *lacks: str, more: Iterable[Manifest] = ()) -> None:
        """Have the run launched by an account with the launcher's rights but for ``lacks``, and with ``more`` rules."""
        self.rights.append(Rights(LAUNCHER, lacks, tuple(more)))

    def task(self, *lacks: str, more: Iterable[Manifest] = ()) -> None:
        """Have steps run as an account with the usual one's rights but for ``lacks``, and with ``more`` rules."""
        self.rights.append(Rights(TASK, lacks, tuple(more)))
        self.configure(KUBERNETES_SERVICE_ACCOUNT=self.made)

    def own_namespace(
        self, *, without: Iterable[tuple[str, str]] = (), labels: Mapping[str, str] | None = None
    ) -> None:
        """Have jobs run in a namespace of the mutant's own, with what the usual one has but for ``(kind, name)``."""
        self.namespace = self.made
        self.removed += without
        self.labels |= labels or {}
        self.configure(KUBERNETES_NAMESPACE=self.made)

    def make(self, api: str, kind: str, name: str = "", *, namespaced: bool = True, **content: Any) -> None:
        """Make an object, in the namespace of the run's jobs if it is in any; its name is the mutant's by default."""
        where = {"namespace": self.namespace} if namespaced else {}
        meta = {"name": name or self.made, **where, "labels": {LABEL: self.name}}
        self.objects.append({"apiVersion": api, "kind": kind, "metadata": meta, **content})

    def pods(self, *operations: str, where: str = "true") -> None:
        """Have the API server change every pod of the run that judges, as policies, meshes and operators do.

        ``operations``: of ``add``, ``replace`` and ``remove``; ``where``: which pods, a CEL expression on ``object``.
        """
        api = "admissionregistration.k8s.io/v1beta1"
        rule = {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["pods"]}
        match = {"objectSelector": {"matchLabels": {LABEL: self.name}}, "resourceRules": [rule]}
        spec = {
            "matchConstraints": match,
            "failurePolicy": "Fail",
            "reinvocationPolicy": "Never",
            "mutations": [
                {"patchType": "JSONPatch", "jsonPatch": {"expression": expression}}
                for expression in (f"[{MARK.format(self.name)}]", f"{where} ? [{', '.join(operations)}] : []")
            ],
        }
        self.make(api, "MutatingAdmissionPolicy", namespaced=False, spec=spec)
        self.make(api, "MutatingAdmissionPolicyBinding", namespaced=False, spec={"policyName": self.made})

    def patch(self, kind: str, name: str, namespace: str, content: Callable[[Manifest], Manifest]) -> None:
        """Change an object that is there for all, by the JSON merge patch that ``content`` makes of it as it is."""
        self.patches.append(Patch(kind, name, namespace, content))
        self.breaks = self.breaks or Breaks.EVERYTHING

    def on_node(self, node: str, do: str, undo: str, *, stdin: str = "", alone: bool = True) -> None:
        """Run shell commands on a node, and ``undo`` afterwards, which has to be harmless where nothing was done."""
        self.scripts.append(Script(node, do, undo, stdin))
        if alone:
            self.breaks = Breaks.EVERYTHING

    def wait(self, *words: str) -> None:
        """Wait, with these words of kubectl's, until the change has come through."""
        self.waits.append(words)


def add(path: str, value: Any) -> str:
    """A JSON patch in CEL that adds a value at a path; a list's end is ``-``."""
    return f'JSONPatch{{op: "add", path: {json.dumps(path)}, value: {cel(value)}}}'


def replace(path: str, value: Any) -> str:
    """A JSON patch in CEL that replaces the value at a path."""
    return f'JSONPatch{{op: "replace", path: {json.dumps(path)}, value: {cel(value)}}}'


def remove(path: str) -> str:
    """A JSON patch in CEL that removes what is at a path."""
    return f'JSONPatch{{op: "remove", path: {json.dumps(path)}}}'


class Expression(str):
    """CEL that stands for itself as a value."""

    __slots__ = ()


def cel(value: Any) -> str:
    """A JSON value as a CEL literal; leaves are ``dyn``, for lists and maps of one type only are allowed otherwise."""
    if isinstance(value, Expression):
        return str(value)
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(key)}: dyn({cel(item)})" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(f"dyn({cel(item)})" for item in value) + "]"
    return json.dumps(value)
