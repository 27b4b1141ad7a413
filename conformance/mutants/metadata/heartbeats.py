"""Signs of life and times: not kept, in the wrong unit, of the wrong row."""

# ruff: noqa: S608 - statements are put together from constants

from __future__ import annotations

import json
from typing import Any

from aiohttp import web

from conformance.mutants.bench import (
    ENTITIES,
    LISTINGS,
    OK,
    ONE_ARTIFACT,
    REGISTRATIONS,
    Bench,
    Handler,
    answer,
    each,
    pool_of,
    send,
    sent,
)
from conformance.mutants.catalogue import mutant

BEATS = ("POST R/heartbeat", "POST T/heartbeat")
EVERYTHING = ("GET /flows", *ENTITIES, *LISTINGS, *ONE_ARTIFACT, *REGISTRATIONS)
AHEAD_S = 5 * 3600
BEATEN = json.dumps({"wait_time_in_seconds": 10})
RUN = "flow_id = $1 AND (run_number::text = $2 OR run_id = $2)"


def beats(bench: Bench, change: Any) -> None:
    """Show every heartbeat changed."""

    def one(item: dict[str, Any]) -> None:
        if item.get("last_heartbeat_ts") is not None:
            item["last_heartbeat_ts"] = change(item["last_heartbeat_ts"])

    bench.body(*ENTITIES, *REGISTRATIONS)(each(one))


def times(bench: Bench, change: Any) -> None:
    """Show every time of registration changed."""

    def one(item: dict[str, Any]) -> None:
        if "ts_epoch" in item:
            item["ts_epoch"] = change(item["ts_epoch"])

    bench.body(*EVERYTHING)(each(one))


@mutant("heartbeat-not-kept")
def heartbeat_not_kept(bench: Bench) -> None:
    """Heartbeats are answered and not kept."""

    @bench.around(*BEATS)
    async def forget(request: web.Request, handler: Handler) -> web.StreamResponse:  # noqa: ARG001
        return answer(BEATEN)


@mutant("heartbeat-of-task-not-kept")
def heartbeat_of_task_not_kept(bench: Bench) -> None:
    """Heartbeats of tasks keep their run alive, not the task."""

    @bench.around("POST T/heartbeat")
    async def forget(request: web.Request, handler: Handler) -> web.StreamResponse:
        before = await pool_of(request.app).fetch("SELECT task_id, last_heartbeat_ts FROM tasks")
        response = await handler(request)
        for row in before:
            await pool_of(request.app).execute("UPDATE tasks SET last_heartbeat_ts = $2 WHERE task_id = $1", *row)
        return response


@mutant("heartbeat-of-task-not-for-run")
def heartbeat_of_task_not_for_run(bench: Bench) -> None:
    """Heartbeats of tasks do not keep their run alive."""

    @bench.around("POST T/heartbeat")
    async def alone(request: web.Request, handler: Handler) -> web.StreamResponse:
        info = request.match_info
        query = f"SELECT run_number, last_heartbeat_ts FROM runs WHERE {RUN}"
        before = await pool_of(request.app).fetch(query, info["flow"], info["run"])
        response = await handler(request)
        for row in before:
            await pool_of(request.app).execute("UPDATE runs SET last_heartbeat_ts = $2 WHERE run_number = $1", *row)
        return response


@mutant("heartbeat-for-all-tasks")
def heartbeat_for_all_tasks(bench: Bench) -> None:
    """A heartbeat of one task keeps all tasks of its run alive: the condition on the task is missing."""

    @bench.around("POST T/heartbeat")
    async def all_of(request: web.Request, handler: Handler) -> web.StreamResponse:
        response = await handler(request)
        if response.status == OK:
            info = request.match_info
            await pool_of(request.app).execute(
                "UPDATE tasks SET last_heartbeat_ts = extract(epoch FROM now())::bigint WHERE run_number = "
                f"(SELECT run_number FROM runs WHERE {RUN})",
                *(info["flow"], info["run"]),
            )
        return response


@mutant("heartbeat-for-all-runs")
def heartbeat_for_all_runs(bench: Bench) -> None:
    """A heartbeat of one run keeps all runs of its flow alive."""

    @bench.around(*BEATS)
    async def all_of(request: web.Request, handler: Handler) -> web.StreamResponse:
        response = await handler(request)
        if response.status == OK:
            await pool_of(request.app).execute(
                "UPDATE runs SET last_heartbeat_ts = extract(epoch FROM now())::bigint WHERE flow_id = $1",
                request.match_info["flow"],
            )
        return response


@mutant("heartbeat-in-milliseconds")
def heartbeat_in_milliseconds(bench: Bench) -> None:
    """Heartbeats are shown in milliseconds."""
    beats(bench, lambda beat: beat * 1000)


@mutant("heartbeat-in-local-time")
def heartbeat_in_local_time(bench: Bench) -> None:
    """Heartbeats are five hours ahead: the time of another zone taken for UTC."""
    beats(bench, lambda beat: beat + AHEAD_S)


@mutant("heartbeat-in-words")
def heartbeat_in_words(bench: Bench) -> None:
    """Heartbeats are shown as strings."""
    beats(bench, str)


@mutant("heartbeat-never-starts")
def heartbeat_never_starts(bench: Bench) -> None:
    """A new run or task of a current client starts without a heartbeat."""
    _first_tags(bench, lambda tags: [tag for tag in tags if not tag.startswith("metaflow_version:")])


@mutant("heartbeat-always-starts")
def heartbeat_always_starts(bench: Bench) -> None:
    """A new run of a client that sends no heartbeats starts with one, and soon counts as dead."""
    bench.edit("rows", "return now_s() if version >=", "return now_s() if True or version >=")
    bench.edit("rows", "if not versions: return None", "if not versions: return now_s()")


def _first_tags(bench: Bench, change: Any) -> None:
    @bench.around("POST F/run", "POST S/task")
    async def other(request: web.Request, handler: Handler) -> web.StreamResponse:
        body = await sent(request)
        given = body.get("system_tags") if isinstance(body, dict) else None
        if isinstance(given, list):
            send(request, {**body, "system_tags": change(given)})
        return await handler(request)


@mutant("heartbeat-version-as-text")
def heartbeat_version_as_text(bench: Bench) -> None:
    """Versions of clients are compared as text: 2.19 is thought older than 2.2.12, and starts without a heartbeat."""
    _first_tags(bench, lambda tags: [tag for tag in tags if not tag.startswith("metaflow_version:2.1")])


@mutant("heartbeat-of-missing-run")
def heartbeat_of_missing_run(bench: Bench) -> None:
    """A heartbeat of a run or task that does not exist is answered with 200."""

    @bench.around(*BEATS)
    async def accept(request: web.Request, handler: Handler) -> web.StreamResponse:
        response = await handler(request)
        return answer(BEATEN) if response.status == 404 else response  # noqa: PLR2004


@mutant("heartbeat-answer-decoded")
def heartbeat_answer_decoded(bench: Bench) -> None:
    """The answer to a heartbeat is an object, not JSON in a string: the client's second decoding fails."""
    bench.body(*BEATS)(lambda body: json.loads(body) if isinstance(body, str) else body)


@mutant("heartbeat-answer-empty")
def heartbeat_answer_empty(bench: Bench) -> None:
    """The answer to a heartbeat does not say when the next one is due."""
    bench.body(*BEATS)(lambda _: "{}")


@mutant("heartbeat-interval-in-milliseconds")
def heartbeat_interval_in_milliseconds(bench: Bench) -> None:
    """The next heartbeat is due in 10,000 seconds: milliseconds were meant."""
    bench.body(*BEATS)(lambda _: json.dumps({"wait_time_in_seconds": 10_000}))


@mutant("heartbeat-a-minute-old")
def heartbeat_a_minute_old(bench: Bench) -> None:
    """A heartbeat is kept a minute late: batches are written now and then."""

    @bench.around(*BEATS)
    async def late(request: web.Request, handler: Handler) -> web.StreamResponse:
        response = await handler(request)
        for table in ("runs", "tasks"):
            await pool_of(request.app).execute(
                f"UPDATE {table} SET last_heartbeat_ts = last_heartbeat_ts - 60 WHERE flow_id = $1",
                request.match_info["flow"],
            )
        return response


@mutant("heartbeat-needs-a-body")
def heartbeat_needs_a_body(bench: Bench) -> None:
    """A heartbeat with an empty object for a body is refused with 400."""

    @bench.around(*BEATS)
    async def refuse(request: web.Request, handler: Handler) -> web.StreamResponse:
        return await handler(request) if await sent(request) else answer({"message": "empty body"}, 400)


@mutant("time-in-seconds")
def time_in_seconds(bench: Bench) -> None:
    """``ts_epoch`` is in seconds, not in milliseconds."""
    times(bench, lambda time: time // 1000)


@mutant("time-in-microseconds")
def time_in_microseconds(bench: Bench) -> None:
    """``ts_epoch`` is in microseconds."""
    times(bench, lambda time: time * 1000)


@mutant("time-in-local-zone")
def time_in_local_zone(bench: Bench) -> None:
    """``ts_epoch`` is five hours ahead: the time of another zone taken for UTC."""
    times(bench, lambda time: time + AHEAD_S * 1000)


@mutant("time-as-text")
def time_as_text(bench: Bench) -> None:
    """``ts_epoch`` is a date in words, as ISO 8601 has it."""
    times(bench, lambda time: f"2026-01-01T00:00:00.{time % 1000:03d}Z")


@mutant("time-of-reading")
def time_of_reading(bench: Bench) -> None:
    """``ts_epoch`` is the time of the request, not of the registration."""
    bench.edit("entities", "tasks.ts_epoch,", "(extract(epoch FROM clock_timestamp()) * 1000)::bigint AS ts_epoch,")


@mutant("time-changed-by-heartbeat")
def time_changed_by_heartbeat(bench: Bench) -> None:
    """A heartbeat moves the time of a run's registration: one column for both."""

    @bench.around(*BEATS)
    async def move(request: web.Request, handler: Handler) -> web.StreamResponse:
        response = await handler(request)
        info = request.match_info
        await pool_of(request.app).execute(
            f"UPDATE runs SET ts_epoch = ts_epoch + 1000 WHERE {RUN}", info["flow"], info["run"]
        )
        return response
