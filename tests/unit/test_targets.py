"""Every kind of target comes down to a configuration and a context, and says what can't be used."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3
import pytest
import yaml
from botocore.exceptions import EndpointConnectionError, NoCredentialsError
from botocore.stub import Stubber

from conformance.errors import TargetError, UsageError
from conformance.session import AUTH_KEY, HEADERS, headers_of
from conformance.targets import resolve
from conformance.targets.base import (
    Options,
    Target,
    check_url,
    declared_by,
    read_profile,
    with_headers,
)
from tests.unit.conftest import kubeconfig

URL, ROOT, NAMESPACE = (
    "METAFLOW_SERVICE_URL",
    "METAFLOW_DATASTORE_SYSROOT_S3",
    "METAFLOW_KUBERNETES_NAMESPACE",
)


def configured(home: Path, name: str, **values: Any) -> Path:
    path = home / name
    path.write_text(json.dumps({f"METAFLOW_{key}": value for key, value in values.items()}), encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("keys", "needs"),
    [
        ((), set()),
        ((URL,), {"metadata"}),
        ((ROOT,), {"datastore"}),
        ((NAMESPACE,), {"kubernetes"}),
        ((URL, NAMESPACE), {"metadata", "kubernetes"}),
        ((URL, ROOT), {"metadata", "datastore", "client"}),
        ((URL, ROOT, NAMESPACE), {"metadata", "datastore", "client", "kubernetes"}),
    ],
)
def test_a_configuration_declares_what_it_names(keys: tuple[str, ...], needs: set[str]) -> None:
    assert declared_by(dict.fromkeys(keys, "x")) == needs
    assert declared_by(dict.fromkeys(keys, "")) == set()


@pytest.mark.parametrize(
    "url", ["http://host", "https://host:443/api", "http://[::1]:8080", "http://user:pw@host", "http://host/"]
)
def test_a_url_loses_its_last_slash_only(url: str) -> None:
    assert check_url(url, "here") == url.removesuffix("/")


@pytest.mark.parametrize(
    "url", ["", "host", "host:80", "ftp://host", "http://", "http://:80", "http://h:x", "http://h:0"]
)
def test_what_is_no_url_says_where(url: str) -> None:
    with pytest.raises(UsageError, match=r"^here: .* is not a URL of the form http://HOST\[:PORT\]$"):
        check_url(url, "here")


def test_a_profile_is_read_with_every_value_as_text(home: Path) -> None:
    configured(home, "config_prod.json", SERVICE_URL="http://h", RUNTIME_LIMIT=5, DEBUG=True, HEADERS={"a": "b"})

    folder, config = read_profile("prod")
    assert folder == home
    assert config == {
        URL: "http://h",
        "METAFLOW_RUNTIME_LIMIT": "5",
        "METAFLOW_DEBUG": "true",
        "METAFLOW_HEADERS": '{"a": "b"}',
    }


@pytest.mark.parametrize("name", ["profile:default", "profile:", "profile"])
def test_the_default_profile(home: Path, name: str) -> None:
    configured(home, "config.json", SERVICE_URL="http://h", DATASTORE_SYSROOT_S3="s3://b")

    target = resolve(name, Options())
    assert target.name == "profile:default"
    assert target.declares == {"metadata", "datastore", "client"}
    assert target.environment == {"METAFLOW_HOME": str(home), "METAFLOW_PROFILE": ""}


@pytest.mark.parametrize("key", ["SERVICE_URL", "SERVICE_INTERNAL_URL"])
def test_a_bad_value_names_file_and_key(home: Path, key: str) -> None:
    path = configured(home, "config_prod.json", **{key: "nowhere"})

    with pytest.raises(UsageError) as raised:
        read_profile("prod")
    assert str(raised.value).startswith(f"{path}: METAFLOW_{key}: 'nowhere' is not a URL")


def test_the_environment_ranks_above_the_file(home: Path) -> None:
    configured(home, "config_prod.json", SERVICE_URL="http://h", DATASTORE_SYSROOT_S3="s3://b")
    os.environ |= {URL: "http://other", NAMESPACE: "jobs", ROOT: "", "METAFLOW_USER": "me", "OTHER": "x"}

    target = resolve("profile:prod", Options())
    assert target.config == {URL: "http://other", NAMESPACE: "jobs", ROOT: ""}
    assert target.declares == {"metadata", "kubernetes"}


def test_a_bad_value_of_the_environment_names_its_variable(home: Path) -> None:
    configured(home, "config_prod.json", SERVICE_URL="http://h")
    os.environ[URL] = "nowhere"

    with pytest.raises(UsageError, match=r"^METAFLOW_SERVICE_URL of the environment: 'nowhere' is not a URL"):
        resolve("profile:prod", Options())


def test_a_configuration_that_is_no_text(home: Path) -> None:
    (home / "config_prod.json").write_bytes(b"\xff\xfe")

    with pytest.raises(UsageError, match=r"config_prod\.json: not a readable Metaflow configuration"):
        read_profile("prod")


@pytest.mark.parametrize(
    ("name", "root", "endpoint"),
    [
        ("s3:s3://bucket/metaflow/", "s3://bucket/metaflow", None),
        ("s3:http://127.0.0.1:7070/bucket", "s3://bucket", "http://127.0.0.1:7070"),
        ("s3:https://s3.example/bucket/deep/", "s3://bucket/deep", "https://s3.example"),
    ],
)
def test_a_datastore_alone(name: str, root: str, endpoint: str | None) -> None:
    target = resolve(name, Options())

    assert target.config == {ROOT: root}
    assert target.declares == {"datastore"}
    assert target.environment.get("AWS_ENDPOINT_URL_S3") == endpoint


def test_a_service_alone() -> None:
    target = resolve("service:http://127.0.0.1:8080/api/", Options())

    assert (target.name, target.kind) == ("service:http://127.0.0.1:8080/api", "service")
    assert target.config[URL] == "http://127.0.0.1:8080/api"
    assert target.declares == {"metadata"}


@pytest.mark.usefixtures("own_environment")
def test_a_target_is_exported_with_its_headers() -> None:
    target = Target("x", "x", {}, frozenset(), {"METAFLOW_PROFILE": "p"})
    with_headers(target, (("X-A", "1"), ("X-B", 'q"'))).export()

    assert os.environ["METAFLOW_PROFILE"] == "p"
    assert json.loads(os.environ[HEADERS]) == {"X-A": "1", "X-B": 'q"'}


def test_headers_of_the_command_line_join_the_configured_ones_and_win(home: Path) -> None:
    configured(home, "config_prod.json", SERVICE_URL="http://h", SERVICE_HEADERS={"X-A": "1", "X-B": "2"})
    target = resolve("profile:prod", Options(headers=(("x-b", "3"), ("X-C", "4"))))

    assert headers_of(target.config) == {"X-A": "1", "x-b": "3", "X-C": "4"}
    assert target.environment[HEADERS] == target.config[HEADERS]


def test_a_key_of_the_command_line_replaces_the_configured_one_for_metaflow_too(home: Path) -> None:
    configured(home, "config_prod.json", SERVICE_URL="http://h", SERVICE_AUTH_KEY="old")
    target = resolve("profile:prod", Options(headers=(("X-Api-Key", "new"),)))

    assert headers_of(target.config) == {"x-api-key": "new"}
    assert target.environment[AUTH_KEY] == "new"


@pytest.mark.usefixtures("own_environment")
def test_a_service_alone_is_sent_the_headers_of_the_environment() -> None:
    os.environ |= {HEADERS: '{"X-A": "1"}', AUTH_KEY: "k"}

    assert headers_of(resolve("service:http://h", Options()).config) == {"X-A": "1", "x-api-key": "k"}


@pytest.mark.parametrize("text", ["s3cr3t", '["s3cr3t"]', '{"X-A": 5}'])
def test_headers_that_are_none_are_refused_untold(home: Path, text: str) -> None:
    configured(home, "config_prod.json", SERVICE_URL="http://h", SERVICE_HEADERS=text)

    with pytest.raises(UsageError, match="METAFLOW_SERVICE_HEADERS: not a JSON object") as raised:
        resolve("profile:prod", Options())
    assert "s3cr3t" not in str(raised.value)


def test_the_context_tells_one_deployment_of_a_profile_from_another(home: Path) -> None:
    configured(home, "config_prod.json", KUBERNETES_NAMESPACE="jobs")
    kubeconfig(home / "kubeconfig", "a", "b", current="a")

    own, other = resolve("profile:prod", Options()), resolve("profile:prod", Options(context="b"))
    assert (own.name, own.identity) == ("profile:prod", "profile:prod (context a)")
    assert (other.name, other.identity) == ("profile:prod", "profile:prod (context b)")
    assert resolve("profile:prod", Options(context="a")).identity == own.identity


def test_a_target_without_a_cluster_is_its_name(home: Path) -> None:
    configured(home, "config_prod.json", SERVICE_URL="http://h")
    (home / "kubeconfig").write_text("torn: [", encoding="utf-8")

    assert resolve("profile:prod", Options()).identity == "profile:prod"


def test_no_password_is_in_an_identity() -> None:
    target = resolve("service:http://me:hunter22@host", Options())

    assert "hunter22" not in target.identity
    assert "@host" in target.identity


Answer = Callable[[Stubber], None]


@pytest.fixture
def eks_client(monkeypatch: pytest.MonkeyPatch, home: Path) -> Callable[[Answer], Stubber]:
    """``eks_client(answer)``: an EKS client that answers as ``answer`` sets its stub up."""
    configured(home, "config_prod.json", SERVICE_URL="http://h", KUBERNETES_NAMESPACE="jobs")

    def make(answer: Answer) -> Stubber:
        client = boto3.client("eks", region_name="eu-west-1", aws_access_key_id="x", aws_secret_access_key="y")
        stub = Stubber(client)
        answer(stub)
        stub.activate()
        monkeypatch.setattr(boto3, "client", lambda *_, **__: client)
        return stub

    return make


def test_an_eks_cluster_becomes_a_kubeconfig(eks_client: Callable[[Answer], Stubber]) -> None:
    described = {"cluster": {"name": "prod", "endpoint": "https://E", "certificateAuthority": {"data": "QUJD"}}}
    stub = eks_client(lambda stub: stub.add_response("describe_cluster", described, {"name": "prod"}))

    os.environ[ROOT] = "s3://b"

    target = resolve("eks:prod@eu-west-1", Options(profile="prod"))
    stub.assert_no_pending_responses()
    made = yaml.safe_load(Path(target.environment["KUBECONFIG"]).read_text(encoding="utf-8"))
    assert made["clusters"][0]["cluster"] == {"server": "https://E", "certificate-authority-data": "QUJD"}
    command = made["users"][0]["user"]["exec"]
    assert [command["command"], *command["args"]] == [
        *("aws", "eks", "get-token", "--cluster-name", "prod", "--region", "eu-west-1")
    ]
    assert made["current-context"] == made["contexts"][0]["name"] == "prod"
    assert target.name == "eks:prod@eu-west-1"
    assert target.identity == "eks:prod@eu-west-1 (region eu-west-1, profile prod)"
    assert target.declares == {"metadata", "kubernetes", "datastore", "client"}


@pytest.mark.parametrize("code", ["ResourceNotFoundException", "AccessDeniedException", "ExpiredTokenException"])
def test_an_eks_cluster_that_can_not_be_described(eks_client: Callable[[Answer], Stubber], code: str) -> None:
    eks_client(lambda stub: stub.add_client_error("describe_cluster", code, "No cluster found for name: prod."))

    with pytest.raises(TargetError) as raised:
        resolve("eks:prod", Options(profile="prod"))
    assert str(raised.value).startswith("eks:prod: the cluster can't be described: An error occurred")
    assert str(raised.value).endswith("check name, region and credentials")


@pytest.mark.parametrize("error", [NoCredentialsError(), EndpointConnectionError(endpoint_url="https://eks")])
def test_no_way_to_aws_is_a_target_error(home: Path, monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    configured(home, "config_prod.json", SERVICE_URL="http://h")

    def refuse(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(boto3, "client", refuse)
    with pytest.raises(TargetError, match="eks:prod: the cluster can't be described"):
        resolve("eks:prod@eu-west-1", Options(profile="prod"))


@pytest.mark.usefixtures("own_environment")
def test_no_region_is_a_target_error(home: Path) -> None:
    configured(home, "config_prod.json", SERVICE_URL="http://h")

    with pytest.raises(TargetError, match="must specify a region"):
        resolve("eks:prod", Options(profile="prod"))
