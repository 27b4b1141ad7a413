"""Kinds of target; each comes down to a Metaflow configuration and a kubeconfig context."""

from __future__ import annotations

from conformance.errors import UsageError
from conformance.targets import eks, kind, profile, s3, service
from conformance.targets.base import Options, Target

KINDS = {
    "kind": kind.resolve,
    "profile": profile.resolve,
    "eks": eks.resolve,
    "service": service.resolve,
    "s3": s3.resolve,
}


def resolve(name: str, options: Options) -> Target:
    """The target that ``name`` (``kind``, ``profile:NAME``, ``service:URL`` ...) stands for.

    Raises ``UsageError`` where the name or a configuration can't be used.
    """
    kind_, _, rest = name.partition(":")
    if kind_ not in KINDS:
        raise UsageError(
            f"--target {name}: unknown kind {kind_!r}; "
            "use kind, profile:NAME, eks:CLUSTER[@REGION], service:URL or s3:URL"
        )
    return KINDS[kind_](rest, options)
