"""The reference service as a process of its own."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests
import tenacity

SOON_S = 10.0


def until(condition: Callable[[], Any], seconds: float = SOON_S) -> Any:
    """The first true value of ``condition``, looked for often. Raises ``tenacity.RetryError`` after ``seconds``."""
    return tenacity.Retrying(
        stop=tenacity.stop_after_delay(seconds),
        wait=tenacity.wait_fixed(0.05),
        retry=tenacity.retry_if_result(lambda value: not value),
    )(condition)


@dataclass
class Service:
    """The process, where it listens, and its log."""

    process: subprocess.Popen[bytes]
    url: str
    log: Path

    def call(self, method: str, path: str, **options: Any) -> requests.Response:
        """One request on a connection of its own."""
        return requests.request(method, self.url + path, timeout=20, **options)

    def get(self, path: str, **query: Any) -> requests.Response:
        """GET, with a query."""
        return self.call("GET", path, params=query)

    def post(self, path: str, body: Any) -> requests.Response:
        """POST as JSON."""
        return self.call("POST", path, json=body)

    def later(self, method: str, path: str, **options: Any) -> Future[requests.Response]:
        """A request that is sent now; its answer when it comes."""
        answer: Future[requests.Response] = Future()
        threading.Thread(target=lambda: answer.set_result(self.call(method, path, **options))).start()
        return answer

    def made(self, path: str, body: Any) -> Any:
        """What a POST that has to go well answers."""
        answer = self.post(path, body)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def lines(self) -> list[dict[str, Any]]:
        """The lines of JSON in its log so far."""
        lines = self.log.read_text(encoding="utf-8").splitlines()
        return [json.loads(line) for line in lines if line.startswith("{")]

    def answers(self) -> bool:
        """Whether it answers /ping. Raises ``AssertionError`` with its log if it has ended."""
        assert self.process.poll() is None, self.log.read_text(encoding="utf-8")
        try:
            return self.get("/ping").ok
        except requests.ConnectionError:
            return False

    def stop(self) -> int:
        """End it as Kubernetes does; its exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=15)


Starting = Callable[..., Service]


@contextmanager
def running(folder: Path, settings: Mapping[str, str]) -> Iterator[Starting]:
    """Start services; end them all."""
    started: list[Service] = []

    def start(more: Mapping[str, str] | None = None, *, wait: bool = True) -> Service:
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        given = {**settings, "MF_METADATA_PORT": str(port), **(more or {})}
        log = folder / f"service-{len(started)}.log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                [sys.executable, "-m", "conformance.reference.metadata_service"],
                env={**os.environ, **given},
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        service = Service(process, f"http://127.0.0.1:{given['MF_METADATA_PORT']}{given.get('PATH_PREFIX', '')}", log)
        started.append(service)
        if wait:
            until(service.answers)
        return service

    try:
        yield start
    finally:
        for service in started:
            service.process.kill()
            service.process.wait()
