"""A load test, from the target to the record. Locust runs in a process and an environment of its own."""

from __future__ import annotations

import contextlib
import json
import os
import shlex
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

from conformance import preflight, suite
from conformance.errors import TargetError, UsageError
from conformance.local import builds
from conformance.local.paths import repository
from conformance.local.progress import Progress
from conformance.local.shell import run as run_command
from conformance.outcome import Exit
from conformance.record import Record, exit_code, read
from conformance.redact import redact, redact_file
from conformance.running import interruptible, output_folder
from conformance.session import HEADERS, Session, headers_of
from conformance.targets import resolve
from conformance.targets.base import Options
from load.profiles import PROFILES

END_S = 30


def run(  # noqa: PLR0913 - what the command line asks
    name: str,
    options: Options,
    *,
    profile: str,
    seed: int,
    output: Path | None,
    command: tuple[str, ...],
) -> tuple[Path, Exit]:
    """Drive load at the target's metadata service; the folder of the record, and the exit code.

    Raises ``UsageError`` or ``TargetError`` where it can't begin, or measured nothing.
    """
    if profile not in PROFILES:
        raise UsageError(f"--profile {profile}: no such load profile; profiles: {', '.join(PROFILES)}")
    target = resolve(name, options)
    if "metadata" not in target.declares:
        raise UsageError(f"--target {name}: has no metadata service (METAFLOW_SERVICE_URL) to drive load at")
    target.export()
    session = Session.blank(target.identity, target.config)
    run_id = session.run_id
    version = preflight.metadata_service(session)
    progress = Progress(total=2)
    with progress.step("environment of the load test"):
        python = _python()
    folder = output_folder(output, run_id)
    record = Record(folder)
    record.append(
        "run.started",
        run={"id": run_id, "command": shlex.join(command)},
        suite=suite.identity(),
        target={"name": target.name, "kind": target.kind, "config": redact(target.config)},
        profiles=[],
        selected=[],
    )
    record.append("target.observed", observed={"metadata_service": version}, simulated=sorted(target.simulated))
    load: dict[str, Any] = {}
    broken_off = "interrupted"
    try:
        with progress.step(f"load: {PROFILES[profile].users} users for {PROFILES[profile].duration_s} s"):
            load, broken_off = _drive(python, target.config, profile, seed, run_id, folder)
    except TargetError as error:
        broken_off = str(error)
        raise
    except Exception as error:
        broken_off = f"the harness broke: {type(error).__name__}: {error}"
        raise
    finally:
        if load:
            record.append("load.finished", load=load)
        record.append("run.finished", broken_off=broken_off)
        record.close()
    if load and not load["requests"] and not broken_off:
        raise UsageError(f"nothing was measured; see {folder / 'load.log'}")
    return folder, exit_code(read(folder))


def _python() -> Path:
    """The interpreter of the environment that ``locks/load.txt`` describes, made once."""
    lock = repository() / "locks" / "load.txt"

    def make(path: Path) -> None:
        run_command([sys.executable, "-m", "venv", path], doing="making the environment of the load test", timeout=300)
        words = ["-m", "pip", "install", "--quiet", "--require-hashes", "--requirement", str(lock)]
        run_command([path / "bin" / "python", *words], doing="installing Locust", timeout=900)

    return builds.cached("python", "load", builds.digest(sys.version, files=[lock]), make) / "bin" / "python"


def _drive(  # noqa: PLR0913 - one load test
    python: Path, config: dict[str, str], profile: str, seed: int, run_id: str, folder: Path
) -> tuple[dict[str, Any], str]:
    """Run the test; its result, and how it was broken off, or nothing. Raises ``TargetError`` if it broke."""
    result = folder / "load.json"
    words = ["--profile", profile, "--seed", str(seed), "--run-id", run_id, "--result", str(result)]
    service = {"METAFLOW_SERVICE_URL": config["METAFLOW_SERVICE_URL"], HEADERS: json.dumps(headers_of(config))}
    broken_off = ""
    with (folder / "load.log").open("w", encoding="utf-8") as log, interruptible() as interrupted:
        child = subprocess.Popen(
            [python, "-m", "load", *words],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd=repository(),
            start_new_session=True,
            env={**os.environ, **service, "PYTHONPATH": str(repository())},
        )
        try:
            child.wait(PROFILES[profile].duration_s + 2 * END_S)
        except KeyboardInterrupt:
            broken_off = f"interrupted by {interrupted.signal}"
        except subprocess.TimeoutExpired:
            broken_off = "the load generator did not end"
        finally:
            _end(child)
    redact_file(folder / "load.log")
    if not result.exists():
        if broken_off:
            return {}, broken_off
        said = (folder / "load.log").read_text(encoding="utf-8", errors="replace").strip().splitlines()
        raise TargetError(f"the load generator broke: {said[-1] if said else 'without a word'}; see {folder}/load.log")
    load: dict[str, Any] = json.loads(result.read_text(encoding="utf-8"))
    if load.pop("interrupted"):
        broken_off = broken_off or "the load generator was interrupted"
    return load, broken_off


def _end(child: subprocess.Popen[bytes]) -> None:
    """End the generator: politely, then not, also where a second signal cuts the wait short."""
    child.send_signal(signal.SIGTERM)
    try:
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(END_S)
    finally:
        child.kill()
        child.wait()
