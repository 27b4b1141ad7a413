"""Filters of runs and tasks, as the newest commit of the real service has them: ``field:operator=value,value``.

Operators: eq (the default) ne lt le gt ge; co (contains) sw (starts with) ew (ends with) li (a pattern with % and _),
all four ignoring case; is. One of several values has to match, except that ``ne`` means none of them. ``null`` stands
for no value. Of runs also ``_tags:all`` (the default), ``any``, and ``likeall``, ``likeany`` for parts of tags.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson
from aiohttp import web

from .rows import LARGEST
from .web import Refused

COMPARED = {"eq": "=", "ne": "<>", "lt": "<", "le": "<=", "gt": ">", "ge": ">="}
LIKE = {"co": "%{}%", "sw": "{}%", "ew": "%{}", "li": "{}"}
OPERATORS = (*COMPARED, *LIKE, "is")
STATUSES = ("running", "completed", "failed")
ALL_TAGS = "tags || system_tags"
TAGS = {
    "all": f"({ALL_TAGS}) ?& {{}}::text[]",
    "any": f"({ALL_TAGS}) ?| {{}}::text[]",
    "likeany": f"EXISTS (SELECT FROM jsonb_array_elements_text({ALL_TAGS}) AS tag WHERE tag LIKE ANY ({{}}::text[]))",
    "likeall": f"NOT EXISTS (SELECT FROM unnest({{}}::text[]) AS part WHERE NOT EXISTS "
    f"(SELECT FROM jsonb_array_elements_text({ALL_TAGS}) AS tag WHERE tag LIKE part))",
}


@dataclass(frozen=True)
class Field:
    """A field that can be compared: its SQL, and what its values are (number, text, tags or status)."""

    sql: str
    kind: str


NUMBERED = {name: Field(name, "number") for name in ("ts_epoch", "last_heartbeat_ts")}
RUNS = {
    **NUMBERED,
    "run_number": Field("run_number", "number"),
    "flow_id": Field("flow_id", "text"),
    "run_id": Field("run_id", "text"),
    "user_name": Field("user_name", "text"),
    "user": Field("CASE WHEN system_tags ? ('user:' || user_name) THEN user_name END", "text"),
    "status": Field("status", "status"),
    "tags": Field("tags", "tags"),
    "system_tags": Field("system_tags", "tags"),
}
TASKS = {
    **NUMBERED,
    "task_id": Field("task_id", "number"),
    "task_name": Field("task_name", "text"),
    "user_name": Field("user_name", "text"),
}


def conditions(request: web.Request, fields: Mapping[str, Field], values: list[Any], *, tags: bool = False) -> str:
    """The SQL of a request's filters, each begun by AND, their values added to ``values``; empty without a filter.

    Raises ``Refused`` (400) for a field, operator or value that is none.
    """
    found = []
    for key, text in request.query.items():
        name, _, operator = key.partition(":")
        if name in ("_limit", "_cursor"):
            continue
        if tags and name == "_tags":
            found.append(_tagged(key, operator or "all", text, values))
        elif name in fields:
            found.append(_compared(key, fields[name], operator or "eq", text, values))
        else:
            raise Refused(400, f"{key}: not a field to filter by; {', '.join(sorted(fields))} are")
    return "".join(f" AND {condition}" for condition in found)


def asks_status(request: web.Request) -> bool:
    """Whether a filter needs the status of runs, which is derived."""
    return any(key.partition(":")[0] == "status" for key in request.query)


def _tagged(key: str, operator: str, text: str, values: list[Any]) -> str:
    if operator not in TAGS:
        raise Refused(400, f"{key}: not an operator; {', '.join(TAGS)} are")
    parts = text.split(",")
    return TAGS[operator].format(
        _mark(values, [f"%{_plain(part)}%" for part in parts] if "like" in operator else parts)
    )


def _compared(key: str, field: Field, operator: str, text: str, values: list[Any]) -> str:
    if operator not in OPERATORS:
        raise Refused(400, f"{key}: not an operator; {', '.join(OPERATORS)} are")
    if field.kind == "tags":
        return _compared_tags(key, field, operator, text, values)
    given = text.split(",")
    parts = []
    if "null" in given:
        if operator not in ("eq", "ne", "is"):
            raise Refused(400, f"{key}={text}: null can only be compared by eq, ne and is")
        parts.append(f"{field.sql} IS {'NOT ' if operator == 'ne' else ''}NULL")
    if rest := [value for value in given if value != "null"]:
        parts += _one_by_one(key, field, operator, rest, values)
    return f"({(' AND ' if operator == 'ne' else ' OR ').join(parts)})"


def _one_by_one(key: str, field: Field, operator: str, given: list[str], values: list[Any]) -> list[str]:
    if operator == "is":
        raise Refused(400, f"{key}: is can only be followed by null")
    if field.kind == "status" and (unknown := [value for value in given if value not in STATUSES]):
        raise Refused(400, f"{key}={unknown[0]}: not a status; {', '.join(STATUSES)} are")
    if operator in LIKE:
        if field.kind == "number":
            raise Refused(400, f"{key}: {operator} compares text, not numbers")
        return [f"{field.sql} ILIKE {_mark(values, _pattern(operator, value))}" for value in given]
    wanted = [_number(key, value) for value in given] if field.kind == "number" else given
    return [f"{field.sql} {COMPARED[operator]} {_mark(values, value)}" for value in wanted]


def _compared_tags(key: str, field: Field, operator: str, text: str, values: list[Any]) -> str:
    if operator in LIKE:
        return f"{field.sql}::text ILIKE {_mark(values, _pattern(operator, text))}"
    if operator not in ("eq", "ne"):
        raise Refused(400, f"{key}: {operator} does not compare tags; eq, ne, {', '.join(LIKE)} do")
    try:
        tags = orjson.loads(text)
    except orjson.JSONDecodeError:
        raise Refused(400, f"{key}={text}: not a JSON list of tags") from None
    return f"{field.sql} {COMPARED[operator]} {_mark(values, tags)}::jsonb"


def _number(key: str, text: str) -> int:
    if not re.fullmatch(r"-?[0-9]{1,19}", text) or abs(int(text)) > LARGEST:
        raise Refused(400, f"{key}={text}: not a whole number")
    return int(text)


def _pattern(operator: str, text: str) -> str:
    return LIKE[operator].format(text if operator == "li" else _plain(text))


def _plain(text: str) -> str:
    """``text`` as part of a pattern, where none of its characters means anything else."""
    return re.sub(r"([\\%_])", r"\\\1", text)


def _mark(values: list[Any], value: Any) -> str:
    values.append(value)
    return f"${len(values)}"
