"""Commands that ``up`` and ``down`` run: logged in full, told in one line when they fail."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

import psutil

from conformance.errors import TargetError
from conformance.local.paths import LOG

MARK = "MFCONF_LOCAL"
"""Names in the environment of everything started here what it belongs to, so that a later start can reap it."""


def run(  # noqa: PLR0913 - the keywords of subprocess.run, less those nobody needs
    command: Sequence[str | Path],
    *,
    doing: str,
    timeout: float,
    stdin: str | None = None,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    secret: bool = False,
) -> str:
    """Run ``command`` and return its standard output, which is kept out of the log where it is ``secret``.

    Raises ``TargetError`` naming what was being done (``doing``), the end of what the command said, and
    the log, where it fails, is absent or takes longer than ``timeout`` seconds.
    """
    argv = [str(word) for word in command]
    LOG.parent.mkdir(parents=True, exist_ok=True)
    LOG.touch(mode=0o600)
    with LOG.open("a", encoding="utf-8") as log:
        log.write(f"\n$ {' '.join(argv)}\n")
        log.flush()
        try:
            done = subprocess.run(
                argv,
                check=False,
                capture_output=True,
                text=True,
                errors="replace",
                input=stdin if stdin is not None else "",
                timeout=timeout,
                env={**os.environ, MARK: "work", **(env or {})},
                cwd=cwd,
            )
        except FileNotFoundError:
            raise TargetError(f"{doing}: the program {argv[0]!r} is not on the PATH; install it") from None
        except subprocess.TimeoutExpired:
            raise TargetError(f"{doing}: no end after {timeout:.0f} s (log: {LOG})") from None
        log.write(("" if secret else done.stdout) + done.stderr)
    if done.returncode != 0:
        said = [line.strip() for line in (done.stderr or done.stdout).splitlines() if line.strip()]
        raise TargetError(f"{doing}: {_why(said) or f'exit code {done.returncode}'} (log: {LOG})")
    return done.stdout


def _why(said: list[str]) -> str:
    """The line that tells most: no space left beats all, then the last line that speaks of an error."""
    full = [line for line in said if "no space left" in line.lower()]
    if full:
        return f"the disk is full: {full[-1]}; free some room"
    errors = [line for line in said if "error" in line.lower()]
    return (errors or said or [""])[-1]


def reap(belonging_to: str) -> list[int]:
    """Kill every process an earlier, killed ``mfconf`` left with this mark; return their ids."""
    mine = {os.getpid(), *(parent.pid for parent in psutil.Process().parents())}
    left = []
    for process in psutil.process_iter():
        try:
            if process.pid not in mine and process.environ().get(MARK) == belonging_to:
                process.kill()
                left.append(process)
        except (psutil.NoSuchProcess, psutil.AccessDenied, psutil.ZombieProcess, OSError):
            continue
    psutil.wait_procs(left, timeout=10)
    return [process.pid for process in left]
