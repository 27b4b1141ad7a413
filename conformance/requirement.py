"""A check is a claim with an identity: what the ``requirement`` decorator declares.

Suites import this module and nothing else of the harness; everything a check needs at
run time comes to it as a fixture (see ``conformance/plugin.py``).
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, TypeVar

from conformance.outcome import Level

Check = TypeVar("Check", bound=Callable[..., Any])

ID_FORM = re.compile(r"[A-Z]{2,5}-\d{3}")

ORCHESTRATOR_NEEDS = {
    "local": {"metadata", "datastore", "client"},
    "kubernetes": {"metadata", "datastore", "client", "kubernetes"},
    "argo": {"metadata", "datastore", "client", "kubernetes", "argo"},
}
"""What an orchestrator itself asks of the deployment."""

NEEDS = {
    "metadata": "a metadata service (METAFLOW_SERVICE_URL)",
    "metadata-paging": "a metadata service with pages and filters (header X-Limit; in no release up to 2.5.1)",
    "datastore": "an S3 datastore (METAFLOW_DATASTORE_SYSROOT_S3)",
    "client": "a whole Metaflow configuration, so that flows can run",
    "kubernetes": "a Kubernetes context and METAFLOW_KUBERNETES_NAMESPACE",
    "argo": "the Argo Workflows API (argoproj.io) on the cluster",
    "gpu": "a node that says it has GPUs (taint, label or capacity nvidia.com/gpu), and leave to list nodes",
    "gpu-exclusive": "GPUs of which none is shared (labels nvidia.com/gpu.sharing-strategy, nvidia.com/gpu.replicas)",
    "gpu-whole": "a node that offers nvidia.com/gpu, and not slices of MIG alone",
    "gpu-pair": "a node that offers two nvidia.com/gpu or more, none of them slices of MIG",
    "gpu-real": "GPUs that are there, no stand-ins",
    "gpu-scarce": "fewer than three nvidia.com/gpu in all, so that of three tasks one has to wait",
    "gpu-amd": "a node that offers amd.com/gpu",
    "gpu-plugin": "device plugin pods labelled mfconf.dev/disposable=true in kube-system, and leave to delete them",
    "jobset": "the JobSet API (jobset.x-k8s.io) on the cluster",
    "secrets": "leave to create and delete secrets in the namespace of the jobs",
    "storage": "a default storage class, and leave to create and delete claims in the namespace of the jobs",
    "quotas": "leave to list resource quotas and limit ranges in the namespace of the jobs",
    "evict": "leave to evict pods in the namespace of the jobs",
    "disposable-node": "a node with the label mfconf.dev/disposable=true, and leave to patch nodes",
    "node-power": "commands that stop and start a node, {node} for its name (MFCONF_NODE_STOP, MFCONF_NODE_START)",
    "rights-of-others": "leave to ask what other accounts may do (create localsubjectaccessreviews)",
}
"""Every need a check may declare, in words."""


class Profile(StrEnum):
    """How much is judged; each profile includes the ones before it."""

    SMOKE = "smoke"
    CORE = "core"
    FULL = "full"
    CERTIFIED = "certified"

    def includes(self, other: Profile) -> bool:
        """Tell whether a check of profile ``other`` belongs to this one."""
        order = list(Profile)
        return order.index(other) <= order.index(self)


@dataclass(frozen=True)
class Requirement:
    """What a check claims, how binding it is, and when it applies."""

    id: str
    area: str
    level: Level
    title: str
    why: str
    needs: frozenset[str]
    profile: Profile
    scenario: str | None
    on: tuple[str, ...]
    kills: tuple[str, ...]
    source: str
    function: str
    full_on: tuple[str, ...] = ()

    @property
    def cases(self) -> tuple[Case, ...]:
        """The launches this claim is judged on; one case without a launch if it needs none."""
        if self.scenario is None:
            return (Case(self, None),)
        return tuple(Case(self, Launch(self.scenario, orchestrator)) for orchestrator in self.on)


@dataclass(frozen=True, order=True)
class Launch:
    """One scenario on one orchestrator: launched once a session, judged by many checks."""

    scenario: str
    orchestrator: str

    def __str__(self) -> str:
        return f"{self.scenario}@{self.orchestrator}"


@dataclass(frozen=True)
class Case:
    """A requirement on one launch (or on none): the unit that gets an outcome."""

    requirement: Requirement
    launch: Launch | None

    @property
    def id(self) -> str:
        """``META-001``, or ``FLOW-001/linear@argo`` where there is a launch."""
        return self.requirement.id if self.launch is None else f"{self.requirement.id}/{self.launch}"

    @property
    def profile(self) -> Profile:
        """The requirement's, or ``full`` where the requirement says that of this orchestrator."""
        declared = self.requirement
        dear = self.launch is not None and self.launch.orchestrator in declared.full_on
        return Profile.FULL if dear else declared.profile

    @property
    def needs(self) -> frozenset[str]:
        """The declared needs and those of the orchestrator."""
        implied = ORCHESTRATOR_NEEDS[self.launch.orchestrator] if self.launch else set()
        return self.requirement.needs | frozenset(implied)


def requirement(  # noqa: PLR0913 - one keyword per thing that a check declares
    id: str,  # noqa: A002 - the word that reports, command line and authors use
    *,
    level: str = "MUST",
    needs: set[str] | None = None,
    profile: str = "core",
    scenario: str | None = None,
    on: str | tuple[str, ...] = (),
    full_on: str | tuple[str, ...] = (),
    kills: str | tuple[str, ...] = (),
) -> Callable[[Check], Check]:
    """Declare a test function to be the check of requirement ``id``.

    The area is the folder below ``conformance/suites``. The docstring's first line is the
    title; what follows ``Why:`` is the reason. ``full_on``: the orchestrators on which it is judged in profile full
    alone, as the launch there costs too much. ``kills`` names mutants the check turns red on.

    Raises ``ValueError`` where a declaration is malformed, so that a suite that does not
    import cannot be mistaken for one that passes.
    """

    def declare(check: Check) -> Check:
        declared = _requirement(
            check,
            id=id,
            level=Level(level),
            needs=frozenset(needs or ()),
            profile=Profile(profile),
            scenario=scenario,
            on=(on,) if isinstance(on, str) else on,
            full_on=(full_on,) if isinstance(full_on, str) else full_on,
            kills=(kills,) if isinstance(kills, str) else kills,
        )
        check.requirement = declared  # type: ignore[attr-defined]
        return check

    return declare


def _requirement(check: Callable[..., Any], **declared: Any) -> Requirement:
    where = f"{check.__module__}.{check.__qualname__}"
    title, _, reason = inspect.cleandoc(check.__doc__ or "").partition("\n")
    if not ID_FORM.fullmatch(declared["id"]):
        raise ValueError(f"{where}: the ID {declared['id']!r} is not of the form AREA-123")
    why = " ".join(reason.partition("Why:")[2].split())
    if not title or not why:
        raise ValueError(f"{where}: a docstring with a title and a line 'Why: ...' is missing")
    if unknown := set(declared["needs"]) - set(NEEDS):
        raise ValueError(f"{where}: unknown needs {sorted(unknown)}; known: {sorted(NEEDS)}")
    if bool(declared["scenario"]) != bool(declared["on"]):
        raise ValueError(f"{where}: a scenario and the orchestrators it runs on go together")
    if unknown := set(declared["full_on"]) - set(declared["on"]):
        raise ValueError(f"{where}: full_on names {sorted(unknown)}, which are not among the orchestrators it runs on")
    if unknown := set(declared["on"]) - set(ORCHESTRATOR_NEEDS):
        raise ValueError(f"{where}: unknown orchestrators {sorted(unknown)}; known: {sorted(ORCHESTRATOR_NEEDS)}")
    return Requirement(
        area=check.__module__.split(".")[-2],
        title=title,
        why=why,
        source=check.__module__.replace(".", "/") + ".py",
        function=check.__name__,
        **declared,
    )


def catalogue() -> tuple[Requirement, ...]:
    """Every requirement of every suite, by ID, without touching a target.

    Raises ``ValueError`` where two checks claim one ID.
    """
    suites = importlib.import_module("conformance.suites")
    found: dict[str, Requirement] = {}
    for module in pkgutil.walk_packages(suites.__path__, "conformance.suites."):
        for member in vars(importlib.import_module(module.name)).values():
            declared = getattr(member, "requirement", None)
            if not isinstance(declared, Requirement) or declared.source != module.name.replace(".", "/") + ".py":
                continue
            if declared.id in found:
                raise ValueError(f"{declared.id} is claimed by {found[declared.id].source} and {declared.source}")
            found[declared.id] = declared
    return tuple(found[name] for name in sorted(found))


class Mismatch(AssertionError):
    """A finding with what was wanted and what there was, which the report shows side by side."""

    def __init__(self, what: str, want: Any, got: Any) -> None:
        super().__init__(f"{what}: want {want!r}, got {got!r}")
        self.want = want
        self.got = got


def equal(got: Any, want: Any, what: str) -> None:
    """Raise ``Mismatch`` unless ``got`` equals ``want``; ``what`` names the thing in words."""
    if got != want:
        raise Mismatch(what, want, got)
