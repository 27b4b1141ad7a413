"""A step that fails, with words that the user has to see."""

from metaflow import FlowSpec, step


class MfconfFailing(FlowSpec):
    @step
    def start(self):
        self.before = "kept"
        if self.before:
            raise ValueError("mfconf: this step fails on purpose")
        self.next(self.end)

    @step
    def end(self):
        pass


if __name__ == "__main__":
    MfconfFailing()
