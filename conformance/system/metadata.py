"""The metadata service over HTTP, below anything that Metaflow's client would hide."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import Any, TypeVar
from urllib.parse import quote

import requests
import tenacity
import urllib3

from conformance.errors import TargetError
from conformance.session import Session, headers_of
from conformance.status import OK, meant
from conformance.system.breaker import SILENT_CALLS, breaker
from conformance.waiting import DEADLINES, Unsettled, wait

T = TypeVar("T")
Item = TypeVar("Item")

CONNECT_S = 5
CHUNK = 1 << 16
UNAUTHORIZED, FORBIDDEN, LIMITED, UNAVAILABLE = 401, 403, 429, 503
BACK_OFF_S, LONGEST_BACK_OFF_S = 0.5, 4
AT_ONCE = 8
USER = "mfconf"
NOTHING_TO_SAY = {"user_name": USER, "tags": [], "system_tags": []}


class Row(dict[str, Any]):
    """An object of an answer; a field that is asked for and missing is a finding."""

    def __missing__(self, key: str) -> Any:
        raise AssertionError(f"no field {key!r} in the answer {dict(self)!r:.300}")


class Rows(list[Row]):
    """A list of an answer."""

    @property
    def only(self) -> Row:
        """The one object in it. Raises ``AssertionError`` unless there is one."""
        if len(self) != 1:
            raise AssertionError(f"{len(self)} objects in the answer, not one: {self!r:.300}")
        return self[0]


@dataclass(frozen=True)
class Answer:
    """A response: status, headers (any case), text, and how many seconds it took."""

    request: str
    status: int
    headers: Mapping[str, str]
    text: str
    seconds: float = 0.0

    @property
    def json(self) -> Any:
        """The body as JSON. Raises ``AssertionError`` naming request and body where it is none."""
        try:
            return json.loads(self.text, object_hook=Row)
        except ValueError:
            raise AssertionError(
                f"{self.request}: status {self.status}, and the body is not JSON: {self.text[:200]!r}"
            ) from None

    @property
    def meant(self) -> int:
        """The status as the client takes it: 200 for every success."""
        return meant(self.status)

    @property
    def ok(self) -> bool:
        """Whether the client takes it for success."""
        return self.meant == OK

    def __str__(self) -> str:
        return f"{self.request}: status {self.status}, body {self.text[:300]!r}"


@dataclass(frozen=True)
class Place:
    """A task with all that it is in, and the paths of each."""

    flow: str
    run: Any
    step: str
    task: Any

    @property
    def in_flow(self) -> str:
        """``/flows/F``."""
        return path_of(self.flow)

    @property
    def in_run(self) -> str:
        """``/flows/F/runs/R``."""
        return path_of(self.flow, self.run)

    @property
    def in_step(self) -> str:
        """``/flows/F/runs/R/steps/S``."""
        return path_of(self.flow, self.run, self.step)

    @property
    def in_task(self) -> str:
        """``/flows/F/runs/R/steps/S/tasks/T``."""
        return path_of(self.flow, self.run, self.step, self.task)


def path_of(flow: str, run: Any = None, step: Any = None, task: Any = None) -> str:
    """The path of a flow, or of what is given below it; names are encoded."""
    parts = [("flows", flow), ("runs", run), ("steps", step), ("tasks", task)]
    return "".join(f"/{kind}/{quote(str(name), safe='')}" for kind, name in parts if name is not None)


class Line:
    """What one thread at a time calls over: connections, and the ends of those that an answer came on."""

    def __init__(self, headers: Mapping[str, str]) -> None:
        self.http = requests.Session()
        self.http.headers.update(headers)
        self.ends: set[object] = set()


class MetadataService:
    """One service. Everything registered through ``new_flow`` bears the run's ID in its flow's name.

    Threads may share it: each has connections of its own, which it keeps; those of ``together`` pass them on.
    """

    def __init__(self, session: Session) -> None:
        self.url = session.config["METAFLOW_SERVICE_URL"].rstrip("/")
        self.run_id = session.run_id
        self._session = session
        self._own = threading.local()
        self._idle: SimpleQueue[Line] = SimpleQueue()
        self._headers = headers_of(session.config)

    @property
    def line(self) -> Line:
        """The connections of this thread."""
        if not hasattr(self._own, "line"):
            self._own.line = Line(self._headers)
        line: Line = self._own.line
        return line

    @property
    def connections(self) -> int:
        """How many connections the calls of this thread were answered on."""
        return len(self.line.ends)

    @staticmethod
    def at(flow: str, run: Any = None, step: Any = None, task: Any = None) -> str:
        """See ``path_of``."""
        return path_of(flow, run, step, task)

    def fresh(self) -> MetadataService:
        """The same service over other connections, as another client would reach it."""
        return MetadataService(self._session)

    def call(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        within: str = "call",
        as_is: bool = False,
        **options: Any,
    ) -> Answer:
        """The answer to a request; ``body`` is sent as JSON. ``within``: the name of a deadline.

        After a 503 it asks again, as the client does (metaflow: service.py, _request), within the deadline
        ``unavailable``. ``as_is``: the first answer, whatever it is.

        Raises ``TargetError`` where no answer comes, or one that says nothing of the request: a 429, a 401, a 403
        that /ping gets too; ``Unsettled`` where none comes in time although the service answers others meanwhile.
        """
        if as_is:
            return self._once(method, path, body, within, **options)
        state = breaker(self.url)

        def outlasted(attempt: tenacity.RetryCallState) -> Any:
            state.outlasted = True
            return attempt.outcome.result() if attempt.outcome else None

        answer: Answer = tenacity.Retrying(
            stop=tenacity.stop_before_delay(self._seconds("unavailable")),
            wait=tenacity.wait_exponential(BACK_OFF_S, LONGEST_BACK_OFF_S),
            retry=tenacity.retry_if_result(lambda got: got.status == UNAVAILABLE and not state.outlasted),
            retry_error_callback=outlasted,
        )(self._once, method, path, body, within, **options)
        if answer.status == LIMITED:
            raise TargetError(
                f"{answer.request}: the service limits the rate of requests (429), at which Metaflow's client "
                "ends its task: raise the limit for this run"
            )
        if answer.status == UNAUTHORIZED or (answer.status == FORBIDDEN and self._ping() in (UNAUTHORIZED, FORBIDDEN)):
            raise TargetError(
                f"{answer.request}: status {answer.status}: not authorized any more: renew the token, or give the "
                "header with --header K:V"
            )
        return answer

    def _once(self, method: str, path: str, body: Any, within: str, **options: Any) -> Answer:
        """One request. Raises as ``call`` where no answer comes."""
        state, seconds = breaker(self.url), self._seconds(within)
        request = f"{method} {self.url}/{path.lstrip('/')}"
        if state.open:
            raise TargetError(f"{request}: not tried: the last {SILENT_CALLS} calls got no answer")
        try:
            answer = self._answer(request, method, seconds, json=body, **options)
        except requests.Timeout:
            if not self._lives():
                raise TargetError(
                    f"{request}: no answer in time, nor to /ping; does the metadata service hang?"
                ) from None
            raise Unsettled(f"{request}: no answer within {seconds:.0f} s, while /ping is answered") from None
        except requests.RequestException as error:
            hint = "/ping is answered: was the connection cut?" if self._lives() else "is the metadata service up?"
            raise TargetError(f"{request}: no answer: {type(error).__name__}; {hint}") from None
        state.answered()
        return answer

    def _answer(self, request: str, method: str, seconds: float, **options: Any) -> Answer:
        """Raises what ``requests`` raises, ``Timeout`` also for a body that does not end in time."""
        began = time.monotonic()
        response = self.line.http.request(
            method,
            request.partition(" ")[2],
            timeout=(CONNECT_S, seconds),
            allow_redirects=False,
            stream=True,
            **options,
        )
        end = getattr(response.raw.connection, "sock", None)  # None: the service says that it will close it
        self.line.ends.add(end.getsockname() if end else object())
        body = bytearray()
        try:
            while chunk := response.raw.read1(CHUNK, decode_content=True):
                body += chunk
                if time.monotonic() - began > seconds:
                    response.close()
                    raise requests.Timeout
        except urllib3.exceptions.ReadTimeoutError:
            raise requests.Timeout from None
        except urllib3.exceptions.HTTPError as error:
            raise requests.ConnectionError(error) from None
        text = _decoded(bytes(body), response.encoding)
        return Answer(request, response.status_code, response.headers, text, time.monotonic() - began)

    def _seconds(self, within: str) -> float:
        """A deadline of this session."""
        return DEADLINES[within] * self._session.patience

    def _lives(self) -> bool:
        """Whether the service answers /ping over another connection. The breaker is told."""
        lives = self._ping() is not None
        (breaker(self.url).answered if lives else breaker(self.url).silent)()
        return lives

    def _ping(self) -> int | None:
        """The status of /ping over another connection; none where there is no answer."""
        try:
            with self.fresh().line.http as http:
                return http.get(f"{self.url}/ping", timeout=CONNECT_S, allow_redirects=False).status_code
        except requests.RequestException:
            return None

    def get(self, path: str, *, as_is: bool = False) -> Answer:
        """GET."""
        return self.call("GET", path, as_is=as_is)

    def post(self, path: str, body: Any) -> Answer:
        """POST as JSON."""
        return self.call("POST", path, body)

    def patch(self, path: str, body: Any) -> Answer:
        """PATCH as JSON."""
        return self.call("PATCH", path, body)

    def retag(self, run_path: str, change: Any) -> Answer:
        """Change the tags of a run as the client does: again after a conflict (409), which others may cause.

        Raises ``Unsettled`` where there is still a conflict after the deadline ``tags``.
        """

        def answer() -> Any:
            got = self.patch(f"{run_path}/tag/mutate", change)
            return None if got.status == requests.codes.conflict else got

        settled: Answer = wait(answer, f"PATCH {run_path}/tag/mutate: an answer other than 409", self._seconds("tags"))
        return settled

    def read(self, path: str) -> Row:
        """The object that GET answers. Raises ``AssertionError`` unless it succeeds and answers one."""
        return _object(self.get(path))

    def rows(self, path: str) -> Rows:
        """The objects that GET lists. Raises ``AssertionError`` unless it succeeds and answers a list of objects."""
        answer = self.get(path)
        listed = answer.json if answer.ok else None
        if not isinstance(listed, list) or not all(isinstance(row, Row) for row in listed):
            raise AssertionError(f"{answer}: want success (200 to 299) and a list of objects")
        return Rows(listed)

    def write(self, path: str, body: Any) -> Row:
        """The object that POST answers. Raises ``AssertionError`` unless it succeeds and answers one."""
        return _object(self.post(path, body))

    def together(self, work: Callable[[Item], T], items: Iterable[Item], at_once: int = AT_ONCE) -> list[T]:
        """The results of ``work`` on each item, by ``at_once`` clients at the same time."""
        lines: list[Line] = []

        def begin() -> None:
            with suppress(Empty):
                self._own.line = self._idle.get_nowait()
            lines.append(self.line)

        try:
            with ThreadPoolExecutor(at_once, initializer=begin) as pool:
                return list(pool.map(work, items))
        finally:
            for line in lines:
                self._idle.put(line)

    def new_flow(self, what: str) -> str:
        """Register a flow of this session and return its name."""
        name = f"Mfconf_{self.run_id}_{what}"
        made = self.post(path_of(name), NOTHING_TO_SAY)
        assert made.meant in (200, 409), f"{made}: want success or 409"  # noqa: S101 - a finding, not a guard
        return name

    def new_run(self, flow: str, **body: Any) -> Any:
        """Register a run and return it."""
        return self.write(f"{path_of(flow)}/run", {**NOTHING_TO_SAY, **body})

    def new_step(self, flow: str, run: Any, step: str) -> Any:
        """Register a step and return it."""
        return self.write(f"{path_of(flow, run, step)}/step", NOTHING_TO_SAY)

    def new_task(self, flow: str, run: Any, step: str, **body: Any) -> Any:
        """Register a task and return it."""
        return self.write(f"{path_of(flow, run, step)}/task", {**NOTHING_TO_SAY, **body})

    def new_place(self, what: str, *, step: str = "start", run: str | None = None, task: str | None = None) -> Place:
        """Register flow, run, step and task; ``run`` and ``task`` are names, as Argo gives them."""
        flow = self.new_flow(what)
        number = self.new_run(flow, **({"run_number": run} if run else {}))["run_number"]
        self.new_step(flow, number, step)
        made = self.new_task(flow, number, step, **({"task_id": task} if task else {}))
        return Place(flow, number, step, made["task_id"])

    def new_task_path(self, what: str) -> str:
        """Register flow, run, step and task; the path of the task."""
        return self.new_place(what).in_task


def _decoded(body: bytes, encoding: str | None) -> str:
    """As the client's ``response.json()`` decodes it: by the answer's own word, if there is such an encoding."""
    try:
        return body.decode(encoding or "utf-8", "replace")
    except LookupError:
        return body.decode("utf-8", "replace")


def _object(answer: Answer) -> Row:
    found = answer.json if answer.ok else None
    if not isinstance(found, Row):
        raise AssertionError(f"{answer}: want success (200 to 299) and an object")  # noqa: TRY004 - a finding
    return found
