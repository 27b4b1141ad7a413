"""A step that asks @kubernetes for what every cluster has, and one that asks @resources; both tell what they got."""

import json
import os
from pathlib import Path

from metaflow import FlowSpec, current, kubernetes, resources, step
from metaflow.metaflow_config import KUBERNETES_IMAGE_PULL_SECRETS, KUBERNETES_NODE_SELECTOR, KUBERNETES_TOLERATIONS

TEMPORARY = "/mfconf-temporary"

# what is configured counts for nothing in a step that has its own
SELECTOR = dict(pair.split("=", 1) for pair in filter(None, KUBERNETES_NODE_SELECTOR.split(",")))
TOLERATIONS = json.loads(KUBERNETES_TOLERATIONS or "[]")
PULL_SECRETS = json.loads(KUBERNETES_IMAGE_PULL_SECRETS or "[]")


def memory_limit():
    """Bytes that this container may use; None where there is no limit. Control groups of version 2, then of 1."""
    for path in ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"):
        if Path(path).exists():
            said = Path(path).read_text().strip()
            return int(said) if said.isdigit() and int(said) < 1 << 60 else None
    return None


def cpu_limit():
    """CPUs that this container may use; None where there is no limit. Control groups of version 2, then of 1."""
    whole = Path("/sys/fs/cgroup/cpu.max")
    parts = [Path(f"/sys/fs/cgroup/cpu/cpu.cfs_{part}_us") for part in ("quota", "period")]
    if whole.exists():
        quota, period = whole.read_text().split()
    elif parts[0].exists():
        quota, period = (part.read_text().strip() for part in parts)
    else:
        return None
    return int(quota) / int(period) if quota.isdigit() else None


def mount(path):
    """The kind of file system and its size in bytes; None where nothing is mounted."""
    mounts = [line.split() for line in Path("/proc/mounts").read_text().splitlines()]
    kinds = [kind for _, where, kind, *_ in mounts if where == path]
    if not kinds:
        return None
    size = os.statvfs(path)
    return {"kind": kinds[-1], "bytes": size.f_blocks * size.f_frsize}


def felt():
    """What this process has of what its step asked for."""
    status = dict(line.split(":\t", 1) for line in Path("/proc/self/status").read_text().splitlines())
    return {
        "memory": memory_limit(),
        "cpu": cpu_limit(),
        "temporary": mount(TEMPORARY),
        "shared": mount("/dev/shm"),  # noqa: S108 - where shared memory is
        "variable": os.environ.get("METAFLOW_TEMPDIR"),
        "tempdir": current.tempdir,
        "no_new_privileges": status.get("NoNewPrivs"),
    }


class MfconfAttributes(FlowSpec):
    @kubernetes(
        cpu=0.5,
        memory=512,
        disk=1100,
        qos="Guaranteed",
        image_pull_policy="IfNotPresent",
        image_pull_secrets=[*PULL_SECRETS, "mfconf-none"],
        node_selector={**SELECTOR, "kubernetes.io/os": "linux"},
        tolerations=[*TOLERATIONS, {"key": "mfconf.dev/asked", "operator": "Exists", "effect": "NoSchedule"}],
        labels={"mfconf.dev/asked": "in-the-flow"},
        annotations={"mfconf.dev/asked": "wörds, signs: {x} = 'y'"},
        use_tmpfs=True,
        tmpfs_size=16,
        tmpfs_path=TEMPORARY,
        shared_memory=32,
        port=8765,
        security_context={"allow_privilege_escalation": False},
    )
    @step
    def start(self):
        self.felt = felt()
        self.next(self.end)

    @resources(cpu=0.2, memory=300, disk=512, shared_memory=24)
    @step
    def end(self):
        self.felt = felt()


if __name__ == "__main__":
    MfconfAttributes()
