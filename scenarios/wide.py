"""A hundred tasks at once, and a join that sees them all."""

from metaflow import FlowSpec, current, step

WIDTH = 100


class MfconfWide(FlowSpec):
    @step
    def start(self):
        self.items = list(range(WIDTH))
        self.next(self.work, foreach="items")

    @step
    def work(self):
        self.item = self.input
        self.task = current.task_id
        self.next(self.join)

    @step
    def join(self, inputs):
        self.collected = sorted((part.item, part.task) for part in inputs)
        self.next(self.end)

    @step
    def end(self):
        pass


if __name__ == "__main__":
    MfconfWide()
