"""Inside a step: what an agent that was injected into every pod does to the process."""

from __future__ import annotations

from functools import partial

from conformance.mutants.catalogue import mutant
from conformance.mutants.deployment.bench import Bench, add

compute = partial(mutant, area="compute")
security = partial(mutant, area="security")

AT = "/opt/agent"
LATE = """
import datetime, time
real, offset = time.time, datetime.timedelta(hours=1)
class Late(datetime.datetime):
    @classmethod
    def now(cls, tz=None):
        return super().now(tz) + offset
    @classmethod
    def utcnow(cls):
        return super().utcnow() + offset
time.time = lambda: real() + offset.total_seconds()
datetime.datetime = Late
"""
TELLS = """
import os, sys
print(dict(os.environ), file=sys.stderr, flush=True)
"""


def agent(bench: Bench, code: str) -> None:
    """Have every Python process of a step run ``code`` first, as agents for monitoring do."""
    bench.make("v1", "ConfigMap", data={"sitecustomize.py": code})
    bench.pods(
        add("/spec/volumes/-", {"name": "agent", "configMap": {"name": bench.made}}),
        add("/spec/containers/0/volumeMounts/-", {"name": "agent", "mountPath": AT}),
        add("/spec/containers/0/env/-", {"name": "PYTHONPATH", "value": f"{AT}:/opt/wheels"}),
    )


@compute("clock-an-hour-late")
def clock_an_hour_late(bench: Bench) -> None:
    """Steps have a clock that is an hour ahead of the store's and of the metadata service's."""
    agent(bench, LATE)


@security("agent-prints-environment")
def agent_prints_environment(bench: Bench) -> None:
    """An agent prints the environment of each process to its log, credentials and all."""
    agent(bench, TELLS)


@security("api-server-out-of-reach")
def api_server_out_of_reach(bench: Bench) -> None:
    """From pods, the API server's address leads to where nobody answers."""
    bench.pods(add("/spec/containers/0/env/-", {"name": "KUBERNETES_SERVICE_HOST", "value": "192.0.2.1"}))
