"""Services that are slow, or that wear out."""

from __future__ import annotations

import asyncio
import os
from typing import Any

from aiohttp import web

from conformance.mutants.bench import (
    BULKS,
    LISTINGS,
    OK,
    REGISTRATIONS,
    Bench,
    Handler,
    answer,
    every,
    json_of,
    pool_of,
    sent,
)
from conformance.mutants.catalogue import mutant


@mutant("slow-per-row-written")
def slow_per_row_written(bench: Bench) -> None:
    """A bulk takes 300 ms for each row: one statement a row, far away."""

    @bench.around(*BULKS)
    async def slow(request: web.Request, handler: Handler) -> web.StreamResponse:
        body = await sent(request)
        await asyncio.sleep(0.3 * len(body) if isinstance(body, list) else 0)
        return await handler(request)


@mutant("slow-per-row-read")
def slow_per_row_read(bench: Bench) -> None:
    """A listing takes 200 ms for each row: a query a row."""

    @bench.around(*LISTINGS)
    async def slow(request: web.Request, handler: Handler) -> web.StreamResponse:
        response = await handler(request)
        if response.status == OK:
            await asyncio.sleep(0.2 * len(json_of(response)))
        return response


@mutant("slow-registration")
def slow_registration(bench: Bench) -> None:
    """Every registration takes two seconds."""

    @bench.around(*REGISTRATIONS)
    async def slow(request: web.Request, handler: Handler) -> web.StreamResponse:
        await asyncio.sleep(2)
        return await handler(request)


@mutant("slower-and-slower")
def slower_and_slower(bench: Bench) -> None:
    """Each request takes 200 ms longer than the one before: a list that is searched through grows."""
    calls = iter(range(10**9))

    @bench.around("*")
    async def slow(request: web.Request, handler: Handler) -> web.StreamResponse:
        await asyncio.sleep(next(calls) / 5)
        return await handler(request)


@mutant("connections-leak")
def connections_leak(bench: Bench) -> None:
    """Every 20th request keeps its database connection: the service stalls when all are taken."""
    due = every(20)
    kept: list[Any] = []

    @bench.around("GET *", "POST *", "PATCH *")
    async def leak(request: web.Request, handler: Handler) -> web.StreamResponse:
        if due():
            taken = pool_of(request.app).acquire()
            try:
                await taken.__aenter__()
            except Exception:  # noqa: BLE001 - all are taken: what is meant to happen
                return answer({"message": "the database is away"}, 503)
            kept.append(taken)
        return await handler(request)


@mutant("process-dies", dies=True)
def process_dies(bench: Bench) -> None:
    """The process ends without a word at its 500th request."""
    due = every(500)

    @bench.around("*")
    async def die(request: web.Request, handler: Handler) -> web.StreamResponse:
        if due():
            os._exit(137)
        return await handler(request)


@mutant("stops-writing")
def stops_writing(bench: Bench) -> None:
    """After 300 requests every write is refused with 503: the disk is full."""
    calls = iter(range(10**9))

    @bench.around("*")
    async def full(request: web.Request, handler: Handler) -> web.StreamResponse:
        over = next(calls) > 300  # noqa: PLR2004
        if over and request.method != "GET":
            return answer({"message": "no space left on device"}, 503)
        return await handler(request)


@mutant("forgets-old-rows")
def forgets_old_rows(bench: Bench) -> None:
    """Only the newest 1,000 metadata are kept: a janitor that means well."""

    @bench.around("POST T/metadata")
    async def prune(request: web.Request, handler: Handler) -> web.StreamResponse:
        response = await handler(request)
        await pool_of(request.app).execute("DELETE FROM metadata WHERE id <= (SELECT max(id) - 1000 FROM metadata)")
        return response
