"""Signs of life, crowds and connections: what holds for one client at a time, and no longer for many."""

from __future__ import annotations

import asyncio
import time
from typing import Any

from aiohttp import web

from conformance.mutants.bench import (
    BULKS,
    OK,
    REGISTRATIONS,
    Bench,
    Handler,
    answer,
    json_of,
    pool_of,
    sent,
)
from conformance.mutants.catalogue import mutant

NOT_FOUND = {"message": "not found"}
FAULT = 400


@mutant("ping-at-times")
def ping_at_times(bench: Bench) -> None:
    """After the second /ping the others are answered with 503: a probe that tires."""
    calls = iter(range(10**9))

    @bench.around("GET /ping")
    async def fail(request: web.Request, handler: Handler) -> web.StreamResponse:
        return answer({"message": "unavailable"}, 503) if next(calls) > 1 else await handler(request)


@mutant("requests-merged")
def requests_merged(bench: Bench) -> None:
    """Equal POST requests within a second are taken for one that was repeated, and get one answer."""
    known: dict[tuple[str, bytes], tuple[float, int, Any]] = {}

    @bench.around("POST F/run", "POST S/task", *BULKS)
    async def merge(request: web.Request, handler: Handler) -> web.StreamResponse:
        key = request.path, await request.read()
        at, status, body = known.get(key, (0.0, 0, None))
        if time.monotonic() - at < 1:
            return answer(body, status)
        response = await handler(request)
        known[key] = time.monotonic(), response.status, json_of(response)
        return response


@mutant("tags-by-number-only")
def tags_by_number_only(bench: Bench) -> None:
    """The tags of a named run can only be changed under its number."""
    _by_number_only(bench, "PATCH R/tag/mutate")


@mutant("heartbeat-by-number-only")
def heartbeat_by_number_only(bench: Bench) -> None:
    """A named run or task takes heartbeats only under its number."""
    _by_number_only(bench, "POST R/heartbeat", "POST T/heartbeat")


def _by_number_only(bench: Bench, *routes: str) -> None:
    @bench.around(*routes)
    async def missing(request: web.Request, handler: Handler) -> web.StreamResponse:
        info = request.match_info
        named = not info["run"].isdigit() or not info.get("task", "0").isdigit()
        return answer(NOT_FOUND, 404) if named else await handler(request)


@mutant("heartbeat-undoes-tags")
def heartbeat_undoes_tags(bench: Bench) -> None:
    """A heartbeat writes the whole row of its run as it was read before: tags changed meanwhile are lost."""

    @bench.around("POST R/heartbeat", "POST T/heartbeat")
    async def write_all(request: web.Request, handler: Handler) -> web.StreamResponse:
        info = request.match_info
        rows = await pool_of(request.app).fetch(
            "SELECT run_number, tags FROM runs WHERE flow_id = $1 AND (run_number::text = $2 OR run_id = $2)",
            *(info["flow"], info["run"]),
        )
        await asyncio.sleep(0.03)
        response = await handler(request)
        for row in rows:
            await pool_of(request.app).execute("UPDATE runs SET tags = $2 WHERE run_number = $1", *row)
        return response


@mutant("heartbeat-early-is-429")
def heartbeat_early_is_429(bench: Bench) -> None:
    """A heartbeat within 10 s of the last is answered with 429, at which the client gives up."""
    last: dict[str, float] = {}

    @bench.around("POST R/heartbeat", "POST T/heartbeat")
    async def refuse(request: web.Request, handler: Handler) -> web.StreamResponse:
        early = time.monotonic() - last.get(request.path, -100) < 10  # noqa: PLR2004 - seconds
        if early:
            return answer({"message": "too many requests"}, 429)
        response = await handler(request)
        last[request.path] = time.monotonic()
        return response


@mutant("heartbeat-when-busy-is-500")
def heartbeat_when_busy_is_500(bench: Bench) -> None:
    """Heartbeats of several tasks of a run at the same time run into a deadlock: 500."""

    @bench.around("POST T/heartbeat")
    async def deadlock(request: web.Request, handler: Handler) -> web.StreamResponse:
        return answer({"message": "deadlock detected"}, 500) if bench.busy > 3 else await handler(request)  # noqa: PLR2004


@mutant("heartbeat-only-first")
def heartbeat_only_first(bench: Bench) -> None:
    """Only the first heartbeat of a run or task is kept, the later ones are answered alike."""
    known: set[str] = set()

    @bench.around("POST R/heartbeat", "POST T/heartbeat")
    async def once(request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.path in known:
            return answer('{"wait_time_in_seconds": 10}')
        response = await handler(request)
        if response.status == OK:
            known.add(request.path)
        return response


@mutant("task-is-no-heartbeat")
def task_is_no_heartbeat(bench: Bench) -> None:
    """The registration of a task does not count as a heartbeat of its run."""
    bench.edit(
        "entities",
        "UPDATE runs SET last_heartbeat_ts = $8 FROM made WHERE",
        "UPDATE runs SET last_heartbeat_ts = $8 FROM made WHERE false AND",
    )


@mutant("task-cached")
def task_cached(bench: Bench) -> None:
    """A task once read is answered from memory for five seconds, whatever its heartbeat."""
    bench.remember("GET T", seconds=5)


@mutant("named-runs-lost-when-busy")
def named_runs_lost_when_busy(bench: Bench) -> None:
    """Named runs registered while three other requests are under way are acknowledged and not kept."""

    @bench.around("POST F/run")
    async def lose(request: web.Request, handler: Handler) -> web.StreamResponse:
        body = await sent(request)
        if bench.busy > 3 and isinstance(body, dict) and body.get("run_number"):  # noqa: PLR2004
            now = time.time_ns() // 10**6
            return answer({"flow_id": request.match_info["flow"], "ts_epoch": now, "last_heartbeat_ts": None, **body})
        return await handler(request)


@mutant("crowd-refused")
def crowd_refused(bench: Bench) -> None:
    """With more than 16 requests under way, the others are answered with 500."""

    @bench.around("*")
    async def refuse(request: web.Request, handler: Handler) -> web.StreamResponse:
        return answer({"message": "busy"}, 500) if bench.busy > 16 else await handler(request)  # noqa: PLR2004


@mutant("connection-closed")
def connection_closed(bench: Bench) -> None:
    """Every answer closes its connection."""

    @bench.around("*")
    async def close(request: web.Request, handler: Handler) -> web.StreamResponse:
        response = await handler(request)
        response.force_close()
        return response


@mutant("connections-leak-on-errors")
def connections_leak_on_errors(bench: Bench) -> None:
    """Every request that is refused keeps its database connection."""
    kept: list[Any] = []

    @bench.around(*REGISTRATIONS, *BULKS, "PATCH R/tag/mutate")
    async def leak(request: web.Request, handler: Handler) -> web.StreamResponse:
        response = await handler(request)
        if response.status >= FAULT and len(kept) < 10:  # noqa: PLR2004 - all that there are
            taken = pool_of(request.app).acquire()
            kept.append(taken)
            try:
                await taken.__aenter__()
            except Exception:  # noqa: BLE001 - all are taken: what is meant to happen
                return answer({"message": "the database is away"}, 503)
        return response


@mutant("unknown-parameter-is-400")
def unknown_parameter_is_400(bench: Bench) -> None:
    """A parameter in the query that the service does not know is refused with 400."""

    @bench.around("GET F", "GET R", "GET S", "GET T", "GET R/steps", "GET T/metadata", "GET T/artifacts")
    async def refuse(request: web.Request, handler: Handler) -> web.StreamResponse:
        unknown = set(request.query) - {"_limit", "_cursor"}
        return answer({"message": "unknown parameter"}, 400) if unknown else await handler(request)
