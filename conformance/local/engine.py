"""The Docker engine: the one that answers, or a private one of our own where none does.

A private engine has its own socket, state and bridge; its images live in the cache folder, so that a
later ``up`` finds them, and nothing of it runs or stays mounted after ``stop``.
"""

from __future__ import annotations

import os
import platform
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import psutil

from conformance.errors import TargetError, UsageError
from conformance.local import packages
from conformance.local.paths import CACHE, LOG, STATE
from conformance.local.progress import Progress
from conformance.local.shell import MARK, reap, run

FOLDER = STATE / "docker"
SOCKET = FOLDER / "docker.sock"
DATA = CACHE / "docker"
BRIDGE = "mfconf0"
BRIDGE_ADDRESS = "10.213.113.1/24"
NETWORK = "mfconf"
NETWORK_BRIDGE = "mfconf1"
POLICY = FOLDER / "forward-policy"
ENGINE_RULE = re.compile(rf"\bDOCKER|\b({BRIDGE}|{NETWORK_BRIDGE})\b")
START_S = 60
CAP_SYS_RESOURCE = 24


def ensure(progress: Progress) -> None:
    """Make ``docker`` answer to every later command of this process, starting a private engine if need be.

    Raises ``UsageError`` where none answers and none can be started, saying what to install.
    """
    if SOCKET.exists() and _answers(SOCKET):
        os.environ["DOCKER_HOST"] = f"unix://{SOCKET}"
        return
    if _answers():
        return
    if platform.system() != "Linux" or os.geteuid() != 0:
        raise UsageError(
            "docker: no engine answers; start Docker (or, on Linux, run this as root: a private engine is then used)"
        )
    packages.ensure({"dockerd": "docker.io", "iptables": "iptables", "ip": "iproute2"}, progress)
    _start()


def attach() -> bool:
    """Use the private engine if it runs, else the one that is there; tell whether one answers."""
    if SOCKET.exists() and _answers(SOCKET):
        os.environ["DOCKER_HOST"] = f"unix://{SOCKET}"
        return True
    return _answers()


def private() -> dict[str, str]:
    """What a user's shell needs to reach the engine in use where it is the private one; else nothing."""
    address = f"unix://{SOCKET}"
    return {"DOCKER_HOST": address} if os.environ.get("DOCKER_HOST") == address else {}


def _answers(socket: Path | None = None) -> bool:
    env = {**os.environ, **({"DOCKER_HOST": f"unix://{socket}"} if socket else {})}
    if not shutil.which("docker"):
        return False
    try:
        asked = subprocess.run(
            ["docker", "version", "--format", "{{.Server.Version}}"],
            env=env,
            check=False,
            capture_output=True,
            timeout=20,
        )
    except subprocess.TimeoutExpired:
        return False
    return asked.returncode == 0


def _start() -> None:
    stop()
    for folder in (FOLDER, DATA):
        folder.mkdir(parents=True, exist_ok=True)
    POLICY.write_text(_forward_policy(), encoding="utf-8")
    run(["ip", "link", "add", BRIDGE, "type", "bridge"], doing="making a bridge", timeout=10)
    run(["ip", "address", "add", BRIDGE_ADDRESS, "dev", BRIDGE], doing="making a bridge", timeout=10)
    command = [
        "dockerd",
        f"--host=unix://{SOCKET}",
        f"--data-root={DATA}",
        f"--exec-root={FOLDER / 'exec'}",
        f"--pidfile={FOLDER / 'pid'}",
        f"--bridge={BRIDGE}",
        "--log-level=warn",
    ]
    if not _has_sys_resource():
        command += [f"--add-runtime=bounded={_bounded_runtime()}", "--default-runtime=bounded"]
    with (FOLDER / "dockerd.log").open("ab") as log:
        engine = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            env={**os.environ, MARK: "engine"},
        )
    deadline = time.monotonic() + START_S
    while not _answers(SOCKET):
        if engine.poll() is not None or time.monotonic() > deadline:
            said = (FOLDER / "dockerd.log").read_text(errors="replace").strip().splitlines()
            stop()
            raise TargetError(
                f"docker: the private engine did not start: {said[-1] if said else 'no word'} (log: {LOG})"
            )
        time.sleep(0.2)
    os.environ["DOCKER_HOST"] = f"unix://{SOCKET}"


def _has_sys_resource() -> bool:
    status = Path("/proc/self/status").read_text(encoding="ascii")
    bounding = int(next(line for line in status.splitlines() if line.startswith("CapBnd")).split()[1], 16)
    return bool(bounding >> CAP_SYS_RESOURCE & 1)


def _bounded_runtime() -> Path:
    """An executable that calls our runtime wrapper with this interpreter, whatever PATH the engine has."""
    wrapper = Path(__file__).with_name("bounded_runtime.py")
    start = FOLDER / "bounded-runtime"
    start.write_text(f'#!/bin/sh\nexec {sys.executable} -ISE {wrapper} "$@"\n', encoding="utf-8")
    start.chmod(0o755)
    return start


def revive() -> bool:
    """Start the private engine again if one was killed, so that it can take its containers away."""
    if not FOLDER.exists():
        return False
    _start()
    return True


def stop() -> None:
    """Take the private engine away: processes, mounts, bridge, packet filter rules, state. Its images stay."""
    if not FOLDER.exists():
        return
    pid_file = FOLDER / "pid"
    if pid_file.exists():
        _end(int(pid_file.read_text(encoding="ascii")))
    reap("engine")
    _kill_containers()
    for mount in sorted(_mounts_below(FOLDER) + _mounts_below(DATA), reverse=True):
        run(["umount", "--lazy", mount], doing=f"unmounting {mount}", timeout=20)
    for interface in {BRIDGE, NETWORK_BRIDGE} & {path.name for path in Path("/sys/class/net").iterdir()}:
        run(["ip", "link", "delete", interface], doing="removing the bridge", timeout=10)
    if POLICY.exists():
        _clear_rules(POLICY.read_text(encoding="utf-8"))
    shutil.rmtree(FOLDER)


def _kill_containers() -> None:
    """Kill what runs in containers of an engine that is gone: found by their IDs in the control groups."""
    ids = [path.name for path in (DATA / "containers").glob("*")]
    for process in psutil.process_iter():
        try:
            groups = Path(f"/proc/{process.pid}/cgroup").read_text(encoding="ascii")
            if any(name in groups for name in ids):
                process.kill()
        except (OSError, psutil.NoSuchProcess):
            continue


def _end(pid: int) -> None:
    try:
        engine = psutil.Process(pid)
        if "dockerd" not in engine.name():
            return
        engine.terminate()
        engine.wait(timeout=15)
    except psutil.NoSuchProcess:
        return
    except psutil.TimeoutExpired:
        engine.kill()
        engine.wait(timeout=5)


def _mounts_below(folder: Path) -> list[str]:
    mounts = Path("/proc/self/mounts").read_text(encoding="utf-8").splitlines()
    return [target for target in (line.split()[1] for line in mounts) if target.startswith(f"{folder}/")]


def _forward_policy() -> str:
    """The packet filter's policy for forwarding, which an engine sets to DROP; empty without a filter."""
    if not shutil.which("iptables"):
        return ""
    rules = run(["iptables", "--list-rules", "FORWARD"], doing="reading the packet filter", timeout=20)
    return rules.split()[2]


def _clear_rules(policy: str) -> None:
    """Take the engine's chains and rules out of the packet filter; every other rule stays."""
    for table in ("filter", "nat", "raw"):
        saved = run(["iptables-save", "--table", table], doing="reading the packet filter", timeout=20)
        kept = [line for line in saved.splitlines() if not ENGINE_RULE.search(line)]
        text = "\n".join(kept) or f"*{table}\nCOMMIT"
        run(
            ["iptables-restore", "--table", table],
            doing="clearing the packet filter",
            timeout=20,
            stdin=text + "\n",
        )
    if policy:
        run(["iptables", "--policy", "FORWARD", policy], doing="clearing the packet filter", timeout=20)
