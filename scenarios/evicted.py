"""A step under @retry whose first attempt does not end by itself: its pod is evicted."""

import time
import uuid

from metaflow import FlowSpec, current, kubernetes, retry, step


class MfconfEvicted(FlowSpec):
    @step
    def start(self):
        self.token = uuid.uuid4().hex
        self.next(self.work)

    @retry(times=1, minutes_between_retries=0)
    @kubernetes(cpu=0.1, memory=256, disk=1024)
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
    MfconfEvicted()
