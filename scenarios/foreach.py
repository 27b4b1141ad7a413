"""One step for each of three items, and a join that sees them all."""

from metaflow import FlowSpec, current, step


class MfconfForeach(FlowSpec):
    @step
    def start(self):
        self.items = ["a", "b", "ü"]
        self.next(self.work, foreach="items")

    @step
    def work(self):
        self.item = self.input
        self.position = self.index
        self.task = current.task_id
        self.next(self.join)

    @step
    def join(self, inputs):
        self.collected = [(part.position, part.item) for part in inputs]
        self.next(self.end)

    @step
    def end(self):
        pass


if __name__ == "__main__":
    MfconfForeach()
