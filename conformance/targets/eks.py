"""``eks:CLUSTER[@REGION]``: a Metaflow profile and an EKS cluster, its kubeconfig made on the spot."""

from __future__ import annotations

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from conformance.errors import TargetError, UsageError
from conformance.targets.base import Options, Target, declared_by, overlaid, read_profile, write_kubeconfig

TAKES = frozenset({"profile", "headers"})


def resolve(rest: str, options: Options) -> Target:
    """The cluster, as ``aws eks describe-cluster`` and ``aws eks get-token`` give it to this user."""
    name, _, region = rest.partition("@")
    if not name:
        raise UsageError("--target eks: the cluster's name is missing; use eks:CLUSTER[@REGION]")
    folder, found = read_profile(options.profile)
    config = overlaid(found)
    kubeconfig, region = _kubeconfig(name, region)
    environment = {
        "METAFLOW_HOME": str(folder),
        "METAFLOW_PROFILE": options.profile or "",
        "KUBECONFIG": write_kubeconfig(kubeconfig),
    }
    through = f"region {region}, profile {options.profile or 'default'}"
    return Target(f"eks:{rest}", "eks", config, declared_by(config), environment, through=through)


def _kubeconfig(name: str, region: str) -> tuple[dict[str, object], str]:
    """The kubeconfig, and the region: where none was named, the one that this user's configuration gives."""
    try:
        client = boto3.client(
            "eks",
            region_name=region or None,
            config=Config(connect_timeout=5, read_timeout=20, retries={"max_attempts": 2}),
        )
        cluster = client.describe_cluster(name=name)["cluster"]
    except (BotoCoreError, ClientError) as error:
        raise TargetError(
            f"eks:{name}: the cluster can't be described: {error}; check name, region and credentials"
        ) from None
    token = {
        "apiVersion": "client.authentication.k8s.io/v1beta1",
        "command": "aws",
        "args": ["eks", "get-token", "--cluster-name", name, "--region", client.meta.region_name],
    }
    made: dict[str, object] = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": name,
        "clusters": [
            {
                "name": name,
                "cluster": {
                    "server": cluster["endpoint"],
                    "certificate-authority-data": cluster["certificateAuthority"]["data"],
                },
            }
        ],
        "users": [{"name": name, "user": {"exec": token}}],
        "contexts": [{"name": name, "context": {"cluster": name, "user": name}}],
    }
    return made, client.meta.region_name
