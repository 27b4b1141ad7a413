"""A step that fails once, and says which attempt it is."""

from metaflow import FlowSpec, current, retry, step


class MfconfRetry(FlowSpec):
    @retry(times=2, minutes_between_retries=0)
    @step
    def start(self):
        self.attempt = current.retry_count
        print(f"this is attempt {current.retry_count}")
        if current.retry_count == 0:
            raise RuntimeError("mfconf: the first attempt fails on purpose")
        self.next(self.end)

    @step
    def end(self):
        self.inherited = self.attempt


if __name__ == "__main__":
    MfconfRetry()
