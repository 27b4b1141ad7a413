"""A step under @retry on a node that may be drained, and is while the first attempt runs."""

import json
import time
import uuid

from metaflow import FlowSpec, current, kubernetes, retry, step
from metaflow.metaflow_config import KUBERNETES_TOLERATIONS

DISPOSABLE = "mfconf.dev/disposable"
TOLERATED = [*json.loads(KUBERNETES_TOLERATIONS or "[]"), {"key": DISPOSABLE, "operator": "Exists"}]
"""What is configured counts for nothing in a step that has tolerations of its own."""


class MfconfDrained(FlowSpec):
    @step
    def start(self):
        self.token = uuid.uuid4().hex
        self.next(self.work)

    @retry(times=1, minutes_between_retries=0)
    @kubernetes(cpu=0.1, memory=256, disk=1024, node_selector={DISPOSABLE: "true"}, tolerations=TOLERATED)
    @step
    def work(self):
        self.received = self.token
        print(f"mfconf: attempt {current.retry_count} has begun")
        if current.retry_count == 0:
            time.sleep(600)
        self.next(self.end)

    @step
    def end(self):
        pass


if __name__ == "__main__":
    MfconfDrained()
