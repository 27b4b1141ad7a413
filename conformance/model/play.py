"""Play a program on a service and on the model at once, and say where they part."""

from __future__ import annotations

import json
import math
import time
from collections import Counter
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol
from urllib.parse import quote

from conformance.contract import Answer
from conformance.model.history import CLOCKS_S
from conformance.model.model import MISSING, Model, Reply
from conformance.model.program import Request
from conformance.status import OK, meant

CONFLICT = 409
RETRIES = 10
"""How often the client sends a tag mutation again that met another one."""
PAGES = 300
"""A listing with more pages is one that does not end."""
BEAT = "last_heartbeat_ts"
COUNTS = {"metadata_created", "artifacts_created"}
"""What a registration may leave untold: the client drops it."""


class Client(Protocol):
    """One connection to the service. ``call`` raises ``TargetError`` where no answer comes."""

    def call(self, method: str, path: str, body: Any = None) -> Answer:
        """One request."""


@dataclass(frozen=True)
class Divergence:
    """Where service and model part: the request, what was wanted and what there was, and the calls up to it."""

    request: Request
    what: str
    played: tuple[Request, ...]

    @property
    def line(self) -> str:
        """All of it in one line."""
        return f"{self.request}: {self.what}"


@dataclass
class Memory:
    """What the service has said so far, that has to stay so: times, and heartbeats that only grow."""

    times: dict[tuple[Any, ...], Any] = field(default_factory=dict)
    beats: dict[tuple[Any, ...], int] = field(default_factory=dict)


def play(
    program: Sequence[Request], clients: Sequence[Client], prefix: str, end: float = math.inf
) -> Divergence | None:
    """Send the requests, each by its client, to flows whose names begin with ``prefix``; the first divergence.

    A program that lacks a call whose number a later one uses, or that registers its parent, ends there, without one;
    so does every program at the time ``end`` (of ``time.monotonic``).
    """
    model, memory = Model(starts=False), Memory()
    there, here = {"F": prefix}, {"F": prefix}
    for position, request in enumerate(program):
        if not request.symbols <= set(there) or time.monotonic() >= end:
            return None
        want = model.handle(request.method, request.target(here), request.body)
        if request.method != "GET" and want.status == MISSING.status:
            return None
        what = _step(request, clients[request.client % len(clients)], want, (there, here), memory)
        if what:
            return Divergence(request, what, tuple(program[: position + 1]))
    return None


def _step(
    request: Request, client: Client, want: Reply, values: tuple[dict[str, str], dict[str, str]], memory: Memory
) -> str:
    """Send one request; how the answer differs from ``want``, or nothing."""
    there, here = values
    answer = _send(client, request, request.target(there))
    status = meant(answer.status)
    if status not in {want.status, *want.may}:
        return f"status {answer.status} instead of {want.status}: {answer.text[:200]}"
    if status != want.status or want.status >= 300:  # noqa: PLR2004
        return ""
    try:
        body, what = _body(request, client, answer, request.target(there))
        if not what:
            what = compare(body, want.body, _Names(there), _Names(here), memory)
    except ValueError:
        return f"the body is not JSON: {answer.text[:200]!r}"
    except (LookupError, TypeError, AttributeError):
        return f"the body is of another form: {answer.text[:200]!r}"
    if not what and request.binds:
        request.bind(there, body)
        request.bind(here, want.body)
    return what


def _send(client: Client, request: Request, target: str) -> Answer:
    answer = client.call(request.method, target, request.body)
    for _ in range(RETRIES):
        if request.method != "PATCH" or answer.status != CONFLICT:
            break
        answer = client.call(request.method, target, request.body)
    return answer


def _body(request: Request, client: Client, answer: Answer, target: str) -> tuple[Any, str]:
    """The decoded body, put together from pages where the service has them; what is wrong with the pages."""
    if not request.pages:
        return json.loads(answer.text), ""
    rows: list[Any] = []
    asked = f"_limit={request.pages}"
    for number in range(1, PAGES):
        page = client.call("GET", f"{target}?{asked}")
        if meant(page.status) != OK:
            return rows, f"page {number} with {asked}: status {page.status}: {page.text[:200]}"
        part = json.loads(page.text)
        rows += part
        if "X-Limit" not in page.headers:
            return rows, ""
        if len(part) > request.pages:
            return rows, f"page {number} with {asked} has {len(part)} rows"
        cursor = page.headers.get("X-Next-Cursor")
        if not cursor:
            break
        asked = f"_limit={request.pages}&_cursor={quote(cursor, safe='')}"
    return rows, ""


class _Names:
    """Numbers that the service (or the model) gave, by the symbols of the program."""

    def __init__(self, values: Mapping[str, str]) -> None:
        self.runs = {value: f"${{{name}}}" for name, value in values.items() if name.startswith("r")}
        self.tasks = {value: f"${{{name}}}" for name, value in values.items() if name.startswith("t")}
        self.prefix = values["F"]

    def shown(self, row: dict[str, Any], *, new: bool = False) -> dict[str, Any]:
        """The row with symbols, and without what only the service knows; ``new``: a number may be one of those."""
        row = {key: value for key, value in row.items() if key not in {"ts_epoch", "id"}}
        for key, names in (("run_number", self.runs), ("task_id", self.tasks)):
            if key in row:
                value = str(row[key])
                row[key] = names.get(value, "a new number" if value.isdigit() and new else value)
        if isinstance(row.get("flow_id"), str):
            row["flow_id"] = row["flow_id"].replace(self.prefix, "${F}", 1)
        if "last_heartbeat_ts" in row:
            row["last_heartbeat_ts"] = "none" if row["last_heartbeat_ts"] is None else "a time"
        for key in ("tags", "system_tags"):
            if isinstance(row.get(key), list):
                row[key] = sorted(row[key], key=str)
        return row


def compare(got: Any, want: Any, there: _Names, here: _Names, memory: Memory) -> str:  # noqa: PLR0911 - one a finding
    """How the body ``got`` differs from ``want``, in one line, or nothing."""
    if isinstance(want, list):
        if not isinstance(got, list):
            return f"{_short(got)} instead of a list"
        return _compare_lists(got, want, there, here, memory)
    if isinstance(want, str):
        return _compare_beat(got)
    if not isinstance(got, dict):
        return f"{_short(got)} instead of an object"
    if "ts_epoch" not in want:
        told = {key: value for key, value in want.items() if key in got or key not in COUNTS}
        return "" if _sets(got) == _sets(told) else f"{_short(got)} instead of {_short(want)}"
    want = _read(want, got)
    kept = {key: value for key, value in got.items() if key in want}
    if missing := sorted(set(want) - set(kept)):
        return f"the field {missing[0]} is missing: {_short(got)}"
    seen, wanted = there.shown(kept, new=True), here.shown(want, new=True)
    if want.get(BEAT, "") is None:  # a service may take a registration for one
        del wanted[BEAT]
    for key in wanted:
        if seen[key] != wanted[key]:
            return f"{key} is {_short(seen[key])} instead of {_short(wanted[key])}"
    return _remember(got, memory)


def _compare_lists(got: list[Any], want: list[Any], there: _Names, here: _Names, memory: Memory) -> str:
    if want and isinstance(want[0], str):
        wanted = Counter(_symbolic(path, here) for path in want)
        seen = Counter(_symbolic(str(path), there) for path in got)
    else:
        want = [_read(row, *got) for row in want]
        keys = set(want[0]) if want else None
        if odd := next((row for row in got if not isinstance(row, dict) or (keys and keys - set(row))), None):
            return f"a row without {', '.join(sorted((keys or set()) - set(odd)))}: {_short(odd)}"
        if keys and "name" not in keys and "step_name" not in keys and "run_number" not in keys:
            got = [row for row in got if str(row["flow_id"]).startswith(there.prefix)]
        quiet = {_text(_still(here.shown(row))) for row in want if row.get(BEAT, "") is None}
        shown = [there.shown({k: v for k, v in row.items() if not keys or k in keys}) for row in got]
        wanted = Counter(_text(_still(row, quiet)) for row in map(here.shown, want))
        seen = Counter(_text(_still(row, quiet)) for row in shown)
    missing, extra = wanted - seen, seen - wanted
    if missing or extra:
        return _difference(missing, extra, len(want), len(got))
    ids = [row["id"] for row in got if isinstance(row, dict) and "id" in row]
    if len(set(ids)) < len(ids):
        return f"two rows have the id {Counter(ids).most_common(1)[0][0]}"
    return next((what for row in got if isinstance(row, dict) and (what := _remember(row, memory))), "")


def _read(want: dict[str, Any], *rows: dict[str, Any]) -> dict[str, Any]:
    """A wanted row without the heartbeat where no row tells any: the client does not read it, META-060 asks for it."""
    return want if any(BEAT in row for row in rows) else _still(want)


def _still(row: dict[str, Any], quiet: Container[str] | None = None) -> dict[str, Any]:
    """The row without its heartbeat, or as it is unless it is one of ``quiet`` then: those that need not have one."""
    still = {key: value for key, value in row.items() if key != BEAT}
    return still if quiet is None or _text(still) in quiet else row


def _difference(missing: Counter[str], extra: Counter[str], want: int, got: int) -> str:
    said = f"{got} rows instead of {want}" if got != want else f"{want} rows, but other ones"
    if missing:
        said += f"; missing {missing.total()}, such as {_short(min(missing))}"
    if extra:
        said += f"; too many {extra.total()}, such as {_short(min(extra))}"
    return said


def _compare_beat(got: Any) -> str:
    """The heartbeat's body: JSON in a JSON string, which the client decodes twice."""
    told = json.loads(got) if isinstance(got, str) else None
    wait = told.get("wait_time_in_seconds") if isinstance(told, dict) else None
    return "" if isinstance(wait, int) else f"no whole number wait_time_in_seconds in {_short(got)}"


def _remember(row: dict[str, Any], memory: Memory) -> str:
    """What the row says that contradicts what an earlier answer said."""
    key = tuple(
        str(row.get(name)) for name in ("flow_id", "run_number", "step_name", "task_id", "attempt_id", "name", "id")
    )
    at, beat = row.get("ts_epoch"), row.get("last_heartbeat_ts")
    if not isinstance(at, int) or isinstance(at, bool):
        return f"ts_epoch is {at!r}, not a whole number of milliseconds"
    if memory.times.setdefault(key, at) != at:
        return f"ts_epoch is {at}, and was {memory.times[key]} before"
    if beat is None:
        return ""
    if not isinstance(beat, int) or isinstance(beat, bool):
        return f"last_heartbeat_ts is {beat!r}, not a whole number of seconds"
    if beat + CLOCKS_S < memory.beats.get(key, beat):
        return f"last_heartbeat_ts went back from {memory.beats[key]} to {beat}"
    memory.beats[key] = max(beat, memory.beats.get(key, beat))
    return ""


def _symbolic(pathspec: str, names: _Names) -> str:
    """FLOW/RUN/STEP/TASK with symbols for the numbers."""
    parts = pathspec.split("/")
    if len(parts) != 4:  # noqa: PLR2004
        return pathspec
    flow = parts[0].replace(names.prefix, "${F}", 1)
    return "/".join((flow, names.runs.get(parts[1], parts[1]), parts[2], names.tasks.get(parts[3], parts[3])))


def _sets(body: dict[str, Any]) -> dict[str, Any]:
    return {key: sorted(value) if isinstance(value, list) else value for key, value in body.items()}


def _text(row: Any) -> str:
    return json.dumps(row, sort_keys=True, ensure_ascii=False)


def _short(value: Any) -> str:
    text = value if isinstance(value, str) else _text(value)
    return text if len(text) <= 300 else f"{text[:300]}..."  # noqa: PLR2004
