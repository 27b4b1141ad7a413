"""No secret gets through, in whatever shape it comes; what is no secret stays readable."""

from __future__ import annotations

import json
import string
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conformance.redact import MASK, redact, redact_file, redact_text

SECRET = "hunter2-S3cr3t/of+mine="
AWKWARD = st.text(string.ascii_letters + string.digits + "_-+=/.,;:!$%()[]{}|~^*", min_size=6, max_size=24).map(
    "zq9".__add__
)
PLAIN = st.text(string.ascii_letters + string.digits, min_size=6, max_size=24).map("zq9".__add__)

QUOTED = (
    'password="{}"',
    "export AWS_SECRET_ACCESS_KEY='{}'",
    "{{'password': '{}', 'user': 'me'}}",
    '{{"token": "{}"}}',
    '{{\\"auth_key\\": \\"{}\\"}}',
    'Authorization: "{}"',
    "{{'Authorization': '{}'}}",
    "{{'name': 'AWS_SECRET_ACCESS_KEY', 'value': '{}', 'value_from': None}}",
    '"name": "DB_PASSWORD",\n  "value": "{}"',
    "mfconf run --header 'x-team: {}' -n 2",
    'mfconf run --header="X-Api-Key:{}"',
    "client --password '{}' --user me",
)
RUNNING = (
    "AWS_SECRET_ACCESS_KEY={}",
    "AWS_SESSION_TOKEN={}",
    "aws_secret_access_key = {}",
    "Secret Access Key: {}",
    "client_secret={}",
    "password: {}",
    "password:\n  {}",
    "METAFLOW_SERVICE_AUTH_KEY={}",
    "x-api-key: {}",
    "apikey={}",
    "client-key-data: {}",
    "--token {} --user me",
    "<SecretAccessKey>{}</SecretAccessKey>",
    "Authorization: {}",
    "Authorization: token {}",
    "proxy-authorization: Negotiate {}",
    "Cookie: session={}",
    "Set-Cookie: id={}; HttpOnly",
    "X-Team-Auth: {}",
    "https://h/b?X-Amz-Date=20250101T000000Z&X-Amz-Signature={}&x=1",
    "https://h/b?X-Amz-Security-Token={}",
    "https://h/b?Signature={}",
    "https://h/b?sv=1&sig={}",
    "X-Amz-Signature%3D{}",
    "http://h/?access_token={}&x=1",
    "mfconf run --header X-Team:{} -n 2",
)
URLS = (
    "http://user:{}@host/path",
    "postgresql://:{}@host",
    "https://{}@github.com/x",
    "see http://user:p@{}@host",
    "postgres://user:p/{}@host/db",
)


@pytest.mark.parametrize("form", QUOTED)
@given(secret=AWKWARD)
def test_a_quoted_secret_is_masked_whole(form: str, secret: str) -> None:
    assert secret not in redact_text(form.format(secret))


@pytest.mark.parametrize("form", QUOTED)
def test_a_quoted_secret_may_have_spaces(form: str) -> None:
    said = redact_text(form.format("correct horse battery"))

    assert "horse" not in said
    assert "battery" not in said


@pytest.mark.parametrize("form", RUNNING)
@given(secret=PLAIN)
def test_a_secret_in_running_text_is_masked(form: str, secret: str) -> None:
    assert secret not in redact_text(form.format(secret))


@pytest.mark.parametrize("form", RUNNING)
@pytest.mark.parametrize("secret", ["ab,cdefgh", "x", SECRET])
def test_neither_commas_nor_shortness_help_it_through(form: str, secret: str) -> None:
    rest = redact_text(form.format(f"\N{SNOWMAN}{secret}\N{SNOWMAN}"))

    assert "\N{SNOWMAN}" not in rest


@pytest.mark.parametrize("form", URLS)
@given(secret=PLAIN)
def test_a_secret_in_a_url_is_masked(form: str, secret: str) -> None:
    assert secret not in redact_text(form.format(secret))


@pytest.mark.parametrize(
    "secret",
    [
        "AKIAIOSFODNN7EXAMPLE",
        "ASIAIOSFODNN7EXAMPLE",
        "Bearer abcdef123456",
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0abc.c2lnbmF0dXJl",
        "k8s-aws-v1.aHR0cHM6Ly9zdHM",
        "ghp_0123456789abcdefghij",
        "xoxb-0123456789-abcdef",
        "-----BEGIN RSA PRIVATE KEY-----\nMIIEow\nIBAAK\n-----END RSA PRIVATE KEY-----",
        "-----BEGIN PRIVATE KEY-----\nMIIEow\ncut sho",
    ],
)
def test_what_looks_like_a_key_is_masked_wherever_it_stands(secret: str) -> None:
    said = redact_text(f"it said {secret}")

    assert MASK in said
    assert secret.rsplit(maxsplit=1)[-1] not in said
    assert "MIIEow" not in said


@pytest.mark.parametrize(
    "name",
    [
        "password",
        "METAFLOW_SERVICE_AUTH_KEY",
        "METAFLOW_SERVICE_HEADERS",
        "METAFLOW_S3_CLIENT_PARAMS",
        "x-api-key",
        "X-Team-Auth",
        "auth",
        "Authorization",
        "client-key-data",
        "private_key",
        "SecretAccessKey",
        "Set-Cookie",
        "passphrase",
        "db_pwd",
    ],
)
@pytest.mark.parametrize("shape", ["{}", ["{}"], {"inner": "{}"}, [["{}"]], 12345678])
def test_the_value_of_a_secret_name_is_masked_in_any_shape(name: str, shape: Any) -> None:
    value = json.loads(json.dumps(shape).replace("{}", SECRET))

    assert redact({name: value}) == {name: MASK}


@pytest.mark.parametrize(
    "value",
    [
        {"name": "AWS_SECRET_ACCESS_KEY", "value": SECRET},
        {"key": "x-api-key", "value": SECRET},
        [["x-api-key", SECRET], ["accept", "text/plain"]],
        {"args": (("Authorization", SECRET),)},
        {f"password={SECRET}": 1},
        [f"password={SECRET}"],
        {"deep": [{"deeper": {"token": SECRET}}]},
        RuntimeError(f"token={SECRET}"),
        [f"password={SECRET}".encode()],
        {"path": Path(f"/tmp/password={SECRET}")},  # noqa: S108 - never opened
        {f"token={SECRET}"},
    ],
    ids=str,
)
def test_no_shape_hides_a_secret(value: Any) -> None:
    assert SECRET not in json.dumps(redact(value), default=str)


@pytest.mark.parametrize(
    "value",
    [
        {"METAFLOW_KUBERNETES_SECRETS": "s3-credentials"},
        {"METAFLOW_DEFAULT_SECRETS_BACKEND_TYPE": "inline"},
        {"production_token_check": "it said no"},
        {"count": 3, "ok": True, "nothing": None, "ratio": 0.5},
        {"token": ""},
        {"token": None},
        {"secret": True},
        "http://127.0.0.1:18080/flows/Mfconf_x/linear@argo",
        "eks:prod@eu-west-1",
        'MountVolume.SetUp failed for volume "x" : secret "s3-credentials" not found',
        'GET http://host:8080/flows/F/runs/1: status 404, body \'{"message": "not found"}\'',
        "s3://bucket/metaflow/mfconf/abc: 12 objects",
        ["linear", "argo"],
    ],
    ids=str,
)
def test_what_is_no_secret_stays(value: Any) -> None:
    assert redact(value) == value


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=12,
)


@given(JSON)
def test_redacting_twice_changes_nothing_more(value: Any) -> None:
    once = redact(value)

    assert redact(once) == once


@given(st.text("password=:\"' \\[]{}&<@/", max_size=60))
def test_redacting_text_twice_changes_nothing_more(text: str) -> None:
    once = redact_text(text)

    assert redact_text(once) == once


def test_a_file_is_redacted_in_place(tmp_path: Path) -> None:
    path = tmp_path / "launch.log"
    path.write_bytes(f"grüße password={SECRET}\n".encode() + b"\xff and more\n")
    redact_file(path)

    assert path.read_text(encoding="utf-8") == f"grüße password={MASK}\n\ufffd and more\n"
    redact_file(tmp_path / "absent.log")
    assert not (tmp_path / "absent.log").exists()


def test_a_long_text_takes_no_long_time() -> None:
    many = 9_000
    text = "token-" * many + "token" + " " * many + "x://" * many + "://a:b" * many + "x-" * many + "-" * many
    began = time.process_time()

    assert redact_text(text) == text
    assert time.process_time() - began < 2
