"""Which steps quotas and limit ranges refuse, and in which words."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from conformance.system.limits import Limits

STEP = {"cpu": 1.0, "memory": 4096e6, "ephemeral-storage": 10240e6}


def named(name: str, **spec: Any) -> Any:
    return SimpleNamespace(metadata=SimpleNamespace(name=name), spec=SimpleNamespace(**spec))


def quota(*scopes: str, selected: tuple[str, ...] = (), **hard: str) -> Any:
    terms = [SimpleNamespace(scope_name=name) for name in selected]
    selector = SimpleNamespace(match_expressions=terms) if selected else None
    keys = {key.replace("_", ".", 1): most for key, most in hard.items()}
    return named("q", hard=keys, scopes=list(scopes) or None, scope_selector=selector)


def limit_range(kind: str = "Container", **parts: dict[str, str]) -> Any:
    groups = dict.fromkeys(("default", "min", "max", "max_limit_request_ratio"))
    return named("r", limits=[SimpleNamespace(type=kind, **{**groups, **parts})])


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (quota(requests_cpu="1", requests_memory="4096M", pods="1", services="0"), None),
        (quota(requests_cpu="500m"), "requests.cpu is 500m in all, and one step takes 1: raise the quota"),
        (quota(memory="1Gi"), "memory is 1Gi in all, and one step takes 4096M: raise the quota"),
        (quota(pods="0"), "pods is 0: there can be no pod of a step"),
        (named("q", hard={"count/jobs.batch": "0"}, scopes=None, scope_selector=None), "count/jobs.batch is 0: there"),
        (quota(limits_memory="64Gi"), "it counts limits.memory, and a step has no limit of memory: every pod is"),
        (quota("NotTerminating", requests_cpu="0"), None),
        (quota(selected=("PriorityClass",), requests_cpu="0"), None),
        (quota("Terminating", selected=("NotBestEffort",), requests_cpu="0"), "requests.cpu is 0 in all"),
    ],
)
def test_quotas(found: Any, said: str | None) -> None:
    lines = Limits([found], []).refused_by_quotas(STEP)

    assert [line.startswith(f"ResourceQuota q: {said}") for line in lines] == ([True] if said else [])


def test_a_quota_of_limits_wants_a_default_or_guaranteed_steps() -> None:
    quotas = [quota(limits_memory="8192M")]

    assert Limits(quotas, [], guaranteed=True).refused_by_quotas(STEP) == []
    assert Limits(quotas, [limit_range(default={"memory": "8192M"})]).refused_by_quotas(STEP) == []
    assert Limits(quotas, [limit_range(default={"memory": "9Gi"})]).refused_by_quotas(STEP) == [
        "ResourceQuota q: limits.memory is 8192M in all, and one step takes 9663.68M: raise the quota"
    ]


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (limit_range(default={"cpu": "2", "memory": "8Gi"}, max={"memory": "8Gi"}, min={"cpu": "1"}), None),
        (
            limit_range(default={"memory": "512Mi"}),
            "default limit of memory is 512Mi, and a step asks for 4096M: the pod",
        ),
        (limit_range(min={"cpu": "2"}), "min of cpu is 2, and a step asks for 1: lower it"),
        (limit_range("Pod", max={"cpu": "4"}), "max of cpu is 4, and a step has no limit of it: add a default"),
        (
            limit_range(default={"cpu": "2"}, max={"cpu": "500m"}),
            "max of cpu is 500m, and a step asks for 1, with a limit of 2: raise it",
        ),
        (
            limit_range(default={"cpu": "9"}, max_limit_request_ratio={"cpu": "4"}),
            "a limit of cpu may be 4 times the request, and a step asks for 1, with a limit of 9: lower",
        ),
        (limit_range("PersistentVolumeClaim", min={"storage": "1Gi"}), None),
    ],
)
def test_limit_ranges(found: Any, said: str | None) -> None:
    lines = Limits([], [found]).refused_by_ranges(STEP)

    kind = found.spec.limits[0].type
    assert [line.startswith(f"LimitRange r, {kind}: {said}") for line in lines] == ([True] if said else [])


def test_defaults_do_not_touch_guaranteed_steps() -> None:
    ranges = [limit_range(default={"memory": "512Mi"}, max={"memory": "8Gi"})]

    assert Limits([], ranges, guaranteed=True).refused_by_ranges(STEP) == []


def test_the_smallest_of_several_defaults_counts() -> None:
    ranges = [limit_range(default={"memory": "8Gi"}), limit_range(default={"memory": "1Gi"})]

    assert len(Limits([], ranges).refused_by_ranges(STEP)) == 1
