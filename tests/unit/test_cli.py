"""The front door: every wrong input ends in one line and the right exit code, and leaves nothing half-made."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from conformance.cli import main
from conformance.errors import UsageError
from conformance.options import parse_header
from tests.golden.cases import write
from tests.unit.conftest import Server

Mfconf = Callable[..., Result]
COMMANDS = sorted(main.commands)
KUBECONFIG = """
apiVersion: v1
kind: Config
clusters: []
users: []
contexts:
  - {name: production, context: {cluster: p, user: p}}
  - {name: staging, context: {cluster: s, user: s}}
"""


@pytest.fixture
def mfconf(own_environment: Path) -> Iterator[Mfconf]:
    """``mfconf("run", ...)`` as a user types it."""
    home = own_environment.parent / "home"
    (home / "kubeconfig").write_text(KUBECONFIG, encoding="utf-8")
    for name, text in {
        "config_prod.json": '{"METAFLOW_SERVICE_URL": "http://127.0.0.1:1"}',
        "config_torn.json": '{"METAFLOW_SERVICE_URL": ',
        "config_typo.json": '{"METAFLOW_SERVICE_URL": "http://127.0.0.1:1", "SERVICE_URL": "x"}',
        "config_list.json": "[]",
        "config_null.json": '{"METAFLOW_SERVICE_URL": null}',
        "config_url.json": '{"METAFLOW_SERVICE_URL": "127.0.0.1:1"}',
    }.items():
        (home / name).write_text(text, encoding="utf-8")
    yield lambda *words: CliRunner().invoke(main, list(words), prog_name="mfconf")
    assert not list((own_environment.parent / "temporary").iterdir()), "left in the temporary folder"


def refused(result: Result, code: int, *words: str) -> None:
    """One line on standard error with these words, nothing on standard output, and the exit code."""
    lines = result.stderr.splitlines()
    assert len(lines) == 1, result.stderr
    assert lines[0].startswith("mfconf: ")
    assert [word for word in words if word not in lines[0]] == [], lines[0]
    assert result.stdout == ""
    assert result.exit_code == code


BAD_TARGETS = {
    "nope": ("unknown kind 'nope'", "service:URL"),
    "Kind": ("unknown kind 'Kind'",),
    "": ("unknown kind ''",),
    "kind:two": ("--target kind:two", "takes no name"),
    "service:": ("is not a URL of the form http://HOST[:PORT]",),
    "service:ftp://127.0.0.1": ("'ftp://127.0.0.1' is not a URL",),
    "service:127.0.0.1:8080": ("is not a URL",),
    "service:http://": ("is not a URL",),
    "service:http://127.0.0.1:99999": ("is not a URL",),
    "service:http://127.0.0.1:0": ("is not a URL",),
    "service:http://[::1": ("is not a URL",),
    "s3:http://127.0.0.1:1": ("the bucket is missing",),
    "s3:nope": ("is not a URL",),
    "eks:": ("the cluster's name is missing",),
    "profile:prd": ("config_prd.json: no such Metaflow profile, did you mean prod?",),
    "profile:zzz": ("no such Metaflow profile; profiles there: list, null, prod, torn, typo, url",),
    "profile:torn": ("config_torn.json: not a readable Metaflow configuration",),
    "profile:typo": ("config_typo.json: key 'SERVICE_URL' does not begin with METAFLOW_",),
    "profile:list": ("config_list.json: not a Metaflow configuration",),
    "profile:null": ("METAFLOW_SERVICE_URL is None",),
    "profile:url": ("config_url.json: METAFLOW_SERVICE_URL: '127.0.0.1:1' is not a URL",),
}


@pytest.mark.parametrize("command", ["run", "load", "doctor"])
@pytest.mark.parametrize("target", BAD_TARGETS)
def test_a_target_that_can_not_be(mfconf: Mfconf, own_environment: Path, command: str, target: str) -> None:
    output = [] if command == "doctor" else ["--output", "made"]
    refused(mfconf(command, "--target", target, *output), 4, *BAD_TARGETS[target])
    assert not list(own_environment.iterdir())


BAD_OPTIONS: dict[tuple[str, ...], tuple[str, ...]] = {
    ("run", "--profile", "huge"): ("--profile", "huge", "smoke"),
    ("run", "--area", "metdata"): ("--area metdata: unknown, did you mean metadata?",),
    ("run", "--only", "MET-001"): ("--only MET-001: no check has this ID, did you mean META-001?",),
    ("run", "--area", "gpu", "--only", "META-001"): ("nothing selected",),
    ("run", "-n", "0"): ("-n", "0 is not in the range"),
    ("run", "-n", "two"): ("-n", "two"),
    ("run", "--expected", "absent.toml"): ("absent.toml: not a readable list",),
    ("run", "--rerun-failed", "absent"): ("--rerun-failed absent: no record of a run",),
    ("run", "--header", "s3cr3t"): ("--header: not of the form NAME:VALUE",),
    ("run", "--images", "some"): ("--images", "some"),
    ("run", "--nonesuch"): ("No such option", "--nonesuch"),
    ("run", "extra"): ("unexpected extra argument",),
    ("run", "--target", "kind", "--context", "x"): ("--context: goes with profile:NAME; --target kind does not",),
    ("run", "--target", "kind", "--metaflow-profile", "x"): ("--metaflow-profile: goes with eks:CLUSTER[@REGION];",),
    ("run", "--target", "profile:prod", "--images", "auto"): ("--images: goes with kind; --target profile does not",),
    ("doctor", "--target", "profile:prod", "--metaflow-profile", "x"): ("--metaflow-profile: goes with eks:CLUSTER",),
    ("load", "--target", "eks:prod", "--context", "x"): ("--context: goes with profile:NAME; --target eks does not",),
    ("run", "--target", "eks:prod", "--images", "pull"): ("--images: goes with kind;",),
    ("run", "--target", "service:http://127.0.0.1:1", "--context", "x"): ("--context: goes with profile:NAME;",),
    ("run", "--target", "service:http://127.0.0.1:1", "--images", "build"): ("--images: goes with kind;",),
    ("run", "--target", "s3:s3://bucket", "--header", "X-Key: s3cr3t"): ("--header: goes with kind or profile:NAME",),
    ("run", "--target", "profile:prod", "--context", "producton"): (
        "not in the kubeconfig",
        "did you mean production?",
    ),
    ("run", "--target", "profile:prod", "--context", "zzz"): ("contexts: production, staging",),
    ("run", "--target", "service:http://127.0.0.1:1", "--area", "gpu", "--profile", "smoke", "--only", "META-*"): (
        "nothing selected",
    ),
    ("load", "--target", "service:http://127.0.0.1:1", "--profile", "nope"): ("--profile nope: no such load profile",),
    ("load", "--target", "s3:s3://bucket"): ("has no metadata service",),
    ("load", "--seed", "x"): ("--seed",),
    ("report", "absent"): ("absent: no record of a run there (events.jsonl)",),
    ("report",): ("Missing argument",),
    ("explain",): ("Missing argument",),
    ("explain", "MET-001"): ("MET-001: no check has this ID, did you mean META-001?",),
    ("list", "--area", "nope"): ("--area nope: unknown",),
    ("nonesuch",): ("No such command",),
}


@pytest.mark.parametrize("words", BAD_OPTIONS, ids=" ".join)
def test_an_option_that_can_not_be(mfconf: Mfconf, own_environment: Path, words: tuple[str, ...]) -> None:
    result = mfconf(*words)

    refused(result, 4, *BAD_OPTIONS[words])
    assert "s3cr3t" not in result.stderr
    assert not list(own_environment.iterdir())


def test_a_list_of_expected_failures_that_can_not_be(mfconf: Mfconf, own_environment: Path) -> None:
    known = own_environment / "known.toml"
    for text, told in (
        ("[[expected]\n", "known.toml: not a readable list of expected failures"),
        ('[[expected]]\nid = "MTEA-001"\nreason = "x"\n', "known.toml: id MTEA-001: no check has this ID, did you"),
    ):
        known.write_text(text, encoding="utf-8")
        refused(mfconf("run", "--expected", "known.toml"), 4, told)


def test_a_record_that_is_damaged(mfconf: Mfconf, own_environment: Path) -> None:
    write("whole", own_environment)
    record = own_environment / "events.jsonl"
    lines = record.read_text(encoding="utf-8").splitlines()
    record.write_text("\n".join([lines[0], "{torn", *lines[2:]]) + "\n", encoding="utf-8")

    refused(mfconf("report", "."), 4, "events.jsonl:2: not an event of a record")
    assert [path.name for path in own_environment.iterdir()] == ["events.jsonl"]


def test_a_record_that_is_a_file_or_empty(mfconf: Mfconf, own_environment: Path) -> None:
    (own_environment / "file").touch()
    refused(mfconf("report", "file"), 4, "file: no record of a run there")

    (own_environment / "events.jsonl").touch()
    refused(mfconf("report", "."), 4, "the record has no beginning")


PONG = (200, {"METADATA_SERVICE_VERSION": "2.5.1", "Content-Type": "text/plain"}, "pong")


@pytest.mark.parametrize("command", ["run", "load"])
def test_a_folder_with_something_in_it_is_never_written_to(
    mfconf: Mfconf, own_environment: Path, server: Server, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    monkeypatch.setattr("conformance.loading._python", lambda: Path(sys.executable))
    monkeypatch.setattr("conformance.loading.Progress", _Silent)
    (own_environment / "kept").mkdir()
    (own_environment / "kept" / "notes.txt").write_text("mine", encoding="utf-8")

    result = mfconf(command, "--target", f"service:{server(*PONG)}", "--profile", "smoke", "--output", "kept")
    refused(result, 4, "--output", "kept: not empty")
    assert [path.name for path in (own_environment / "kept").iterdir()] == ["notes.txt"]


class _Silent:
    """Progress that shows nothing."""

    def __init__(self, **_: object) -> None:
        self.step = self.note = _Silent._quiet

    class _quiet:  # noqa: N801 - used like a function
        def __init__(self, _: str) -> None:
            pass

        def __enter__(self) -> None:
            pass

        def __exit__(self, *_: object) -> None:
            pass


def test_an_output_below_a_file(mfconf: Mfconf, own_environment: Path, server: Server) -> None:
    (own_environment / "file").touch()

    result = mfconf("run", "--target", f"service:{server(*PONG)}", "--profile", "smoke", "--output", "file/inside")
    refused(result, 4, "file/inside: Not a directory; choose a folder that can be written")


HTML = "<!doctype html>\n<html>\n<title>Log in</title>" + "x" * 500
ANSWERS: dict[str, tuple[tuple[int, dict[str, str], str], tuple[str, ...]]] = {
    "a page": ((200, {"Content-Type": "text/html"}, HTML), ("not a metadata service", "/ping answers 200", "check")),
    "no page": ((404, {}, "not found"), ("not a metadata service", "/ping answers 404 'not found'")),
    "an error": ((500, {}, "oops"), ("/ping answers 500",)),
    "an overload": ((503, {}, ""), ("/ping answers 503",)),
    "a redirect": ((302, {"Location": "https://login.example/"}, ""), ("redirects to https://login.example/",)),
    "a permanent redirect": ((308, {"Location": "/ping/"}, ""), ("redirects to /ping/",)),
    "a locked door": ((401, {"WWW-Authenticate": "Basic"}, ""), ("status 401: not authorized", "--header")),
    "a forbidden door": ((403, {}, HTML), ("status 403: not authorized",)),
    "another word": ((200, {}, "ping"), ("not a metadata service",)),
}


@pytest.mark.parametrize("command", ["run", "load"])
@pytest.mark.parametrize("answer", ANSWERS)
def test_something_else_answers(
    mfconf: Mfconf, own_environment: Path, server: Server, command: str, answer: str
) -> None:
    says, words = ANSWERS[answer]
    url = server(*says)

    result = mfconf(command, "--target", f"service:{url}", "--profile", "smoke", "--output", "made")
    refused(result, 2, url, *words)
    assert not list(own_environment.iterdir())


@pytest.fixture
def closed_port() -> Iterator[int]:
    """A port that nobody listens on and nobody else gets."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield taken.getsockname()[1]


@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize("command", ["run", "load"])
def test_nobody_answers(mfconf: Mfconf, own_environment: Path, closed_port: int, command: str, scheme: str) -> None:
    url = f"{scheme}://127.0.0.1:{closed_port}"

    result = mfconf(command, "--target", f"service:{url}", "--profile", "smoke")
    refused(result, 2, f"GET {url}/ping: no answer", "is the metadata service up?")
    assert not list(own_environment.iterdir())


def test_a_port_that_speaks_no_tls(mfconf: Mfconf, server: Server) -> None:
    url = server(*PONG).replace("http:", "https:")

    refused(mfconf("run", "--target", f"service:{url}", "--profile", "smoke"), 2, f"GET {url}/ping: no answer")


def test_a_profile_whose_service_is_down(mfconf: Mfconf) -> None:
    refused(mfconf("run", "--target", "profile:prod", "--profile", "smoke"), 2, "http://127.0.0.1:1/ping: no answer")


def test_doctor_says_it_finding_by_finding(mfconf: Mfconf, server: Server) -> None:
    well = mfconf("doctor", "--target", f"service:{server(*PONG)}")
    ill = mfconf("doctor", "--target", "service:http://127.0.0.1:1")

    assert (well.exit_code, ill.exit_code) == (0, 2)
    assert "answers, version 2.5.1" in well.stdout
    assert "datastore: not configured, its areas will not be tested" in well.stdout
    assert "not ok metadata: GET http://127.0.0.1:1/ping: no answer" in ill.stdout
    assert well.stderr == ill.stderr == ""


def test_a_header_is_split_at_its_first_colon() -> None:
    assert parse_header("X-Api-Key: a:b ") == ("X-Api-Key", "a:b")
    assert parse_header("x:") == ("x", "")


@pytest.mark.parametrize(
    "value", ["s3cr3t", ":s3cr3t", " :s3cr3t", "ü:s3cr3t", "a b:s3cr3t", "x:s3cr3t\n", "x:s3cr3t🌍"]
)
def test_a_header_that_http_does_not_carry_is_refused_untold(value: str) -> None:
    if value == "x:s3cr3t\n":
        value = "x:s3cr3t\ny: z"
    with pytest.raises(UsageError, match="--header") as raised:
        parse_header(value)
    assert "s3cr3t" not in str(raised.value)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_explains_itself(mfconf: Mfconf, name: str) -> None:
    for flag in ("--help", "-h"):
        result = mfconf(name, flag)
        assert result.exit_code == 0
        assert result.stderr == ""
        assert result.stdout.startswith(f"Usage: mfconf {name}")
    bare = [
        parameter.name
        for parameter in main.commands[name].params
        if isinstance(parameter, click.Option) and not parameter.help
    ]
    assert not bare


def test_help_lists_commands_and_exit_codes(mfconf: Mfconf) -> None:
    result = mfconf("--help")

    assert result.exit_code == 0
    assert all(f"\n  {name} " in result.stdout for name in COMMANDS)
    assert "0 conformant, 1 not conformant, 2 inconclusive, 3 a load threshold was broken, 4 usage" in " ".join(
        result.stdout.split()
    )


def test_the_commands_of_the_design_are_there() -> None:
    assert set(COMMANDS) >= {"up", "down", "status", "doctor", "run", "load", "report", "list", "explain"}


def test_version(mfconf: Mfconf) -> None:
    result = mfconf("--version")

    assert result.exit_code == 0
    assert result.stdout.startswith("mfconf, version ")


@pytest.mark.parametrize(("name", "code"), [("conformant", 0), ("whole", 1), ("killed", 2), ("load_only", 3)])
def test_report_gives_the_exit_code_of_the_run(mfconf: Mfconf, own_environment: Path, name: str, code: int) -> None:
    write(name, own_environment)

    result = mfconf("report", ".")
    assert result.exit_code == code
    assert result.stderr == ""
    assert "report: report.html" in result.stdout
    assert (own_environment / "junit.xml").exists()


def test_a_fault_of_ours_is_one_line_too(mfconf: Mfconf, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError("two\nlines")

    monkeypatch.setattr("conformance.reporting.finish", broken)
    result = mfconf("report", ".")

    refused(result, 2, "ZeroDivisionError: two lines (traceback: ")
    file = Path(result.stderr.rpartition("traceback: ")[2].rstrip(")\n"))
    assert "ZeroDivisionError" in file.read_text(encoding="utf-8")
    file.unlink()


@pytest.mark.usefixtures("own_environment")
def test_the_console_script_exits_with_the_code() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "conformance.cli", "report", "absent"],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
    )

    assert done.returncode == 4
    assert done.stdout == ""
    assert done.stderr == "mfconf: absent: no record of a run there (events.jsonl)\n"


def test_a_password_in_a_url_is_not_echoed(mfconf: Mfconf) -> None:
    result = mfconf("run", "--target", "service:http://user:hunter22@127.0.0.1:1")

    refused(result, 2, "127.0.0.1:1")
    assert "hunter22" not in result.output
