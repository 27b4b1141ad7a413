"""Flows, runs, steps and tasks: registered once, read by number or name, kept alive by heartbeats."""

from __future__ import annotations

import json
from typing import Any

import asyncpg
from aiohttp import web

from . import filters, paging, rows
from .web import POOL, SETTINGS, Refused, answer, body_of

BEAT_S = 10
RUN_NUMBER = "coalesce((SELECT named.run_number FROM runs AS named WHERE named.flow_id = $1 AND named.run_id = $3), $2)"
RUN = f"runs.run_number = {RUN_NUMBER}"
TASK = f"""tasks.step_name = $4 AND tasks.task_id = coalesce((
    SELECT named.task_id FROM tasks AS named WHERE named.flow_id = $1 AND named.run_number = {RUN_NUMBER}
    AND named.step_name = $4 AND named.task_name = $6), $5)"""
"""The run and task of a path. Not ``number = $2 OR name = $3``: without fresh statistics, right after many
registrations, PostgreSQL would look for that among all runs of the flow, or all tasks of that step name."""

RUNS = """SELECT flow_id, run_number, run_id, user_name, ts_epoch, last_heartbeat_ts, tags, system_tags FROM runs"""
STEPS = """SELECT steps.flow_id, steps.run_number, runs.run_id, steps.step_name, steps.user_name, steps.ts_epoch,
    runs.tags, runs.system_tags FROM steps JOIN runs USING (flow_id, run_number)"""
TASKS = """SELECT tasks.flow_id, tasks.run_number, runs.run_id, tasks.step_name, tasks.task_id, tasks.task_name,
    tasks.user_name, tasks.ts_epoch, tasks.last_heartbeat_ts, runs.tags, runs.system_tags
    FROM tasks JOIN runs USING (flow_id, run_number)"""
"""A step or task shows the tags of its run: they can change, its own can not."""

STATUS = """SELECT runs.*, CASE
        WHEN ended.id < (SELECT max(id) FROM metadata WHERE (flow_id, run_number) = (runs.flow_id, runs.run_number)
            AND step_name = 'end' AND field_name = 'attempt') AND NOT ended.ok THEN 'running'
        WHEN ended.ok THEN 'completed'
        WHEN NOT ended.ok THEN 'failed'
        WHEN last_heartbeat_ts >= $2 THEN 'running'
        ELSE 'failed' END AS status
    FROM runs LEFT JOIN LATERAL (
        SELECT id, coalesce(lower(value) IN ('true', 't', 'yes', 'y', 'on', '1'), false) AS ok FROM metadata
        WHERE (metadata.flow_id, metadata.run_number) = (runs.flow_id, runs.run_number)
        AND step_name = 'end' AND field_name = 'attempt_ok' ORDER BY id DESC LIMIT 1
    ) AS ended ON true"""
"""What has become of a run: by the last word of its step ``end``, else by its heartbeat (``$2``: not too long ago)."""


def run_key(request: web.Request) -> tuple[str, int, str]:
    """Flow, run number and run name of a path, for ``$1`` to ``$3``."""
    number, name = rows.number_and_name(request.match_info["run"])
    return request.match_info["flow"], number, name


def task_key(request: web.Request) -> tuple[str, int, str, str, int, str]:
    """Flow, run, step and task of a path, for ``$1`` to ``$6``."""
    number, name = rows.number_and_name(request.match_info["task"])
    return (*run_key(request), request.match_info["step"], number, name)


def found(row: asyncpg.Record | None) -> asyncpg.Record:
    """The row. Raises ``Refused`` (404) where there is none."""
    if row is None:
        raise Refused(404, "not found")
    return row


async def flows(request: web.Request) -> web.Response:
    """GET /flows, in pages where asked."""
    page = paging.page(request, paging.FLOWS)
    return await paging.listed(request, page, "SELECT * FROM flows", [], dict)


async def flow(request: web.Request) -> web.Response:
    """GET /flows/F."""
    row = await request.app[POOL].fetchrow("SELECT * FROM flows WHERE flow_id = $1", request.match_info["flow"])
    return answer(dict(found(row)))


async def create_flow(request: web.Request) -> web.Response:
    """POST /flows/F. 409 where it is there already."""
    body = await body_of(request, dict)
    row = await request.app[POOL].fetchrow(
        """INSERT INTO flows VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING RETURNING *""",
        *(request.match_info["flow"], rows.text(body, "user_name"), rows.now_ms()),
        *(rows.tags(body, "tags"), rows.tags(body, "system_tags")),
    )
    if row is None:
        raise Refused(409, "the flow exists")
    return answer(dict(row))


async def runs(request: web.Request) -> web.Response:
    """GET /flows/F/runs, newest first; filtered and in pages where asked, and a filtered list always in pages."""
    page = paging.page(request, paging.RUNS)
    values: list[Any] = [request.match_info["flow"]]
    source = RUNS
    if filters.asks_status(request):
        source = f"SELECT * FROM ({STATUS}) AS runs"
        values.append(rows.now_s() - request.app[SETTINGS].inactive_s)
    filtered = filters.conditions(request, filters.RUNS, values, tags=True)
    page = page.limited() if filtered else page
    return await paging.listed(request, page, f"{source} WHERE flow_id = $1{filtered}", values, rows.run)


async def run(request: web.Request) -> web.Response:
    """GET /flows/F/runs/R."""
    row = await request.app[POOL].fetchrow(f"{RUNS} WHERE flow_id = $1 AND {RUN}", *run_key(request))
    return answer(rows.run(found(row)))


async def create_run(request: web.Request) -> web.Response:
    """POST /flows/F/run. ``run_number`` in the body is the client's name for it. 404 without its flow."""
    body = await body_of(request, dict)
    row = await request.app[POOL].fetchrow(
        """INSERT INTO runs (flow_id, run_id, user_name, ts_epoch, last_heartbeat_ts, tags, system_tags)
        SELECT flow_id, $2, $3, $4, $5, $6, $7 FROM flows WHERE flow_id = $1 ON CONFLICT DO NOTHING RETURNING *""",
        *(request.match_info["flow"], rows.chosen_name(body, "run_number"), rows.text(body, "user_name")),
        *(rows.now_ms(), rows.first_heartbeat(body), rows.tags(body, "tags"), rows.tags(body, "system_tags")),
    )
    if row is None:
        await flow(request)
        raise Refused(409, "the run exists")
    return answer(rows.run(row))


async def steps(request: web.Request) -> web.Response:
    """GET /flows/F/runs/R/steps."""
    listed = await request.app[POOL].fetch(
        f"{STEPS} WHERE flow_id = $1 AND {RUN} ORDER BY steps.ts_epoch, step_name", *run_key(request)
    )
    return answer([rows.step(row) for row in listed])


async def step(request: web.Request) -> web.Response:
    """GET /flows/F/runs/R/steps/S."""
    row = await request.app[POOL].fetchrow(
        f"{STEPS} WHERE flow_id = $1 AND {RUN} AND step_name = $4", *run_key(request), request.match_info["step"]
    )
    return answer(rows.step(found(row)))


async def create_step(request: web.Request) -> web.Response:
    """POST /flows/F/runs/R/steps/S/step. 404 without its run."""
    body = await body_of(request, dict)
    row = await request.app[POOL].fetchrow(
        f"""WITH parent AS (SELECT * FROM runs WHERE flow_id = $1 AND {RUN}), made AS (
            INSERT INTO steps (flow_id, run_number, step_name, user_name, ts_epoch, tags, system_tags)
            SELECT flow_id, run_number, $4, $5, $6, $7, $8 FROM parent ON CONFLICT DO NOTHING RETURNING *
        ) SELECT made.flow_id, made.run_number, parent.run_id, made.step_name, made.user_name, made.ts_epoch,
        parent.tags, parent.system_tags FROM made CROSS JOIN parent""",
        *(*run_key(request), request.match_info["step"], rows.text(body, "user_name"), rows.now_ms()),
        *(rows.tags(body, "tags"), rows.tags(body, "system_tags")),
    )
    if row is None:
        await run(request)
        raise Refused(409, "the step exists")
    return answer(rows.step(row))


async def tasks(request: web.Request) -> web.Response:
    """GET /flows/F/runs/R/steps/S/tasks; filtered and in pages where asked, and a filtered list always in pages."""
    page = paging.page(request, paging.TASKS)
    values: list[Any] = [*run_key(request), request.match_info["step"]]
    select = f"{TASKS} WHERE flow_id = $1 AND {RUN} AND step_name = $4"
    if filtered := filters.conditions(request, filters.TASKS, values):
        select = f"SELECT * FROM ({select}) AS tasks WHERE true{filtered}"
        page = page.limited()
    return await paging.listed(request, page, select, values, rows.below_run)


async def task(request: web.Request) -> web.Response:
    """GET /flows/F/runs/R/steps/S/tasks/T."""
    row = await request.app[POOL].fetchrow(f"{TASKS} WHERE flow_id = $1 AND {RUN} AND {TASK}", *task_key(request))
    return answer(rows.below_run(found(row)))


async def create_task(request: web.Request) -> web.Response:
    """POST /flows/F/runs/R/steps/S/task. ``task_id`` in the body is the client's name for it; the run lives."""
    body = await body_of(request, dict)
    row = await request.app[POOL].fetchrow(
        f"""WITH parent AS (
            SELECT runs.* FROM runs JOIN steps USING (flow_id, run_number)
            WHERE flow_id = $1 AND {RUN} AND step_name = $4
        ), made AS (
            INSERT INTO tasks (flow_id, run_number, step_name, task_name, user_name, ts_epoch, last_heartbeat_ts,
                tags, system_tags)
            SELECT flow_id, run_number, $4, $5, $6, $7, $8, $9, $10 FROM parent ON CONFLICT DO NOTHING RETURNING *
        ), alive AS (
            UPDATE runs SET last_heartbeat_ts = $8 FROM made
            WHERE (runs.flow_id, runs.run_number) = (made.flow_id, made.run_number)
            AND coalesce(runs.last_heartbeat_ts, 0) < $8
        ) SELECT made.flow_id, made.run_number, parent.run_id, made.step_name, made.task_id, made.task_name,
        made.user_name, made.ts_epoch, made.last_heartbeat_ts, parent.tags, parent.system_tags
        FROM made CROSS JOIN parent""",
        *(*run_key(request), request.match_info["step"], rows.chosen_name(body, "task_id")),
        *(rows.text(body, "user_name"), rows.now_ms(), rows.first_heartbeat(body)),
        *(rows.tags(body, "tags"), rows.tags(body, "system_tags")),
    )
    if row is None:
        await step(request)
        raise Refused(409, "the task exists")
    return answer(rows.below_run(row))


async def beat_run(request: web.Request) -> web.Response:
    """POST .../runs/R/heartbeat. The body is JSON in a JSON string: the client decodes it twice."""
    found(
        await request.app[POOL].fetchrow(
            f"""UPDATE runs SET last_heartbeat_ts = greatest(last_heartbeat_ts, $4)
            WHERE flow_id = $1 AND {RUN} RETURNING run_number""",
            *(*run_key(request), rows.now_s()),
        )
    )
    return answer(json.dumps({"wait_time_in_seconds": BEAT_S}))


async def beat_task(request: web.Request) -> web.Response:
    """POST .../tasks/T/heartbeat. A task that lives keeps its run alive, whose row is written once a second."""
    found(
        await request.app[POOL].fetchrow(
            f"""WITH beating AS (
                UPDATE tasks SET last_heartbeat_ts = greatest(tasks.last_heartbeat_ts, $7) FROM runs
                WHERE (tasks.flow_id, tasks.run_number) = (runs.flow_id, runs.run_number)
                AND runs.flow_id = $1 AND {RUN} AND {TASK}
                RETURNING tasks.flow_id, tasks.run_number, tasks.task_id
            ), alive AS (
                UPDATE runs SET last_heartbeat_ts = $7 FROM beating
                WHERE (runs.flow_id, runs.run_number) = (beating.flow_id, beating.run_number)
                AND coalesce(runs.last_heartbeat_ts, 0) < $7
            ) SELECT task_id FROM beating""",
            *(*task_key(request), rows.now_s()),
        )
    )
    return answer(json.dumps({"wait_time_in_seconds": BEAT_S}))


async def mutate_tags(request: web.Request) -> web.Response:
    """PATCH .../runs/R/tag/mutate: remove, then add, in one statement. 422 for the removal of a system tag."""
    body = await body_of(request, dict)
    adding, removing = (
        rows.tags({name: [], **body}, name, required=True) for name in ("tags_to_add", "tags_to_remove")
    )
    row = await request.app[POOL].fetchrow(
        f"""UPDATE runs SET tags = (tags - $5::text[]) || (
            SELECT coalesce(jsonb_agg(tag ORDER BY place), '[]')
            FROM unnest($4::text[]) WITH ORDINALITY AS new (tag, place)
            WHERE NOT (tags - $5::text[]) ? tag AND NOT system_tags ? tag
        ) WHERE flow_id = $1 AND {RUN} AND NOT system_tags ?| $5::text[] RETURNING tags""",
        *(*run_key(request), list(dict.fromkeys(adding)), removing),
    )
    if row is None:
        kept = found(await request.app[POOL].fetchrow(f"{RUNS} WHERE flow_id = $1 AND {RUN}", *run_key(request)))
        protected = sorted(set(removing) & set(kept["system_tags"]))
        raise Refused(422, f"system tags can not be removed: {', '.join(protected)}")
    return answer({"tags": row["tags"]})
