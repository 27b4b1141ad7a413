"""What a launch came to, and the finished run through Metaflow's own client."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any

from requests.adapters import HTTPAdapter

from conformance.requirement import Launch
from conformance.session import Session
from conformance.system.datastore import Datastore
from conformance.system.scenarios import Scenario, catalogue
from conformance.waiting import DEADLINES, wait

CLIENT_S = 30
"""Seconds that the metadata service may keep Metaflow's client waiting."""

LOG_LINES = 12


def session_environment(session: Session) -> dict[str, str]:
    """What makes everything that a Metaflow command creates bear the run's ID: pods, objects, tokens."""
    labels = session.config.get("METAFLOW_KUBERNETES_LABELS", "")
    root = session.config["METAFLOW_DATASTORE_SYSROOT_S3"].rstrip("/")
    return {
        "USER": os.environ.get("USER", "mfconf"),
        "METAFLOW_KUBERNETES_LABELS": ",".join(filter(None, [labels, "=".join(session.label)])),
        "METAFLOW_DATASTORE_SYSROOT_S3": f"{root}/mfconf/{session.run_id}",
        "METAFLOW_TOKEN_HOME": str(session.output / "tokens"),
        "METAFLOW_DATATOOLS_S3ROOT": f"{root}/mfconf/{session.run_id}/data",
    }


@dataclass(frozen=True)
class LaunchResult:
    """The launch file, typed.

    ``outcome``: successful, failed, timeout, refused (Metaflow itself raised), stopped, or error (of the harness).
    ``disturbed``: what was done to it while it ran: ``how``, ``at`` (seconds since the epoch), ``told`` (what launcher
    and cluster said at the time), ``pod`` where one was evicted; None if nothing was.
    """

    launch: Launch
    scenario: Scenario
    run_id: str | None
    outcome: str | None
    message: str
    template: str | None
    duration_s: float
    log: Path
    disturbed: dict[str, Any] | None = None

    def output(self) -> str:
        """What the launcher printed."""
        return self.log.read_text(encoding="utf-8", errors="replace")

    @property
    def as_expected(self) -> bool:
        """Tell whether it ended as its scenario says, after what its scenario says was done to it."""
        return self.outcome == self.scenario.expect and bool(self.disturbed) == bool(self.scenario.disturb)

    @property
    def pathspec(self) -> str:
        """``FlowName/run_id``."""
        return f"{self.scenario.flow}/{self.run_id}"

    def explain(self) -> str:
        """How it ended, and what Metaflow and the cluster said of it at the time."""
        told = f"{self.launch} ({self.pathspec}): {self.outcome} after {self.duration_s:.0f} s"
        if self.scenario.disturb and not self.disturbed:
            patterns = "; ".join(self.scenario.disturb.when)
            return f"{told}; neither launcher nor cluster told all of it: {patterns}\n{self.message}"
        return f"{told}, not {self.scenario.expect}\n{self.message}"


def read_launch(session: Session, launch: Launch) -> dict[str, Any]:
    """The launch file as it stands; empty before the child has written one."""
    path = session.launch_file(launch)
    data: dict[str, Any] = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    return data


def await_launch(session: Session, launch: Launch, *states: str) -> LaunchResult:
    """Wait until the launch is in one of ``states`` (or finished).

    Raises ``Unsettled`` if the child never says so, which only a killed controller lets happen.
    """

    def reached() -> dict[str, Any]:
        data = read_launch(session, launch)
        return data if data.get("state") in ("finished", *states) else {}

    data = wait(reached, f"the launch {launch} has come to its end", DEADLINES["launch"] * session.patience)
    return LaunchResult(
        launch,
        catalogue()[launch.scenario],
        data["run_id"],
        data["outcome"],
        data["message"],
        data["template"],
        (data["finished_at"] or data["started_at"]) - data["started_at"],
        session.launch_file(launch, "log"),
        data["disturbed"],
    )


class TaskView:
    """One task through the client."""

    def __init__(self, task: Any) -> None:
        self._task = task
        self.pathspec: str = task.pathspec
        self.step: str = task.pathspec.split("/")[2]
        self.id: str = task.id

    @cached_property
    def metadata(self) -> list[Any]:
        """All metadata of all attempts."""
        return list(self._task.metadata)

    def values(self, name: str) -> list[str]:
        """The values of one metadata field, in the order of attempts."""
        return [entry.value for entry in self.metadata if entry.name == name]

    @property
    def pods(self) -> list[str]:
        """The names of the pods that ran its attempts, as each registered its own."""
        return self.values("kubernetes-pod-name")

    @property
    def attempts(self) -> list[int]:
        """The attempts that were made, as the task itself registered them."""
        return sorted({int(value) for value in self.values("attempt")})

    @cached_property
    def artifacts(self) -> dict[str, Any]:
        """Name -> value of every artifact of the latest attempt."""
        return {artifact.id: artifact.data for artifact in self._task}

    def __getitem__(self, name: str) -> Any:
        """The value of one artifact. Raises ``AssertionError`` where there is none."""
        if name not in self._task:
            there = sorted(artifact.id for artifact in self._task)
            raise AssertionError(f"{self.pathspec} has no artifact {name!r}; it has {there}")
        return self._task[name].data

    @property
    def successful(self) -> bool:
        """Metaflow's word on it."""
        return bool(self._task.successful)

    @property
    def stdout(self) -> str:
        """What the latest attempt printed."""
        return str(self._task.stdout)

    @property
    def stderr(self) -> str:
        """What the latest attempt printed as errors."""
        return str(self._task.stderr)

    def attempt(self, number: int) -> TaskView:
        """The same task at one attempt."""
        from metaflow import Task  # noqa: PLC0415 - reads its configuration when imported

        return TaskView(Task(self.pathspec, attempt=number, _namespace_check=False))


class Impatient(HTTPAdapter):
    """A connection of Metaflow's client, which sets no deadline of its own."""

    def send(self, request: Any, *arguments: Any, **options: Any) -> Any:
        """Send, and wait for each part of the answer up to ``CLIENT_S``."""
        return super().send(request, *arguments, **{**options, "timeout": CLIENT_S})


@cache
def hurry_client() -> None:
    """Have Metaflow's client give up on a metadata service that is silent."""
    from metaflow.plugins.metadata_providers.service import ServiceMetadataProvider  # noqa: PLC0415

    for scheme in ("http://", "https://"):
        ServiceMetadataProvider._session.mount(scheme, Impatient())  # noqa: SLF001 - it has no setting for it


class RunView:
    """One finished run through Metaflow's client, and whence it came."""

    def __init__(self, session: Session, result: LaunchResult) -> None:
        from metaflow import Run, namespace  # noqa: PLC0415 - reads its configuration when imported

        hurry_client()
        namespace(None)
        self.session = session
        self.result = result
        self.orchestrator = result.launch.orchestrator
        self.id = str(result.run_id)
        self._run = Run(result.pathspec)
        self.listed: list[Any] | None = None
        """The session's pods, once somebody has asked for this run's: listing costs, and many checks judge them."""

    @property
    def pathspec(self) -> str:
        """``FlowName/run_id``."""
        return self.result.pathspec

    @property
    def successful(self) -> bool:
        """Metaflow's word on it."""
        return bool(self._run.successful)

    def folder(self, datastore: Datastore) -> str:
        """The key prefix of the run's own files: ``FlowName/run_id/STEP/TASK/...`` below the session's root."""
        return f"{datastore.own}/{self.pathspec}/"

    @property
    def finished(self) -> bool:
        """Metaflow's word on it."""
        return bool(self._run.finished)

    @property
    def began(self) -> Any:
        """When it was registered, a ``datetime``."""
        return self._run.created_at

    @property
    def ended(self) -> Any:
        """When it was finished, a ``datetime``."""
        return self._run.finished_at

    @property
    def tags(self) -> frozenset[str]:
        """User and system tags."""
        tags: frozenset[str] = self._run.tags
        return tags

    @cached_property
    def steps(self) -> dict[str, list[TaskView]]:
        """Step -> its tasks, by ID. ``_parameters``, which Metaflow itself makes, is left out."""
        return {step.id: [TaskView(task) for task in step] for step in self._run}

    def tasks(self) -> Iterator[TaskView]:
        """Every task of every step."""
        for tasks in self.steps.values():
            yield from tasks

    def task(self, step: str) -> TaskView:
        """The one task of a step. Raises ``AssertionError`` where there is none, or several."""
        tasks = self.steps.get(step, [])
        if len(tasks) != 1:
            raise AssertionError(f"{self.pathspec}: step {step} has {len(tasks)} tasks, not one")
        return tasks[0]
