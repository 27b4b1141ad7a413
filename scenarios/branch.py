"""Two branches that meet again."""

from metaflow import FlowSpec, step


class MfconfBranch(FlowSpec):
    @step
    def start(self):
        self.common = "from start"
        self.next(self.left, self.right)

    @step
    def left(self):
        self.side = "left"
        self.only_left = [1]
        self.next(self.join)

    @step
    def right(self):
        self.side = "right"
        self.only_right = [2]
        self.next(self.join)

    @step
    def join(self, inputs):
        self.sides = [inputs.left.side, inputs.right.side]
        self.merge_artifacts(inputs, exclude=["side"])
        self.next(self.end)

    @step
    def end(self):
        self.both = [*self.only_left, *self.only_right]


if __name__ == "__main__":
    MfconfBranch()
