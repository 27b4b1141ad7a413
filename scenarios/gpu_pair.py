"""Two GPUs at a time, in tasks that succeed, fail and are evicted: each gets what the one before it gave back."""

import json
import os
import time
from pathlib import Path

from metaflow import FlowSpec, current, kubernetes, retry, step
from metaflow.metaflow_config import KUBERNETES_TOLERATIONS

UNTIL_EVICTED_S = 400
AGAIN_S = 5
"""Metaflow shows a line of two that come at once when another one comes: so this one is said again and again."""

TOLERATED = [
    *json.loads(KUBERNETES_TOLERATIONS or "[]"),
    {"key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoSchedule"},
]
PAIR = {"gpu": 2, "cpu": 0.1, "memory": 256, "disk": 1024, "tolerations": TOLERATED}


def tell():
    """Say which GPUs there are, for attempts that leave no artifacts, and return it."""
    devices = sorted(str(path) for path in Path("/dev").glob("nvidia[0-9]*"))
    visible = os.environ.get("NVIDIA_VISIBLE_DEVICES", "")
    print("mfconf: GPUs", json.dumps({"devices": devices, "visible": visible}), flush=True)
    return devices


class MfconfGpuPair(FlowSpec):
    @kubernetes(**PAIR)
    @step
    def start(self):
        tell()
        self.next(self.work)

    @retry(times=2, minutes_between_retries=0)
    @kubernetes(**PAIR)
    @step
    def work(self):
        tell()
        if current.retry_count == 0:
            raise RuntimeError("mfconf: the first attempt fails on purpose")
        if current.retry_count == 1:
            for _ in range(UNTIL_EVICTED_S // AGAIN_S):
                print("mfconf: waiting to be evicted", flush=True)
                time.sleep(AGAIN_S)
        self.next(self.end)

    @step
    def end(self):
        pass


if __name__ == "__main__":
    MfconfGpuPair()
