"""Removes what a run made, known by the run's ID, and nothing else; reaps runs that were killed."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
from botocore.exceptions import ClientError
from kubernetes.client import CustomObjectsApi
from kubernetes.client.exceptions import ApiException
from platformdirs import user_state_path

from conformance.errors import HarnessError
from conformance.launching import kill_group
from conformance.requirement import Launch
from conformance.session import FILE, VARIABLE, Session
from conformance.system import cluster, props
from conformance.system.argo import GROUP
from conformance.system.datastore import Datastore
from conformance.system.scenarios import catalogue as scenarios

JOURNAL = user_state_path("mfconf") / "runs"
BOOT = Path("/proc/sys/kernel/random/boot_id")
NOT_FOUND = 404


@dataclass
class Cleanup:
    """What was found of the run, what of it is gone, and what could not be removed (and why)."""

    created: list[str] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)
    leaked: list[str] = field(default_factory=list)

    def remove(self, what: str, function: Any, **arguments: Any) -> None:
        """Remove one thing and note what became of it."""
        self.created.append(what)
        try:
            cluster.call(function, **arguments)
        except ApiException as error:
            if error.status != NOT_FOUND:
                self.leaked.append(f"{what}: {error.status} {error.reason}")
                return
        except HarnessError as error:
            self.leaked.append(f"{what}: {error}")
            return
        self.removed.append(what)


def clean_up(session: Session) -> Cleanup:
    """Remove the run's jobs, workflows, templates and objects. The metadata service knows no deletion."""
    done = Cleanup()
    steps = (
        ("kubernetes", _jobs),
        ("jobset", _jobsets),
        ("argo", _workflows),
        ("kubernetes", _props),
        ("datastore", _objects),
    )
    for need, step in steps:
        if need in session.capabilities:
            try:
                step(session, done)
            except (HarnessError, ApiException, ClientError) as error:
                reason = str(error).splitlines()[0]
                done.leaked.append(f"what {need} keeps of the run {session.run_id}: {reason}")
    return done


def _jobs(session: Session, done: Cleanup) -> None:
    view = cluster.Cluster(session)
    for job in view.jobs():
        done.remove(
            f"job/{job.metadata.name}",
            view.batch.delete_namespaced_job,
            name=job.metadata.name,
            namespace=view.namespace,
            propagation_policy="Background",
        )


def _jobsets(session: Session, done: Cleanup) -> None:
    view = cluster.Cluster(session)
    api = CustomObjectsApi(cluster.connection())
    where = {**cluster.JOBSETS, "namespace": view.namespace}
    for name in (item["metadata"]["name"] for item in view.jobsets()):
        done.remove(f"jobset/{name}", api.delete_namespaced_custom_object, **where, name=name)


def _props(session: Session, done: Cleanup) -> None:
    """By name, as secrets are better not listed."""
    for scenario, orchestrator in session.launches:
        name = session.prop(Launch(scenario, orchestrator))
        for kind in scenarios()[scenario].props:
            done.remove(f"{kind}/{name}", props.remover(session, kind), name=name, namespace=session.namespace)


def _workflows(session: Session, done: Cleanup) -> None:
    api = CustomObjectsApi(cluster.connection())
    where = {**GROUP, "namespace": session.namespace}
    prefix = f"mfconf-{session.run_id}-"
    for plural in ("workflowtemplates", "workflows"):
        listed = cluster.call(api.list_namespaced_custom_object, **where, plural=plural)["items"]
        for name in (item["metadata"]["name"] for item in listed):
            if name.startswith(prefix):
                done.remove(f"{plural}/{name}", api.delete_namespaced_custom_object, **where, plural=plural, name=name)


def _objects(session: Session, done: Cleanup) -> None:
    store = Datastore(session)
    removed = store.remove_own()
    if removed:
        done.created.append(f"s3://{store.bucket}/{store.own}: {removed} objects")
        done.removed.append(f"s3://{store.bucket}/{store.own}: {removed} objects")


def enter(session: Session) -> None:
    """Note that the run lives, so that a later start can clean up after it if it is killed."""
    JOURNAL.mkdir(parents=True, exist_ok=True)
    me = psutil.Process()
    entry = {
        **_here(),
        "pid": me.pid,
        "started": me.create_time(),
        "output": str(session.output.resolve()),
        "session": json.loads((session.output / FILE).read_text(encoding="utf-8")),
    }
    scratch = JOURNAL / f"{session.run_id}.tmp"
    scratch.write_text(json.dumps(entry), encoding="utf-8")
    scratch.rename(JOURNAL / f"{session.run_id}.json")


def _here() -> dict[str, str]:
    """The name of this machine, and its boot where the system tells: a process ID means nothing on another one."""
    boot = BOOT.read_text(encoding="ascii").strip() if BOOT.exists() else ""
    return {"host": platform.node(), "boot": boot}


def leave(session: Session) -> None:
    """The run is over and has cleaned up."""
    (JOURNAL / f"{session.run_id}.json").unlink(missing_ok=True)


def reap(target: str) -> list[str]:
    """Clean up after runs on ``target`` from this machine that were killed; their IDs.

    One of which something stays, or that another version noted, is left to a later start.
    """
    reaped = []
    for path, session in _killed():
        if session is None or session.target != target or clean_up(session).leaked:
            continue
        path.unlink(missing_ok=True)
        reaped.append(path.stem)
    return reaped


def abandon(target: str) -> None:
    """Forget the runs on ``target`` that were killed: it is about to go, with all that they made on it."""
    for path, session in _killed():
        if session is not None and session.target == target:
            path.unlink(missing_ok=True)


def _killed() -> Iterator[tuple[Path, Session | None]]:
    """The journal's entries of runs that were killed, rid of the processes they left; the session where it is there."""
    for path in sorted(JOURNAL.glob("*.json")):
        try:
            entry = json.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError:  # its run has just left, or another start reaps it
            continue
        if entry.get("host") == platform.node() and not _alive(entry):
            kill_strays(Path(entry["output"]))
            yield path, _session(entry)


def _alive(entry: dict[str, Any]) -> bool:
    if entry["boot"] != _here()["boot"]:
        return False
    try:
        return bool(abs(psutil.Process(entry["pid"]).create_time() - entry["started"]) < 1)
    except psutil.NoSuchProcess:
        return False


def _session(entry: dict[str, Any]) -> Session | None:
    """The session of another run, whatever became of its folder; None where another version noted it."""
    try:
        return Session.of(entry["session"], Path(entry["output"]))
    except LookupError:
        return None


def kill_strays(output: Path) -> None:
    """Kill the launches and workers that a killed run left, known by the session they work on."""
    wanted = str((output / FILE).resolve())
    for process in psutil.process_iter():
        try:
            if process.pid != os.getpid() and process.environ().get(VARIABLE) == wanted:
                kill_group(process.pid)
        except (psutil.NoSuchProcess, psutil.AccessDenied, psutil.ZombieProcess, OSError):
            continue
