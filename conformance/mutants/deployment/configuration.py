"""Configuration: what a Metaflow profile says and the deployment does not keep."""

from __future__ import annotations

from functools import partial

from conformance.mutants.catalogue import mutant as declare
from conformance.mutants.deployment.bench import Bench

mutant = partial(declare, area="compute")


@mutant("account-that-is-not-there")
def account_that_is_not_there(bench: Bench) -> None:
    """The service account that is configured for steps does not exist."""
    bench.configure(KUBERNETES_SERVICE_ACCOUNT="metaflow-tasks")
