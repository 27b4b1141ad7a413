"""A step gets the resources that it asks for."""

from conformance.requirement import equal, requirement

REMOTE = ("kubernetes", "argo")
ASKED = {"cpu": 0.1, "memory": 256 * 10**6, "ephemeral-storage": 1024 * 10**6}
"""What every launch asks for a step: CPUs and bytes (Metaflow's megabytes are decimal)."""


@requirement("COMP-010", scenario="linear", on=REMOTE, kills=("cpu-request-halved", "memory-request-changed"))
def test_pod_requests_what_was_asked(run, cluster):
    """The pod requests the CPU, memory and disk that the step asks for.

    Why: a request that is lost overcommits the node; one that grew never gets a node.
    """
    for pod in cluster.pods_of(run, "start"):
        requests = cluster.quantities(cluster.main_container(pod).resources.requests)
        for name, want in ASKED.items():
            equal(requests.get(name), want, f"pod {pod.metadata.name}: request for {name}")
