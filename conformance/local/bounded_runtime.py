"""An OCI runtime for a host that withholds capabilities: runc, told to ask only for what there is.

``docker run --privileged`` and ``docker exec --privileged`` ask for every capability; on a host whose
bounding set lacks one (CAP_SYS_RESOURCE, mostly) runc refuses. Before runc reads it, the container's
``config.json`` (create) or the process file (exec) is relieved of capabilities outside the bounding set
and of a lowered OOM score, which needs that same capability. Standard library only: it runs once for
each container and exec.
"""

import json
import os
import shutil
import sys
from pathlib import Path

CAPABILITIES = [
    "CHOWN",
    "DAC_OVERRIDE",
    "DAC_READ_SEARCH",
    "FOWNER",
    "FSETID",
    "KILL",
    "SETGID",
    "SETUID",
    "SETPCAP",
    "LINUX_IMMUTABLE",
    "NET_BIND_SERVICE",
    "NET_BROADCAST",
    "NET_ADMIN",
    "NET_RAW",
    "IPC_LOCK",
    "IPC_OWNER",
    "SYS_MODULE",
    "SYS_RAWIO",
    "SYS_CHROOT",
    "SYS_PTRACE",
    "SYS_PACCT",
    "SYS_ADMIN",
    "SYS_BOOT",
    "SYS_NICE",
    "SYS_RESOURCE",
    "SYS_TIME",
    "SYS_TTY_CONFIG",
    "MKNOD",
    "LEASE",
    "AUDIT_WRITE",
    "AUDIT_CONTROL",
    "SETFCAP",
    "MAC_OVERRIDE",
    "MAC_ADMIN",
    "SYSLOG",
    "WAKE_ALARM",
    "BLOCK_SUSPEND",
    "AUDIT_READ",
    "PERFMON",
    "BPF",
    "CHECKPOINT_RESTORE",
]
"""By bit number, as in linux/capability.h."""


def specification(arguments: list[str]) -> Path | None:
    """The file that says what the new process may do, if this call makes one."""
    for verb, option, name in (("create", "--bundle", "config.json"), ("exec", "--process", "")):
        if verb in arguments and option in arguments:
            return Path(arguments[arguments.index(option) + 1], name)
    return None


def bound(path: Path, bounding: int) -> None:
    """Rewrite the file at ``path`` to ask only for capabilities in the set ``bounding``."""
    spec = json.loads(path.read_text(encoding="utf-8"))
    process = spec.get("process", spec)
    there = {f"CAP_{name}" for bit, name in enumerate(CAPABILITIES) if bounding >> bit & 1}
    for kind, wanted in (process.get("capabilities") or {}).items():
        process["capabilities"][kind] = [name for name in wanted if name in there]
    process.pop("oomScoreAdj", None)
    path.write_text(json.dumps(spec), encoding="utf-8")


def main(arguments: list[str]) -> None:
    """Bound the specification, then become runc."""
    path = specification(arguments)
    if path is not None:
        status = Path("/proc/self/status").read_text(encoding="ascii")
        line = next(line for line in status.splitlines() if line.startswith("CapBnd"))
        bound(path, int(line.split()[1], 16))
    runc = shutil.which("runc", path="/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")
    os.execv(runc or "/usr/sbin/runc", ["runc", *arguments])  # noqa: S606


if __name__ == "__main__":
    main(sys.argv[1:])
