"""What a task does to the metadata service while it starts, runs and ends, as Metaflow's client does it."""

from __future__ import annotations

import random
from collections.abc import Iterator
from itertools import count
from typing import Any

from locust import FastHttpUser, constant_pacing, task
from locust.exception import RescheduleTask

PACE_S = 1.0
OK, CONFLICT = 200, 409
ARTIFACTS = (2, 12)
"""How many artifacts a step leaves, at least and at most."""

RECORDS = ("attempt", "origin-run-id", "ds-type", "ds-root", "runtime", "attempt-done", "attempt_ok")


class TaskUser(FastHttpUser):  # type: ignore[misc]
    """A run whose tasks come one after the other."""

    abstract = True
    run_id: str
    extra_headers: dict[str, str]
    numbers: Iterator[int]
    seed: int

    wait_time = constant_pacing(PACE_S)
    connection_timeout = 10.0
    network_timeout = 10.0
    step: str | None = None

    def on_start(self) -> None:
        self.random = random.Random(f"{self.seed}/{next(self.numbers)}")  # noqa: S311 - sizes, no secrets

    def register_run(self) -> str:
        """Flow, run and step; the step's path."""
        flow = f"/flows/Mfconf_{self.run_id}_Load"
        body = {"user_name": "mfconf", "tags": [f"mfconf:{self.run_id}"], "system_tags": []}
        with self.call("register the flow", "POST", flow, body) as answer:
            if answer.status_code == CONFLICT:  # another user was first
                answer.success()
        run = self.made("register a run", f"{flow}/run", body)["run_number"]
        step = f"{flow}/runs/{run}/steps/work"
        self.made("register a step", f"{step}/step", body)
        return step

    @task  # type: ignore[untyped-decorator]
    def run_task(self) -> None:
        self.step = self.step or self.register_run()
        body = {"user_name": "mfconf", "tags": [], "system_tags": ["metaflow_version:2.19.0"]}
        path = f"{self.step}/tasks/{self.made('register a task', f'{self.step}/task', body)['task_id']}"
        self.made("add metadata", f"{path}/metadata", [self.record(name) for name in RECORDS])
        sent = [self.artifact(number) for number in range(self.random.randint(*ARTIFACTS))]
        kept = self.made("add artifacts", f"{path}/artifact", sent)["artifacts_created"]
        with self.call("list a task's artifacts", "GET", f"{path}/artifacts") as answer:
            if answer.js is not None and not len(answer.js) == kept == len(sent):
                answer.failure(f"{len(sent)} artifacts sent, {kept} acknowledged, {len(answer.js)} listed")

    def call(self, name: str, method: str, path: str, body: Any = None) -> Any:
        return self.rest(method, path, json=body, name=name, headers=dict(self.extra_headers))

    def made(self, name: str, path: str, body: Any) -> Any:
        """What the service says it made; where it says anything else, this round ends."""
        with self.call(name, "POST", path, body) as answer:
            if answer.js is None or answer.status_code != OK:
                raise RescheduleTask
            return answer.js

    def record(self, name: str) -> dict[str, Any]:
        tags = ["attempt_id:0"]
        return {"field_name": name, "value": "0", "type": name, "user_name": "mfconf", "tags": tags}

    def artifact(self, number: int) -> dict[str, Any]:
        sha = f"{self.random.getrandbits(160):040x}"
        return {
            "name": f"artifact_{number}",
            "location": f"s3://bucket/metaflow/Load/data/{sha[:2]}/{sha}",
            "sha": sha,
            "attempt_id": 0,
            "ds_type": "s3",
            "type": "metaflow.artifact",
            "content_type": "gzip+pickle-v4",
            "user_name": "mfconf",
            "tags": [],
            "system_tags": [],
        }


def build(run_id: str, headers: dict[str, str], seed: int) -> type[TaskUser]:
    """The users of one load test."""
    settings = {"abstract": False, "run_id": run_id, "extra_headers": headers, "seed": seed, "numbers": count()}
    return type("Task", (TaskUser,), settings)
