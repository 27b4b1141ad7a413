"""Pages and filters: rows told twice or never, operators mixed up."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from conformance.mutants.bench import LISTINGS, OK, Bench, Handler, answer, asked_again, json_of, replace
from conformance.mutants.catalogue import mutant

LIMIT, CURSOR = "X-Limit", "X-Next-Cursor"
FILTERED = ("GET F/runs", "GET S/tasks")


def operators(bench: Bench, swaps: dict[str, str]) -> None:
    """Take each operator of a filter for another."""

    @bench.around(*FILTERED)
    async def swap(request: web.Request, handler: Handler) -> web.StreamResponse:
        query: dict[str, str | None] = {}
        for key, value in request.query.items():
            name, _, operator = key.partition(":")
            if operator in swaps:
                query |= {key: None, f"{name}:{swaps[operator]}": value}
        return await handler(asked_again(request, **query) if query else request)


@mutant("page-cursor-inclusive")
def page_cursor_inclusive(bench: Bench) -> None:
    """The next page begins with the last row of the one before."""
    last: dict[str, Any] = {}

    @bench.around(*LISTINGS)
    async def inclusive(request: web.Request, handler: Handler) -> web.StreamResponse:
        response = await handler(request)
        if response.status == OK and LIMIT in response.headers:
            body = json_of(response)
            if CURSOR in response.headers:
                last[response.headers[CURSOR]] = body[-1]
            if before := last.get(request.query.get("_cursor", "")):
                replace(response, [before, *body])
        return response


@mutant("page-skips-a-row")
def page_skips_a_row(bench: Bench) -> None:
    """Between two pages a row is lost: the cursor is one too far."""

    @bench.around(*LISTINGS)
    async def skip(request: web.Request, handler: Handler) -> web.StreamResponse:
        response = await handler(request)
        if response.status == OK and request.query.get("_cursor"):
            replace(response, json_of(response)[1:])
        return response


@mutant("page-by-offset")
def page_by_offset(bench: Bench) -> None:
    """The cursor counts rows: what is registered between two pages pushes a row onto the next one again."""
    seen: dict[str, tuple[int, Any]] = {}

    @bench.around(*LISTINGS)
    async def offset(request: web.Request, handler: Handler) -> web.StreamResponse:
        if LIMIT not in (response := await handler(request)).headers or response.status != OK:
            return response
        limit = int(response.headers[LIMIT])
        start, _ = seen.get(request.query.get("_cursor", ""), (0, None))
        whole = await handler(asked_again(request, _limit="500", _cursor=None))
        body = json_of(whole)
        replace(response, body[start : start + limit])
        if CURSOR in response.headers:
            seen[response.headers[CURSOR]] = (start + limit, None)
        return response


@mutant("page-never-ends")
def page_never_ends(bench: Bench) -> None:
    """The last page has a cursor too: a client that follows it never stops."""

    @bench.around(*LISTINGS)
    async def endless(request: web.Request, handler: Handler) -> web.StreamResponse:
        response = await handler(request)
        if response.status == OK and LIMIT in response.headers and CURSOR not in response.headers:
            response.headers[CURSOR] = request.query.get("_cursor", "MA")
        return response


@mutant("page-without-cursor")
def page_without_cursor(bench: Bench) -> None:
    """A page does not tell where the next one begins: a proxy strips the header."""

    @bench.around(*LISTINGS)
    async def strip(request: web.Request, handler: Handler) -> web.StreamResponse:
        response = await handler(request)
        response.headers.pop(CURSOR, None)
        return response


@mutant("page-too-long")
def page_too_long(bench: Bench) -> None:
    """A page has one row more than its limit."""

    @bench.around(*LISTINGS)
    async def longer(request: web.Request, handler: Handler) -> web.StreamResponse:
        limit = request.query.get("_limit", "")
        if not limit.isdigit():
            return await handler(request)
        response = await handler(asked_again(request, _limit=str(int(limit) + 1)))
        if LIMIT in response.headers:
            response.headers[LIMIT] = limit
        return response


@mutant("page-limit-ignored")
def page_limit_ignored(bench: Bench) -> None:
    """Every page has 50 rows, whatever was asked for."""

    @bench.around(*LISTINGS)
    async def ignore(request: web.Request, handler: Handler) -> web.StreamResponse:
        return await handler(asked_again(request, _limit="50") if "_limit" in request.query else request)


@mutant("page-oldest-first")
def page_oldest_first(bench: Bench) -> None:
    """A page shows its rows oldest first."""

    @bench.around(*LISTINGS)
    async def turn(request: web.Request, handler: Handler) -> web.StreamResponse:
        response = await handler(request)
        if response.status == OK and LIMIT in response.headers:
            replace(response, json_of(response)[::-1])
        return response


@mutant("page-loses-filter")
def page_loses_filter(bench: Bench) -> None:
    """From the second page on the filter is forgotten."""

    @bench.around(*FILTERED)
    async def forget(request: web.Request, handler: Handler) -> web.StreamResponse:
        if not request.query.get("_cursor"):
            return await handler(request)
        query: dict[str, str | None] = {name: None for name in request.query if name not in ("_limit", "_cursor")}
        return await handler(asked_again(request, **query))


@mutant("page-bad-cursor-starts-over")
def page_bad_cursor_starts_over(bench: Bench) -> None:
    """A cursor that is none is answered with the first page: a client reads the same rows for ever."""

    @bench.around(*LISTINGS)
    async def over(request: web.Request, handler: Handler) -> web.StreamResponse:
        response = await handler(request)
        if response.status != OK and request.query.get("_cursor"):
            return await handler(asked_again(request, _cursor=None, _limit=request.query.get("_limit", "50")))
        return response


@mutant("page-bad-limit-is-500")
def page_bad_limit_is_500(bench: Bench) -> None:
    """A limit that is no number is answered with 500."""

    @bench.around(*LISTINGS)
    async def crash(request: web.Request, handler: Handler) -> web.StreamResponse:
        response = await handler(request)
        return answer({"message": "internal error"}, 500) if _refused(response, request, "_limit") else response


def _refused(response: web.StreamResponse, request: web.Request, name: str) -> bool:
    return response.status == 400 and name in request.query  # noqa: PLR2004


@mutant("filter-ge-is-gt")
def filter_ge_is_gt(bench: Bench) -> None:
    """The operators ge and le leave out what is equal."""
    operators(bench, {"ge": "gt", "le": "lt"})


@mutant("filter-lt-is-gt")
def filter_lt_is_gt(bench: Bench) -> None:
    """The operators lt and gt, le and ge are swapped."""
    operators(bench, {"lt": "gt", "gt": "lt", "le": "ge", "ge": "le"})


@mutant("filter-ne-is-eq")
def filter_ne_is_eq(bench: Bench) -> None:
    """The operator ne shows what is equal."""
    operators(bench, {"ne": "eq"})


@mutant("filter-starts-is-contains")
def filter_starts_is_contains(bench: Bench) -> None:
    """The operators sw and ew are taken for co."""
    operators(bench, {"sw": "co", "ew": "co"})


@mutant("filter-any-is-all")
def filter_any_is_all(bench: Bench) -> None:
    """A run has to have all of the tags of which it was asked for any."""
    operators(bench, {"any": "all", "likeany": "likeall"})


@mutant("filter-ignored")
def filter_ignored(bench: Bench) -> None:
    """Filters are ignored: everything is listed."""

    @bench.around(*FILTERED)
    async def ignore(request: web.Request, handler: Handler) -> web.StreamResponse:
        query: dict[str, str | None] = {name: None for name in request.query if name not in ("_limit", "_cursor")}
        return await handler(asked_again(request, **query) if query else request)


@mutant("filter-first-value-only")
def filter_first_value_only(bench: Bench) -> None:
    """Of several values separated by commas the first alone counts."""

    @bench.around(*FILTERED)
    async def first(request: web.Request, handler: Handler) -> web.StreamResponse:
        query: dict[str, str | None] = {
            name: value.split(",")[0] for name, value in request.query.items() if "," in value and name[0] != "_"
        }
        return await handler(asked_again(request, **query) if query else request)


@mutant("filter-second-ignored")
def filter_second_ignored(bench: Bench) -> None:
    """Of two filters the first alone counts."""

    @bench.around(*FILTERED)
    async def first(request: web.Request, handler: Handler) -> web.StreamResponse:
        names = [name for name in request.query if name not in ("_limit", "_cursor")]
        query: dict[str, str | None] = dict.fromkeys(names[1:])
        return await handler(asked_again(request, **query) if query else request)
