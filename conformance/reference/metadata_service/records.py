"""What tasks leave behind: metadata and artifacts, registered many at a time."""

from __future__ import annotations

import re
from typing import Any

import asyncpg
import orjson
from aiohttp import web

from . import rows
from .entities import RUN, run_key, task_key
from .web import POOL, Refused, answer, body_of

METADATA = """SELECT metadata.id, flow_id, run_number, runs.run_id, step_name, task_id, tasks.task_name, field_name,
    value, metadata.type, metadata.user_name, metadata.ts_epoch, metadata.tags, metadata.system_tags
    FROM metadata JOIN tasks USING (flow_id, run_number, step_name, task_id) JOIN runs USING (flow_id, run_number)"""
ARTIFACTS = """SELECT flow_id, run_number, runs.run_id, step_name, task_id, tasks.task_name, name, location, ds_type,
    sha, artifacts.type, content_type, artifacts.user_name, attempt_id, artifacts.ts_epoch, runs.tags, runs.system_tags,
    max(attempt_id) OVER (PARTITION BY step_name, task_id) AS latest
    FROM artifacts JOIN tasks USING (flow_id, run_number, step_name, task_id) JOIN runs USING (flow_id, run_number)"""
"""An artifact shows the tags of its run; metadata keep their own, which name the attempt."""

TASK = "step_name = $4 AND (task_id = $5 OR tasks.task_name = $6)"


async def task_metadata(request: web.Request) -> web.Response:
    """GET .../tasks/T/metadata, of every attempt."""
    listed = await request.app[POOL].fetch(
        f"{METADATA} WHERE flow_id = $1 AND {RUN} AND {TASK} ORDER BY id", *task_key(request)
    )
    return answer([rows.below_run(row) for row in listed])


async def run_metadata(request: web.Request) -> web.Response:
    """GET .../runs/R/metadata."""
    listed = await request.app[POOL].fetch(f"{METADATA} WHERE flow_id = $1 AND {RUN} ORDER BY id", *run_key(request))
    return answer([rows.below_run(row) for row in listed])


async def create_metadata(request: web.Request) -> web.Response:
    """POST .../tasks/T/metadata: a list; all of it is kept, twice the same too."""
    body = _objects(await body_of(request, list))
    return answer({"metadata_created": await _insert(request, METADATA_INSERT, body, METADATA_FIELDS, [])})


async def create_artifacts(request: web.Request) -> web.Response:
    """POST .../tasks/T/artifact: a list; a name that this attempt has already stays as it was."""
    body = _objects(await body_of(request, list))
    attempts = [item.get("attempt_id", 0) for item in body]
    if not all(isinstance(attempt, int) and 0 <= attempt < 2**31 for attempt in attempts):
        raise Refused(400, "attempt_id is not a whole number from 0")
    return answer({"artifacts_created": await _insert(request, ARTIFACT_INSERT, body, ARTIFACT_FIELDS, [attempts])})


METADATA_FIELDS = ("field_name", "value", "type", "user_name")
METADATA_INSERT = """INSERT INTO metadata
    (flow_id, run_number, step_name, task_id, ts_epoch, tags, system_tags, field_name, value, type, user_name)
    SELECT $1, $2, $3, $4, $5, tags::jsonb, system_tags::jsonb, a, b, c, d
    FROM unnest($6::text[], $7::text[], $8::text[], $9::text[], $10::text[], $11::text[])
    AS new (tags, system_tags, a, b, c, d)"""
ARTIFACT_FIELDS = ("name", "location", "ds_type", "sha", "type", "content_type", "user_name")
ARTIFACT_INSERT = """INSERT INTO artifacts
    (flow_id, run_number, step_name, task_id, ts_epoch, tags, system_tags, name, location, ds_type, sha, type,
    content_type, user_name, attempt_id)
    SELECT $1, $2, $3, $4, $5, tags::jsonb, system_tags::jsonb, a, b, c, d, e, f, g, attempt
    FROM unnest($6::text[], $7::text[], $8::text[], $9::text[], $10::text[], $11::text[], $12::text[], $13::text[],
    $14::text[], $15::int[]) AS new (tags, system_tags, a, b, c, d, e, f, g, attempt) ON CONFLICT DO NOTHING"""


async def _insert(
    request: web.Request,
    statement: str,
    body: list[dict[str, Any]],
    fields: tuple[str, ...],
    more: list[list[Any]],
) -> int:
    """Insert all rows in one statement; the number that was inserted. Raises ``Refused``: 404 without the task."""
    if not all(isinstance(item.get(fields[0]), str) for item in body):
        raise Refused(400, f"{fields[0]} is missing, or not a string")
    columns = [
        # as text: the driver takes a list of lists for an array of two dimensions
        *([orjson.dumps(rows.tags(item, name)).decode() for item in body] for name in ("tags", "system_tags")),
        *([_as_text(item, name) for item in body] for name in fields),
        *more,
    ]
    async with request.app[POOL].acquire() as connection:
        owner = await connection.fetchrow(
            f"""SELECT tasks.run_number, tasks.task_id FROM tasks JOIN runs USING (flow_id, run_number)
            WHERE flow_id = $1 AND {RUN} AND {TASK}""",
            *task_key(request),
        )
        if owner is None:
            raise Refused(404, "the task does not exist")
        done = await connection.execute(
            statement,
            *(request.match_info["flow"], owner["run_number"], request.match_info["step"], owner["task_id"]),
            *(rows.now_ms(), *columns),
        )
    return int(done.split()[-1])


def _objects(body: list[Any]) -> list[dict[str, Any]]:
    if not all(isinstance(item, dict) for item in body):
        raise Refused(400, "the body is not a list of objects")
    return body


def _as_text(item: dict[str, Any], name: str) -> str | None:
    """A field as text, also where clients send something else.

    Numbers and booleans in their JSON form; a list of strings as PostgreSQL writes an array, which is what the
    Netflix service keeps of a ``foreach-stack``.
    """
    value = item.get(name)
    if isinstance(value, list) and all(isinstance(part, str) for part in value):
        return "{" + ",".join(_array_element(part) for part in value) + "}"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (int, float)):
        return str(value)
    return rows.text(item, name)


def _array_element(part: str) -> str:
    if part and part.upper() != "NULL" and not re.search(r'[{},"\\\s]', part):
        return part
    return '"' + re.sub(r'(["\\])', r"\\\1", part) + '"'


async def _artifacts(
    request: web.Request, where: str, key: tuple[Any, ...], among: str = "latest"
) -> list[asyncpg.Record]:
    return list(
        await request.app[POOL].fetch(
            f"SELECT * FROM ({ARTIFACTS} WHERE flow_id = $1 AND {RUN} {where}) AS found "
            f"WHERE attempt_id = {among} ORDER BY step_name, task_id, name",
            *key,
        )
    )


def _shown(listed: list[asyncpg.Record]) -> web.Response:
    shown = [rows.below_run(row) for row in listed]
    for item in shown:
        del item["latest"]
    return answer(shown)


async def run_artifacts(request: web.Request) -> web.Response:
    """GET .../runs/R/artifacts: of each task, those of its latest attempt."""
    return _shown(await _artifacts(request, "", run_key(request)))


async def step_artifacts(request: web.Request) -> web.Response:
    """GET .../steps/S/artifacts: of each task, those of its latest attempt."""
    return _shown(await _artifacts(request, "AND step_name = $4", (*run_key(request), request.match_info["step"])))


async def task_artifacts(request: web.Request) -> web.Response:
    """GET .../tasks/T/artifacts: those of the latest attempt."""
    return _shown(await _artifacts(request, f"AND {TASK}", task_key(request)))


def _attempt(request: web.Request) -> int:
    segment = request.match_info["attempt"]
    if not segment.isascii() or not segment.isdigit() or int(segment) >= 2**31:
        raise Refused(400, f"attempt {segment!r} is not a whole number from 0")
    return int(segment)


async def attempt_artifacts(request: web.Request) -> web.Response:
    """GET .../tasks/T/attempt/A/artifacts."""
    return _shown(await _artifacts(request, f"AND {TASK}", (*task_key(request), _attempt(request)), among="$7"))


async def artifact(request: web.Request) -> web.Response:
    """GET .../tasks/T/artifacts/N, of the latest attempt that has it, or .../attempt/A."""
    key: tuple[Any, ...] = (*task_key(request), request.match_info["name"])
    among = "latest"
    if "attempt" in request.match_info:
        key, among = (*key, _attempt(request)), "$8"
    listed = await _artifacts(request, f"AND {TASK} AND name = $7", key, among)
    if not listed:
        raise Refused(404, "not found")
    shown = rows.below_run(listed[0])
    del shown["latest"]
    return answer(shown)


async def filtered_tasks(request: web.Request) -> web.Response:
    """GET .../steps/S/filtered_tasks: pathspecs of the tasks with a matching metadatum; of all, without a filter."""
    field, pattern = request.query.get("metadata_field_name"), request.query.get("pattern")
    key: tuple[Any, ...] = (*run_key(request), request.match_info["step"])
    condition = ""
    if field is not None or pattern is not None:
        key = (*key, field, pattern)
        condition = """AND EXISTS (SELECT FROM metadata WHERE (metadata.flow_id, metadata.run_number,
            metadata.step_name, metadata.task_id) = (tasks.flow_id, tasks.run_number, tasks.step_name, tasks.task_id)
            AND ($5::text IS NULL OR field_name = $5) AND ($6::text IS NULL OR value ~ $6))"""
    try:
        listed = await request.app[POOL].fetch(
            f"""SELECT flow_id, run_number, run_id, step_name, task_id, task_name FROM tasks
            JOIN runs USING (flow_id, run_number) WHERE flow_id = $1 AND {RUN} AND step_name = $4 {condition}
            ORDER BY task_id""",
            *key,
        )
    except asyncpg.InvalidRegularExpressionError as error:
        raise Refused(400, f"pattern: {error}") from None
    shown = [rows.below_run(row) for row in listed]
    return answer([f"{s['flow_id']}/{s['run_number']}/{s['step_name']}/{s['task_id']}" for s in shown])
