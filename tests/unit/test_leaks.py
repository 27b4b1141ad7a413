"""Secrets are found in whatever form they are written, and never repeated."""

from __future__ import annotations

import gzip
import json
from base64 import b64encode, urlsafe_b64encode
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conformance.errors import TargetError
from conformance.session import Session
from conformance.system import leaks
from conformance.system.leaks import Leaks, Secret, found
from conformance.system.props import secret_value
from conformance.system.scenarios import Scenario

KEY = Secret("the key", 'wJal/XU+tn"FEMI>K7?MDENG')


def session(output: Path, *launches: tuple[str, str], **config: str) -> Session:
    settings = {"METAFLOW_DATASTORE_SYSROOT_S3": "s3://b/m"} | {
        f"METAFLOW_{name}": text for name, text in config.items()
    }
    return Session("run0000001", output, "t", (), launches, frozenset(), frozenset(), settings)


@pytest.mark.parametrize("encoded", [b64encode, urlsafe_b64encode], ids=["standard", "of URLs"])
@given(before=st.binary(max_size=9), after=st.binary(max_size=9))
def test_a_secret_amid_something_encoded_is_found(encoded: Any, before: bytes, after: bytes) -> None:
    content = encoded(before + KEY.value.encode() + after)

    assert found([KEY], [("place", content)]) == ["the key in place"]


@pytest.mark.parametrize(
    "written", [KEY.value, json.dumps({"k": KEY.value}), f"https://host/?key={quote(KEY.value, safe='')}&x=1"]
)
def test_a_secret_as_text_is_found(written: str) -> None:
    assert found([KEY], [("place", f"... {written} ...".encode())]) == ["the key in place"]


def test_a_finding_names_every_place_and_never_the_value() -> None:
    other = Secret("another", "something-else")

    told = found([KEY, other], [("first", KEY.value.encode()), ("second", b"nothing"), ("third", KEY.value.encode())])

    assert told == ["the key in first", "the key in third"]
    assert KEY.value not in repr(KEY)


def test_of_many_places_the_first_are_told() -> None:
    places = [(f"place {number}", KEY.value.encode()) for number in range(20)]

    told = found([KEY], places)

    assert told[0] == "the key in place 0"
    assert told[-1] == "and in 15 other places"


def test_a_value_that_is_found_by_chance_is_no_secret() -> None:
    assert not found([Secret("short", "x")], [("place", b"x marks the spot")])


def test_the_secrets_of_steps_are_those_made_for_launches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scenarios = {
        "with_one": Scenario("with_one", "F", "successful", 1, props=("secret",)),
        "without": Scenario("without", "F", "successful", 1, props=("claim",)),
    }
    monkeypatch.setattr(leaks, "catalogue", lambda: scenarios)

    known = Leaks(session(tmp_path, ("with_one", "argo"), ("without", "argo"))).of_steps()

    assert [secret.value for secret in known] == [secret_value("mfconf-run0000001-with-one-argo")]


@pytest.mark.usefixtures("own_environment")
def test_the_keys_of_the_launcher_are_those_that_reach_the_store(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "from-the-environment")
    given_too = '{"aws_secret_access_key": "from-the-configuration"}'

    known = Leaks(session(tmp_path, DATATOOLS_CLIENT_PARAMS=given_too)).of_launcher()

    assert [secret.value for secret in known] == ["from-the-environment", "from-the-configuration"]


@pytest.mark.usefixtures("own_environment")
@pytest.mark.parametrize("kept", [{"BearerToken": "token-of-mine"}, {"authorization": "Bearer token-of-mine"}, {}])
def test_the_token_of_the_cluster_is_known_wherever_its_client_keeps_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kept: dict[str, str]
) -> None:
    client = SimpleNamespace(configuration=SimpleNamespace(api_key=kept))
    monkeypatch.setattr(leaks, "connection", lambda: client)
    on_cluster = replace(session(tmp_path), capabilities=frozenset({"kubernetes"}))

    known = Leaks(on_cluster).of_launcher()

    assert [secret.value for secret in known] == ["token-of-mine"] * bool(kept)


@pytest.mark.usefixtures("own_environment")
def test_keys_that_cannot_be_had_are_no_finding(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "there-is-none")

    with pytest.raises(TargetError, match="there-is-none"):
        Leaks(session(tmp_path)).of_launcher()


def test_of_the_service_headers_only_the_secret_ones_are_looked_for(tmp_path: Path) -> None:
    headers = json.dumps({"X-Organisation": "research", "Authorization": "Bearer abcdefghijkl"})

    known = Leaks(session(tmp_path, SERVICE_HEADERS=headers, SERVICE_AUTH_KEY="key-of-the-service")).of_service()

    assert {secret.value for secret in known} == {"Bearer abcdefghijkl", "key-of-the-service"}


class Bucket:
    """A store of these objects."""

    bucket, own = "bucket", "m/mfconf/run0000001"

    def __init__(self, **objects: bytes) -> None:
        self.objects = {f"{self.own}/{name}": body for name, body in objects.items()}

    def keys(self, prefix: str) -> list[str]:
        return [key for key in self.objects if key.startswith(prefix)]

    def get(self, key: str) -> bytes:
        return self.objects[key]


def run() -> Any:
    return SimpleNamespace(pathspec="F/7", folder=lambda store: f"{store.own}/F/7/")


def test_compressed_objects_of_the_run_and_its_flow_are_read(tmp_path: Path) -> None:
    packed = gzip.compress(KEY.value.encode())
    objects = {
        "F/7/start/1/0.task_stdout.log": b"in the log: " + KEY.value.encode(),
        "F/data/ab/abcdef": packed,
        "data/F/7/file": packed[:-9],
        "G/7/start/1/log": KEY.value.encode(),
    }

    told = found([KEY], Leaks(session(tmp_path)).in_store(run(), Bucket(**objects)))  # type: ignore[arg-type]

    at = "the key in s3://bucket/m/mfconf/run0000001"
    assert told == [f"{at}/F/7/start/1/0.task_stdout.log", f"{at}/F/data/ab/abcdef"]


def test_the_record_is_read_whole(tmp_path: Path) -> None:
    (tmp_path / "launches").mkdir()
    (tmp_path / "launches" / "linear@local.log").write_text(KEY.value)
    (tmp_path / "events.jsonl").write_text("{}")

    told = found([KEY], Leaks(session(tmp_path)).in_record())

    assert told == ["the key in launches/linear@local.log of the record"]


RECORDS: dict[str, list[dict[str, Any]]] = {
    "/flows/F/runs/7/steps": [{"step_name": "start"}],
    "/flows/F/runs/7/steps/start/tasks": [{"task_id": 1}],
    "/flows/F/runs/7/steps/start/tasks/1/metadata": [{"field_name": "x", "value": KEY.value}],
    "/flows/F/runs/7/steps/start/tasks/1/artifacts": [],
}


class Service:
    """A metadata service of one task, whose metadata tells a secret."""

    def read(self, path: str) -> dict[str, str]:
        return {"path": path}

    def rows(self, path: str) -> list[dict[str, Any]]:
        return RECORDS[path]


def test_every_record_of_the_run_is_read() -> None:
    places = list(Leaks.in_metadata(run(), Service()))  # type: ignore[arg-type]

    assert len(places) == 1 + 1 + 2
    assert found([KEY], places) == ["the key in GET /flows/F/runs/7/steps/start/tasks/1/metadata"]
