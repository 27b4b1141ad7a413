"""Errors that come at the wrong time, with the wrong status, or tell too much or nothing."""

from __future__ import annotations

import asyncio
from typing import Any

from aiohttp import web

from conformance.mutants.bench import (
    BULKS,
    NOWHERE,
    OK,
    REGISTRATIONS,
    Bench,
    Handler,
    answer,
    every,
    sent,
)
from conformance.mutants.catalogue import mutant

WRITES = (*REGISTRATIONS, *BULKS, "PATCH R/tag/mutate")
FAULT = 400
PAGE = "<html><head><title>{0}</title></head><body><h1>{0}</h1><hr>nginx</body></html>"
TRACE = 'Traceback (most recent call last):\n  File "/app/service.py", line 81, in handle\nKeyError: "run_number"\n'


def failing(bench: Bench, *routes: str, when: Any, status: int = 500) -> None:
    """Answer with an error ``when`` it is due, before anything is done."""

    @bench.around(*routes)
    async def fail(request: web.Request, handler: Handler) -> web.StreamResponse:
        return answer({"message": "internal error"}, status) if when() else await handler(request)


@mutant("error-every-40th")
def error_every_40th(bench: Bench) -> None:
    """Every 40th request is answered with 500."""
    failing(bench, "*", when=every(40))


@mutant("error-every-150th")
def error_every_150th(bench: Bench) -> None:
    """Every 150th request is answered with 500."""
    failing(bench, "*", when=every(150))


@mutant("error-502-every-60th")
def error_502_every_60th(bench: Bench) -> None:
    """Every 60th read is answered with 502: one of several workers is gone."""
    failing(bench, "GET *", when=every(60), status=502)


@mutant("error-when-busy")
def error_when_busy(bench: Bench) -> None:
    """With more than four requests under way, the others are answered with 500: the pool is too small."""
    failing(bench, *WRITES, when=lambda: bench.busy > 4)  # noqa: PLR2004


@mutant("error-429-when-busy")
def error_429_when_busy(bench: Bench) -> None:
    """With more than four requests under way, the others are answered with 429, which the client does not repeat."""
    failing(bench, *WRITES, when=lambda: bench.busy > 4, status=429)  # noqa: PLR2004


@mutant("error-deadlock")
def error_deadlock(bench: Bench) -> None:
    """Of registrations below one run at the same time, every other one fails: a deadlock that nobody retries."""
    due = every(2)
    failing(bench, "POST S/task", "POST T/artifact", when=lambda: bench.busy > 2 and due())  # noqa: PLR2004


@mutant("error-after-the-write")
def error_after_the_write(bench: Bench) -> None:
    """Every 20th registration is kept and answered with 500."""
    due = every(20)

    @bench.around(*REGISTRATIONS)
    async def fail(request: web.Request, handler: Handler) -> web.StreamResponse:
        response = await handler(request)
        return answer({"message": "internal error"}, 500) if due() else response


@mutant("error-status-200")
def error_status_200(bench: Bench) -> None:
    """Every error is answered with 200 and the error in the body."""

    @bench.around("*")
    async def hide(request: web.Request, handler: Handler) -> web.StreamResponse:
        response = await handler(request)
        return answer({"error": response.status}) if response.status >= FAULT else response


@mutant("error-body-empty")
def error_body_empty(bench: Bench) -> None:
    """Errors have no body."""

    @bench.around("*")
    async def empty(request: web.Request, handler: Handler) -> web.StreamResponse:
        response = await handler(request)
        return web.Response(status=response.status) if response.status >= FAULT else response


@mutant("error-as-html")
def error_as_html(bench: Bench) -> None:
    """Errors are pages in HTML, without the service's headers."""

    @bench.around("*")
    async def page(request: web.Request, handler: Handler) -> web.StreamResponse:
        response = await handler(request)
        if response.status < FAULT:
            return response
        return web.Response(text=PAGE.format(response.status), status=response.status, content_type="text/html")


@mutant("error-with-traceback")
def error_with_traceback(bench: Bench) -> None:
    """A body that is no JSON is answered with 500 and a traceback."""

    @bench.around(*WRITES)
    async def crash(request: web.Request, handler: Handler) -> web.StreamResponse:
        if await sent(request) is None:
            return web.Response(text=TRACE, status=500)
        return await handler(request)


@mutant("error-tells-the-statement")
def error_tells_the_statement(bench: Bench) -> None:
    """Errors show the SQL statement and the host of the database."""
    told = 'relation "runs": INSERT INTO runs (flow_id) VALUES ($1); host=db.internal user=postgres'

    @bench.around("*")
    async def tell(request: web.Request, handler: Handler) -> web.StreamResponse:
        response = await handler(request)
        return answer({"message": told}, response.status) if response.status >= FAULT else response


@mutant("bad-body-accepted")
def bad_body_accepted(bench: Bench) -> None:
    """A registration whose body is no JSON is taken for an empty one."""

    @bench.around(*REGISTRATIONS)
    async def accept(request: web.Request, handler: Handler) -> web.StreamResponse:
        if await sent(request) is None:
            request._read_bytes = b"{}"  # noqa: SLF001 - what the service will read
        return await handler(request)


@mutant("bad-body-is-500")
def bad_body_is_500(bench: Bench) -> None:
    """A body of the wrong shape (a list for an object, a number for a list of tags) is answered with 500."""
    _bad_body(bench, 500)


@mutant("bad-body-is-404")
def bad_body_is_404(bench: Bench) -> None:
    """A body of the wrong shape is answered with 404."""
    _bad_body(bench, 404)


def _bad_body(bench: Bench, status: int) -> None:
    @bench.around(*WRITES)
    async def other(request: web.Request, handler: Handler) -> web.StreamResponse:
        response = await handler(request)
        return answer({"message": "error"}, status) if response.status == FAULT else response


@mutant("fields-required")
def fields_required(bench: Bench) -> None:
    """A registration without ``tags`` or ``user_name`` is refused with 422: a stricter framework."""

    @bench.around("POST F", "POST F/run", "POST S/step", "POST S/task")
    async def strict(request: web.Request, handler: Handler) -> web.StreamResponse:
        body = await sent(request)
        if isinstance(body, dict) and not {"tags", "user_name"} <= set(body):
            return answer({"detail": "field required"}, 422)
        return await handler(request)


@mutant("fields-unknown-refused")
def fields_unknown_refused(bench: Bench) -> None:
    """A field that the service does not know (a newer client's) has the registration refused with 400."""
    known = {"user_name", "tags", "system_tags", "ts_epoch", "run_number", "task_id"}

    @bench.around("POST F", "POST F/run", "POST S/step", "POST S/task")
    async def strict(request: web.Request, handler: Handler) -> web.StreamResponse:
        body = await sent(request)
        unknown = isinstance(body, dict) and set(body) - known
        return answer({"message": "unknown field"}, 400) if unknown else await handler(request)


@mutant("parent-not-checked")
def parent_not_checked(bench: Bench) -> None:
    """A step or task below a run that does not exist is acknowledged."""
    _parents(bench, "POST S/step", "POST S/task", status=OK)


@mutant("parent-missing-is-500")
def parent_missing_is_500(bench: Bench) -> None:
    """A run, task, metadatum or artifact below what does not exist is answered with 500."""
    _parents(bench, "POST F/run", "POST S/task", *BULKS, status=500)


@mutant("parent-missing-is-409")
def parent_missing_is_409(bench: Bench) -> None:
    """What is registered below a missing parent is answered with 409: every broken constraint is a conflict."""
    _parents(bench, "POST F/run", "POST S/step", "POST S/task", *BULKS, status=409)


@mutant("parent-made-up")
def parent_made_up(bench: Bench) -> None:
    """Artifacts and metadata of a task that does not exist are acknowledged and dropped."""
    _parents(bench, *BULKS, status=OK)


def _parents(bench: Bench, *routes: str, status: int) -> None:
    @bench.around(*routes)
    async def other(request: web.Request, handler: Handler) -> web.StreamResponse:
        response = await handler(request)
        if response.status != 404:  # noqa: PLR2004
            return response
        body = await sent(request)
        rows = len(body) if isinstance(body, list) else 0
        made = (
            {"artifacts_created": rows, "metadata_created": rows}
            if request.path.endswith(("artifact", "metadata"))
            else body
        )
        return answer(made if status == OK else {"message": "error"}, status)


@mutant("health-missing")
def health_missing(bench: Bench) -> None:
    """The health check is not there: an orchestrator never takes the service into use."""

    @bench.around("GET /healthcheck")
    async def missing(request: web.Request, handler: Handler) -> web.StreamResponse:  # noqa: ARG001
        return answer({"message": "not found"}, 404)


@mutant("health-says-down")
def health_says_down(bench: Bench) -> None:
    """The health check says DOWN while everything works."""

    @bench.around("GET /healthcheck")
    async def down(request: web.Request, handler: Handler) -> web.StreamResponse:  # noqa: ARG001
        return answer({"status": "DOWN"}, 503)


@mutant("ping-decorated")
def ping_decorated(bench: Bench) -> None:
    """The answer to /ping is an object with a message."""

    @bench.around("GET /ping")
    async def decorated(request: web.Request, handler: Handler) -> web.StreamResponse:  # noqa: ARG001
        return answer({"message": "pong"})


@mutant("version-missing")
def version_missing(bench: Bench) -> None:
    """/version is answered with 404."""

    @bench.around("GET /version")
    async def missing(request: web.Request, handler: Handler) -> web.StreamResponse:  # noqa: ARG001
        return answer({"message": "not found"}, 404)


@mutant("version-differs")
def version_differs(bench: Bench) -> None:
    """/version tells another version than the header: two releases behind one address."""

    @bench.around("GET /version")
    async def older(request: web.Request, handler: Handler) -> web.StreamResponse:  # noqa: ARG001
        return web.Response(text="2.0.1")


@mutant("unknown-route-is-200")
def unknown_route_is_200(bench: Bench) -> None:
    """A path that leads nowhere is answered with 200 and a page: the web application's fallback."""

    @bench.around(NOWHERE)
    async def page(request: web.Request, handler: Handler) -> web.StreamResponse:
        response = await handler(request)
        if response.status < FAULT:
            return response
        return web.Response(text=PAGE.format("Metadata"), content_type="text/html")


@mutant("slow-to-fail")
def slow_to_fail(bench: Bench) -> None:
    """What does not exist takes three seconds: it is looked for three times before that is said."""

    @bench.around("GET F", "GET R", "GET S", "GET T")
    async def slow(request: web.Request, handler: Handler) -> web.StreamResponse:
        response = await handler(request)
        if response.status == 404:  # noqa: PLR2004
            await asyncio.sleep(3)
        return response
