"""A step that takes more memory than it asked for."""

from metaflow import FlowSpec, kubernetes, step

GIVEN_MB, TAKEN_MB, BLOCK_MB = 512, 1024, 32
"""What the step may use, and what it takes at most where nothing stops it, block by block."""


class MfconfGreedy(FlowSpec):
    # without a limit, which this quality of service alone sets, all of the node's memory would be there to take
    @kubernetes(cpu=0.5, memory=GIVEN_MB, disk=1024, qos="Guaranteed")
    @step
    def start(self):
        blocks = []
        while len(blocks) * BLOCK_MB < TAKEN_MB:
            blocks.append(b"x" * (BLOCK_MB << 20))
        self.taken_mb = len(blocks) * BLOCK_MB
        self.next(self.end)

    @step
    def end(self):
        pass


if __name__ == "__main__":
    MfconfGreedy()
