"""Rights: verbs that the launcher or the task's account lack, and such as nobody needs."""

from __future__ import annotations

from functools import partial

from conformance.mutants.catalogue import mutant as declare
from conformance.mutants.deployment.bench import Bench

mutant = partial(declare, area="security")


@mutant("launcher-without-create-jobs")
def launcher_without_create_jobs(bench: Bench) -> None:
    """The launcher may not create jobs: no step ever becomes a pod."""
    bench.launcher("create jobs")


@mutant("launcher-without-get-jobs")
def launcher_without_get_jobs(bench: Bench) -> None:
    """The launcher may not get jobs: it starts a step and can't follow it."""
    bench.launcher("get jobs")
