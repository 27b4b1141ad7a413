"""A sound service in memory, and broken ones: each has one fault."""

from __future__ import annotations

import json
import threading
import time
from base64 import b64decode, b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs

from conformance.model.model import Model, Reply


@dataclass(frozen=True)
class Answered:
    status: int
    text: str
    headers: Mapping[str, str] = field(default_factory=dict)


class Sound:
    """The model behind a lock: what a client can call. Each fault overrides ``answer`` or ``locked``."""

    def __init__(self) -> None:
        self.model = Model(lambda: time.time_ns() // 1_000_000)
        self.lock = threading.Lock()
        self.calls = 0

    def call(self, method: str, path: str, body: Any = None) -> Answered:
        self.calls += 1
        reply = self.answer(method, path, body)
        return Answered(reply.status, json.dumps(reply.body))

    def answer(self, method: str, path: str, body: Any) -> Reply:
        with self.lock:
            reply = self.locked(method, path, body)
            return Reply(reply.status, json.loads(json.dumps(reply.body)))

    def locked(self, method: str, path: str, body: Any) -> Reply:
        return self.model.handle(method, path, body)


class Strict(Sound):
    """Every status that is right as well: as the Netflix service has them, and 201 for what is new."""

    def locked(self, method: str, path: str, body: Any) -> Reply:
        reply = super().locked(method, path, body)
        made = 201 if method == "POST" and reply.status == 200 else reply.status
        return Reply(max(reply.may, default=made), reply.body)


class Quiet(Sound):
    """A registration is no heartbeat, whoever registers."""

    def __init__(self) -> None:
        super().__init__()
        self.model = Model(lambda: time.time_ns() // 1_000_000, starts=False)


class Slow(Sound):
    """Each answer takes its time."""

    def answer(self, method: str, path: str, body: Any) -> Reply:
        threading.Event().wait(0.05)
        return super().answer(method, path, body)


class Paged(Sound):
    """Has pages, newest first (``order``: -1); ``step`` is where the next page begins."""

    step = 0
    order = -1

    def call(self, method: str, path: str, body: Any = None) -> Answered:
        target, _, text = path.partition("?")
        query = parse_qs(text)
        if "_limit" not in query:
            return super().call(method, path, body)
        limit = int(query["_limit"][0])
        start = int(b64decode(query["_cursor"][0])) if "_cursor" in query else 0
        rows = sorted(self.answer(method, target, body).body, key=lambda row: self.order * row["ts_epoch"])
        headers = {"X-Limit": str(limit)}
        if start + limit < len(rows):
            headers["X-Next-Cursor"] = b64encode(str(start + limit + self.step).encode()).decode()
        return Answered(200, json.dumps(rows[start : start + limit]), headers)


class OldestFirst(Paged):
    """Pages go from the oldest to the newest, which the client does not mind."""

    order = 1


class PageOff(Paged):
    """Each page begins one row too late."""

    step = 1


class Cached(Sound):
    """A proxy that answers a reading from its cache for a while."""

    def __init__(self) -> None:
        super().__init__()
        self.cache: dict[str, tuple[int, Reply]] = {}

    def answer(self, method: str, path: str, body: Any) -> Reply:
        at, reply = self.cache.get(path, (-100, Reply(0)))
        if method == "GET" and self.calls - at < 20:
            return reply
        reply = super().answer(method, path, body)
        if method == "GET" and reply.status == 200:
            self.cache[path] = (self.calls, reply)
        return reply


class Capped(Sound):
    """A listing ends after 50 rows."""

    def locked(self, method: str, path: str, body: Any) -> Reply:
        reply = super().locked(method, path, body)
        return Reply(reply.status, reply.body[:50], reply.may) if isinstance(reply.body, list) else reply


class OldAttempt(Sound):
    """The first attempt is taken for the latest."""

    def locked(self, method: str, path: str, body: Any) -> Reply:
        if method == "GET" and "/artifacts" in path and "/attempt/" not in path and "/tasks/" in path:
            before, _, after = path.partition("/artifacts")
            asked = f"{before}/artifacts{after}/attempt/0" if after else f"{before}/attempt/0/artifacts"
            return super().locked(method, asked, body)
        return super().locked(method, path, body)


class LostRow(Sound):
    """Of more than two metadata, the last is acknowledged and lost."""

    def locked(self, method: str, path: str, body: Any) -> Reply:
        if method == "POST" and path.endswith("/metadata") and len(body) > 2:
            reply = super().locked(method, path, body[:-1])
            return Reply(reply.status, {"metadata_created": len(body)} if reply.status == 200 else {}, reply.may)
        return super().locked(method, path, body)


class AnyCase(Sound):
    """Names are told apart without their case."""

    def locked(self, method: str, path: str, body: Any) -> Reply:
        return super().locked(method, path.replace("Start", "start"), body)


class Leaking(Sound):
    """The tasks of a step are those of every run that has one of this name."""

    def locked(self, method: str, path: str, body: Any) -> Reply:
        if method == "GET" and path.endswith("/tasks"):
            flow, step = path.split("/")[2], path.split("/")[6]
            runs = [run.shown for run in self.model.runs if run.flow == flow]
            asked = [f"/flows/{flow}/runs/{run}/steps/{step}/tasks" for run in runs]
            return Reply(200, [row for one in asked for row in super(Leaking, self).locked("GET", one, None).body])
        return super().locked(method, path, body)


class OwnTags(Sound):
    """A step shows the tags that it was registered with."""

    def locked(self, method: str, path: str, body: Any) -> Reply:
        reply = super().locked(method, path, body)
        if method == "GET" and path.split("/")[-2] == "steps" and reply.status == 200:
            return Reply(200, reply.body | {"tags": []})
        return reply


class AddedFirst(Sound):
    """Tags are added before others are removed."""

    def locked(self, method: str, path: str, body: Any) -> Reply:
        if method == "PATCH" and isinstance(body.get("tags_to_add"), list) and "tags_to_remove" in body:
            kept = [tag for tag in body["tags_to_add"] if tag not in body["tags_to_remove"]]
            return super().locked(method, path, body | {"tags_to_add": kept})
        return super().locked(method, path, body)


class TakenTwice(Sound):
    """A name that is taken is given again."""

    def locked(self, method: str, path: str, body: Any) -> Reply:
        reply = super().locked(method, path, body)
        return Reply(200, {**body, "run_number": 1, "ts_epoch": 1}) if reply.status == 409 else reply


class DeafToBeats(Quiet):
    """Heartbeats are acknowledged and not kept."""

    def locked(self, method: str, path: str, body: Any) -> Reply:
        if path.endswith("/heartbeat"):
            return Reply(200, '{"wait_time_in_seconds": 10}')
        return super().locked(method, path, body)


class BackInTime(Sound):
    """Heartbeats are kept in another time zone every other time."""

    def locked(self, method: str, path: str, body: Any) -> Reply:
        reply = super().locked(method, path, body)
        if isinstance(reply.body, dict) and reply.body.get("last_heartbeat_ts") and self.calls % 2:
            return Reply(200, reply.body | {"last_heartbeat_ts": reply.body["last_heartbeat_ts"] - 3600})
        return reply


class LostTags(Sound):
    """A tag mutation reads, waits and writes: what came between is lost."""

    def answer(self, method: str, path: str, body: Any) -> Reply:
        if method != "PATCH":
            return super().answer(method, path, body)
        before = super().answer("GET", path.removesuffix("/tag/mutate"), None).body["tags"]
        time.sleep(0.001)
        with self.lock:
            run = next(run for run in self.model.runs if f"/runs/{run.number}/" in path)
            run.tags = before
        return super().answer(method, path, body)


class Replica(Sound):
    """Every other reading is answered as it was 20 ms ago."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: dict[str, list[tuple[float, Reply]]] = {}

    def answer(self, method: str, path: str, body: Any) -> Reply:
        reply = super().answer(method, path, body)
        time.sleep(0.001)
        if method != "GET":
            return reply
        past = self.seen.setdefault(path, [])
        past.append((time.monotonic(), reply))
        old = [then for at, then in past if at < time.monotonic() - 0.02]
        return old[-1] if old and self.calls % 2 else reply


class SameNumber(Sound):
    """Two tasks registered within a moment get one number."""

    def answer(self, method: str, path: str, body: Any) -> Reply:
        if method == "POST" and path.endswith("/task") and "task_id" not in body:
            number = 1000 + sum(len(step.tasks) for run in self.model.runs for step in run.steps.values())
            time.sleep(0.001)
            made = super().answer(method, path, body).body["task_id"]
            with self.lock:
                task = next(t for r in self.model.runs for s in r.steps.values() for t in s.tasks if t.number == made)
                task.number = number
            return super().answer("GET", f"{path}s/{number}", None)
        return super().answer(method, path, body)


class BothWin(Sound):
    """Who asks first whether a name is taken, and then takes it, may take it twice."""

    def answer(self, method: str, path: str, body: Any) -> Reply:
        if method == "POST" and path.endswith("/step"):
            free = super().answer("GET", path.removesuffix("/step"), None).status == 404
            time.sleep(0.001)
            reply = super().answer(method, path, body)
            return Reply(200, {}) if free else reply
        return super().answer(method, path, body)


class LostTogether(Sound):
    """Metadata that meet others on the way are acknowledged and lost."""

    def __init__(self) -> None:
        super().__init__()
        self.inside = 0

    def answer(self, method: str, path: str, body: Any) -> Reply:
        if method != "POST" or not path.endswith("/metadata"):
            return super().answer(method, path, body)
        self.inside += 1
        alone = self.inside == 1
        time.sleep(0.001)
        reply = super().answer(method, path, body if alone else body[1:])
        self.inside -= 1
        return Reply(reply.status, {"metadata_created": len(body)})
