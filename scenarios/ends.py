"""Steps that end in other ways than well: each of them is retried or caught, so that the run goes on."""

import os
import signal
import time

from metaflow import FlowSpec, catch, current, kubernetes, retry, step, timeout

LIMIT_S = 90
"""Longer than a pod takes to start where much else does: on Argo, the attempt that catches has no longer either."""


class MfconfEnds(FlowSpec):
    @step
    def start(self):
        self.next(self.crashes, self.hangs)

    @catch(var="problem")
    @retry(times=2, minutes_between_retries=0)
    @kubernetes(cpu=0.1, memory=256, disk=1024)
    @step
    def crashes(self):
        print(f"this is attempt {current.retry_count}")
        if current.retry_count == 0:
            os._exit(3)
        elif current.retry_count == 1:
            os.kill(os.getpid(), signal.SIGSEGV)
        else:
            raise ValueError("mfconf: this exception is to be caught")
        self.next(self.join)

    @catch(var="problem")
    @timeout(seconds=LIMIT_S)
    @retry(times=0, minutes_between_retries=0)
    @kubernetes(cpu=0.1, memory=256, disk=1024)
    @step
    def hangs(self):
        time.sleep(600)
        self.next(self.join)

    @step
    def join(self, inputs):
        self.caught = {
            "crashes": str(inputs.crashes.problem),
            "hangs": str(inputs.hangs.problem),
        }
        self.next(self.end)

    @step
    def end(self):
        pass


if __name__ == "__main__":
    MfconfEnds()
