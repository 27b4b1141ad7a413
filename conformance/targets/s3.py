"""``s3:URL``: a datastore and nothing else."""

from __future__ import annotations

from urllib.parse import urlsplit

from conformance.errors import UsageError
from conformance.targets.base import Options, Target, check_url, declared_by

TAKES: frozenset[str] = frozenset()


def resolve(rest: str, _: Options) -> Target:
    """The bucket at ``s3://BUCKET[/PREFIX]``, or at ``http://HOST:PORT/BUCKET`` for a server of one's own.

    Credentials are those that boto3 finds.
    """
    parts = urlsplit(rest)
    environment = {}
    if parts.scheme == "s3" and parts.netloc:
        root = rest.rstrip("/")
    else:
        url = check_url(rest, f"--target s3:{rest}")
        bucket = parts.path.strip("/")
        if not bucket:
            raise UsageError(f"--target s3:{rest}: the bucket is missing; use s3:{url}/BUCKET or s3:s3://BUCKET")
        root = f"s3://{bucket}"
        environment["AWS_ENDPOINT_URL_S3"] = f"{parts.scheme}://{parts.netloc}"
    config = {"METAFLOW_DATASTORE_SYSROOT_S3": root}
    return Target(f"s3:{rest}", "s3", config, declared_by(config), environment)
