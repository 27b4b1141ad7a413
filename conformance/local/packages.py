"""System packages that the local deployment needs: installed on Debian and Ubuntu as root, named elsewhere."""

from __future__ import annotations

import os
import shutil

from conformance.errors import UsageError
from conformance.local.progress import Progress
from conformance.local.shell import run

SBIN = "/usr/local/sbin:/usr/sbin:/sbin"


def ensure(programs: dict[str, str], progress: Progress) -> None:
    """Make each program (name -> Debian package) available.

    Raises ``UsageError`` with the command to type where they can't be installed from here.
    """
    find_system_programs()
    missing = sorted({package for program, package in programs.items() if not shutil.which(program)})
    if not missing:
        return
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        raise UsageError(f"missing programs: install {' '.join(missing)} (Debian's names), then try again")
    progress.say(f"installing Debian packages: {' '.join(missing)}")
    env = {"DEBIAN_FRONTEND": "noninteractive"}
    run(["apt-get", "update", "-qq"], doing="apt-get update", timeout=300, env=env)
    run(
        ["apt-get", "install", "-y", "-qq", "--no-install-recommends", *missing],
        doing=f"installing {' '.join(missing)}",
        timeout=900,
        env=env,
    )


def find_system_programs() -> None:
    """Put the system folders on the PATH of this process; a user's PATH often lacks them."""
    folders = os.environ.get("PATH", os.defpath).split(":")
    os.environ["PATH"] = ":".join([*folders, *(folder for folder in SBIN.split(":") if folder not in folders)])
