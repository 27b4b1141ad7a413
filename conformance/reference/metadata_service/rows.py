"""Identifiers and rows as the client sees them.

A run and a task each have a number, given by the service, and may have a name, given by the client (an
Argo workflow's, say). A path segment of digits alone is the number, any other the name; answers show the
name where there is one.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from .web import Refused

LARGEST = 2**63 - 1


def now_ms() -> int:
    """The time in milliseconds since the epoch, UTC."""
    return time.time_ns() // 1_000_000


def now_s() -> int:
    """The time in seconds since the epoch, UTC: the unit of heartbeats."""
    return int(time.time())


def number_and_name(segment: str) -> tuple[int, str]:
    """What to look for: a number that matches nothing (-1) or a name that matches nothing (empty)."""
    if segment.isascii() and segment.isdigit():
        return (int(segment), "") if int(segment) <= LARGEST else (-1, "")
    return -1, segment


def run(row: Mapping[str, Any]) -> dict[str, Any]:
    """A run."""
    return {
        "flow_id": row["flow_id"],
        "run_number": row["run_id"] or row["run_number"],
        "user_name": row["user_name"],
        "ts_epoch": row["ts_epoch"],
        "last_heartbeat_ts": row["last_heartbeat_ts"],
        "tags": row["tags"],
        "system_tags": row["system_tags"],
    }


def below_run(row: Mapping[str, Any]) -> dict[str, Any]:
    """A step, task, metadatum or artifact: its columns, run and task by the name where there is one."""
    shown = dict(row)
    shown["run_number"] = str(shown.pop("run_id", None) or shown["run_number"])
    if "task_id" in shown:
        shown["task_id"] = str(shown.pop("task_name", None) or shown["task_id"])
    return shown


def tags(body: Mapping[str, Any], name: str) -> list[str]:
    """The list of strings at ``name``, empty if absent. Raises ``Refused`` (400) for anything else."""
    value = body.get(name)
    if value is None:
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


def first_heartbeat(system_tags: list[str]) -> int | None:
    """The heartbeat a new run or task starts with: now, for a client that sends heartbeats (2.2.12 on)."""
    versions = [tag.split(":", 1)[1] for tag in system_tags if tag.startswith("metaflow_version:")]
    if not versions:
        return None
    try:
        parts = tuple(int(part) for part in versions[0].split(".")[:3])
    except ValueError:
        return now_s()
    return now_s() if parts >= (2, 2, 12) else None
