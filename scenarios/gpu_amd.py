"""A task that wants a GPU where the configuration says that GPUs are AMD's."""

import json
from pathlib import Path

from metaflow import FlowSpec, kubernetes, step
from metaflow.metaflow_config import KUBERNETES_TOLERATIONS

TOLERATED = [
    *json.loads(KUBERNETES_TOLERATIONS or "[]"),
    *({"key": f"{vendor}.com/gpu", "operator": "Exists", "effect": "NoSchedule"} for vendor in ("amd", "nvidia")),
]


class MfconfGpuAmd(FlowSpec):
    @kubernetes(gpu=1, cpu=0.1, memory=256, disk=1024, tolerations=TOLERATED)
    @step
    def start(self):
        self.compute_node = Path("/dev/kfd").exists()
        self.render_nodes = sorted(path.name for path in Path("/dev/dri").glob("renderD*"))
        self.next(self.end)

    @step
    def end(self):
        pass


if __name__ == "__main__":
    MfconfGpuAmd()
