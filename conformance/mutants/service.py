"""A broken service as a process of its own, on a database of its own."""

from __future__ import annotations

import os
import re
import select
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import requests

from conformance.errors import TargetError
from conformance.reference.postgres import Server

START_S = 60
END_S = 10
BROKEN = re.compile(
    r"conformance/mutants/\w+|StaleMutant|NameError|PostgresSyntaxError|Undefined\w+Error|Ambiguous\w+Error|"
    r"(?:Datatype|Grouping)\w*Error|IndeterminateDatatypeError|CannotCoerceError"
)
"""Signs in a service's log that the mutant itself is broken, instead of the service by it."""


@contextmanager
def serving(server: Server, name: str, log: Path, *, dies: bool = False) -> Iterator[str]:
    """Run ``conformance.mutants.serve NAME`` on a new database; its URL.

    Raises ``TargetError`` where it does not start or never answers /ping, ends by itself although it is not one
    that ``dies``, or says in its log that it is broken in another way than it was meant to be.
    """
    settings = server.new_database(name)
    with log.open("w", encoding="utf-8") as stream:
        process = subprocess.Popen(
            [sys.executable, "-m", "conformance.mutants.serve", name, "--watch-stdin"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=stream,
            text=True,
            env={**os.environ, **settings, "LOGLEVEL": "WARNING"},
        )
    try:
        yield _url(process, name, log)
        ended = process.poll()
        if ended is not None and not dies:
            raise TargetError(f"mutant {name}: its service ended by itself with {ended}: {_last(log)}")
    finally:
        _stop(process)
        server.execute(f'DROP DATABASE "{name}" WITH (FORCE)')
    if sign := BROKEN.search(log.read_text(encoding="utf-8")):
        raise TargetError(f"mutant {name}: is itself broken: {sign.group()} (see {log})")


def _url(process: subprocess.Popen[str], name: str, log: Path) -> str:
    """The URL that the process prints, once /ping answers there, whatever it says."""
    assert process.stdout is not None  # noqa: S101 - a pipe was asked for
    ready, _, _ = select.select([process.stdout], [], [], START_S)
    url = process.stdout.readline().strip() if ready else ""
    if not url:
        raise TargetError(f"mutant {name}: its service does not start: {_last(log)}")
    deadline = time.monotonic() + START_S
    while True:
        try:
            requests.get(f"{url}/ping", timeout=START_S, allow_redirects=False)
        except requests.RequestException as error:
            if time.monotonic() > deadline or process.poll() is not None:
                raise TargetError(f"mutant {name}: never answers /ping: {error}") from None
        else:
            return url


def _stop(process: subprocess.Popen[str]) -> None:
    process.terminate()
    try:
        process.wait(END_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            pipe.close()


def _last(log: Path) -> str:
    said = log.read_text(encoding="utf-8").strip().splitlines()
    return f"{said[-1] if said else 'it says nothing'} (see {log})"
