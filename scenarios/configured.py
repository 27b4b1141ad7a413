"""A step that leaves all to the configuration of its launch, and one that overrules it."""

from pathlib import Path

from metaflow import FlowSpec, kubernetes, step


class MfconfConfigured(FlowSpec):
    @step
    def start(self):
        limits = [Path(f"/sys/fs/cgroup/{name}") for name in ("memory.max", "memory/memory.limit_in_bytes")]
        self.memory = next((path.read_text().strip() for path in limits if path.exists()), None)
        self.next(self.end)

    @kubernetes(
        cpu=0.1,
        memory=256,
        disk=1024,
        qos="Burstable",
        port=8767,
        labels={"mfconf.dev/configured": "in-the-flow"},
        annotations={"mfconf.dev/configured": "in the flow"},
    )
    @step
    def end(self):
        pass


if __name__ == "__main__":
    MfconfConfigured()
