"""The Schemathesis pass: it finds what a service makes of input, says it as a call of curl, and keeps to its flows."""

from __future__ import annotations

import shlex
import subprocess
from typing import Any

import pytest

from conformance.contract import fuzz as module
from conformance.contract import operations
from conformance.contract.fuzz import Call, Fuzz
from conformance.errors import TargetError
from conformance.system.metadata import Answer, Place

FLOW = "Mfconf_x_Contract"
CURL = """curl() {
  while [ $# -gt 0 ]; do
    if [ "$1" = --data-binary ]; then if [ "$2" = @- ]; then cat; else printf %s "$2"; fi; fi
    shift
  done
}
"""
"""Says the body that it would send."""


class Service:
    """Answers every call in one way; ``gone``: answers none but /ping."""

    url = "http://127.0.0.1:1"

    run_id = "fuzz"

    def __init__(self, status: int = 404, text: str = "{}", *, gone: bool = False) -> None:
        self.status = status
        self.text = text
        self.gone = gone
        self.paths: list[tuple[str, str]] = []

    def new_place(self, _what: str) -> Place:
        return Place(FLOW, 7, "start", 8)

    def fresh(self) -> Service:
        return self

    def get(self, path: str) -> Answer:
        return Answer(path, 200, {}, "pong")

    def call(self, method: str, path: str, **_options: Any) -> Answer:
        self.paths.append((method, path))
        if self.gone:
            raise TargetError("no answer")
        return Answer(f"{method} {path}", self.status, {"METADATA_SERVICE_VERSION": "2.5.1"}, self.text)


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "EXAMPLES", 3)
    monkeypatch.setattr(module, "SHRINK_S", 0.05)
    monkeypatch.setattr(module, "PASS_S", 300.0)


def fuzzed(service: Service) -> Fuzz:
    return Fuzz(service)  # type: ignore[arg-type]


@pytest.mark.usefixtures("few")
def test_a_server_error_is_found_in_every_operation() -> None:
    faults = fuzzed(Service(500)).no_server_errors(allowed=True)

    assert len(faults) == len(operations())
    assert faults[0].what == "status 500"
    assert shlex.split(faults[0].curl)[:3] == ["curl", "-X", "GET"]


@pytest.mark.usefixtures("few")
def test_what_writes_stays_in_the_flows_of_the_session() -> None:
    service = Service()

    assert fuzzed(service).no_server_errors(allowed=True) == []
    assert fuzzed(service).no_server_errors(allowed=False) == []

    written = [path for method, path in service.paths if method != "GET"]
    assert written
    assert all(path.startswith(f"/flows/{FLOW}") for path in written)


@pytest.mark.usefixtures("few")
def test_an_answer_without_its_schema_is_found() -> None:
    faults = fuzzed(Service(200, "{}")).schemas_kept()

    assert {"getRun", "listRuns", "registerTask"} <= {fault.operation for fault in faults}


@pytest.mark.usefixtures("few")
def test_a_connection_that_is_closed_is_a_fault_while_the_service_lives() -> None:
    faults = fuzzed(Service(gone=True)).no_server_errors(allowed=True)

    assert {fault.what for fault in faults} == {"no answer: the connection was closed"}


@pytest.mark.parametrize("body", [b'{"a": "it\'s"}', b"\x00\xff%", b"two\nlines"])
def test_curl_sends_the_same_body(body: bytes) -> None:
    call = Call("POST", "/flows/a%20b", {"params": {"_limit": "1 2"}, "data": body})

    line = call.curl("http://127.0.0.1:1")

    assert "http://127.0.0.1:1/flows/a%20b?_limit=1+2" in line
    sent = subprocess.run(["sh", "-c", f"{CURL}{line}"], capture_output=True, check=True)
    assert sent.stdout == body
