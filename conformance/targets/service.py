"""``service:URL``: a metadata service and nothing else."""

from __future__ import annotations

from conformance.targets.base import Options, Target, check_url, declared_by

TAKES = frozenset({"headers"})


def resolve(rest: str, options: Options) -> Target:
    """The service at the URL."""
    url = check_url(rest, f"--target service:{rest}")
    config = {"METAFLOW_SERVICE_URL": url, "METAFLOW_DEFAULT_METADATA": "service"}
    environment = {"METAFLOW_SERVICE_URL": url}
    return Target(f"service:{url}", "service", config, declared_by(config), environment, headers=options.headers)
