"""A step that lives long enough to be seen alive, and then longer than anybody waits."""

import time

from metaflow import FlowSpec, kubernetes, step

BEATS_S = 25
"""Long enough for three heartbeats, which come every ten seconds."""


class MfconfInterrupted(FlowSpec):
    @kubernetes(cpu=0.1, memory=256, disk=1024)
    @step
    def start(self):
        time.sleep(BEATS_S)
        print("mfconf: still alive")
        time.sleep(600)
        self.next(self.end)

    @step
    def end(self):
        pass


if __name__ == "__main__":
    MfconfInterrupted()
