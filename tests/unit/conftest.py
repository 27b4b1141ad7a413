"""What several tests share: an environment of their own, and small servers on the loopback interface."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import yaml

from tests.unit.metadata_server import behaviour, service

__all__ = ["behaviour", "service"]

Server = Callable[[int, dict[str, str], str], str]


@pytest.fixture
def own_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A home, a temporary folder and a working directory that nobody else uses; the last one is returned."""
    before = dict(os.environ)
    for name in list(os.environ):
        if name.startswith(("METAFLOW", "AWS_", "KUBE", "MFCONF")):
            del os.environ[name]
    for name in ("home", "work", "temporary"):
        (tmp_path / name).mkdir()
    os.environ.update(
        HOME=str(tmp_path / "home"),
        METAFLOW_HOME=str(tmp_path / "home"),
        KUBECONFIG=str(tmp_path / "home" / "kubeconfig"),
        TMPDIR=str(tmp_path / "temporary"),
        NO_PROXY="127.0.0.1",
        AWS_EC2_METADATA_DISABLED="true",
    )
    monkeypatch.setattr("tempfile.tempdir", None)
    monkeypatch.setattr("conformance.cleanup.JOURNAL", tmp_path / "journal")
    monkeypatch.chdir(tmp_path / "work")
    yield tmp_path / "work"
    os.environ.clear()
    os.environ.update(before)


@pytest.fixture
def home(own_environment: Path) -> Path:
    """The folder of Metaflow's configurations."""
    return own_environment.parent / "home"


def kubeconfig(path: Path, *contexts: str, current: str = "") -> Path:
    """A kubeconfig of these contexts, each with a cluster and a user of its own."""
    content = {
        "clusters": [{"name": f"c-{name}", "cluster": {"server": f"https://{name}"}} for name in contexts],
        "users": [{"name": f"u-{name}", "user": {"token": "t"}} for name in contexts],
        "contexts": [{"name": name, "context": {"cluster": f"c-{name}", "user": f"u-{name}"}} for name in contexts],
        "current-context": current,
    }
    path.write_text(yaml.safe_dump(content), encoding="utf-8")
    return path


@contextmanager
def serving(status: int, headers: dict[str, str], body: str) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body.encode())))
            self.end_headers()
            self.wfile.write(body.encode())

        do_GET = do_POST = answer  # noqa: N815 - http.server's names

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=lambda: server.serve_forever(poll_interval=0.02), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def server() -> Iterator[Server]:
    """``server(status, headers, body)`` answers every request so; its URL is returned."""
    with ExitStack() as stack:
        yield lambda status, headers, body: stack.enter_context(serving(status, headers, body))
