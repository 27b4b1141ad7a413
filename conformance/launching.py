"""The launches of a run, as many at once as this machine carries; every one of them ends, whatever happens."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psutil

from conformance.requirement import Launch
from conformance.session import Session
from conformance.system.flows import read_launch

AT_ONCE = max(4, 2 * (os.cpu_count() or 2))
"""Each launch keeps a third of a CPU busy here, waiting included; more at once only makes all of them slower."""

GRACE_S = 45
"""Seconds that a launch gets to end its run after SIGTERM."""

PATHS = (
    *("PYTHONPATH", "KUBECONFIG", "METAFLOW_HOME", "AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"),
    *("AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"),
)
"""Variables that hold files of the user's, which may be named from the folder that the user is in."""

Listener = Callable[..., None]


class LaunchPad:
    """Starts launches and tells ``listener(event, **fields)`` what becomes of them, in the record's terms."""

    def __init__(self, session: Session, launches: Iterable[Launch], listener: Listener) -> None:
        self.session = session
        self.listener = listener
        self.launches = tuple(launches)
        self._children: list[subprocess.Popen[bytes]] = []
        self._starting = threading.Lock()
        self._stopped = False
        self._pool = ThreadPoolExecutor(max_workers=AT_ONCE, thread_name_prefix="launch")

    def start(self) -> None:
        """Start them in order, as many at the same time as this machine carries."""
        (self.session.output / "launches").mkdir(parents=True, exist_ok=True)
        for launch in self.launches:
            self._pool.submit(self._launch, launch)

    def _launch(self, launch: Launch) -> None:
        with self._starting:
            if self._stopped:
                return
            try:
                child = self._start(launch)
            except OSError as error:
                self._tell_end(launch, self._failed(launch, f"the launch could not be started: {error}", {}), 0)
                return
            self._children.append(child)
        began = time.monotonic()
        self.listener("launch.started", scenario=launch.scenario, orchestrator=launch.orchestrator)
        child.wait()
        data = read_launch(self.session, launch)
        if data.get("state") != "finished":
            data = self._died(launch, child.returncode, data)
        self._tell_end(launch, data, time.monotonic() - began)

    def _tell_end(self, launch: Launch, data: dict[str, Any], seconds: float) -> None:
        self.listener(
            "launch.finished",
            scenario=launch.scenario,
            orchestrator=launch.orchestrator,
            run_id=data["run_id"],
            outcome=data["outcome"],
            duration_s=round(seconds, 1),
            message=data["message"],
        )

    def _start(self, launch: Launch) -> subprocess.Popen[bytes]:
        with self.session.launch_file(launch, "log").open("wb") as log:
            return subprocess.Popen(
                [sys.executable, "-m", "conformance.system.launch", launch.scenario, launch.orchestrator],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                cwd=self.session.output,  # Metaflow makes its folder .metaflow wherever it is
                env={**os.environ, **_from_anywhere(), "PYTHONUNBUFFERED": "1"},
            )

    def _died(self, launch: Launch, code: int, data: dict[str, Any]) -> dict[str, Any]:
        log = self.session.launch_file(launch, "log").read_text(encoding="utf-8", errors="replace")
        said = "\n".join(log.strip().splitlines()[-8:])
        return self._failed(launch, f"the launch died with exit code {code}: {said}", data)

    def _failed(self, launch: Launch, message: str, data: dict[str, Any]) -> dict[str, Any]:
        """Write the launch file for a child that died without a word, so that no check waits for it."""
        blank = {"run_id": None, "template": None, "disturbed": None, "flow": "", "started_at": time.time()}
        outcome = {"state": "finished", "outcome": "error", "message": message, "finished_at": time.time()}
        data = {**blank, **data, **outcome, "scenario": launch.scenario, "orchestrator": launch.orchestrator}
        scratch = self.session.launch_file(launch, "tmp")
        scratch.write_text(json.dumps(data), encoding="utf-8")
        scratch.rename(self.session.launch_file(launch))
        return data

    def stop(self) -> None:
        """Start no more, and end what still runs: politely, then not. Returns when every child is gone."""
        with self._starting:
            self._stopped = True
        running = [child for child in self._children if child.poll() is None]
        for child in running:
            child.send_signal(signal.SIGTERM)
        deadline = time.monotonic() + GRACE_S
        for child in running:
            try:
                child.wait(max(0.1, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                kill_group(child.pid)
        self._pool.shutdown(wait=True)


def _from_anywhere() -> dict[str, str]:
    """The user's variables that hold paths, and the way to this package, so that they hold in every folder."""
    found = {name: _absolute(os.environ[name]) for name in PATHS if os.environ.get(name)}
    source = Path(__file__).resolve().parents[1]
    if (source / "pyproject.toml").exists():  # not installed, or in place
        found["PYTHONPATH"] = os.pathsep.join(filter(None, [found.get("PYTHONPATH"), str(source)]))
    return found


def _absolute(paths: str) -> str:
    """A list of paths, in which what is named from this folder is named from the root."""
    each = paths.split(os.pathsep)
    return os.pathsep.join(str(Path(path).absolute()) if path and path[0] != "~" else path for path in each)


def kill_group(leader: int) -> None:
    """Kill a launch with everything that it started."""
    try:
        family = [psutil.Process(leader), *psutil.Process(leader).children(recursive=True)]
    except psutil.NoSuchProcess:
        return
    for process in family:
        try:
            process.kill()
        except psutil.NoSuchProcess:
            continue
