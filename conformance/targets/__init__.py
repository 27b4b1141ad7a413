"""Kinds of target; each comes down to a Metaflow configuration and a kubeconfig context."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from conformance.errors import UsageError
from conformance.targets import eks, kind, profile, s3, service
from conformance.targets.base import Options, Target, with_headers

FLAGS = {"context": "--context", "profile": "--metaflow-profile", "headers": "--header", "images": "--images"}
"""The options that concern a target, as they are typed."""


@dataclass(frozen=True)
class Kind:
    """A kind of target: its form, what resolves it, and the fields of ``Options`` that it takes."""

    form: str
    resolve: Callable[[str, Options], Target]
    takes: frozenset[str]


KINDS = {
    "kind": Kind("kind", kind.resolve, kind.TAKES),
    "profile": Kind("profile:NAME", profile.resolve, profile.TAKES),
    "eks": Kind("eks:CLUSTER[@REGION]", eks.resolve, eks.TAKES),
    "service": Kind("service:URL", service.resolve, service.TAKES),
    "s3": Kind("s3:URL", s3.resolve, s3.TAKES),
}


def resolve(name: str, options: Options) -> Target:
    """The target that ``name`` (``kind``, ``profile:NAME``, ``service:URL`` ...) stands for.

    Raises ``UsageError`` where the name, a configuration or an option can't be used.
    """
    kind_, _, rest = name.partition(":")
    if kind_ not in KINDS:
        raise UsageError(
            f"--target {name}: unknown kind {kind_!r}; "
            "use kind, profile:NAME, eks:CLUSTER[@REGION], service:URL or s3:URL"
        )
    for field, flag in FLAGS.items():
        if getattr(options, field) and field not in KINDS[kind_].takes:
            forms = " or ".join(other.form for other in KINDS.values() if field in other.takes)
            raise UsageError(f"{flag}: goes with {forms}; --target {kind_} does not take it")
    return with_headers(KINDS[kind_].resolve(rest, options), options.headers)
