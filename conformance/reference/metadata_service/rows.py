"""Identifiers and rows as the client sees them.

A run and a task each have a number, given by the service, and may have a name, given by the client (an
Argo workflow's, say). A path segment of digits alone is the number, any other the name; answers show the
name where there is one.
"""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from typing import Any

from .web import Refused

LARGEST = 2**63 - 1
VERSION_TAG = "metaflow_version:"


def now_ms() -> int:
    """The time in milliseconds since the epoch, UTC."""
    return time.time_ns() // 1_000_000


def now_s() -> int:
    """The time in seconds since the epoch, UTC: the unit of heartbeats."""
    return int(time.time())


def number_and_name(segment: str) -> tuple[int, str]:
    """What to look for: a number that matches nothing (-1) or a name that matches nothing (empty)."""
    if not (segment.isascii() and segment.isdigit()):
        return -1, segment
    digits = segment.lstrip("0") or "0"
    return (int(digits), "") if len(digits) <= len(str(LARGEST)) and int(digits) <= LARGEST else (-1, "")


def run(row: Mapping[str, Any]) -> dict[str, Any]:
    """A run; ``user`` only where a system tag bears the user's name out, ``status`` only where it was asked for."""
    shown = dict(row)
    shown["run_number"] = shown.pop("run_id") or shown["run_number"]
    if shown["user_name"] and f"user:{shown['user_name']}" in shown["system_tags"]:
        shown["user"] = shown["user_name"]
    return shown


def step(row: Mapping[str, Any]) -> dict[str, Any]:
    """A step: its columns; the run by its name or, unlike everywhere else, by its number as a string."""
    shown = dict(row)
    shown["run_number"] = shown.pop("run_id") or str(shown["run_number"])
    return shown


def below_run(row: Mapping[str, Any]) -> dict[str, Any]:
    """A task, metadatum or artifact: its columns, run and task by the name where there is one."""
    shown = dict(row)
    shown["run_number"] = shown.pop("run_id") or shown["run_number"]
    shown["task_id"] = shown.pop("task_name") or shown["task_id"]
    return shown


def tags(body: Mapping[str, Any], name: str, *, required: bool = False) -> list[str]:
    """The list of strings at ``name``, empty if absent or null. Raises ``Refused`` (400) for anything else.

    ``required``: null is refused too.
    """
    value = body.get(name)
    if value is None and not required:
        return []
    if not isinstance(value, list) or not all(isinstance(tag, str) for tag in value):
        raise Refused(400, f"{name} is not a list of strings")
    return value


def text(body: Mapping[str, Any], name: str) -> str | None:
    """The string at ``name``, or None. Raises ``Refused`` (400) for anything else."""
    value = body.get(name)
    if value is not None and not isinstance(value, str):
        raise Refused(400, f"{name} is not a string")
    return value


def chosen_name(body: Mapping[str, Any], name: str) -> str | None:
    """The name a client gives its run or task, if any. Raises ``Refused`` (400) for one of digits alone."""
    value = text(body, name)
    if value is not None and (not value or value.isdigit()):
        raise Refused(400, f"{name} {value!r}: a name is neither empty nor of digits alone")
    return value


def first_heartbeat(body: Mapping[str, Any]) -> int | None:
    """The heartbeat a new run or task starts with: now, for a client that sends heartbeats, else none.

    The client says its version in a system tag; clients of 2.2.12 on, and of 1.14 on before 2, send heartbeats,
    and one whose version can not be read is taken for such.
    """
    if body.get("system_tags") is None:
        return now_s()
    versions = [tag.removeprefix(VERSION_TAG) for tag in tags(body, "system_tags") if tag.startswith(VERSION_TAG)]
    if not versions:
        return None
    if not (found := re.match(r"[0-9]{1,9}(\.[0-9]{1,9})*", versions[0])):
        return now_s()
    version = tuple(int(part) for part in found[0].split("."))
    return now_s() if version >= (2, 2, 12) or (1, 14) <= version < (2,) else None
