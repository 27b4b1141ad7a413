"""A step that hangs and has a time limit: its launcher is killed meanwhile."""

import time

from metaflow import FlowSpec, kubernetes, step, timeout


class MfconfKilled(FlowSpec):
    @timeout(seconds=60)
    @kubernetes(cpu=0.1, memory=256, disk=1024)
    @step
    def start(self):
        print("mfconf: the step has begun")
        time.sleep(600)
        self.next(self.end)

    @step
    def end(self):
        pass


if __name__ == "__main__":
    MfconfKilled()
