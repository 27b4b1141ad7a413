"""Parameters of every type, given at the launch or left at their default."""

from metaflow import FlowSpec, JSONType, Parameter, step


class MfconfParameters(FlowSpec):
    number = Parameter("number", type=int, default=1)
    word = Parameter("word", default="unset")
    ratio = Parameter("ratio", type=float, default=1.5)
    switch = Parameter("switch", type=bool, default=False)
    config = Parameter("config", type=JSONType, default="{}")
    untouched = Parameter("untouched", type=int, default=99)

    @step
    def start(self):
        self.next(self.end)

    @step
    def end(self):
        self.seen = [self.number, self.word, self.ratio, self.switch, self.config, self.untouched]


if __name__ == "__main__":
    MfconfParameters()
