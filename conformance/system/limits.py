"""What the quotas and limit ranges of a namespace make of a step: pods that they refuse, and why."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from kubernetes.utils import parse_quantity

COUNTED = {"pods": "pod", "count/pods": "pod", "count/jobs.batch": "job"}
SCOPES = {"Terminating", "NotBestEffort"}
"""A quota of another scope is for other pods: those of Metaflow have a deadline and requests, and no priority class."""

NEEDED = ("cpu", "memory")
"""The resources of which a pod has to have a limit where a quota counts limits."""

Sizes = Mapping[str, float]
"""CPUs and bytes by ``cpu``, ``memory`` and ``ephemeral-storage``."""


@dataclass(frozen=True)
class Limits:
    """The ResourceQuotas and LimitRanges of a namespace; ``guaranteed``: steps are limited to their requests."""

    quotas: list[Any]
    ranges: list[Any]
    guaranteed: bool = False

    def refused_by_quotas(self, asked: Sizes) -> list[str]:
        """A line for each resource of a quota that has no room for a step that requests so much, were it alone."""
        return [
            f"ResourceQuota {quota.metadata.name}: {text}"
            for quota in self.quotas
            if _scopes(quota) <= SCOPES
            for text in self._quota(quota.spec.hard or {}, asked)
        ]

    def refused_by_ranges(self, asked: Sizes) -> list[str]:
        """A line for each limit range that refuses a step that requests so much, or limits it to less."""
        limits = self.of_step(asked)
        return [
            f"LimitRange {found.metadata.name}, {item.type}: {text}"
            for found in self.ranges
            for item in found.spec.limits
            if item.type in ("Container", "Pod")
            for name, request in asked.items()
            for text in _item(item, name, request, limits.get(name))
        ]

    def of_step(self, asked: Sizes) -> Sizes:
        """The limits of a step's container: what it requests if it is Guaranteed, else the namespace's defaults."""
        if self.guaranteed:
            return asked
        found: dict[str, float] = {}
        for item in (item for one in self.ranges for item in one.spec.limits if item.type == "Container"):
            for name, text in (item.default or {}).items():
                found[name] = min(found.get(name, float("inf")), float(parse_quantity(text)))
        return found

    def _quota(self, hard: Mapping[str, str], asked: Sizes) -> Iterator[str]:
        limits = self.of_step(asked)
        for key, most in hard.items():
            kind, _, name = key.rpartition(".") if key.startswith(("requests.", "limits.")) else ("requests", "", key)
            one = (limits if kind == "limits" else asked).get(name)
            if key in COUNTED and parse_quantity(most) < 1:
                yield f"{key} is {most}: there can be no {COUNTED[key]} of a step"
            elif kind == "limits" and name in NEEDED and one is None:
                yield (
                    f"it counts {key}, and a step has no limit of {name}: every pod is refused; add a LimitRange with "
                    f"a default limit of {name}, or set METAFLOW_KUBERNETES_QOS=Guaranteed"
                )
            elif one is not None and one > parse_quantity(most):
                yield f"{key} is {most} in all, and one step takes {amount(name, one)}: raise the quota"


def _scopes(quota: Any) -> set[str]:
    selector = quota.spec.scope_selector
    terms = (selector.match_expressions or []) if selector else []
    return {*(quota.spec.scopes or []), *(term.scope_name for term in terms)}


def _item(item: Any, name: str, request: float, limit: float | None) -> Iterator[str]:
    """What one entry of a limit range has against a container that requests so much of a resource."""
    step = f"a step asks for {amount(name, request)}"

    def bound(group: Mapping[str, str] | None) -> tuple[str, float] | None:
        text = (group or {}).get(name)
        return None if text is None else (text, float(parse_quantity(text)))

    if (default := bound(item.default)) and request > default[1] == limit:
        yield f"default limit of {name} is {default[0]}, and {step}: the pod is invalid; raise the default or drop it"
    if (least := bound(item.min)) and request < least[1]:
        yield f"min of {name} is {least[0]}, and {step}: lower it, or let steps ask for more"
    if most := bound(item.max):
        if limit is None:
            yield f"max of {name} is {most[0]}, and a step has no limit of it: add a default"
        if max(request, limit or 0) > most[1]:
            yield f"max of {name} is {most[0]}, and {step}, with a limit of {amount(name, limit or request)}: raise it"
    if (ratio := bound(item.max_limit_request_ratio)) and limit is not None and limit > ratio[1] * request:
        yield (
            f"a limit of {name} may be {ratio[0]} times the request, and {step}, with a limit of "
            f"{amount(name, limit)}: lower the default limit"
        )


def amount(name: str, value: float) -> str:
    """CPUs, or Metaflow's megabytes, in Kubernetes' notation."""
    return f"{value:g}" if name == "cpu" else f"{value / 10**6:g}M"
