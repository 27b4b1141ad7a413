"""Writes that are acknowledged and not kept, kept twice, or kept otherwise than they were told."""

from __future__ import annotations

import asyncio
from typing import Any

from aiohttp import web

from conformance.mutants.bench import (
    BULKS,
    OK,
    REGISTRATIONS,
    Bench,
    Handler,
    answer,
    each,
    every,
    json_of,
    pool_of,
    replace,
    send,
    sent,
)
from conformance.mutants.catalogue import mutant

CONFLICT = 409
BUSY = 4
CAP = 256
LATE_S = 0.3


def acknowledged(request: web.Request, count: int) -> web.Response:
    """The answer to a bulk of which ``count`` rows are kept, as it is said."""
    kind = "artifacts" if request.path.endswith("/artifact") else "metadata"
    return answer({f"{kind}_created": count})


async def rows_of(request: web.Request) -> list[Any]:
    """The rows of a bulk; none where the client sent something else."""
    body = await sent(request)
    return body if isinstance(body, list) else []


@mutant("writes-lost")
def writes_lost(bench: Bench) -> None:
    """Every 20th bulk of artifacts or metadata is acknowledged and not kept."""
    due = every(20)

    @bench.around(*BULKS)
    async def lose(request: web.Request, handler: Handler) -> web.StreamResponse:
        return acknowledged(request, len(await rows_of(request))) if due() else await handler(request)


@mutant("writes-lost-when-busy")
def writes_lost_when_busy(bench: Bench) -> None:
    """Artifacts and metadata that arrive while three other requests are under way are acknowledged and not kept."""

    @bench.around(*BULKS)
    async def lose(request: web.Request, handler: Handler) -> web.StreamResponse:
        busy = bench.busy >= BUSY
        return acknowledged(request, len(await rows_of(request))) if busy else await handler(request)


@mutant("writes-behind")
def writes_behind(bench: Bench) -> None:
    """Artifacts and metadata are acknowledged at once and written 300 ms later, from a queue."""
    waiting = set()

    @bench.around(*BULKS)
    async def later(request: web.Request, handler: Handler) -> web.StreamResponse:
        body = await rows_of(request)
        if not body:
            return await handler(request)

        async def write() -> None:
            await asyncio.sleep(LATE_S)
            await handler(request)

        task = asyncio.create_task(write())
        waiting.add(task)
        task.add_done_callback(waiting.discard)
        return acknowledged(request, len(body))


@mutant("bulk-last-lost")
def bulk_last_lost(bench: Bench) -> None:
    """The last row of a bulk of several is acknowledged and not kept: an off-by-one."""

    @bench.around(*BULKS)
    async def lose(request: web.Request, handler: Handler) -> web.StreamResponse:
        body = await rows_of(request)
        if len(body) < BUSY:
            return await handler(request)
        send(request, body[:-1])
        response = await handler(request)
        return acknowledged(request, len(body)) if response.status == OK else response


@mutant("bulk-capped")
def bulk_capped(bench: Bench) -> None:
    """Of a bulk, the first 256 rows are kept; all are acknowledged."""

    @bench.around(*BULKS)
    async def cut(request: web.Request, handler: Handler) -> web.StreamResponse:
        body = await rows_of(request)
        if len(body) <= CAP:
            return await handler(request)
        send(request, body[:CAP])
        await handler(request)
        return acknowledged(request, len(body))


@mutant("bulk-count-lies")
def bulk_count_lies(bench: Bench) -> None:
    """The count of a bulk is what was sent, though artifacts that were there already are not kept."""

    @bench.around(*BULKS)
    async def lie(request: web.Request, handler: Handler) -> web.StreamResponse:
        response = await handler(request)
        return acknowledged(request, len(await rows_of(request))) if response.status == OK else response


@mutant("bulk-count-missing")
def bulk_count_missing(bench: Bench) -> None:
    """A bulk is answered with ``{}``: how many rows were kept is not told."""
    bench.body(*BULKS)(lambda _: {})


@mutant("bulk-refused-for-one")
def bulk_refused_for_one(bench: Bench) -> None:
    """One artifact that is there already has the whole bulk refused with 500."""
    bench.edit("records", "ON CONFLICT DO NOTHING", "")


@mutant("bulk-one-at-a-time")
def bulk_one_at_a_time(bench: Bench) -> None:
    """Of a bulk, only the first row is kept, and the count says one."""

    @bench.around(*BULKS)
    async def first(request: web.Request, handler: Handler) -> web.StreamResponse:
        send(request, (await rows_of(request))[:1])
        return await handler(request)


@mutant("artifact-overwritten")
def artifact_overwritten(bench: Bench) -> None:
    """An artifact that an attempt registers again replaces the one that is there."""
    bench.edit(
        "records",
        "ON CONFLICT DO NOTHING",
        "ON CONFLICT (flow_id, run_number, step_name, task_id, attempt_id, name) "
        "DO UPDATE SET sha = EXCLUDED.sha, location = EXCLUDED.location",
    )


@mutant("metadata-upserted")
def metadata_upserted(bench: Bench) -> None:
    """Of metadata with one field name only the last of a task is kept."""

    @bench.body("GET T/metadata", "GET R/metadata")
    def last(rows: Any) -> Any:
        return list({(row["step_name"], row["task_id"], row["field_name"]): row for row in rows}.values())


@mutant("metadata-deduplicated")
def metadata_deduplicated(bench: Bench) -> None:
    """Metadata equal to one that is there already are dropped, though acknowledged."""

    @bench.body("GET T/metadata", "GET R/metadata")
    def distinct(rows: Any) -> Any:
        key = ("step_name", "task_id", "field_name", "value", "type")
        return list({tuple(str(row[name]) for name in key): row for row in reversed(rows)}.values())[::-1]


@mutant("tasks-lost-when-busy")
def tasks_lost_when_busy(bench: Bench) -> None:
    """Of tasks registered at the same time every third is acknowledged and rolled back."""
    due = every(3)

    @bench.around("POST S/task")
    async def lose(request: web.Request, handler: Handler) -> web.StreamResponse:
        busy = bench.busy >= BUSY
        response = await handler(request)
        if response.status == OK and busy and due():
            kept = json_of(response)
            await pool_of(request.app).execute(
                "DELETE FROM tasks WHERE flow_id = $1 AND step_name = $2 AND $3 IN (task_id::text, task_name)",
                *(kept["flow_id"], kept["step_name"], str(kept["task_id"])),
            )
        return response


@mutant("runs-lost-when-busy")
def runs_lost_when_busy(bench: Bench) -> None:
    """Of runs registered at the same time every fifth is acknowledged and rolled back."""
    due = every(5)

    @bench.around("POST F/run")
    async def lose(request: web.Request, handler: Handler) -> web.StreamResponse:
        busy = bench.busy >= BUSY
        response = await handler(request)
        number = json_of(response).get("run_number")
        if response.status == OK and busy and due() and isinstance(number, int):
            await pool_of(request.app).execute("DELETE FROM runs WHERE run_number = $1", number)
        return response


@mutant("steps-not-committed")
def steps_not_committed(bench: Bench) -> None:
    """Every seventh step is acknowledged and never committed."""
    due = every(7)

    @bench.around("POST S/step")
    async def lose(request: web.Request, handler: Handler) -> web.StreamResponse:
        response = await handler(request)
        if response.status == OK and due():
            await pool_of(request.app).execute(
                "DELETE FROM steps WHERE flow_id = $1 AND step_name = $2 AND run_number::text = $3",
                *(request.match_info["flow"], request.match_info["step"], request.match_info["run"]),
            )
        return response


@mutant("duplicate-accepted")
def duplicate_accepted(bench: Bench) -> None:
    """What is registered already is answered with 200, as if it were new; nothing is changed."""

    @bench.around(*REGISTRATIONS)
    async def accept(request: web.Request, handler: Handler) -> web.StreamResponse:
        response = await handler(request)
        if response.status != CONFLICT:
            return response
        shown = {"flow_id": request.match_info["flow"], **await sent(request)}
        return answer(shown)


@mutant("duplicate-task-accepted")
def duplicate_task_accepted(bench: Bench) -> None:
    """A task whose name is taken is answered with 200; flows, steps and runs are refused."""

    @bench.around("POST S/task")
    async def accept(request: web.Request, handler: Handler) -> web.StreamResponse:
        response = await handler(request)
        if response.status != CONFLICT:
            return response
        return answer({"flow_id": request.match_info["flow"], **await sent(request)})


@mutant("duplicate-overwrites")
def duplicate_overwrites(bench: Bench) -> None:
    """What is registered already is refused, but its user and tags are overwritten (an upsert)."""

    @bench.around("POST F", "POST F/run")
    async def overwrite(request: web.Request, handler: Handler) -> web.StreamResponse:
        response = await handler(request)
        if response.status == CONFLICT:
            body = await sent(request)
            table, key = ("runs", "run_id") if "run_number" in body else ("flows", "flow_id")
            await pool_of(request.app).execute(
                f"UPDATE {table} SET user_name = $2, tags = $3 WHERE flow_id = $1 AND {key} = $4",  # noqa: S608 - of two constants
                *(request.match_info["flow"], body.get("user_name"), body.get("tags") or []),
                body.get("run_number", request.match_info["flow"]),
            )
        return response


@mutant("duplicate-is-500")
def duplicate_is_500(bench: Bench) -> None:
    """What is registered already is answered with 500: the constraint's error comes through."""
    _conflict_is(bench, 500)


@mutant("duplicate-is-404")
def duplicate_is_404(bench: Bench) -> None:
    """What is registered already is answered with 404."""
    _conflict_is(bench, 404)


@mutant("duplicate-is-400")
def duplicate_is_400(bench: Bench) -> None:
    """What is registered already is answered with 400."""
    _conflict_is(bench, 400)


def _conflict_is(bench: Bench, status: int) -> None:
    @bench.around(*REGISTRATIONS)
    async def other(request: web.Request, handler: Handler) -> web.StreamResponse:
        response = await handler(request)
        if response.status == CONFLICT:
            response.set_status(status)
        return response


@mutant("duplicate-named-run")
def duplicate_named_run(bench: Bench) -> None:
    """Two runs of a flow can have one name: the unique index was lost in a migration."""
    bench.sql("DROP INDEX runs_by_name")


@mutant("duplicate-named-task")
def duplicate_named_task(bench: Bench) -> None:
    """Two tasks of a step can have one name: the unique index was lost in a migration."""
    bench.sql("DROP INDEX tasks_by_name")


@mutant("duplicate-race")
def duplicate_race(bench: Bench) -> None:
    """A flow registered by several at once is given to each of them: looked up first, then inserted."""
    made: dict[str, float] = {}

    @bench.around("POST F")
    async def race(request: web.Request, handler: Handler) -> web.StreamResponse:
        name = request.match_info["flow"]
        together = bench.busy > 1 and name in made
        made[name] = asyncio.get_running_loop().time()
        response = await handler(request)
        if response.status == CONFLICT and together:
            return answer({"flow_id": name, **await sent(request)})
        return response


@mutant("registration-echoes")
def registration_echoes(bench: Bench) -> None:
    """A registration is answered with what was sent, not with what is kept: no time, no identifier."""

    @bench.around("POST S/task")
    async def echo(request: web.Request, handler: Handler) -> web.StreamResponse:
        response = await handler(request)
        if response.status == OK:
            kept = json_of(response)
            replace(response, {**await sent(request), **{key: kept[key] for key in ("flow_id", "step_name")}})
        return response


@mutant("registration-loses-user")
def registration_loses_user(bench: Bench) -> None:
    """``user_name`` is not kept: every run and task is of nobody."""

    @bench.around("POST F/run", "POST S/task", "POST S/step", *BULKS)
    async def forget(request: web.Request, handler: Handler) -> web.StreamResponse:
        send(request, each(lambda item: item.pop("user_name", None))(await sent(request)))
        return await handler(request)


@mutant("registration-loses-tags")
def registration_loses_tags(bench: Bench) -> None:
    """Tags given when a run is registered are not kept; those added later are."""

    @bench.around("POST F/run")
    async def forget(request: web.Request, handler: Handler) -> web.StreamResponse:
        send(request, each(lambda item: item.pop("tags", None))(await sent(request)))
        return await handler(request)
