"""The S3 store that holds artifacts and code packages, below a prefix of this session's own."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from functools import cache
from typing import Any
from urllib.parse import urlsplit

import boto3
from boto3.exceptions import S3UploadFailedError
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from conformance.errors import TargetError, UsageError
from conformance.session import Session

SETTINGS = Config(connect_timeout=5, read_timeout=30, retries={"max_attempts": 2}, max_pool_connections=4)


@cache
def client(parameters: str) -> Any:
    """The S3 client that this user's configuration gives; ``parameters``: what ``boto3.client`` takes, as JSON."""
    given = json.loads(parameters)
    settings = Config(**given.pop("config", {})).merge(SETTINGS)
    # a session of its own: boto3's default one keeps the configuration that was there when it was first used
    return boto3.Session().client("s3", config=settings, **given)


def parameters_of(config: dict[str, str]) -> str:
    """The parameters of Metaflow's S3 client, as JSON; see the end of its ``metaflow_config.py``.

    Raises ``UsageError`` where METAFLOW_DATATOOLS_CLIENT_PARAMS is no JSON object.
    """
    try:
        found = json.loads(config.get("METAFLOW_DATATOOLS_CLIENT_PARAMS") or "{}")
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise UsageError("METAFLOW_DATATOOLS_CLIENT_PARAMS: not a JSON object of parameters of boto3.client")
    if endpoint := config.get("METAFLOW_S3_ENDPOINT_URL"):
        found.setdefault("endpoint_url", endpoint)
    verify = config.get("METAFLOW_S3_VERIFY_CERTIFICATE")
    if verify not in (None, "", "false"):  # JSON's false is no value for Metaflow
        found["verify"] = True if verify == "true" else verify
    return json.dumps(found, sort_keys=True)


class Datastore:
    """``root`` is Metaflow's datastore root (key prefix without a slash at its end); ``own`` this session's folder."""

    def __init__(self, session: Session) -> None:
        parts = urlsplit(session.config["METAFLOW_DATASTORE_SYSROOT_S3"])
        self._parameters = parameters_of(session.config)
        self.bucket = parts.netloc
        self.root = parts.path.strip("/")
        self.own = "/".join(filter(None, [self.root, "mfconf", session.run_id]))

    def call(self, operation: str, **arguments: Any) -> Any:
        """One S3 operation on the bucket. Raises ``TargetError`` where the store does not answer.

        Errors that the store itself answers with are botocore's ``ClientError``.
        """
        try:
            function: Callable[..., Any] = getattr(client(self._parameters), operation)
            return function(Bucket=self.bucket, **arguments)
        except ClientError:
            raise
        except BotoCoreError as error:
            raise TargetError(f"S3 bucket {self.bucket}: no answer to {operation}: {error}") from None

    def put(self, name: str, body: bytes) -> str:
        """Write an object below ``own``; its key."""
        key = f"{self.own}/{name}"
        self.call("put_object", Key=key, Body=body)
        return key

    def upload(self, name: str, body: bytes) -> str:
        """Write an object below ``own`` as boto3's transfers do: in parts, from 8 MiB on; its key."""
        key = f"{self.own}/{name}"
        try:
            client(self._parameters).upload_fileobj(io.BytesIO(body), self.bucket, key)
        except (BotoCoreError, ClientError, S3UploadFailedError) as error:
            raise AssertionError(f"s3://{self.bucket}/{key}: an upload in parts fails: {error}") from None
        return key

    def get(self, key: str, **options: Any) -> bytes:
        """Read an object."""
        body: bytes = self.call("get_object", Key=key, **options)["Body"].read()
        return body

    def status(self, operation: str, **arguments: Any) -> int:
        """The HTTP status that the store answers an operation with."""
        try:
            answer = self.call(operation, **arguments)
        except ClientError as error:
            answer = error.response
        status: int = answer["ResponseMetadata"]["HTTPStatusCode"]
        return status

    def keys(self, prefix: str, page: int = 1000) -> list[str]:
        """Every key below a prefix."""
        found: list[str] = []
        options: dict[str, Any] = {"Prefix": prefix, "MaxKeys": page}
        while True:
            listed = self.call("list_objects_v2", **options)
            found += [item["Key"] for item in listed.get("Contents", [])]
            if not listed.get("IsTruncated"):
                return found
            options["ContinuationToken"] = listed["NextContinuationToken"]

    def remove_own(self) -> int:
        """Remove everything below ``own``; how many objects."""
        keys = self.keys(f"{self.own}/")
        for key in keys:
            self.call("delete_object", Key=key)
        return len(keys)
