"""The metadata service over HTTP, below anything that Metaflow's client would hide."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import requests

from conformance.errors import TargetError
from conformance.session import Session

CALL_S = (5, 30)
USER = "mfconf"


@dataclass(frozen=True)
class Answer:
    """A response: status, headers (any case), text."""

    request: str
    status: int
    headers: Mapping[str, str]
    text: str

    @property
    def json(self) -> Any:
        """The body as JSON. Raises ``AssertionError`` naming request and body where it is none."""
        try:
            return json.loads(self.text)
        except ValueError:
            raise AssertionError(
                f"{self.request}: status {self.status}, and the body is not JSON: {self.text[:200]!r}"
            ) from None

    def __str__(self) -> str:
        return f"{self.request}: status {self.status}, body {self.text[:300]!r}"


class MetadataService:
    """One service. Everything registered through ``new_flow`` bears the run's ID in its flow's name."""

    def __init__(self, session: Session) -> None:
        self.url = session.config["METAFLOW_SERVICE_URL"].rstrip("/")
        self.run_id = session.run_id
        self.http = requests.Session()
        configured = session.config.get("METAFLOW_SERVICE_HEADERS") or os.environ.get("METAFLOW_SERVICE_HEADERS")
        self.http.headers.update(json.loads(configured) if configured else {})
        if key := session.config.get("METAFLOW_SERVICE_AUTH_KEY"):
            self.http.headers["x-api-key"] = key

    def call(self, method: str, path: str, body: Any = None, **options: Any) -> Answer:
        """One request; ``body`` is sent as JSON. Raises ``TargetError`` where no answer comes."""
        url = f"{self.url}/{path.lstrip('/')}"
        try:
            response = self.http.request(method, url, json=body, timeout=CALL_S, allow_redirects=False, **options)
        except requests.RequestException as error:
            raise TargetError(
                f"{method} {url}: no answer: {type(error).__name__}; is the metadata service up?"
            ) from None
        return Answer(f"{method} {url}", response.status_code, response.headers, response.text)

    def get(self, path: str) -> Answer:
        """GET."""
        return self.call("GET", path)

    def post(self, path: str, body: Any) -> Answer:
        """POST as JSON."""
        return self.call("POST", path, body)

    def patch(self, path: str, body: Any) -> Answer:
        """PATCH as JSON."""
        return self.call("PATCH", path, body)

    def new_flow(self, what: str) -> str:
        """Register a flow of this session and return its name."""
        name = f"Mfconf_{self.run_id}_{what}"
        made = self.post(f"/flows/{name}", {"user_name": USER, "tags": [], "system_tags": []})
        assert made.status in (200, 409), str(made)  # noqa: S101 - a finding, not a guard
        return name

    def new_run(self, flow: str, **body: Any) -> Any:
        """Register a run and return it."""
        return self._made(f"/flows/{flow}/run", {"user_name": USER, "tags": [], "system_tags": [], **body})

    def new_step(self, flow: str, run: Any, step: str) -> Any:
        """Register a step and return it."""
        return self._made(
            f"/flows/{flow}/runs/{run}/steps/{step}/step", {"user_name": USER, "tags": [], "system_tags": []}
        )

    def new_task(self, flow: str, run: Any, step: str, **body: Any) -> Any:
        """Register a task and return it."""
        return self._made(
            f"/flows/{flow}/runs/{run}/steps/{step}/task", {"user_name": USER, "tags": [], "system_tags": [], **body}
        )

    def new_task_path(self, what: str) -> str:
        """Register flow, run, step and task; the path of the task."""
        flow = self.new_flow(what)
        run = self.new_run(flow)["run_number"]
        self.new_step(flow, run, "start")
        return f"/flows/{flow}/runs/{run}/steps/start/tasks/{self.new_task(flow, run, 'start')['task_id']}"

    def _made(self, path: str, body: Any) -> Any:
        made = self.post(path, body)
        assert made.status == requests.codes.ok, str(made)  # noqa: S101 - a finding, not a guard
        return made.json
