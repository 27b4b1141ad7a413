"""What tasks leave behind: metadata and artifacts, registered many at a time."""

from __future__ import annotations

import re
from typing import Any

import orjson
from aiohttp import web

from . import paging, rows
from .entities import RUN, TASK, found, run_key, task_key
from .web import POOL, Refused, answer, body_of

LARGEST_ATTEMPT = 2**31 - 1

METADATA = """SELECT metadata.id, flow_id, run_number, runs.run_id, step_name, task_id, tasks.task_name, field_name,
    value, metadata.type, metadata.user_name, metadata.ts_epoch, metadata.tags, metadata.system_tags
    FROM metadata JOIN tasks USING (flow_id, run_number, step_name, task_id) JOIN runs USING (flow_id, run_number)"""
ARTIFACTS = """SELECT flow_id, run_number, runs.run_id, step_name, task_id, tasks.task_name, name, location, ds_type,
    sha, artifacts.type, content_type, artifacts.user_name, attempt_id, artifacts.ts_epoch, runs.tags, runs.system_tags,
    max(attempt_id) OVER (PARTITION BY step_name, task_id) AS latest
    FROM artifacts JOIN tasks USING (flow_id, run_number, step_name, task_id) JOIN runs USING (flow_id, run_number)"""
"""An artifact shows the tags of its run; metadata keep their own, which name the attempt."""

ARTIFACT = """flow_id, run_number, run_id, step_name, task_id, task_name, name, location, ds_type, sha, type,
    content_type, user_name, attempt_id, ts_epoch, tags, system_tags"""
OWNER = f"""SELECT flow_id, run_number, step_name, task_id FROM tasks JOIN runs USING (flow_id, run_number)
    WHERE flow_id = $1 AND {RUN} AND {TASK}"""


async def task_metadata(request: web.Request) -> web.Response:
    """GET .../tasks/T/metadata, of every attempt, in the order they came; in pages, newest first, where asked."""
    page = paging.page(request, paging.METADATA)
    select = f"{METADATA} WHERE flow_id = $1 AND {RUN} AND {TASK}"
    return await paging.listed(request, page, select, [*task_key(request)], rows.below_run)


async def run_metadata(request: web.Request) -> web.Response:
    """GET .../runs/R/metadata, as those of a task."""
    page = paging.page(request, paging.METADATA)
    select = f"{METADATA} WHERE flow_id = $1 AND {RUN}"
    return await paging.listed(request, page, select, [*run_key(request)], rows.below_run)


async def create_metadata(request: web.Request) -> web.Response:
    """POST .../tasks/T/metadata: a list; all of it is kept, twice the same too."""
    body = _objects(await body_of(request, list))
    return answer({"metadata_created": await _insert(request, METADATA_INSERT, body, METADATA_FIELDS, [])})


async def create_artifacts(request: web.Request) -> web.Response:
    """POST .../tasks/T/artifact: a list; a name that this attempt has already stays as it was."""
    body = _objects(await body_of(request, list))
    attempts = [_attempt(str(item.get("attempt_id", 0)), "attempt_id") for item in body]
    return answer({"artifacts_created": await _insert(request, ARTIFACT_INSERT, body, ARTIFACT_FIELDS, [attempts])})


METADATA_FIELDS = ("field_name", "value", "type", "user_name")
METADATA_INSERT = f"""INSERT INTO metadata
    (flow_id, run_number, step_name, task_id, ts_epoch, tags, system_tags, field_name, value, type, user_name)
    SELECT owner.*, $7, new.tags::jsonb, new.system_tags::jsonb, a, b, c, d FROM ({OWNER}) AS owner CROSS JOIN
    unnest($8::text[], $9::text[], $10::text[], $11::text[], $12::text[], $13::text[])
    AS new (tags, system_tags, a, b, c, d)"""
ARTIFACT_FIELDS = ("name", "location", "ds_type", "sha", "type", "content_type", "user_name")
ARTIFACT_INSERT = f"""INSERT INTO artifacts
    (flow_id, run_number, step_name, task_id, ts_epoch, tags, system_tags, name, location, ds_type, sha, type,
    content_type, user_name, attempt_id)
    SELECT owner.*, $7, new.tags::jsonb, new.system_tags::jsonb, a, b, c, d, e, f, g, attempt FROM ({OWNER}) AS owner
    CROSS JOIN unnest($8::text[], $9::text[], $10::text[], $11::text[], $12::text[], $13::text[], $14::text[],
    $15::text[], $16::text[], $17::int[]) AS new (tags, system_tags, a, b, c, d, e, f, g, attempt)
    ON CONFLICT DO NOTHING"""


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
    done = await request.app[POOL].execute(statement, *(*task_key(request), rows.now_ms(), *columns))
    created = int(done.split()[-1])
    if not created and await request.app[POOL].fetchrow(OWNER, *task_key(request)) is None:
        raise Refused(404, "the task does not exist")
    return created


def _objects(body: list[Any]) -> list[dict[str, Any]]:
    if not all(isinstance(item, dict) for item in body):
        raise Refused(400, "the body is not a list of objects")
    return body


def _as_text(item: dict[str, Any], name: str) -> str | None:
    """A field as text, also where clients send something else.

    A list as PostgreSQL writes an array, which is what the Netflix service keeps of a ``foreach-stack``; numbers,
    booleans, and what holds others in their JSON form.
    """
    value = item.get(name)
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, list) and all(isinstance(part, (str, int, float)) for part in value):
        return "{" + ",".join(_array_element(str(part)) for part in value) + "}"
    return orjson.dumps(value).decode()


def _array_element(part: str) -> str:
    if part and part.upper() != "NULL" and not re.search(r'[{},"\\\s]', part):
        return part
    return '"' + re.sub(r'(["\\])', r"\\\1", part) + '"'


async def _artifacts(request: web.Request, where: str, key: tuple[Any, ...], among: str = "latest") -> web.Response:
    """Those of the latest attempt of each task, or of the attempt ``among``.

    Every page shows them as they were when the first one was asked for, lest a new attempt mixes in.
    """
    page = paging.page(request, paging.ARTIFACTS)
    values = list(key)
    then = ""
    if page.until is not None:
        values.append(page.until)
        then = f"AND artifacts.ts_epoch <= ${len(values)}"
    select = f"""SELECT {ARTIFACT} FROM ({ARTIFACTS} WHERE flow_id = $1 AND {RUN} {where} {then}) AS found
        WHERE attempt_id = {among}"""
    return await paging.listed(request, page, select, values, rows.below_run)


async def run_artifacts(request: web.Request) -> web.Response:
    """GET .../runs/R/artifacts: of each task, those of its latest attempt; in pages where asked."""
    return await _artifacts(request, "", run_key(request))


async def step_artifacts(request: web.Request) -> web.Response:
    """GET .../steps/S/artifacts: of each task, those of its latest attempt; in pages where asked."""
    return await _artifacts(request, "AND step_name = $4", (*run_key(request), request.match_info["step"]))


async def task_artifacts(request: web.Request) -> web.Response:
    """GET .../tasks/T/artifacts: those of the latest attempt; in pages where asked."""
    return await _artifacts(request, f"AND {TASK}", task_key(request))


async def attempt_artifacts(request: web.Request) -> web.Response:
    """GET .../tasks/T/attempt/A/artifacts."""
    attempt = _attempt(request.match_info["attempt"], "attempt")
    return await _artifacts(request, f"AND {TASK}", (*task_key(request), attempt), among="$7")


async def artifact(request: web.Request) -> web.Response:
    """GET .../tasks/T/artifacts/N, of the task's latest attempt, or .../attempt/A. 404 where that one has none."""
    key: tuple[Any, ...] = (*task_key(request), request.match_info["name"])
    among = "latest"
    if "attempt" in request.match_info:
        key, among = (*key, _attempt(request.match_info["attempt"], "attempt")), "$8"
    row = await request.app[POOL].fetchrow(
        f"""SELECT {ARTIFACT} FROM ({ARTIFACTS} WHERE flow_id = $1 AND {RUN} AND {TASK}) AS found
        WHERE attempt_id = {among} AND name = $7""",
        *key,
    )
    return answer(rows.below_run(found(row)))


def _attempt(text: str, name: str) -> int:
    if not re.fullmatch("[0-9]{1,10}", text) or int(text) > LARGEST_ATTEMPT:
        raise Refused(400, f"{name} {text!r} is not a whole number from 0")
    return int(text)


async def filtered_tasks(request: web.Request) -> web.Response:
    """GET .../steps/S/filtered_tasks: pathspecs of the tasks with a matching metadatum; of all, without a filter."""
    key: tuple[Any, ...] = (*run_key(request), request.match_info["step"])
    condition = ""
    field, pattern = request.query.get("metadata_field_name") or None, request.query.get("pattern") or None
    if field or pattern:
        key = (*key, field, pattern)
        # the first condition reads the pattern even where there is nothing to match: a bad one is always refused
        condition = """AND coalesce('' ~ $6::text, true) IS NOT NULL
            AND EXISTS (SELECT FROM metadata WHERE (metadata.flow_id, metadata.run_number,
            metadata.step_name, metadata.task_id) = (tasks.flow_id, tasks.run_number, tasks.step_name, tasks.task_id)
            AND ($5::text IS NULL OR field_name = $5) AND ($6::text IS NULL OR value ~ $6))"""
    listed = await request.app[POOL].fetch(
        f"""SELECT flow_id, coalesce(run_id, run_number::text) AS run, step_name,
        coalesce(task_name, task_id::text) AS task FROM tasks JOIN runs USING (flow_id, run_number)
        WHERE flow_id = $1 AND {RUN} AND step_name = $4 {condition} ORDER BY task_id""",
        *key,
    )
    return answer(["/".join(row) for row in listed])
