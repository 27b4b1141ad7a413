"""Secrets that the harness knows, looked for in everything that a run leaves to be read."""

from __future__ import annotations

import gzip
import json
import zlib
from base64 import b64encode
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

import boto3
from botocore.exceptions import BotoCoreError

from conformance.errors import TargetError
from conformance.redact import redact
from conformance.requirement import Launch
from conformance.session import Session, headers_of
from conformance.system.argo import Argo
from conformance.system.cluster import Cluster, connection
from conformance.system.datastore import Datastore, parameters_of
from conformance.system.flows import RunView
from conformance.system.metadata import MetadataService, path_of
from conformance.system.props import secret_value
from conformance.system.scenarios import catalogue

SHORTEST = 8
"""Characters: what is shorter is found by chance."""

ALIGNMENTS = 3
"""A value encoded in base64 amid others looks different by where it begins."""

TOLD = 5

GZIP = b"\x1f\x8b"

Place = tuple[str, bytes]
"""Where something stands, in words, and all that stands there."""


@dataclass(frozen=True)
class Secret:
    """A value that only its holders should read; ``name`` says what it is."""

    name: str
    value: str = field(repr=False)

    @property
    def forms(self) -> set[bytes]:
        """The value as it may be written: plain, in JSON, in a URL, in base64."""
        raw = self.value.encode()
        plain = {raw, json.dumps(self.value)[1:-1].encode(), quote(self.value, safe="").encode()}
        return plain | {form for skipped in range(ALIGNMENTS) for form in _encoded(raw, skipped)}


def _encoded(raw: bytes, skipped: int) -> set[bytes]:
    """What is certain of ``raw`` in base64, in both alphabets, where it begins ``skipped`` bytes into a group."""
    first, last = -(-8 * skipped // 6), 8 * (skipped + len(raw)) // 6
    sure = b64encode(bytes(skipped) + raw)[first:last]
    return {sure, sure.translate(bytes.maketrans(b"+/", b"-_"))}


def found(secrets: Iterable[Secret], places: Iterable[Place]) -> list[str]:
    """What stands where, in words, without any value; of many places the first ones."""
    forms = [(secret.name, secret.forms) for secret in secrets if len(secret.value) >= SHORTEST]
    told = [
        f"{name} in {where}"
        for where, content in places
        for name, written in forms
        if any(form in content for form in written)
    ]
    return [*told[:TOLD], *([f"and in {len(told) - TOLD} other places"] if len(told) > TOLD else [])]


class Leaks:
    """What the harness knows of secrets, and the places where they should not stand."""

    def __init__(self, session: Session) -> None:
        self.session = session

    found = staticmethod(found)

    def of_steps(self) -> list[Secret]:
        """What the secrets hold that were made for launches of this run."""
        launches = [Launch(*names) for names in self.session.launches]
        return [
            Secret(f"the value of the secret {name}", secret_value(name))
            for launch in launches
            if "secret" in catalogue()[launch.scenario].props
            for name in [self.session.prop(launch)]
        ]

    def of_launcher(self) -> list[Secret]:
        """The keys by which whoever launches gets into the store and the cluster.

        Raises ``TargetError`` where the store's can't be had.
        """
        try:
            keys = boto3.Session().get_credentials()
            frozen = keys.get_frozen_credentials() if keys else None
        except BotoCoreError as error:
            raise TargetError(f"AWS credentials: {error}") from None
        given = json.loads(parameters_of(self.session.config))
        values = {
            "the launcher's AWS secret access key": frozen and frozen.secret_key,
            "the launcher's AWS session token": frozen and frozen.token,
            "aws_secret_access_key of METAFLOW_DATATOOLS_CLIENT_PARAMS": given.get("aws_secret_access_key"),
        }
        if "kubernetes" in self.session.capabilities:
            # the client's versions keep it under different names
            bearer = next(iter(connection().configuration.api_key.values()), None) or ""
            values["the launcher's Kubernetes token"] = bearer.removeprefix("Bearer ")
        return [Secret(name, value) for name, value in values.items() if value]

    def of_service(self) -> list[Secret]:
        """The secret ones of the headers that the metadata service is sent."""
        headers = headers_of(self.session.config)
        return [
            Secret(f"the metadata service's header {name}", value)
            for name, value in headers.items()
            if redact({name: value}) != {name: value}
        ]

    @staticmethod
    def in_specs(run: RunView, cluster: Cluster) -> Iterator[Place]:
        """The run's pods, and its Kubernetes jobs, as the API server shows them."""
        owned = [job for job in cluster.jobs() if (job.metadata.annotations or {}).get("metaflow/run_id") == run.id]
        for kind, things in (("pod", cluster.pods_of(run)), ("job", owned)):
            for thing in things:
                shown = connection().sanitize_for_serialization(thing)
                yield f"{kind} {thing.metadata.name}", _text(shown)

    @staticmethod
    def in_argo(run: RunView, argo: Argo) -> Iterator[Place]:
        """The run's workflow, and the template that it was made of."""
        yield f"workflow {run.id.removeprefix('argo-')}", _text(argo.workflow(run.id))
        yield f"workflow template {run.result.template}", _text(argo.template(str(run.result.template)))

    @staticmethod
    def in_logs(run: RunView) -> Iterator[Place]:
        """What each attempt of each task printed."""
        for task in run.tasks():
            for number in task.attempts:
                attempt = task.attempt(number)
                yield f"{task.pathspec}, stdout of attempt {number}", attempt.stdout.encode()
                yield f"{task.pathspec}, stderr of attempt {number}", attempt.stderr.encode()

    @staticmethod
    def in_output(run: RunView) -> Iterator[Place]:
        """What the launcher printed."""
        yield f"the launcher's output of {run.pathspec}", run.result.output().encode()

    @staticmethod
    def in_store(run: RunView, datastore: Datastore) -> Iterator[Place]:
        """Every object of the run: its own files, artifacts and code packages of its flow, what it put with S3."""
        flow = run.pathspec.partition("/")[0]
        folders = (run.folder(datastore), f"{datastore.own}/{flow}/data/", f"{datastore.own}/data/{run.pathspec}/")
        for key in [key for folder in folders for key in datastore.keys(folder)]:
            body = datastore.get(key)
            yield f"s3://{datastore.bucket}/{key}", body + _unpacked(body)

    @staticmethod
    def in_metadata(run: RunView, metadata: MetadataService) -> Iterator[Place]:
        """Every record of the run, as the metadata service answers it."""
        flow, number = run.pathspec.split("/")
        at = path_of(flow, number)
        yield f"GET {at}", _text(metadata.read(at))
        for step in metadata.rows(f"{at}/steps"):
            tasks = f"{path_of(flow, number, step['step_name'])}/tasks"
            for task in metadata.rows(tasks):
                one = path_of(flow, number, step["step_name"], task["task_id"])
                yield f"GET {one}", _text(task)
                for what in ("metadata", "artifacts"):
                    yield f"GET {one}/{what}", _text(metadata.rows(f"{one}/{what}"))

    def in_record(self) -> Iterator[Place]:
        """Every file that this run of the harness has written so far."""
        for path in sorted(self.session.output.rglob("*")):
            if path.is_file():
                yield f"{path.relative_to(self.session.output)} of the record", path.read_bytes()


def _text(content: Any) -> bytes:
    """As it would be shown."""
    return json.dumps(content, default=str, ensure_ascii=False).encode()


def _unpacked(body: bytes) -> bytes:
    """What is compressed in an object; nothing where it is not compressed."""
    try:
        return gzip.decompress(body) if body.startswith(GZIP) else b""
    except (OSError, EOFError, zlib.error):
        return b""
