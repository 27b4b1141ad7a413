"""``mfconf run`` from the door to the report, on a service of one answer: verdict, record, and nothing left behind."""

from __future__ import annotations

import http.server
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest

import reports
from conformance.record import read
from tests.unit.conftest import Server

ROOT = Path(__file__).parents[2]
SCHEMA = json.loads(Path(reports.__file__).with_name("schema.json").read_text(encoding="utf-8"))
SECRET = "hunter2-in-a-header"
HOSTILE = {"PYTEST_ADDOPTS": "-k nothing --maxfail=0 --no-such-option", "PYTEST_PLUGINS": "a_plugin_that_is_not_there"}
"""What a user may ask of pytest elsewhere; it has no say here."""
Start = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def start(own_environment: Path) -> Iterator[Start]:
    """Starts ``mfconf run`` on a service in a process of its own."""
    made: list[subprocess.Popen[str]] = []
    state = own_environment.parent / "state"

    def one(url: str, *words: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "conformance.cli", "run", "--target", f"service:{url}", "-n", "1"]
        child = subprocess.Popen(
            [*command, "--output", "out", *words],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=own_environment,
            env={**os.environ, "PYTHONPATH": str(ROOT), "XDG_STATE_HOME": str(state), **HOSTILE},
        )
        made.append(child)
        return child

    yield one
    for child in made:
        child.kill()
        child.communicate()


def report(folder: Path) -> Any:
    found = json.loads((folder / "report.json").read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator(SCHEMA).validate(found)
    return found


def test_a_service_is_judged_and_told_apart_from_the_harness(
    own_environment: Path, start: Start, server: Server
) -> None:
    url = server(200, {"METADATA_SERVICE_VERSION": "two"}, "pong")
    (own_environment / "known.toml").write_text(
        '[[expected]]\nid = "META-002"\nreason = "a proxy rewrites it"\n', encoding="utf-8"
    )
    child = start(
        *(url, "--only", "META-00[12]", "--only", "GPU-001", "--expected", "known.toml"),
        *("--header", f"X-Team: {SECRET}"),
    )
    said, complained = child.communicate(timeout=120)

    assert (child.returncode, complained) == (0, ""), said
    found = report(own_environment / "out")
    outcomes = {check["id"]: check["outcome"] for check in found["checks"]}
    assert outcomes == {"GPU-001": "not-supported", "META-001": "passed", "META-002": "expected-failure"}
    assert (found["verdict"]["result"], found["verdict"]["certifiable"]) == ("conformant", False)
    assert found["target"]["observed"] == {"metadata_service": "two"}
    assert "expected: a proxy rewrites it" in next(c["message"] for c in found["checks"] if c["id"] == "META-002")
    assert said.splitlines()[-1] == f"report: {own_environment / 'out' / 'report.html'}"
    assert "conformant" in said.splitlines()
    left = [path for path in (own_environment.parent / "state").rglob("*") if path.is_file()]
    assert left == [], "the journal of live runs keeps an entry"
    for path in (own_environment / "out").rglob("*"):
        assert path.is_dir() or SECRET not in path.read_text(encoding="utf-8", errors="replace"), path
    assert SECRET not in said


class Stuck:
    """A service that answers until the run has begun, and then no more until it is let go."""

    def __init__(self) -> None:
        self.asked = threading.Event()
        self.go = threading.Event()


@pytest.fixture
def stuck(own_environment: Path) -> Iterator[tuple[str, Stuck]]:
    state = Stuck()
    begun = own_environment / "out" / "events.jsonl"

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if begun.exists():
                state.asked.set()
                state.go.wait(60)
            self.send_response(200)
            self.send_header("Content-Length", "4")
            self.end_headers()
            self.wfile.write(b"pong")

        def log_message(self, *_: object) -> None:
            """Say nothing."""

        def handle(self) -> None:
            try:
                super().handle()
            except ConnectionError:
                self.close_connection = True

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=lambda: server.serve_forever(poll_interval=0.02), daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", state
    state.go.set()
    server.shutdown()
    thread.join()
    server.server_close()


def test_an_interrupted_run_ends_in_its_record(own_environment: Path, start: Start, stuck: tuple[str, Stuck]) -> None:
    url, service = stuck
    child = start(url, "--only", "META-001")
    assert service.asked.wait(60)
    child.send_signal(signal.SIGTERM)
    service.go.set()
    said, complained = child.communicate(timeout=60)

    assert (child.returncode, complained) == (2, ""), said
    found = report(own_environment / "out")
    assert found["verdict"]["result"] == "inconclusive"
    assert found["verdict"]["reasons"][0] == "interrupted by SIGTERM"
    assert read(own_environment / "out")[-1]["type"] == "run.finished"
    assert [path for path in (own_environment.parent / "state").rglob("*") if path.is_file()] == []
