"""Pages of a listing, as the newest commit of the real service has them: asked for by ``_limit`` or ``_cursor``.

A page is newest first. ``X-Limit`` tells its size, ``X-Next-Cursor`` (absent on the last) where the next one
begins: after the last row of this one in the order, so that rows registered meanwhile never show up twice.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import orjson
from aiohttp import web

from .rows import LARGEST
from .web import POOL, Refused, answer

DEFAULT = 50
MOST = 500

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Keys:
    """The columns that order a listing and tell each row from every other, with their types.

    ``whole``: the order of the listing when it is not paged.
    """

    columns: Mapping[str, type]
    whole: str

    def begins_after(self, parameters: int) -> str:
        """The condition for what follows the cursor, whose values are added after ``parameters`` others."""
        marks = ", ".join(f"${parameters + number}" for number in range(1, len(self.columns) + 1))
        return f"WHERE ({', '.join(self.columns)}) < ({marks})"

    @property
    def newest_first(self) -> str:
        """For ORDER BY."""
        return ", ".join(f"{column} DESC" for column in self.columns)


FLOWS = Keys({"ts_epoch": int, "flow_id": str}, "ts_epoch, flow_id")
RUNS = Keys({"ts_epoch": int, "run_number": int}, "run_number DESC")
TASKS = Keys({"ts_epoch": int, "task_id": int}, "task_id")
METADATA = Keys({"ts_epoch": int, "id": int}, "id")
ARTIFACTS = Keys({"ts_epoch": int, "task_id": int, "name": str}, "step_name, task_id, name")


@dataclass(frozen=True)
class Page:
    """What is asked for of a listing: all of it without a ``limit``.

    ``after``: the keys of the last row told; ``until``: the time of the newest one.
    """

    keys: Keys
    limit: int | None = None
    after: tuple[Any, ...] = ()
    until: int | None = None

    def limited(self) -> Page:
        """The same, with a limit if there is none yet."""
        return self if self.limit else replace(self, limit=DEFAULT)


def page(request: web.Request, keys: Keys) -> Page:
    """The page that a request asks for.

    Raises ``Refused`` (400) for a limit that is not a number from 1, and a cursor that this listing did not give.
    """
    limit, cursor = request.query.get("_limit"), request.query.get("_cursor")
    if limit is None and cursor is None:
        return Page(keys)
    if limit and not re.fullmatch("0*[1-9][0-9]{0,9}", limit):
        raise Refused(400, f"_limit={limit}: not a whole number from 1")
    size = min(int(limit or DEFAULT), MOST)
    return Page(keys, size, *_place(cursor, keys)) if cursor else Page(keys, size)


def _place(cursor: str, keys: Keys) -> tuple[tuple[Any, ...], int]:
    try:
        told = orjson.loads(base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True))
        place = [told[column] for column in (*keys.columns, "until")]
    except (binascii.Error, ValueError, LookupError, TypeError):
        place = []
    kinds = (*keys.columns.values(), int)
    if [type(value) for value in place] != list(kinds) or any(type(v) is int and abs(v) > LARGEST for v in place):
        raise Refused(400, "_cursor: not one that this listing gave")
    return tuple(place[:-1]), place[-1]


async def listed(
    request: web.Request, page: Page, select: str, values: list[Any], show: Callable[[Row], dict[str, Any]]
) -> web.Response:
    """The rows of ``select``, each as ``show`` gives it: all of them, or the ``page``."""
    if page.limit is None:
        found = await request.app[POOL].fetch(f"{select} ORDER BY {page.keys.whole}", *values)
        return answer([show(row) for row in found])
    begins = page.keys.begins_after(len(values)) if page.after else ""
    found = await request.app[POOL].fetch(
        f"SELECT * FROM ({select}) AS listed {begins} ORDER BY {page.keys.newest_first} LIMIT {page.limit + 1}",
        *(*values, *page.after),
    )
    headers = {"X-Limit": str(page.limit)}
    if len(found) > page.limit:
        found = found[: page.limit]
        until = found[0]["ts_epoch"] if page.until is None else page.until
        place = {**{column: found[-1][column] for column in page.keys.columns}, "until": until}
        headers["X-Next-Cursor"] = base64.urlsafe_b64encode(orjson.dumps(place)).decode().rstrip("=")
    return answer([show(row) for row in found], headers=headers)
