"""Configuration: what a Metaflow profile says and the deployment does not keep."""

from __future__ import annotations

from functools import partial

from conformance.local import cluster
from conformance.local.deployment import BUCKET, METADATA_PORT, PLATFORM, S3_PORT
from conformance.mutants.catalogue import mutant as declare
from conformance.mutants.deployment.bench import Bench

mutant = partial(declare, area="compute")


@mutant("account-that-is-not-there")
def account_that_is_not_there(bench: Bench) -> None:
    """The service account that is configured for steps does not exist."""
    bench.configure(KUBERNETES_SERVICE_ACCOUNT="metaflow-tasks")


@mutant("secret-that-is-not-there", hangs=True)
def secret_that_is_not_there(bench: Bench) -> None:
    """The secret that is configured for steps does not exist."""
    bench.configure(KUBERNETES_SECRETS="s3-credential")


@mutant("image-that-is-not-there", hangs=True)
def image_that_is_not_there(bench: Bench) -> None:
    """The image that is configured for steps is in no registry."""
    bench.configure(KUBERNETES_CONTAINER_IMAGE="mfconf.invalid/task:none")


@mutant("namespace-that-is-not-there")
def namespace_that_is_not_there(bench: Bench) -> None:
    """The namespace that is configured for jobs does not exist, or is out of reach."""
    bench.configure(KUBERNETES_NAMESPACE="metaflow-job")


@mutant("selector-that-no-node-has", hangs=True)
def selector_that_no_node_has(bench: Bench) -> None:
    """The node selector that is configured for steps is met by no node."""
    bench.configure(KUBERNETES_NODE_SELECTOR="mfconf.dev/pool=none")


@mutant("bucket-that-is-not-there")
def bucket_that_is_not_there(bench: Bench) -> None:
    """The bucket that is configured does not exist."""
    bench.configure(DATASTORE_SYSROOT_S3=f"s3://{BUCKET}s/metaflow")


@mutant("service-outside-given-inside", hangs=True)
def service_outside_given_inside(bench: Bench) -> None:
    """Steps are given the metadata service's address as it is outside of the cluster."""
    bench.configure(SERVICE_INTERNAL_URL=f"http://127.0.0.1:{cluster.ports()[METADATA_PORT]}")


@mutant("service-inside-given-outside")
def service_inside_given_outside(bench: Bench) -> None:
    """Users are given the metadata service's address as it is inside of the cluster."""
    bench.configure(SERVICE_URL=f"http://metadata-service.{PLATFORM}:8080")


@mutant("store-outside-given-inside", hangs=True)
def store_outside_given_inside(bench: Bench) -> None:
    """Steps are given the store's address as it is outside of the cluster."""
    bench.configure(S3_ENDPOINT_URL=f"http://127.0.0.1:{cluster.ports()[S3_PORT]}")


@mutant("store-inside-given-outside", hangs=True)
def store_inside_given_outside(bench: Bench) -> None:
    """Users are given the store's address as it is inside of the cluster."""
    bench.configure(S3_ENDPOINT_URL=f"http://s3.{PLATFORM}:7070")


@mutant("jobs-removed-at-once")
def jobs_removed_at_once(bench: Bench) -> None:
    """Jobs are removed as soon as they have ended, before anybody has looked at their pods."""
    bench.configure(KUBERNETES_JOB_TTL_SECONDS_AFTER_FINISHED="0")
