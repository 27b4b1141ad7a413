"""The local deployment: every component of a Metaflow platform on a kind cluster of four nodes."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from urllib.request import getproxies_environment

from filelock import FileLock, Timeout

from conformance.errors import HarnessError, TargetError
from conformance.local import builds, cluster, deployment, engine, images, packages
from conformance.local.paths import (
    AWS_CONFIG,
    AWS_CREDENTIALS,
    KUBECONFIG,
    LOCK,
    LOG,
    METAFLOW_HOME,
    PROFILE,
    STATE,
    kind_config,
)
from conformance.local.progress import Progress
from conformance.local.shell import reap

MADE = STATE / "made.json"
LOCK_S = 3600


def up(source: str = "auto") -> None:
    """Bring the local deployment up, or prove that the one that is there works; ``source`` as ``--images``.

    What fails while it is made, or is interrupted, is taken away again; a deployment that stood before stays.
    Raises ``UsageError`` for what this machine lacks and ``TargetError`` for what did not work.
    """
    progress = Progress(total=6)
    chosen = images.check_source(source)
    os.environ.update(_direct())
    with _alone(progress):
        reap("work")
        packages.ensure({"docker": "docker.io"}, progress)
        with progress.step("Docker engine"):
            engine.ensure(progress)
        try:
            _bring_up(chosen, progress)
        except BaseException as error:
            if _made() is None:
                log = f" (log: {LOG})" if isinstance(error, HarnessError) else ""
                progress.say(f"taking away what was made{log}")
                _take_down()
            raise
    progress.say("the local deployment is up; mfconf status tells how to use it")


def _bring_up(source: images.Source, progress: Progress) -> None:
    with progress.step("images"):
        provided = images.provide(source, progress)
    fingerprint = builds.digest(
        provided.references, files=[kind_config() / "cluster.yaml", kind_config() / "manifests"]
    )
    found = cluster.nodes()
    if _made() == fingerprint and cluster.stands(found):
        progress.total = 4
        cluster.start(found)
        deployment.permit()
    else:
        with progress.step("kind cluster of four nodes"):
            MADE.unlink(missing_ok=True)
            cluster.delete()
            cluster.check_ports()
            cluster.create(provided.references["node"])
            images.load(provided, cluster.NAME, cluster.kind(), cluster.ENVIRONMENT)
        with progress.step("components"):
            deployment.apply(provided)
    with progress.step("waiting until every component answers"):
        _wait()
        deployment.describe(provided)
    with progress.step("proof: an object written and read, a flow registered"):
        deployment.prove()
    MADE.write_text(json.dumps({"fingerprint": fingerprint}), encoding="utf-8")


def _wait() -> None:
    try:
        deployment.wait()
    except TargetError:
        pods = cluster.kubectl("get", "pods,events", "--all-namespaces", doing="listing the pods")
        with LOG.open("a", encoding="utf-8") as log:
            log.write(pods)
        raise


def _made() -> str | None:
    if not MADE.exists():
        return None
    fingerprint: str = json.loads(MADE.read_text(encoding="utf-8"))["fingerprint"]
    return fingerprint


def down() -> None:
    """Take the local deployment away: containers, network, mounts, processes, interfaces, state. Caches stay."""
    progress = Progress(total=1)
    with _alone(progress), progress.step("taking the local deployment away"):
        reap("work")
        _take_down()


def _take_down() -> None:
    if not shutil.which("docker"):
        return
    if engine.attach() or engine.revive():
        cluster.delete()
    engine.stop()
    shutil.rmtree(STATE, ignore_errors=True)


@contextmanager
def _alone(progress: Progress) -> Iterator[None]:
    """Hold the lock that keeps two ``up`` or ``down`` apart; wait for whoever has it."""
    LOCK.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(LOCK)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        progress.say("another mfconf is bringing the local deployment up or down; waiting for it")
        try:
            lock.acquire(timeout=LOCK_S)
        except Timeout:
            raise TargetError(f"{LOCK}: still held after {LOCK_S} s; end the other mfconf") from None
    try:
        yield
    finally:
        lock.release()


@dataclass(frozen=True)
class Status:
    """What there is of the local deployment. ``nodes``: container name -> state; ``environment``: to use it."""

    up: bool
    nodes: dict[str, str]
    services: dict[str, str]
    environment: dict[str, str]

    def as_dict(self) -> dict[str, object]:
        """For JSON."""
        return asdict(self)


def status() -> Status:
    """Look at the local deployment, changing nothing."""
    packages.find_system_programs()
    found = cluster.nodes() if shutil.which("docker") and engine.attach() else {}
    is_up = MADE.exists() and cluster.stands(found)
    ports = cluster.ports()
    services = {
        "metadata service": f"http://127.0.0.1:{ports[deployment.METADATA_PORT]}",
        "S3 server": f"http://127.0.0.1:{ports[deployment.S3_PORT]}",
    }
    return Status(is_up, found, services if is_up else {}, environment() | engine.private() if is_up else {})


def environment() -> dict[str, str]:
    """The variables under which Metaflow, boto3 and kubectl use the local deployment."""
    return {
        **_direct(),
        "METAFLOW_HOME": str(METAFLOW_HOME),
        "METAFLOW_PROFILE": PROFILE,
        "KUBECONFIG": str(KUBECONFIG),
        "AWS_CONFIG_FILE": str(AWS_CONFIG),
        "AWS_SHARED_CREDENTIALS_FILE": str(AWS_CREDENTIALS),
    }


def _direct() -> dict[str, str]:
    """What keeps a proxy, where there is one, out of the way to this machine; what the user has there stays."""
    if not set(getproxies_environment()) - {"no"}:
        return {}
    given = ",".join(os.environ[name] for name in ("no_proxy", "NO_PROXY") if name in os.environ)
    hosts = [host.strip() for host in given.split(",")]
    value = ",".join(dict.fromkeys(filter(None, [*hosts, "127.0.0.1", "localhost"])))
    return {"NO_PROXY": value, "no_proxy": value}
