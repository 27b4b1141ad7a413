"""A metadata service of one's own making on a real socket: it hangs, trickles, dies or answers as it is told."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from conformance.session import Session
from conformance.system import metadata
from conformance.system.metadata import MetadataService
from conformance.waiting import DEADLINES

SHORT_S = 0.3


class Behaviour:
    """What the server below does: each path's own way, and what it has seen."""

    def __init__(self) -> None:
        self.end = threading.Event()
        self.ways: dict[str, Callable[[BaseHTTPRequestHandler], None]] = {}
        self.requests: list[str] = []
        self.peers: set[object] = set()
        self.closed = threading.Semaphore(0)

    def hang(self, _: BaseHTTPRequestHandler) -> None:
        self.end.wait(5)

    def trickle(self, handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", "1000")
        handler.end_headers()
        while not self.end.wait(SHORT_S / 4):
            handler.wfile.write(b"x")

    def die(self, handler: BaseHTTPRequestHandler) -> None:
        handler.connection.shutdown(socket.SHUT_RDWR)
        handler.close_connection = True


def answer(
    text: str, status: int = 200, content_type: str = "application/json"
) -> Callable[[BaseHTTPRequestHandler], None]:
    def way(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        handler.send_header("Content-Type", content_type)
        handler.send_header("Location", "/elsewhere")
        handler.send_header("Content-Length", str(len(text.encode())))
        handler.end_headers()
        handler.wfile.write(text.encode())

    return way


def in_turn(*statuses: int) -> Callable[[BaseHTTPRequestHandler], None]:
    left = list(statuses)

    def way(handler: BaseHTTPRequestHandler) -> None:
        answer("{}", left.pop(0) if left[1:] else left[0])(handler)

    return way


@pytest.fixture
def behaviour() -> Behaviour:
    return Behaviour()


@pytest.fixture
def service(behaviour: Behaviour, monkeypatch: pytest.MonkeyPatch) -> Iterator[MetadataService]:
    """A service on a real socket; calls to it wait ``SHORT_S`` seconds."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def reply(self) -> None:
            behaviour.requests.append(self.path)
            behaviour.peers.add(self.client_address)
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            way = behaviour.ways.get(self.path, answer('"pong"'))
            way(self)

        do_GET = do_POST = do_PATCH = reply  # noqa: N815 - http.server's names

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    class Server(ThreadingHTTPServer):
        request_queue_size = 64

        def shutdown_request(self, request: socket.socket) -> None:  # type: ignore[override]
            super().shutdown_request(request)
            behaviour.closed.release()

    monkeypatch.setitem(DEADLINES, "call", SHORT_S)
    monkeypatch.setattr(metadata, "CONNECT_S", SHORT_S)
    server = Server(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=lambda: server.serve_forever(poll_interval=0.02), daemon=True)
    thread.start()
    with ExitStack() as stack:
        stack.callback(server.server_close)
        stack.callback(thread.join)
        stack.callback(server.shutdown)
        stack.callback(behaviour.end.set)
        yield at(f"http://127.0.0.1:{server.server_port}")


def at(url: str, patience: float = 1.0) -> MetadataService:
    return MetadataService(session_of(url, patience))


def session_of(url: str, patience: float = 1.0) -> Session:
    config = {"METAFLOW_SERVICE_URL": url, "METAFLOW_SERVICE_HEADERS": '{"X-Key": "k"}'}
    return Session("r1", Path(), "t", (), (), frozenset(), frozenset(), config, patience=patience)
