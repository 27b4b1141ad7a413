"""``profile:NAME``: a Metaflow profile of this user and a kubeconfig context."""

from __future__ import annotations

from conformance.targets.base import (
    Options,
    Target,
    current_context,
    declared_by,
    kubeconfig_for,
    overlaid,
    read_profile,
)

TAKES = frozenset({"context", "headers"})


def resolve(rest: str, options: Options) -> Target:
    """The deployment that ``METAFLOW_PROFILE=NAME`` uses; ``default`` (or nothing) is ``config.json``.

    What the environment sets counts above the file.
    """
    name = rest if rest not in ("", "default") else None
    folder, found = read_profile(name)
    config = overlaid(found)
    environment = {"METAFLOW_HOME": str(folder), "METAFLOW_PROFILE": name or ""} | kubeconfig_for(options.context)
    declared = declared_by(config)
    context = options.context or (current_context() if "kubernetes" in declared else "")
    through = f"context {context}" if context else ""
    return Target(f"profile:{rest or 'default'}", "profile", config, declared, environment, through=through)
