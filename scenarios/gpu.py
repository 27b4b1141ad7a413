"""Three tasks that want a GPU each, between two that want none."""

import json
import os
import time
from pathlib import Path

from metaflow import FlowSpec, kubernetes, step
from metaflow.metaflow_config import KUBERNETES_TOLERATIONS

HOLD_S = 8
TOLERATED = [
    *json.loads(KUBERNETES_TOLERATIONS or "[]"),
    {"key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoSchedule"},
]
"""What is configured counts for nothing in a step that has tolerations of its own."""


class MfconfGpu(FlowSpec):
    @step
    def start(self):
        self.items = [0, 1, 2]
        self.cpu_devices = sorted(path.name for path in Path("/dev").glob("nvidia[0-9]*"))
        self.next(self.work, foreach="items")

    @kubernetes(gpu=1, cpu=0.1, memory=256, disk=1024, tolerations=TOLERATED)
    @step
    def work(self):
        self.began = time.time()
        self.devices = sorted(path.name for path in Path("/dev").glob("nvidia[0-9]*"))
        self.visible = os.environ.get("NVIDIA_VISIBLE_DEVICES", "")
        time.sleep(HOLD_S)
        self.ended = time.time()
        self.next(self.join)

    @step
    def join(self, inputs):
        self.spans = sorted((part.began, part.ended, part.visible) for part in inputs)
        self.next(self.end)

    @step
    def end(self):
        pass


if __name__ == "__main__":
    MfconfGpu()
