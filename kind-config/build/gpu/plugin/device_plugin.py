"""A kubelet device plugin that advertises stand-in GPUs.

The kubelet counts, allocates and frees them as it does real ones; only the device behind the number is
missing. A container gets what the vendor's plugin gives: from NVIDIA ``NVIDIA_VISIBLE_DEVICES`` with the
devices' IDs and a node ``/dev/nvidiaN`` for each; from AMD ``/dev/kfd``, and ``/dev/dri/cardN`` and
``/dev/dri/renderDN`` for each. All are mapped from ``/dev/null``, since they have to be device nodes.

Environment: RESOURCE (nvidia.com/gpu), COUNT (2).
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from concurrent import futures
from pathlib import Path
from typing import Any

import grpc

messages, services = grpc.protos_and_services("deviceplugin.proto")

FOLDER = Path("/var/lib/kubelet/device-plugins")
KUBELET = FOLDER / "kubelet.sock"
RESOURCE = os.environ.get("RESOURCE", "nvidia.com/gpu")
SOCKET = FOLDER / f"mfconf-{RESOURCE.replace('/', '-')}.sock"
DEVICES = [f"GPU-simulated-{number}" for number in range(int(os.environ.get("COUNT", "2")))]
FIRST_RENDER_NODE = 128
WORKERS = 8
LOOK_S = 1.0


class Plugin(services.DevicePluginServicer):  # type: ignore[misc, name-defined]
    """The kubelet's side of the bargain: list the devices once, hand them out when asked."""

    def __init__(self, stopped: threading.Event) -> None:
        self.stopped = stopped

    def GetDevicePluginOptions(self, _request: Any, _context: Any) -> Any:  # noqa: N802
        """No options."""
        return messages.DevicePluginOptions()

    def ListAndWatch(self, _request: Any, context: Any) -> Iterator[Any]:  # noqa: N802
        """All devices, healthy; the stream stays open, for its end would mean that they are gone."""
        devices = [messages.Device(ID=name, health="Healthy") for name in DEVICES]
        yield messages.ListAndWatchResponse(devices=devices)
        while context.is_active() and not self.stopped.wait(LOOK_S):
            pass

    def Allocate(self, request: Any, _context: Any) -> Any:  # noqa: N802
        """What a container with these devices sees of them."""
        answers = []
        for container in request.container_requests:
            names = list(container.devices_ids)
            print("allocate", *names, flush=True)  # noqa: T201
            numbers = [DEVICES.index(name) for name in names]
            is_amd = RESOURCE == "amd.com/gpu"
            nodes = [
                messages.DeviceSpec(container_path=path, host_path="/dev/null", permissions="rw")
                for path in (amd_nodes(numbers) if is_amd else [f"/dev/nvidia{number}" for number in numbers])
            ]
            told = {} if is_amd else {"NVIDIA_VISIBLE_DEVICES": ",".join(names)}
            answers.append(messages.ContainerAllocateResponse(envs=told, devices=nodes))
        return messages.AllocateResponse(container_responses=answers)


def amd_nodes(numbers: list[int]) -> list[str]:
    """The device nodes of AMD's GPUs: one way to compute for all, and each one's card and render node."""
    own = [
        f"/dev/dri/{node}" for number in numbers for node in (f"card{number}", f"renderD{FIRST_RENDER_NODE + number}")
    ]
    return ["/dev/kfd", *own]


def serve_until_kubelet_restarts(stopped: threading.Event) -> None:
    """Serve on our socket and register; return when the kubelet has made a new socket and wants us again."""
    SOCKET.unlink(missing_ok=True)
    server = grpc.server(futures.ThreadPoolExecutor(WORKERS))
    services.add_DevicePluginServicer_to_server(Plugin(stopped), server)
    server.add_insecure_port(f"unix://{SOCKET}")
    server.start()
    try:
        registered_with = KUBELET.stat().st_ino
        with grpc.insecure_channel(f"unix://{KUBELET}") as channel:
            services.RegistrationStub(channel).Register(
                messages.RegisterRequest(version="v1beta1", endpoint=SOCKET.name, resource_name=RESOURCE), timeout=20
            )
        print("registered", RESOURCE, len(DEVICES), flush=True)  # noqa: T201
        while not stopped.wait(LOOK_S):
            if not KUBELET.exists() or not SOCKET.exists() or KUBELET.stat().st_ino != registered_with:
                return
    finally:
        server.stop(grace=None)


def main() -> None:
    """Serve until told to stop; a kubelet that is not there yet is waited for."""
    stopped = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopped.set())
    while not stopped.is_set():
        try:
            serve_until_kubelet_restarts(stopped)
        except (grpc.RpcError, FileNotFoundError) as error:
            print("the kubelet does not answer:", error, flush=True)  # noqa: T201
            stopped.wait(LOOK_S)


if __name__ == "__main__":
    main()
