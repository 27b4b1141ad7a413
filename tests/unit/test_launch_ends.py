"""A launch ends with everything it started, and a client that waits ends too."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
import requests

from conformance.requirement import Launch
from conformance.session import Session
from conformance.system import flows
from conformance.waiting import wait

SCRIPT = """
import asyncio, os, subprocess, sys
from types import SimpleNamespace
import metaflow
from conformance.system import launch

FLOW = '''
import subprocess, sys, time
beat = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"], start_new_session=True)
print(beat.pid, flush=True)
time.sleep(60)
'''

class Runner:
    def __init__(self, *_, **__):
        pass

    async def async_run(self, **_):
        process = await asyncio.create_subprocess_exec(sys.executable, "-c", FLOW, stdout=subprocess.PIPE)
        beat = (await process.stdout.readline()).decode().strip()
        run = SimpleNamespace(id=f"{process.pid} {beat}", pathspec="F/1")
        return SimpleNamespace(run=run, stdout="", stderr="", command_obj=SimpleNamespace(process=process))

    def cleanup(self):
        pass

metaflow.Runner = Runner
launch.main(["linear", "local"])
"""


def started(tmp_path: Path) -> tuple[subprocess.Popen[bytes], Session, list[int]]:
    config = {"METAFLOW_DATASTORE_SYSROOT_S3": "s3://bucket"}
    session = Session("run0000001", tmp_path, "kind", (), (), frozenset(), frozenset(), config)
    session.save()
    (tmp_path / "launches").mkdir()
    child = subprocess.Popen([sys.executable, "-c", SCRIPT], env=dict(os.environ))
    launch = Launch("linear", "local")
    run_id: str = wait(lambda: flows.read_launch(session, launch).get("run_id"), "a flow runs", 30) or ""
    return child, session, [int(number) for number in run_id.split()]


def test_a_launch_that_is_ended_ends_its_flow_with_all_that_it_started(tmp_path: Path, own_environment: Path) -> None:
    child, session, family = started(tmp_path)
    assert own_environment
    assert all(psutil.pid_exists(number) for number in family)

    child.send_signal(signal.SIGTERM)
    child.wait(timeout=30)

    wait(lambda: not any(psutil.pid_exists(number) for number in family), "flow and heartbeat are gone", 5)
    assert flows.read_launch(session, Launch("linear", "local"))["outcome"] == "stopped"


def test_the_client_gives_up_on_a_service_that_is_silent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(flows, "CLIENT_S", 0.3)
    with socket.socket() as silent, requests.Session() as session:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        session.mount("http://", flows.Impatient())
        began = time.monotonic()

        with pytest.raises(requests.Timeout):
            session.get(f"http://127.0.0.1:{silent.getsockname()[1]}/")
    assert time.monotonic() - began < 5


# its own imports warn
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_metaflows_client_is_the_one_that_is_hurried() -> None:
    flows.hurry_client()
    from metaflow.plugins.metadata_providers.service import ServiceMetadataProvider  # noqa: PLC0415

    for url in ("http://h/", "https://h/"):
        assert isinstance(ServiceMetadataProvider._session.get_adapter(url), flows.Impatient)
