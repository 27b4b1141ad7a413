"""Two nodes that work together, of which the worker fails while the main one waits for it."""

import time

from metaflow import FlowSpec, current, kubernetes, parallel, step

UNTIL_ENDED_S = 300


class MfconfParallelFailing(FlowSpec):
    @step
    def start(self):
        self.next(self.work, num_parallel=2)

    @parallel
    @kubernetes(cpu=0.1, memory=256, disk=1024)
    @step
    def work(self):
        if current.parallel.node_index == 1:
            raise ValueError("mfconf: the worker fails on purpose")
        time.sleep(UNTIL_ENDED_S)
        self.next(self.join)

    @step
    def join(self, inputs):
        self.nodes = len(list(inputs))
        self.next(self.end)

    @step
    def end(self):
        pass


if __name__ == "__main__":
    MfconfParallelFailing()
