"""The datastore is asked as Metaflow would ask it: same server, same certificates."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest

from conformance.errors import UsageError
from conformance.session import Session
from conformance.system import datastore
from conformance.system.datastore import Datastore
from tests.unit.conftest import Server

ROOT = {"METAFLOW_DATASTORE_SYSROOT_S3": "s3://bucket/metaflow"}


class Client:
    """Notes what it was made with."""

    made: dict[str, Any]

    def __init__(self, _: str, **options: Any) -> None:
        Client.made = options

    def head_bucket(self, **_: object) -> dict[str, Any]:
        return {"ResponseMetadata": {"HTTPStatusCode": 200}}


@pytest.fixture(autouse=True)
def no_client_of_another_test() -> Iterator[None]:
    datastore.client.cache_clear()
    yield
    datastore.client.cache_clear()


def store(**config: str) -> Datastore:
    found = ROOT | {f"METAFLOW_{key}": value for key, value in config.items()}
    return Datastore(Session("run0000001", Path(), "t", (), (), frozenset(), frozenset(), found))


@pytest.mark.usefixtures("own_environment")
def test_the_server_of_the_configuration_is_asked(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "x")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:1")

    assert store(S3_ENDPOINT_URL=server(200, {}, "")).status("get_object", Key="x") == 200
    assert store(S3_ENDPOINT_URL=server(404, {}, "")).status("get_object", Key="x") == 404


def test_a_configuration_that_is_chosen_late_counts(
    server: Server, own_environment: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    boto3.client("s3", region_name="eu-west-1")  # makes boto3's default session
    profile = own_environment / "config"
    endpoint = server(200, {}, "")
    lines = (
        "[default]",
        "region = eu-west-1",
        "services = own",
        "[services own]",
        "s3 =",
        f"  endpoint_url = {endpoint}",
    )
    profile.write_text("\n".join(lines), encoding="utf-8")
    for name, value in {
        "AWS_CONFIG_FILE": str(profile),
        "AWS_ACCESS_KEY_ID": "x",
        "AWS_SECRET_ACCESS_KEY": "x",
    }.items():
        monkeypatch.setenv(name, value)

    assert store().status("get_object", Key="x") == 200


@pytest.mark.parametrize(
    ("config", "made"),
    [
        ({}, {}),
        ({"S3_ENDPOINT_URL": "", "S3_VERIFY_CERTIFICATE": "false"}, {}),
        ({"S3_ENDPOINT_URL": "http://h"}, {"endpoint_url": "http://h"}),
        ({"S3_VERIFY_CERTIFICATE": "/ca.pem"}, {"verify": "/ca.pem"}),
        ({"S3_VERIFY_CERTIFICATE": "true"}, {"verify": True}),
        (
            {"S3_ENDPOINT_URL": "http://h", "DATATOOLS_CLIENT_PARAMS": '{"endpoint_url": "http://other"}'},
            {"endpoint_url": "http://other"},
        ),
    ],
)
def test_the_client_has_the_parameters_of_metaflows(
    config: dict[str, str], made: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(boto3.Session, "client", Client)
    store(**config).status("head_bucket")

    assert Client.made.pop("config").connect_timeout == 5
    assert Client.made == made


def test_settings_of_the_configuration_are_kept_beside_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(boto3.Session, "client", Client)
    store(DATATOOLS_CLIENT_PARAMS='{"config": {"s3": {"addressing_style": "path"}, "read_timeout": 900}}').status(
        "head_bucket"
    )

    assert Client.made["config"].s3 == {"addressing_style": "path"}
    assert Client.made["config"].read_timeout == 30


@pytest.mark.parametrize("text", ["s3cr3t", '["s3cr3t"]'])
def test_parameters_that_are_none_are_refused_untold(text: str) -> None:
    with pytest.raises(UsageError, match="METAFLOW_DATATOOLS_CLIENT_PARAMS: not a JSON object") as raised:
        store(DATATOOLS_CLIENT_PARAMS=text)
    assert "s3cr3t" not in str(raised.value)
