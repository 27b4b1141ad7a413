"""What a sound metadata service holds and answers: in memory, one call at a time. Standard library only.

``Model.handle`` takes a request and gives the reply. Numbers and times are the model's own: who compares a
service with it translates the numbers and leaves the times out. Where sound services differ, ``Reply.may``
lists the other statuses that are right as well, each with its reason below.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, unquote

BEAT_AGAIN = frozenset({404})
"""The Netflix service answers a beat within 10 s of the last with 404."""
NO_TASK = frozenset({400, 404})
"""Metadata and artifacts for a task that is missing: the Netflix service answers 400."""
NO_RUN = frozenset({404, 500})
"""A step or task for a run that is missing: the Netflix service answers 500."""
NO_LIST = frozenset({404})
"""A list below what is missing: the client takes it for 'nothing there'. The lists of a whole run or step: it asks
for none of them, and a service may have none."""

BEATS = re.compile(r"metaflow_version:2\.(2\.1[2-9]|([3-9]|\d\d))")


@dataclass(frozen=True)
class Reply:
    """An answer: status and JSON body, and the other statuses that a sound service may give instead."""

    status: int
    body: Any = None
    may: frozenset[int] = frozenset()


MISSING = Reply(404, {})
TAKEN = Reply(409, {})


@dataclass
class Task:
    """One task; ``name`` is the client's, if it gave one. Artifacts are kept by attempt and name."""

    number: int
    name: str | None
    user: str
    at: int
    beat: int | None
    metadata: list[dict[str, Any]] = field(default_factory=list)
    artifacts: dict[tuple[int, str], dict[str, Any]] = field(default_factory=dict)

    @property
    def shown(self) -> int | str:
        """The identifier in answers and paths."""
        return self.name or self.number

    def latest(self) -> int:
        """The highest attempt that has artifacts; -1 where there is none."""
        return max((attempt for attempt, _ in self.artifacts), default=-1)


@dataclass
class Step:
    """One step of a run."""

    name: str
    user: str
    at: int
    tasks: list[Task] = field(default_factory=list)


@dataclass
class Run:
    """One run; steps, tasks and artifacts show its tags as theirs."""

    flow: str
    number: int
    name: str | None
    user: str
    at: int
    beat: int | None
    tags: list[str]
    system: list[str]
    steps: dict[str, Step] = field(default_factory=dict)

    @property
    def shown(self) -> int | str:
        """The identifier in answers and paths."""
        return self.name or self.number


class Model:
    """One service. ``clock`` gives times in milliseconds since the epoch; without one it counts.

    ``starts``: a registration by a client that sends heartbeats counts as one, which no client relies on.
    """

    def __init__(self, clock: Callable[[], int] | None = None, *, starts: bool = True) -> None:
        self.clock = clock or itertools.count(1).__next__
        self.starts = starts
        self.flows: dict[str, dict[str, Any]] = {}
        self.runs: list[Run] = []
        self._numbers = itertools.count(1)

    def handle(self, method: str, target: str, body: Any = None) -> Reply:
        """The reply to a request. Raises ``ValueError`` for a route that the model does not have."""
        path, _, query = target.partition("?")
        match method, *(unquote(part) for part in path.strip("/").split("/")):
            case "GET", "flows":
                return Reply(200, list(self.flows.values()))
            case "GET", "flows", flow:
                return Reply(200, self.flows[flow]) if flow in self.flows else MISSING
            case "POST", "flows", flow:
                return self._new_flow(flow, body)
            case "POST", "flows", flow, "run":
                return self._new_run(flow, body)
            case "GET", "flows", flow, "runs":
                return _list([_run_row(run) for run in self.runs if run.flow == flow], there=flow in self.flows)
            case _, "flows", flow, "runs", run_id, *rest:
                run = self._find(run for run in self.runs if run.flow == flow and _is(run, run_id))
                return self._of_run(run, method, rest, body, query)
        raise ValueError(f"the model has no {method} {target}")

    @staticmethod
    def _find(found: Iterable[Any]) -> Any:
        return next(iter(found), None)

    def _new_flow(self, name: str, body: Any) -> Reply:
        if name in self.flows:
            return TAKEN
        self.flows[name] = {"flow_id": name, "user_name": body["user_name"], "ts_epoch": self.clock()} | {
            key: list(body[key]) for key in ("tags", "system_tags")
        }
        return Reply(200, self.flows[name])

    def _new_run(self, flow: str, body: Any) -> Reply:
        if flow not in self.flows:
            return MISSING
        name = body.get("run_number")
        if name and any(run.flow == flow and run.name == name for run in self.runs):
            return TAKEN
        now = self.clock()
        run = Run(
            flow,
            next(self._numbers),
            name,
            body["user_name"],
            now,
            now // 1000 if self._beats(body) else None,
            list(body["tags"]),
            list(body["system_tags"]),
        )
        self.runs.append(run)
        return Reply(200, _run_row(run))

    def _of_run(self, run: Run | None, method: str, rest: list[str], body: Any, query: str) -> Reply:  # noqa: PLR0911
        match method, *rest:
            case ["GET"]:
                return Reply(200, _run_row(run)) if run else MISSING
            case "POST", "heartbeat":
                return self._beat(run, run) if run else MISSING
            case "PATCH", "tag", "mutate":
                return self._mutate(run, body)
            case "GET", "steps":
                return _list(
                    [_step_row(run, step) for step in run.steps.values()] if run else [], there=run is not None
                )
            case "GET", "metadata":
                return _list([row for at in _tasks(run) for row in _metadata_rows(run, *at)], there=False)
            case "GET", "artifacts":
                return _list([row for at in _tasks(run) for row in _latest_rows(run, *at)], there=False)
            case _, "steps", name, *below:
                return self._of_step(run, name, method, below, body, query)
        raise ValueError(f"the model has no {method} .../{'/'.join(rest)}")

    def _of_step(self, run: Run | None, name: str, method: str, rest: list[str], body: Any, query: str) -> Reply:  # noqa: PLR0911, PLR0913
        step = run.steps.get(name) if run else None
        tasks = step.tasks if step else []
        match method, *rest:
            case ["GET"]:
                return Reply(200, _step_row(run, step)) if step else MISSING
            case "POST", "step":
                return self._new_step(run, name, body)
            case "POST", "task":
                return self._new_task(run, step, body)
            case "GET", "tasks":
                return _list([_task_row(run, step, task) for task in tasks], there=step is not None)
            case "GET", "filtered_tasks":
                return _list(
                    [_pathspec(run, step, task) for task in tasks if _matches(task, parse_qs(query))],
                    there=step is not None,
                )
            case "GET", "artifacts":
                return _list([row for task in tasks for row in _latest_rows(run, step, task)], there=False)
            case _, "tasks", task_id, *below:
                return self._of_task(run, step, self._find(t for t in tasks if _is(t, task_id)), method, below, body)
        raise ValueError(f"the model has no {method} .../{name}/{'/'.join(rest)}")

    def _new_step(self, run: Run | None, name: str, body: Any) -> Reply:
        if run is None:
            return Reply(404, {}, NO_RUN)
        if name in run.steps:
            return TAKEN
        run.steps[name] = Step(name, body["user_name"], self.clock())
        return Reply(200, _step_row(run, run.steps[name]))

    def _new_task(self, run: Run | None, step: Step | None, body: Any) -> Reply:
        if run is None or step is None:
            return Reply(404, {}, frozenset() if run else NO_RUN)
        name = body.get("task_id")
        if name and any(task.name == name for task in step.tasks):
            return TAKEN
        now = self.clock()
        task = Task(next(self._numbers), name, body["user_name"], now, now // 1000 if self._beats(body) else None)
        if self._beats(body):
            run.beat = now // 1000
        step.tasks.append(task)
        return Reply(200, _task_row(run, step, task))

    def _of_task(  # noqa: PLR0911, PLR0913
        self, run: Run | None, step: Step | None, task: Task | None, method: str, rest: list[str], body: Any
    ) -> Reply:
        there = run is not None and step is not None and task is not None
        match method, *rest:
            case ["GET"]:
                return Reply(200, _task_row(run, step, task)) if there else MISSING
            case "POST", "heartbeat":
                return self._beat(run, task) if there else MISSING
            case "GET", "metadata":
                return _list(_metadata_rows(run, step, task), there=there)
            case "POST", "metadata":
                return self._add_metadata(task, body)
            case "POST", "artifact":
                return self._add_artifacts(task, body)
            case "GET", "artifacts":
                return _list(_latest_rows(run, step, task), there=there)
            case "GET", "attempt", attempt, "artifacts":
                return _list(_artifact_rows(run, step, task, int(attempt)), there=there)
            case "GET", "artifacts", name:
                return _one(_latest_rows(run, step, task), name)
            case "GET", "artifacts", name, "attempt", attempt:
                return _one(_artifact_rows(run, step, task, int(attempt)), name)
        raise ValueError(f"the model has no {method} .../{'/'.join(rest)}")

    def _beats(self, body: Any) -> bool:
        """Whether what is registered starts with a heartbeat, as its client sends them."""
        return self.starts and any(BEATS.match(tag) for tag in body["system_tags"])

    def _beat(self, run: Run | None, beating: Any) -> Reply:
        first = beating.beat is None
        beating.beat = self.clock() // 1000
        if run is not None:
            run.beat = beating.beat
        return Reply(200, '{"wait_time_in_seconds": 10}', frozenset() if first and self.starts else BEAT_AGAIN)

    @staticmethod
    def _mutate(run: Run | None, body: Any) -> Reply:
        adding, removing = body.get("tags_to_add", []), body.get("tags_to_remove", [])
        if not all(isinstance(tags, list) and all(isinstance(tag, str) for tag in tags) for tags in (adding, removing)):
            return Reply(400, {})
        if run is None:
            return MISSING
        if set(removing) & set(run.system):
            return Reply(422, {})
        run.tags = sorted((set(run.tags) - set(removing)) | (set(adding) - set(run.system)))
        return Reply(200, {"tags": run.tags})

    def _add_metadata(self, task: Task | None, body: Any) -> Reply:
        if task is None:
            return Reply(404, {}, NO_TASK)
        task.metadata += [row | {"id": next(self._numbers), "ts_epoch": self.clock()} for row in body]
        return Reply(200, {"metadata_created": len(body)})

    def _add_artifacts(self, task: Task | None, body: Any) -> Reply:
        if task is None:
            return Reply(404, {}, NO_TASK)
        before = len(task.artifacts)
        for row in body:
            task.artifacts.setdefault((row["attempt_id"], row["name"]), row | {"ts_epoch": self.clock()})
        return Reply(200, {"artifacts_created": len(task.artifacts) - before})


def _list(rows: list[Any], *, there: bool) -> Reply:
    return Reply(200, rows, frozenset() if there else NO_LIST)


def _is(thing: Run | Task, identifier: str) -> bool:
    """Digits alone are the number of what has no name; anything else is a name."""
    return str(thing.shown) == identifier


def _tasks(run: Run | None) -> list[tuple[Step, Task]]:
    return [(step, task) for step in run.steps.values() for task in step.tasks] if run else []


def _run_row(run: Run) -> dict[str, Any]:
    return {
        "flow_id": run.flow,
        "run_number": run.shown,
        "user_name": run.user,
        "ts_epoch": run.at,
        "last_heartbeat_ts": run.beat,
        "tags": run.tags,
        "system_tags": run.system,
    }


def _below(run: Any, step: Any, task: Any = None) -> dict[str, Any]:
    """Where a row belongs, and the tags of its run."""
    return {
        "flow_id": run.flow,
        "run_number": run.shown,
        "step_name": step.name,
        "tags": run.tags,
        "system_tags": run.system,
    } | ({"task_id": task.shown} if task else {})


def _step_row(run: Any, step: Any) -> dict[str, Any]:
    return _below(run, step) | {"run_number": str(run.shown), "user_name": step.user, "ts_epoch": step.at}


def _task_row(run: Any, step: Any, task: Any) -> dict[str, Any]:
    return _below(run, step, task) | {
        "user_name": task.user,
        "ts_epoch": task.at,
        "last_heartbeat_ts": task.beat,
    }


def _metadata_rows(run: Any, step: Any, task: Any) -> list[dict[str, Any]]:
    """Of every attempt; a metadatum keeps its own tags."""
    return [_below(run, step, task) | row for row in task.metadata] if task else []


def _artifact_rows(run: Any, step: Any, task: Any, attempt: int) -> list[dict[str, Any]]:
    if task is None:
        return []
    below = _below(run, step, task)
    return [row | below for (number, _), row in task.artifacts.items() if number == attempt]


def _latest_rows(run: Any, step: Any, task: Any) -> list[dict[str, Any]]:
    return _artifact_rows(run, step, task, task.latest()) if task else []


def _one(rows: list[dict[str, Any]], name: str) -> Reply:
    return next((Reply(200, row) for row in rows if row["name"] == name), MISSING)


def _pathspec(run: Any, step: Any, task: Any) -> str:
    return f"{run.flow}/{run.shown}/{step.name}/{task.shown}"


def _matches(task: Task, query: dict[str, list[str]]) -> bool:
    """Whether one metadatum of the task has the field and the pattern."""
    name, pattern = query["metadata_field_name"][0], query["pattern"][0]
    return any(row["field_name"] == name and re.search(pattern, row["value"]) for row in task.metadata)
