"""What a call makes of a service that hangs, dies, trickles or redirects; and that all calls end."""

from __future__ import annotations

import socket
import time
from contextlib import closing
from http.server import BaseHTTPRequestHandler

import pytest

from conformance import preflight
from conformance.errors import TargetError
from conformance.system import metadata
from conformance.system.breaker import SILENT_CALLS
from conformance.system.metadata import MetadataService
from conformance.waiting import DEADLINES, Unsettled
from tests.unit.metadata_server import SHORT_S, Behaviour, answer, at, in_turn, session_of


def closed_port() -> int:
    with closing(socket.create_server(("127.0.0.1", 0))) as listening:
        port: int = listening.getsockname()[1]
        return port


def test_a_service_that_is_not_there_is_one_clear_line() -> None:
    service = at(f"http://127.0.0.1:{closed_port()}")

    with pytest.raises(TargetError, match=r"GET http://127.0.0.1:\d+/ping: no answer: ConnectionError; is the .* up"):
        service.get("/ping")


def test_a_service_that_hangs_is_the_targets_fault(service: MetadataService, behaviour: Behaviour) -> None:
    behaviour.ways = {"/flows": behaviour.hang, "/ping": behaviour.hang}

    with pytest.raises(TargetError, match="no answer in time, nor to /ping"):
        service.get("/flows")


def test_a_route_that_hangs_while_ping_is_answered_is_a_finding(service: MetadataService, behaviour: Behaviour) -> None:
    behaviour.ways = {"/flows": behaviour.hang}

    with pytest.raises(Unsettled, match=r"no answer within 0 s, while /ping is answered"):
        service.get("/flows")


def test_a_body_that_never_ends_is_cut_off_in_time(service: MetadataService, behaviour: Behaviour) -> None:
    behaviour.ways = {"/flows": behaviour.trickle}
    began = time.monotonic()

    with pytest.raises((TargetError, Unsettled)):
        service.get("/flows")

    assert time.monotonic() - began < 10 * SHORT_S


def test_a_service_that_dies_amid_an_answer_is_the_targets_fault(
    service: MetadataService, behaviour: Behaviour
) -> None:
    behaviour.ways = {"/flows": behaviour.die}

    with pytest.raises(TargetError, match="no answer: ConnectionError"):
        service.post("/flows", {})


def test_redirects_are_answers(service: MetadataService, behaviour: Behaviour) -> None:
    behaviour.ways = {"/flows": answer("", 302)}

    assert service.get("/flows").status == 302
    assert behaviour.requests == ["/flows"]


def test_after_three_calls_without_an_answer_none_is_tried(service: MetadataService, behaviour: Behaviour) -> None:
    behaviour.ways = {"/flows": behaviour.die, "/ping": behaviour.die}
    for _ in range(SILENT_CALLS):
        with pytest.raises(TargetError, match="no answer"):
            service.get("/flows")
    tried = len(behaviour.requests)

    for other in (service, service.fresh()):
        with pytest.raises(TargetError, match="not tried: the last 3 calls got no answer"):
            other.get("/ping")

    assert len(behaviour.requests) == tried


@pytest.mark.parametrize("way", ["die", "hang"])
def test_calls_of_many_that_get_no_answer_together_end_nothing_while_ping_is_answered(
    service: MetadataService, behaviour: Behaviour, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    monkeypatch.setattr(metadata, "CONNECT_S", 5)
    behaviour.ways = {"/flows": getattr(behaviour, way)}

    def fail(_: int) -> None:
        with pytest.raises((TargetError, Unsettled), match="/ping is answered"):
            service.get("/flows")

    service.together(fail, range(2 * SILENT_CALLS))

    assert service.get("/fault").status == 200


def test_a_service_that_hangs_is_not_waited_for_again_and_again(service: MetadataService, behaviour: Behaviour) -> None:
    behaviour.ways = {"/flows": behaviour.hang, "/ping": behaviour.hang}
    for _ in range(SILENT_CALLS):
        with pytest.raises(TargetError, match="nor to /ping"):
            service.get("/flows")

    with pytest.raises(TargetError, match="not tried"):
        service.get("/flows")


def test_an_answer_between_keeps_the_calls_going(service: MetadataService, behaviour: Behaviour) -> None:
    behaviour.ways = {"/flows": behaviour.die, "/ping": behaviour.die, "/fault": answer("", 500)}

    for _ in range(2 * SILENT_CALLS):
        with pytest.raises(TargetError):
            service.get("/flows")
        assert service.get("/fault").status == 500


def test_a_thread_keeps_its_connection_and_shares_it_with_none(service: MetadataService, behaviour: Behaviour) -> None:
    for _ in range(3):
        service.get("/ping")
    assert (service.connections, len(behaviour.peers)) == (1, 1)

    service.together(lambda _: service.get("/ping"), range(8), at_once=2)
    assert 1 < len(behaviour.peers) <= 3

    service.fresh().get("/ping")
    assert len(behaviour.peers) > 2
    assert service.connections == 1


def test_clients_at_the_same_time_pass_their_connections_on(service: MetadataService, behaviour: Behaviour) -> None:
    for _ in range(5):
        service.together(lambda _: service.get("/ping"), range(8), at_once=2)
    assert len(behaviour.peers) <= 2

    reader = service.fresh()
    reader.together(lambda _: reader.get("/ping"), range(8), at_once=2)
    assert len(behaviour.peers) > 2


@pytest.mark.parametrize("told", [True, False])
def test_connections_that_the_service_closes_are_counted(
    service: MetadataService, behaviour: Behaviour, *, told: bool
) -> None:
    def way(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", "2")
        if told:
            handler.send_header("Connection", "close")
        handler.end_headers()
        handler.wfile.write(b"[]")
        handler.close_connection = True

    behaviour.ways = {"/flows": way}

    for number in range(1, 4):
        assert service.get("/flows").text == "[]"
        assert behaviour.closed.acquire(timeout=5)
        assert service.connections == number


@pytest.mark.parametrize(
    ("content_type", "read"),
    [
        ("application/json", "ü"),
        ("text/plain; charset=utf-8", "ü"),
        ("text/plain", "Ã¼"),
        ("text/plain; charset=no-such", "ü"),
    ],
)
def test_a_body_is_decoded_as_the_client_decodes_it(
    service: MetadataService, behaviour: Behaviour, content_type: str, read: str
) -> None:
    behaviour.ways = {"/flows": answer('"ü"', content_type=content_type)}

    assert service.get("/flows").json == read


def test_tags_are_changed_again_after_a_conflict(service: MetadataService, behaviour: Behaviour) -> None:
    path = metadata.path_of("F", 1)
    behaviour.ways = {f"{path}/tag/mutate": in_turn(409, 409, 422)}

    assert service.retag(path, {"tags_to_add": ["a"]}).status == 422
    assert len(behaviour.requests) == 3


@pytest.mark.parametrize("chunked", [False, True])
def test_a_body_of_many_pieces_is_read_whole_and_its_connection_kept(
    service: MetadataService, behaviour: Behaviour, *, chunked: bool
) -> None:
    pieces = [b"x" * 70_000] * 5

    def way(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header(*(("Transfer-Encoding", "chunked") if chunked else ("Content-Length", "350000")))
        handler.end_headers()
        for piece in pieces:
            handler.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece) if chunked else piece)
        handler.wfile.write(b"0\r\n\r\n" if chunked else b"")

    behaviour.ways = {"/flows": way}

    for _ in range(3):
        assert service.get("/flows").text == "x" * 350_000
    assert len(behaviour.peers) == 1


def test_a_body_that_is_cut_short_is_the_targets_fault(service: MetadataService, behaviour: Behaviour) -> None:
    def way(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", "1000")
        handler.end_headers()
        handler.wfile.write(b"[1, 2")
        handler.close_connection = True

    behaviour.ways = {"/flows": way}

    with pytest.raises(TargetError, match="no answer: ConnectionError"):
        service.get("/flows")


def test_paths_are_encoded() -> None:
    assert metadata.path_of("F") == "/flows/F"
    assert metadata.path_of("F", "a/b", "s", "ü %") == "/flows/F/runs/a%2Fb/steps/s/tasks/%C3%BC%20%25"


@pytest.mark.parametrize("paged", [True, False])
def test_pages_are_looked_for_in_a_list_that_is_short(
    service: MetadataService, behaviour: Behaviour, *, paged: bool
) -> None:
    def way(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", "2")
        if paged:
            handler.send_header("X-Limit", "1")
        handler.end_headers()
        handler.wfile.write(b"[]")

    behaviour.ways = {"/flows/Mfconf_none/runs?_limit=1": way}

    assert preflight.pages(session_of(service.url)) is paged
    assert behaviour.requests == ["/flows/Mfconf_none/runs?_limit=1"]


def test_patience_makes_the_deadlines_of_calls_longer(service: MetadataService, behaviour: Behaviour) -> None:
    def slow(handler: BaseHTTPRequestHandler) -> None:
        behaviour.end.wait(2 * SHORT_S)
        answer("[]")(handler)

    behaviour.ways = {"/flows": slow}

    assert at(service.url, patience=10).get("/flows").json == []
    with pytest.raises(Unsettled, match="no answer within"):
        service.get("/flows")


def test_patience_makes_the_deadline_of_tags_longer(
    service: MetadataService, behaviour: Behaviour, monkeypatch: pytest.MonkeyPatch
) -> None:
    behaviour.ways = {"/tag/mutate": in_turn(409, 409, 200)}
    monkeypatch.setitem(DEADLINES, "tags", SHORT_S)

    assert at(service.url, patience=10).retag("", {}).status == 200
