"""Three steps that can't start, each for a reason of its own: somebody has to interrupt the run."""

from metaflow import FlowSpec, kubernetes, step

SMALL = {"cpu": 0.1, "memory": 256, "disk": 1024}


class MfconfWaiting(FlowSpec):
    @step
    def start(self):
        self.next(self.pulls, self.selects, self.asks)

    @kubernetes(image="mfconf.invalid/none:0", image_pull_policy="Always", **SMALL)
    @step
    def pulls(self):
        self.next(self.join)

    @kubernetes(node_selector={"mfconf.dev/nowhere": "true"}, **SMALL)
    @step
    def selects(self):
        self.next(self.join)

    @kubernetes(gpu=1000, **SMALL)
    @step
    def asks(self):
        self.next(self.join)

    @step
    def join(self, inputs):
        self.started = [part.index for part in inputs]
        self.next(self.end)

    @step
    def end(self):
        pass


if __name__ == "__main__":
    MfconfWaiting()
