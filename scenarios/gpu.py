"""Three tasks that want a GPU each, between one that says nothing of GPUs and one that wants none in so many words."""

import ctypes
import json
import os
import time
from pathlib import Path

from metaflow import FlowSpec, kubernetes, step
from metaflow.metaflow_config import KUBERNETES_TOLERATIONS

HOLD_S = 8
SMALL = {"cpu": 0.1, "memory": 512, "disk": 1024}
"""CUDA takes more of the host's memory than steps of other scenarios have."""

TOLERATED = [
    *json.loads(KUBERNETES_TOLERATIONS or "[]"),
    {"key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoSchedule"},
]
"""What is configured counts for nothing in a step that has tolerations of its own."""

WORDS, FILL = 1024, 7


def device_nodes():
    """The device nodes of NVIDIA's GPUs, and of slices of them, that this process has."""
    return sorted(
        str(path) for glob in ("nvidia[0-9]*", "nvidia-caps/nvidia-cap[0-9]*") for path in Path("/dev").glob(glob)
    )


class Driver:
    """A library of NVIDIA's driver, whose functions answer 0 where all is well."""

    def __init__(self, name):
        self._library = ctypes.CDLL(name)

    def __call__(self, function, *arguments):
        answer = getattr(self._library, function)(*arguments)
        if answer:
            raise OSError(f"{function} answers {answer}")


def by_nvml():
    """What NVML says of the GPUs here: their UUIDs, or an error; None where there is no NVML, as with a stand-in."""
    try:
        nvml = Driver("libnvidia-ml.so.1")
    except OSError:
        return None
    count, uuids = ctypes.c_uint(), []
    try:
        nvml("nvmlInit_v2")
        nvml("nvmlDeviceGetCount_v2", ctypes.byref(count))
        for index in range(count.value):
            device, uuid = ctypes.c_void_p(), ctypes.create_string_buffer(96)
            nvml("nvmlDeviceGetHandleByIndex_v2", ctypes.c_uint(index), ctypes.byref(device))
            nvml("nvmlDeviceGetUUID", device, uuid, ctypes.c_uint(len(uuid)))
            uuids.append(uuid.value.decode())
    except (OSError, AttributeError) as error:
        return {"error": str(error), "uuids": uuids}
    return {"error": "", "uuids": uuids}


def by_computing():
    """What the GPU makes of its memory when told to fill it: the sum read back, or an error; None without CUDA."""
    try:
        cuda = Driver("libcuda.so.1")
    except OSError:
        return None
    count, context, memory = ctypes.c_int(), ctypes.c_void_p(), ctypes.c_uint64()
    back = (ctypes.c_uint32 * WORDS)()
    try:
        cuda("cuInit", ctypes.c_uint(0))
        cuda("cuDeviceGetCount", ctypes.byref(count))
        cuda("cuDevicePrimaryCtxRetain", ctypes.byref(context), ctypes.c_int(0))
        cuda("cuCtxSetCurrent", context)
        cuda("cuMemAlloc_v2", ctypes.byref(memory), ctypes.c_size_t(ctypes.sizeof(back)))
        cuda("cuMemsetD32_v2", memory, ctypes.c_uint(FILL), ctypes.c_size_t(WORDS))
        cuda("cuMemcpyDtoH_v2", back, memory, ctypes.c_size_t(ctypes.sizeof(back)))
        cuda("cuMemFree_v2", memory)
    except (OSError, AttributeError) as error:
        return {"error": str(error), "count": count.value, "sum": sum(back)}
    return {"error": "", "count": count.value, "sum": sum(back)}


class MfconfGpu(FlowSpec):
    @kubernetes(**SMALL)
    @step
    def start(self):
        self.items = [0, 1, 2]
        self.cpu_devices = device_nodes()
        self.next(self.work, foreach="items")

    @kubernetes(gpu=1, tolerations=TOLERATED, **SMALL)
    @step
    def work(self):
        self.began = time.time()
        self.node = os.environ.get("METAFLOW_KUBERNETES_NODE_IP", "")
        self.devices = device_nodes()
        self.visible = os.environ.get("NVIDIA_VISIBLE_DEVICES", "")
        self.nvml = by_nvml()
        self.computed = by_computing()
        time.sleep(max(0, self.began + HOLD_S - time.time()))
        self.ended = time.time()
        self.next(self.join)

    @step
    def join(self, inputs):
        self.spans = sorted((part.began, part.ended, part.node, part.devices) for part in inputs)
        self.next(self.end)

    @kubernetes(gpu=0, **SMALL)
    @step
    def end(self):
        self.cpu_devices = device_nodes()


if __name__ == "__main__":
    MfconfGpu()
