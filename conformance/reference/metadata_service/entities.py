"""Flows, runs, steps and tasks: registered once, read by number or name, kept alive by heartbeats."""

from __future__ import annotations

import json

import asyncpg
from aiohttp import web

from . import rows
from .web import POOL, Refused, answer, body_of

BEAT_S = 10
RUN = "(runs.run_number = $2 OR runs.run_id = $3)"

STEPS = """SELECT steps.flow_id, steps.run_number, runs.run_id, steps.step_name, steps.user_name, steps.ts_epoch,
    runs.tags, runs.system_tags FROM steps JOIN runs USING (flow_id, run_number)"""
TASKS = """SELECT tasks.flow_id, tasks.run_number, runs.run_id, tasks.step_name, tasks.task_id, tasks.task_name,
    tasks.user_name, tasks.ts_epoch, tasks.last_heartbeat_ts, runs.tags, runs.system_tags
    FROM tasks JOIN runs USING (flow_id, run_number)"""
"""A step or task shows the tags of its run: they can change, its own can not."""


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
    """GET /flows."""
    return answer([dict(row) for row in await request.app[POOL].fetch("SELECT * FROM flows ORDER BY ts_epoch")])


async def flow(request: web.Request) -> web.Response:
    """GET /flows/F."""
    return answer(
        dict(
            found(
                await request.app[POOL].fetchrow("SELECT * FROM flows WHERE flow_id = $1", request.match_info["flow"])
            )
        )
    )


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
    """GET /flows/F/runs, newest first."""
    listed = await request.app[POOL].fetch(
        "SELECT * FROM runs WHERE flow_id = $1 ORDER BY run_number DESC", request.match_info["flow"]
    )
    return answer([rows.run(row) for row in listed])


async def run(request: web.Request) -> web.Response:
    """GET /flows/F/runs/R."""
    return answer(
        rows.run(
            found(
                await request.app[POOL].fetchrow(f"SELECT * FROM runs WHERE flow_id = $1 AND {RUN}", *run_key(request))
            )
        )
    )


async def create_run(request: web.Request) -> web.Response:
    """POST /flows/F/run. ``run_number`` in the body is the client's name for it. 404 without its flow."""
    body = await body_of(request, dict)
    system = rows.tags(body, "system_tags")
    row = await request.app[POOL].fetchrow(
        """INSERT INTO runs (flow_id, run_id, user_name, ts_epoch, last_heartbeat_ts, tags, system_tags)
        SELECT flow_id, $2, $3, $4, $5, $6, $7 FROM flows WHERE flow_id = $1 ON CONFLICT DO NOTHING RETURNING *""",
        *(request.match_info["flow"], rows.chosen_name(body, "run_number"), rows.text(body, "user_name")),
        *(rows.now_ms(), rows.first_heartbeat(system), rows.tags(body, "tags"), system),
    )
    if row is None:
        await flow(request)
        raise Refused(409, "the run exists")
    return answer(rows.run(row))


async def steps(request: web.Request) -> web.Response:
    """GET /flows/F/runs/R/steps."""
    listed = await request.app[POOL].fetch(
        f"{STEPS} WHERE flow_id = $1 AND {RUN} ORDER BY steps.ts_epoch", *run_key(request)
    )
    return answer([rows.below_run(row) for row in listed])


async def step(request: web.Request) -> web.Response:
    """GET /flows/F/runs/R/steps/S."""
    row = await request.app[POOL].fetchrow(
        f"{STEPS} WHERE flow_id = $1 AND {RUN} AND step_name = $4",
        *run_key(request),
        request.match_info["step"],
    )
    return answer(rows.below_run(found(row)))


async def create_step(request: web.Request) -> web.Response:
    """POST /flows/F/runs/R/steps/S/step. 404 without its run."""
    body = await body_of(request, dict)
    made = await request.app[POOL].execute(
        f"""INSERT INTO steps (flow_id, run_number, step_name, user_name, ts_epoch, tags, system_tags)
        SELECT flow_id, run_number, $4, $5, $6, $7, $8 FROM runs WHERE flow_id = $1 AND {RUN} ON CONFLICT DO NOTHING""",
        *(*run_key(request), request.match_info["step"], rows.text(body, "user_name"), rows.now_ms()),
        *(rows.tags(body, "tags"), rows.tags(body, "system_tags")),
    )
    if made == "INSERT 0 0":
        await run(request)
        raise Refused(409, "the step exists")
    return await step(request)


async def tasks(request: web.Request) -> web.Response:
    """GET /flows/F/runs/R/steps/S/tasks."""
    listed = await request.app[POOL].fetch(
        f"{TASKS} WHERE flow_id = $1 AND {RUN} AND step_name = $4 ORDER BY task_id",
        *(*run_key(request), request.match_info["step"]),
    )
    return answer([rows.below_run(row) for row in listed])


async def task(request: web.Request) -> web.Response:
    """GET /flows/F/runs/R/steps/S/tasks/T."""
    row = await request.app[POOL].fetchrow(
        f"{TASKS} WHERE flow_id = $1 AND {RUN} AND step_name = $4 AND (task_id = $5 OR task_name = $6)",
        *task_key(request),
    )
    return answer(rows.below_run(found(row)))


async def create_task(request: web.Request) -> web.Response:
    """POST /flows/F/runs/R/steps/S/task. ``task_id`` in the body is the client's name for it; the run lives."""
    body = await body_of(request, dict)
    system = rows.tags(body, "system_tags")
    row = await request.app[POOL].fetchrow(
        f"""WITH parent AS (
            UPDATE runs SET last_heartbeat_ts = greatest(last_heartbeat_ts, $8) WHERE flow_id = $1 AND {RUN}
            RETURNING flow_id, run_number, run_id
        ), made AS (
            INSERT INTO tasks (flow_id, run_number, step_name, task_name, user_name, ts_epoch, last_heartbeat_ts,
                tags, system_tags)
            SELECT flow_id, run_number, step_name, $5, $6, $7, $9, $10, $11
            FROM steps JOIN parent USING (flow_id, run_number) WHERE step_name = $4
            ON CONFLICT DO NOTHING RETURNING *
        ) SELECT made.*, parent.run_id FROM made JOIN parent USING (flow_id, run_number)""",
        *(*run_key(request), request.match_info["step"], rows.chosen_name(body, "task_id")),
        *(rows.text(body, "user_name"), rows.now_ms(), rows.now_s(), rows.first_heartbeat(system)),
        *(rows.tags(body, "tags"), system),
    )
    if row is None:
        await step(request)
        raise Refused(409, "the task exists")
    return answer(rows.below_run(row))


async def beat_run(request: web.Request) -> web.Response:
    """POST .../runs/R/heartbeat. The body is JSON in a JSON string: the client decodes it twice."""
    found(
        await request.app[POOL].fetchrow(
            f"UPDATE runs SET last_heartbeat_ts = $4 WHERE flow_id = $1 AND {RUN} RETURNING run_number",
            *(*run_key(request), rows.now_s()),
        )
    )
    return answer(json.dumps({"wait_time_in_seconds": BEAT_S}))


async def beat_task(request: web.Request) -> web.Response:
    """POST .../tasks/T/heartbeat. A task that lives keeps its run alive."""
    found(
        await request.app[POOL].fetchrow(
            f"""WITH parent AS (
                UPDATE runs SET last_heartbeat_ts = $7 WHERE flow_id = $1 AND {RUN} RETURNING flow_id, run_number
            ) UPDATE tasks SET last_heartbeat_ts = $7 FROM parent
            WHERE tasks.flow_id = parent.flow_id AND tasks.run_number = parent.run_number AND step_name = $4
            AND (task_id = $5 OR task_name = $6) RETURNING task_id""",
            *(*task_key(request), rows.now_s()),
        )
    )
    return answer(json.dumps({"wait_time_in_seconds": BEAT_S}))


async def mutate_tags(request: web.Request) -> web.Response:
    """PATCH .../runs/R/tag/mutate: remove, then add. 422 for the removal of a system tag."""
    body = await body_of(request, dict)
    adding, removing = rows.tags(body, "tags_to_add"), rows.tags(body, "tags_to_remove")
    if not adding and not removing:
        raise Refused(400, "neither tags_to_add nor tags_to_remove is given")
    async with request.app[POOL].acquire() as connection, connection.transaction():
        row = found(
            await connection.fetchrow(f"SELECT * FROM runs WHERE flow_id = $1 AND {RUN} FOR UPDATE", *run_key(request))
        )
        if protected := sorted(set(removing) & set(row["system_tags"])):
            raise Refused(422, f"system tags can not be removed: {', '.join(protected)}")
        kept = [tag for tag in row["tags"] if tag not in removing]
        kept += [tag for tag in dict.fromkeys(adding) if tag not in kept and tag not in row["system_tags"]]
        await connection.execute(
            "UPDATE runs SET tags = $3 WHERE flow_id = $1 AND run_number = $2",
            row["flow_id"],
            row["run_number"],
            kept,
        )
    return answer({"tags": kept})
