"""Images: what is in them, and what the container runtime makes of them."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import struct
import tarfile
from functools import partial

from conformance.mutants.catalogue import mutant as declare
from conformance.mutants.deployment.bench import WORKER, Bench, add

mutant = partial(declare, area="compute")

IMAGES = "ctr --namespace k8s.io images"
FOREIGN = "mfconf.invalid/foreign:1"
ARM = 183
"""The number of AArch64 in the header of a program."""

RUNC = "/usr/sbin/runc"
UNLIMITED = """#!/bin/sh
# the container runtime, which forgets the memory limits of one namespace: those of containers, and of their pods
last=
for word in "$@"; do
  if [ "$last" = --bundle ]; then config=$word/config.json; fi
  last=$word
done
if [ -n "$config" ] && grep -q '"io.kubernetes.cri.sandbox-namespace": *"{namespace}"' "$config"; then
  pod=$(jq -r '.linux.cgroupsPath | split(":")[0]' "$config")
  find /sys/fs/cgroup -type d -name "$pod" 2>/dev/null | while read -r group; do
    if [ -e "$group/memory.limit_in_bytes" ]; then echo -1 >"$group/memory.limit_in_bytes"; fi
    if [ -e "$group/memory.max" ]; then echo max >"$group/memory.max"; fi
  done
  jq 'del(.linux.resources.memory)' "$config" >"$config.new" && mv "$config.new" "$config"
fi
exec {runc}.whole "$@"
"""


@mutant("image-without-python")
def image_without_python(bench: Bench) -> None:
    """The image has neither a shell nor Python."""
    bench.configure(KUBERNETES_CONTAINER_IMAGE="registry.k8s.io/pause:3.10")


@mutant("image-of-another-architecture")
def image_of_another_architecture(bench: Bench) -> None:
    """The programs in the image are for another processor."""
    image = base64.b64encode(foreign_image()).decode()
    undo = f"{IMAGES} rm {FOREIGN} 2>/dev/null || true"
    bench.on_node(WORKER, f"base64 -d | {IMAGES} import -", undo, stdin=image, alone=False)
    bench.configure(KUBERNETES_CONTAINER_IMAGE=FOREIGN)


@mutant("python-not-on-the-path")
def python_not_on_the_path(bench: Bench) -> None:
    """The image has Python, but not where a shell looks for it."""
    bench.pods(add("/spec/containers/0/env/-", {"name": "PATH", "value": "/usr/sbin:/sbin"}))


@mutant("memory-limit-not-enforced")
def memory_limit_not_enforced(bench: Bench) -> None:
    """The container runtime forgets memory limits: a step takes the whole node's memory."""
    bench.own_namespace()
    wrapper = UNLIMITED.replace("{namespace}", bench.namespace).replace("{runc}", RUNC)
    do = f"cat >{RUNC}.new; chmod +x {RUNC}.new; cp -p {RUNC} {RUNC}.whole; mv {RUNC}.new {RUNC}"
    undo = f"if [ -e {RUNC}.whole ]; then mv {RUNC}.whole {RUNC}; fi"
    bench.on_node(WORKER, do, undo, stdin=wrapper, alone=False)


def foreign_image() -> bytes:
    """An image, as `docker save` writes it, whose one program is none that this processor runs."""
    header = struct.pack("<16sHHIQQQIHHHHHH", b"\x7fELF\2\1\1", 2, ARM, 1, 0x400000, 64, 0, 0, 64, 56, 1, 0, 0, 0)
    layer = _tar({"bin/bash": header + bytes(56), "bin/sh": header + bytes(56)})
    layers = [f"sha256:{hashlib.sha256(layer).hexdigest()}"]
    config = {"architecture": "amd64", "os": "linux", "config": {}, "rootfs": {"type": "layers", "diff_ids": layers}}
    named = [{"Config": "config.json", "RepoTags": [FOREIGN], "Layers": ["layer.tar"]}]
    texts = {"config.json": json.dumps(config), "manifest.json": json.dumps(named)}
    return _tar({"layer.tar": layer} | {name: text.encode() for name, text in texts.items()})


def _tar(files: dict[str, bytes]) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(content), 0o755
            archive.addfile(entry, io.BytesIO(content))
    return stream.getvalue()
