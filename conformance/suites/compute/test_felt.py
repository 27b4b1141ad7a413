"""The process of a step feels what its step asked for."""

from conformance.requirement import equal, requirement

REMOTE = ("kubernetes", "argo")
MIB = 2**20
PAGE = 2**16
"""A limit on memory is rounded down to whole pages; 64 KiB on some machines."""


def volume(run, step, name, mib):
    """Judge that a file system in memory of so many MiB is mounted."""
    got = run.task(step)["felt"][name]
    what = f"{run.pathspec}/{step}: what is mounted for {name} memory inside the container"
    equal(got, {"kind": "tmpfs", "bytes": mib * MIB}, what)


@requirement("COMP-110", scenario="attributes", on=REMOTE, kills=("limits-lost", "memory-limit-not-enforced"))
def test_memory_limit_is_felt(run):
    """The control group of a step with `qos="Guaranteed"` has the memory limit that the step asked for.

    Why: a limit that is not enforced lets one step take the memory of all others on its node.
    """
    want = 512 * 10**6

    got = run.task("start")["felt"]["memory"]

    what = f"{run.pathspec}/start: memory limit of its control group is {got} bytes, not {want}"
    assert want - PAGE < (got or 0) <= want, f"{what}: the node's runtime does not enforce limits"


@requirement("COMP-111", level="SHOULD", scenario="attributes", on=REMOTE)
def test_cpu_limit_is_felt(run):
    """The control group of a step with `qos="Guaranteed"` has the CPU limit that the step asked for.

    Why: without it a step is faster today than tomorrow, when it has neighbours. A kubelet may have CFS quotas off.
    """
    equal(run.task("start")["felt"]["cpu"], 0.5, f"{run.pathspec}/start: CPUs that its control group grants")


@requirement("COMP-112", scenario="attributes", on=REMOTE, kills="tmpfs-lost")
def test_tmpfs_is_mounted(run):
    """`@kubernetes(use_tmpfs=, tmpfs_size=, tmpfs_path=)`: a file system in memory of that size is mounted there.

    Why: without it, what should stay in memory goes to a slow disk, or fills the node's.
    """
    volume(run, "start", "temporary", 16)


@requirement("COMP-113", scenario="attributes", on=REMOTE)
def test_temporary_files_go_to_tmpfs(run):
    """A step with a tmpfs has its path as METAFLOW_TEMPDIR and as `current.tempdir`.

    Why: this is where Metaflow and flows write what is large and short-lived.
    """
    felt = run.task("start")["felt"]

    for name in ("variable", "tempdir"):
        equal(felt[name], "/mfconf-temporary", f"{run.pathspec}/start: {name} of the folder for temporary files")


@requirement("COMP-114", scenario="attributes", on=REMOTE, kills="shared-memory-lost")
def test_shared_memory_has_its_size(run):
    """`shared_memory=` in `@kubernetes` and in `@resources`: /dev/shm has that size.

    Why: data loaders of several processes die of a /dev/shm of 64 MB, with an error on the bus.
    """
    volume(run, "start", "shared", 32)
    volume(run, "end", "shared", 24)


@requirement("COMP-115", scenario="attributes", on=REMOTE, kills="security-context-lost")
def test_security_context_is_felt(run, cluster):
    """`@kubernetes(security_context={"allow_privilege_escalation": False})`: neither pod nor process can gain rights.

    Why: clusters under the restricted Pod Security Standard refuse a step without it.
    """
    for pod in cluster.pods_of(run, "start"):
        context = cluster.main_container(pod).security_context
        allowed = context is None or context.allow_privilege_escalation is not False
        assert not allowed, f"pod {pod.metadata.name}: allowPrivilegeEscalation is not false in {context}"
    equal(run.task("start")["felt"]["no_new_privileges"], "1", f"{run.pathspec}/start: NoNewPrivs of its process")
