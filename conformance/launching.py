"""All launches of a run at once, each a child process; every one of them ends, whatever happens."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable
from typing import Any

import psutil

from conformance.requirement import Launch
from conformance.session import Session

GRACE_S = 45
"""Seconds that a launch gets to end its run after SIGTERM."""

Listener = Callable[..., None]


class LaunchPad:
    """Starts launches and tells ``listener(event, **fields)`` what becomes of them, in the record's terms."""

    def __init__(self, session: Session, launches: Iterable[Launch], listener: Listener) -> None:
        self.session = session
        self.listener = listener
        self._children: dict[Launch, subprocess.Popen[bytes]] = {}
        self._threads: list[threading.Thread] = []
        self.launches = tuple(launches)

    def start(self) -> None:
        """Start all at the same time."""
        (self.session.output / "launches").mkdir(parents=True, exist_ok=True)
        for launch in self.launches:
            with self.session.launch_file(launch, "log").open("wb") as log:
                child = subprocess.Popen(
                    [sys.executable, "-m", "conformance.system.launch", launch.scenario, launch.orchestrator],
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    start_new_session=True,
                    env={**os.environ, "PYTHONUNBUFFERED": "1"},
                )
            self._children[launch] = child
            self.listener("launch.started", scenario=launch.scenario, orchestrator=launch.orchestrator)
            thread = threading.Thread(target=self._follow, args=(launch, child, time.monotonic()), daemon=True)
            thread.start()
            self._threads.append(thread)

    def _follow(self, launch: Launch, child: subprocess.Popen[bytes], began: float) -> None:
        child.wait()
        path = self.session.launch_file(launch)
        data: dict[str, Any] = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
        if data.get("state") != "finished":
            data = self._died(launch, child.returncode, data)
        self.listener(
            "launch.finished",
            scenario=launch.scenario,
            orchestrator=launch.orchestrator,
            run_id=data["run_id"],
            outcome=data["outcome"],
            duration_s=round(time.monotonic() - began, 1),
            message=data["message"],
        )

    def _died(self, launch: Launch, code: int, data: dict[str, Any]) -> dict[str, Any]:
        """Say for a child that died without a word what its log says, so that no check waits for it."""
        log = self.session.launch_file(launch, "log").read_text(encoding="utf-8", errors="replace")
        said = "\n".join(log.strip().splitlines()[-8:])
        blank = {"run_id": None, "template": None, "flow": "", "started_at": time.time()}
        outcome = {
            "state": "finished",
            "outcome": "error",
            "message": f"the launch died with exit code {code}: {said}",
            "finished_at": time.time(),
        }
        data = {**blank, **data, **outcome, "scenario": launch.scenario, "orchestrator": launch.orchestrator}
        scratch = self.session.launch_file(launch, "tmp")
        scratch.write_text(json.dumps(data), encoding="utf-8")
        scratch.rename(self.session.launch_file(launch))
        return data

    def stop(self) -> None:
        """End what still runs: politely, then not. Returns when every child is gone."""
        running = [child for child in self._children.values() if child.poll() is None]
        for child in running:
            child.send_signal(signal.SIGTERM)
        deadline = time.monotonic() + GRACE_S
        for child in running:
            try:
                child.wait(max(0.1, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                kill_group(child.pid)
        for thread in self._threads:
            thread.join(timeout=10)


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
