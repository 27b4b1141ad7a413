"""A step that does not end by itself: somebody has to terminate it."""

import time

from metaflow import FlowSpec, step


class MfconfEndless(FlowSpec):
    @step
    def start(self):
        time.sleep(600)
        self.next(self.end)

    @step
    def end(self):
        pass


if __name__ == "__main__":
    MfconfEndless()
