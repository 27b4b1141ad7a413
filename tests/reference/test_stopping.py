"""SIGTERM: what is under way is finished, nothing new is taken, and nothing is left behind."""

from __future__ import annotations

import signal
import socket

from conformance.reference.postgres import Server
from tests.reference.service import SOON_S, Starting, until
from tests.reference.way import locked

WAITING = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
CONNECTIONS = """SELECT count(*) FROM pg_stat_activity
    WHERE datname = current_database() AND application_name = 'mfconf-metadata'"""


def takes_connections(url: str) -> bool:
    host, _, port = url.removeprefix("http://").partition(":")
    try:
        socket.create_connection((host, int(port)), timeout=5).close()
    except (ConnectionRefusedError, ConnectionResetError):  # reset: it was in the queue of a socket that closed
        return False
    return True


def test_requests_under_way_are_finished(start: Starting, server: Server, own_database: dict[str, str]) -> None:
    service = start(own_database)
    name = own_database["MF_METADATA_DB_NAME"]

    with locked(server, name):
        waiting = service.later("POST", "/flows/Late", json={"user_name": "me"})
        until(lambda: server.execute(WAITING) == "1")
        service.process.send_signal(signal.SIGTERM)
        until(lambda: not takes_connections(service.url))
        server.execute("SELECT pg_sleep(1)")
        assert service.process.poll() is None

    answer = waiting.result(SOON_S)
    assert answer.status_code == 200
    assert answer.json()["flow_id"] == "Late"
    assert service.process.wait(timeout=15) == 0
    assert until(lambda: server.execute(CONNECTIONS, name) == "0")
    assert server.execute("SELECT flow_id FROM flows", name) == "Late"


def test_an_idle_client_does_not_hold_it_up(start: Starting) -> None:
    service = start()
    host, _, port = service.url.removeprefix("http://").partition(":")

    with socket.create_connection((host, int(port))) as idle:
        idle.sendall(b"GET /ping HTTP/1.1\r\nHost: here\r\n\r\n")
        assert b"pong" in idle.recv(65536)
        assert service.stop() == 0
