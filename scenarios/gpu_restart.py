"""A task that holds a GPU while the device plugin is restarted, and one that asks for a GPU afterwards."""

import json
import time
from pathlib import Path

from metaflow import FlowSpec, kubernetes, step
from metaflow.metaflow_config import KUBERNETES_TOLERATIONS

HOLD_S = 120
AGAIN_S = 5
TOLERATED = [
    *json.loads(KUBERNETES_TOLERATIONS or "[]"),
    {"key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoSchedule"},
]
ONE = {"gpu": 1, "cpu": 0.1, "memory": 256, "disk": 1024, "tolerations": TOLERATED}


def devices():
    return sorted(str(path) for path in Path("/dev").glob("nvidia[0-9]*"))


class MfconfGpuRestart(FlowSpec):
    @kubernetes(**ONE)
    @step
    def start(self):
        before = devices()
        for _ in range(HOLD_S // AGAIN_S):
            print("mfconf: holding a GPU", flush=True)
            time.sleep(AGAIN_S)
        self.held = (before, devices())
        self.ended = time.time()
        self.next(self.end)

    @kubernetes(**ONE)
    @step
    def end(self):
        self.devices = devices()


if __name__ == "__main__":
    MfconfGpuRestart()
