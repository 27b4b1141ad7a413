"""The namespace of the jobs has room for steps."""

from conformance.requirement import equal, requirement

SMALL = {"cpu": 0.1, "memory": 256 * 10**6, "ephemeral-storage": 1024 * 10**6}
"""What every launch here asks for a step."""

SETTINGS = {"cpu": ("CPU", 1, 1), "memory": ("MEMORY", 4096, 10**6), "ephemeral-storage": ("DISK", 10240, 10**6)}
"""The setting of each resource, Metaflow's default, and its unit."""


def default_step(session):
    """What a step asks for that says nothing."""
    return {
        name: float(session.config.get(f"METAFLOW_KUBERNETES_{setting}") or default) * unit
        for name, (setting, default, unit) in SETTINGS.items()
    }


@requirement(
    "COMP-150",
    needs={"kubernetes", "quotas"},
    kills=("quota-demands-limits", "quota-of-cpu-too-small", "quota-of-no-pods"),
)
def test_quotas_have_room_for_a_small_step(cluster):
    """No resource quota of the jobs' namespace refuses a step of 0.1 CPU, 256 MB and 1 GB of disk.

    Why: Kubernetes refuses such a pod without a word to Metaflow, which waits for it for ever.
    """
    equal(
        cluster.limits().refused_by_quotas(SMALL), [], f"namespace {cluster.namespace}: quotas that refuse a small step"
    )


@requirement("COMP-151", level="SHOULD", needs={"kubernetes", "quotas"})
def test_quotas_have_room_for_a_default_step(cluster, session):
    """No resource quota of the jobs' namespace refuses a step that asks for nothing in particular.

    Why: Metaflow gives it 1 CPU, 4 GB and 10 GB of disk unless METAFLOW_KUBERNETES_CPU, _MEMORY and _DISK say else.
    """
    refused = cluster.limits().refused_by_quotas(default_step(session))

    equal(refused, [], f"namespace {cluster.namespace}: quotas that refuse a step of the default size")


@requirement(
    "COMP-152",
    needs={"kubernetes", "quotas"},
    kills=("limit-range-default", "limit-range-maximum", "limit-range-minimum"),
)
def test_limit_ranges_admit_a_small_step(cluster):
    """No limit range of the jobs' namespace refuses a step of 0.1 CPU, 256 MB and 1 GB of disk.

    Why: Kubernetes refuses such a pod without a word to Metaflow, which waits for it for ever.
    """
    equal(
        cluster.limits().refused_by_ranges(SMALL),
        [],
        f"namespace {cluster.namespace}: limit ranges that refuse a small step",
    )


@requirement("COMP-153", level="SHOULD", needs={"kubernetes", "quotas"})
def test_limit_ranges_admit_a_default_step(cluster, session):
    """No limit range of the jobs' namespace refuses a step that asks for nothing in particular.

    Why: a default limit below what Metaflow requests makes every such pod invalid.
    """
    refused = cluster.limits().refused_by_ranges(default_step(session))

    equal(refused, [], f"namespace {cluster.namespace}: limit ranges that refuse a step of the default size")
