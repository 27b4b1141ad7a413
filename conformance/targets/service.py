"""``service:URL``: a metadata service and nothing else."""

from __future__ import annotations

import os

from conformance.session import AUTH_KEY, HEADERS
from conformance.targets.base import Options, Target, check_url, declared_by

TAKES = frozenset({"headers"})


def resolve(rest: str, _: Options) -> Target:
    """The service at the URL; headers and key are those of the environment."""
    url = check_url(rest, f"--target service:{rest}")
    config = {"METAFLOW_SERVICE_URL": url, "METAFLOW_DEFAULT_METADATA": "service"}
    config |= {key: os.environ[key] for key in (HEADERS, AUTH_KEY) if os.environ.get(key)}
    environment = {"METAFLOW_SERVICE_URL": url}
    return Target(f"service:{url}", "service", config, declared_by(config), environment)
