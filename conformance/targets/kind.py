"""``kind``: the local deployment, brought up if it is not there."""

from __future__ import annotations

import os
import shlex

from conformance import local
from conformance.errors import UsageError
from conformance.local import engine
from conformance.local.paths import METAFLOW_HOME, PROFILE
from conformance.system.disturbing import START, STOP
from conformance.targets.base import Options, Target, declared_by, read_profile

TAKES = frozenset({"images", "headers"})


def resolve(rest: str, options: Options) -> Target:
    """The local deployment. The GPUs and the S3 server are stand-ins for a cloud's."""
    if rest:
        raise UsageError(f"--target kind:{rest}: the local deployment takes no name; use --target kind")
    for variable in [name for name in os.environ if name.startswith(("METAFLOW_", "AWS_"))]:
        del os.environ[variable]
    if not local.status().up:
        local.up(options.images or "auto")
    _, config = read_profile(PROFILE, METAFLOW_HOME)
    return Target(
        "kind",
        "kind",
        config,
        declared_by(config),
        local.environment() | power(),
        simulated=frozenset({"gpu", "gpu-amd", "s3"}),
    )


def power() -> dict[str, str]:
    """The commands that stop and start a node, which is a container."""
    docker = shlex.join(["env", *(f"{name}={value}" for name, value in engine.private().items()), "docker"])
    return {STOP: f"{docker} stop --time 0 {{node}}", START: f"{docker} start {{node}}"}
