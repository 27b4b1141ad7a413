"""A step that asks for what no node has, and for what its deployment is not set up with: it never runs."""

from metaflow import FlowSpec, kubernetes, step
from metaflow.metaflow_config import KUBERNETES_CONTAINER_IMAGE

IMAGE = (KUBERNETES_CONTAINER_IMAGE or "python:3").partition("@")[0]


class MfconfPool(FlowSpec):
    @kubernetes(
        cpu=0.1,
        memory=256,
        disk=1024,
        image=f"{IMAGE}-none",
        image_pull_policy="Always",
        service_account="default",
        compute_pool="mfconf-none",
        extended_resources={"mfconf.dev/none": "2"},
        gpu=3,
        gpu_vendor="amd",
    )
    @step
    def start(self):
        self.next(self.end)

    @step
    def end(self):
        pass


if __name__ == "__main__":
    MfconfPool()
