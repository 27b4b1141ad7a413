"""Network: names that are not resolved, ways that are closed."""

from __future__ import annotations

from functools import partial

from conformance.local.deployment import PLATFORM
from conformance.mutants.catalogue import mutant as declare
from conformance.mutants.deployment.bench import WORKER, Bench, add

mutant = partial(declare, area="compute")

NOWHERE = "192.0.2.1"
"""An address of TEST-NET-1: nobody answers."""


@mutant("names-not-resolved", hangs=True)
def names_not_resolved(bench: Bench) -> None:
    """Pods ask a name server that is not there."""
    dns = {"nameservers": ["127.0.0.1"], "searches": [], "options": [{"name": "timeout", "value": "1"}]}
    bench.pods(add("/spec/dnsPolicy", "None"), add("/spec/dnsConfig", dns))


@mutant("store-out-of-reach", hangs=True)
def store_out_of_reach(bench: Bench) -> None:
    """From pods, the store's name leads to where nobody answers."""
    bench.pods(add("/spec/hostAliases", [{"ip": NOWHERE, "hostnames": [f"s3.{PLATFORM}"]}]))


@mutant("service-out-of-reach", hangs=True)
def service_out_of_reach(bench: Bench) -> None:
    """From pods, the metadata service's name leads to where nobody answers."""
    bench.pods(add("/spec/hostAliases", [{"ip": NOWHERE, "hostnames": [f"metadata-service.{PLATFORM}"]}]))


@mutant("egress-to-store-closed", hangs=True)
def egress_to_store_closed(bench: Bench) -> None:
    """A firewall on the node refuses pods the way to the store."""
    rule = "FORWARD -p tcp --dport 7070 -j REJECT"
    bench.on_node(WORKER, f"iptables -I {rule}", f"while iptables -C {rule} 2>/dev/null; do iptables -D {rule}; done")
