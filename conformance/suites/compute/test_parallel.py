"""Steps under @parallel: several nodes that work together, as a JobSet."""

from conformance.requirement import equal, requirement
from conformance.suites.compute.leftovers import jobset_is_over

REMOTE = ("kubernetes", "argo")


def of_rank(run, rank):
    """The node of that rank. Raises ``AssertionError`` where there is none, or several."""
    found = [node for node in run.steps["work"] if node["rank"] == rank]
    equal(len(found), 1, f"{run.pathspec}/work: nodes of rank {rank}")
    return found[0]


@requirement(
    "COMP-300",
    scenario="parallel",
    on=REMOTE,
    full_on="argo",
    needs={"jobset"},
    kills="jobset-controller-down",
)
def test_parallel_flow_ends(launch):
    """A flow with a step on two nodes runs to its end.

    Why: JobSet's controller, its webhook, headless services and the right to make JobSets all have to be there.
    """
    assert launch.as_expected, launch.explain()


@requirement("COMP-301", scenario="parallel", on=REMOTE, full_on="argo", needs={"jobset"})
def test_ranks_and_size(run):
    """Of two nodes one has rank 0 and one rank 1, both know that they are two, and the join sees each once.

    Why: two nodes of one rank train on the same half of the data, and wait forever for the other.
    """
    nodes = run.steps["work"]

    equal(sorted(node["rank"] for node in nodes), [0, 1], f"{run.pathspec}/work: current.parallel.node_index")
    for node in nodes:
        equal(node["size"], 2, f"{node.pathspec}: current.parallel.num_nodes")
        equal(node["variables"].get("MF_WORLD_SIZE"), "2", f"{node.pathspec}: MF_WORLD_SIZE")
    equal(run.task("join")["ranks"], [0, 1], f"{run.pathspec}/join: ranks of its inputs")


@requirement("COMP-302", scenario="parallel", on=REMOTE, full_on="argo", needs={"jobset"})
def test_main_address(run, cluster):
    """All nodes are told the same main address, which resolves to the pod of rank 0, and the port that was asked for.

    Why: workers that look for the main node elsewhere wait for it until their time is up.
    """
    nodes = run.steps["work"]
    main = of_rank(run, 0)
    addresses = {pod.status.pod_ip for pod in cluster.pods_of(run, "work") if pod.metadata.name in main.pods}

    equal(
        len({node["variables"].get("MF_MASTER_ADDR") for node in nodes}),
        1,
        f"{run.pathspec}/work: different main addresses",
    )
    for node in nodes:
        equal({node["main_ip"]}, addresses, f"{node.pathspec}: current.parallel.main_ip, and the main pod's address")
        equal(node["variables"].get("MF_MASTER_PORT"), "29500", f"{node.pathspec}: MF_MASTER_PORT")


@requirement("COMP-303", scenario="parallel", on=REMOTE, full_on="argo", needs={"jobset"})
def test_nodes_speak_with_each_other(run):
    """The worker reaches the main node at its address over TCP, and each hears the other.

    Why: gradients go this way; a network policy or a firewall in between makes the first exchange hang.
    """
    main, worker = of_rank(run, 0), of_rank(run, 1)
    address = worker["variables"].get("MF_MASTER_ADDR")

    ask = "does a network policy or a firewall keep pods of the namespace apart?"
    equal(worker["heard"], "0", f"{worker.pathspec}: rank that answers at {address}, port 29500; {ask}")
    equal(main["heard"], "1", f"{main.pathspec}: rank that was heard on port 29500; {ask}")


@requirement("COMP-304", scenario="parallel", on=REMOTE, full_on="argo", needs={"jobset"})
def test_each_node_is_a_pod_of_its_own(run, cluster):
    """Each node runs in a pod of its own, on a host of its own name, with the resources that the step asks for.

    Why: two nodes in one pod would share its memory, its GPUs and its end.
    """
    nodes = run.steps["work"]
    pods = cluster.pods_of(run, "work")

    equal(len(pods), 2, f"{run.pathspec}/work: pods")
    equal(len({node["host"] for node in nodes}), 2, f"{run.pathspec}/work: different host names")
    for pod in pods:
        requests = cluster.quantities(cluster.main_container(pod).resources.requests)
        equal(requests.get("cpu"), 0.1, f"pod {pod.metadata.name}: request for cpu")
        equal(requests.get("memory"), 256 * 10**6, f"pod {pod.metadata.name}: request for memory")


@requirement("COMP-305", scenario="parallel", on=REMOTE, full_on="argo", needs={"jobset"})
def test_the_main_task_is_known_to_all(run):
    """All nodes are told the ID of the main task, which is that of rank 0.

    Why: cards, logs and clean-up of a parallel step hang on its main task.
    """
    nodes = run.steps["work"]
    main = of_rank(run, 0)

    for node in nodes:
        equal(node["control_task"], main.id, f"{node.pathspec}: current.parallel.control_task_id")
        equal(node["task_id"], node.id, f"{node.pathspec}: current.task_id")


@requirement("COMP-306", scenario="parallel", on=REMOTE, full_on="argo", needs={"jobset"})
def test_jobset_is_done(run, cluster, until):
    """The JobSet of a step that ended is complete, and none of its pods is left running.

    Why: what stays up keeps nodes, and the bill for them, up.
    """
    jobset_is_over(cluster, run, until, "Completed")
