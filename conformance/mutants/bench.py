"""What a mutant can do to the service: change its source, its answers, its database, or put a proxy in front."""

from __future__ import annotations

import fnmatch
import json
import math
import re
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

from aiohttp import web

from conformance.mutants.editing import Edit, StaleMutant, edited, install
from conformance.mutants.proxy import Proxy

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
Around = Callable[[web.Request, Handler], Awaitable[web.StreamResponse]]
Change = Callable[[Any], Any]

SHORT = (
    ("/flows/{}/runs/{}/steps/{}/tasks/{}", "T"),
    ("/flows/{}/runs/{}/steps/{}", "S"),
    ("/flows/{}/runs/{}", "R"),
    ("/flows/{}", "F"),
)
OK = 200
NOWHERE = "GET "
"""The route of a path that leads nowhere."""

ENTITIES = ("GET F", "GET F/runs", "GET R", "GET R/steps", "GET S", "GET S/tasks", "GET T")
METADATA = ("GET R/metadata", "GET T/metadata")
ONE_ARTIFACT = ("GET T/artifacts/{}", "GET T/artifacts/{}/attempt/{}")
ARTIFACTS = ("GET R/artifacts", "GET S/artifacts", "GET T/artifacts", "GET T/attempt/{}/artifacts")
LISTINGS = ("GET /flows", "GET F/runs", "GET R/steps", "GET S/tasks", *METADATA, *ARTIFACTS)
READS = ("GET /flows", *ENTITIES, *METADATA, *ARTIFACTS, *ONE_ARTIFACT)
REGISTRATIONS = ("POST F", "POST F/run", "POST S/step", "POST S/task")
BULKS = ("POST T/artifact", "POST T/metadata")


class Bench:
    """The changes of one mutant, laid out before the service is imported.

    Routes are named in short: ``GET T/artifacts`` is GET .../tasks/{task}/artifacts; F, R, S and T stand for
    the paths of a flow, run, step and task, ``{}`` for any other variable, and ``*`` for anything at all.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.edits: list[Edit] = []
        self.statements: list[str] = []
        self.proxy: Proxy | None = None
        self._arounds: list[tuple[tuple[str, ...], Around]] = []
        self._in_flight = 0

    def edit(self, module: str, old: str, new: str, *, times: int = 1) -> None:
        """Replace ``old``, which stands ``times`` times in the source of a module of the service, by ``new``."""
        self.edits.append(Edit(module, old, new, times))

    def sql(self, statement: str) -> None:
        """Run a statement on the database once the tables are there."""
        self.statements.append(statement)

    def front(self, proxy: Proxy) -> None:
        """Put a proxy in front of the service."""
        self.proxy = proxy

    def around(self, *routes: str) -> Callable[[Around], Around]:
        """Have the decorated function handle the routes; it is given the request and the true handler."""

        def add(around: Around) -> Around:
            self._arounds.append((routes, around))
            return around

        return add

    def body(self, *routes: str) -> Callable[[Change], Change]:
        """Have the decorated function change the JSON of every 200 on the routes."""

        def add(change: Change) -> Change:
            async def around(request: web.Request, handler: Handler) -> web.StreamResponse:
                response = await handler(request)
                if response.status == OK:
                    replace(response, change(json_of(response)))
                return response

            self._arounds.append((routes, around))
            return change

        return add

    def remember(self, route: str, *, seconds: float) -> None:
        """Answer the route from memory for so many seconds after each look."""
        kept: dict[str, tuple[float, Any]] = {}

        @self.around(route)
        async def remembered(request: web.Request, handler: Handler) -> web.StreamResponse:
            at, body = kept.get(request.path, (-math.inf, None))
            if time.monotonic() - at < seconds:
                return answer(body)
            response = await handler(request)
            if response.status == OK:
                kept[request.path] = time.monotonic(), json_of(response)
            return response

    @property
    def busy(self) -> int:
        """How many requests are under way at this moment, this one among them."""
        return self._in_flight

    def check(self) -> None:
        """Raise ``StaleMutant`` unless every edit finds what it replaces, and the result is Python."""
        for module in sorted({edit.module for edit in self.edits}):
            compile(edited(module, self.edits), f"{self.name}: {module}", "exec")

    def before_import(self) -> None:
        """Make the edits take effect; the service's modules have to be imported afterwards."""
        install(self.edits)

    def apply(self, app: web.Application) -> None:
        """Change the service. Raises ``StaleMutant`` where a route is not there."""
        there = {route_of(route.method, route.resource) for route in app.router.routes()}
        for routes, around in reversed(self._arounds):
            for pattern in routes:
                if pattern != NOWHERE and not any(fnmatch.fnmatchcase(route, pattern) for route in there):
                    raise StaleMutant(f"{self.name}: the service has no route {pattern}; adapt the mutant")
            app.middlewares.insert(0, _middleware(routes, around))
        app.middlewares.insert(0, self._count())
        if self.statements:
            app.cleanup_ctx.append(self._prepare)

    async def _prepare(self, app: web.Application) -> AsyncIterator[None]:
        for statement in self.statements:
            await pool_of(app).execute(statement)
        yield

    def _count(self) -> Any:
        @web.middleware
        async def count(request: web.Request, handler: Handler) -> web.StreamResponse:
            self._in_flight += 1
            try:
                return await handler(request)
            finally:
                self._in_flight -= 1

        return count


def _middleware(routes: tuple[str, ...], around: Around) -> Any:
    @web.middleware
    async def intercept(request: web.Request, handler: Handler) -> web.StreamResponse:
        route = route_of(request.method, request.match_info.route.resource)
        if any(fnmatch.fnmatchcase(route, pattern) for pattern in routes):
            return await around(request, handler)
        return await handler(request)

    return intercept


def route_of(method: str, resource: web.AbstractResource | None) -> str:
    """A route in short, ``GET T/artifacts`` say; the method alone for a path that leads nowhere."""
    path = re.sub(r"\{[^}]*\}", "{}", resource.canonical) if resource else ""
    for long, short in SHORT:
        if path == long or path.startswith(long + "/"):
            path = short + path.removeprefix(long)
            break
    return f"{method} {path}"


def json_of(response: web.StreamResponse) -> Any:
    """The JSON of a response. Raises ``StaleMutant`` where its body can not be read here."""
    if not isinstance(response, web.Response) or not isinstance(response.body, bytes):
        raise StaleMutant(f"a response of type {type(response).__name__} can not be changed; adapt the bench")
    return json.loads(response.body)


def replace(response: web.StreamResponse, body: Any) -> None:
    """Give the response another JSON body."""
    if not isinstance(response, web.Response):
        raise StaleMutant(f"a response of type {type(response).__name__} can not be changed; adapt the bench")
    response.body = json.dumps(body, ensure_ascii=False).encode()


def answer(body: Any, status: int = OK) -> web.Response:
    """A response of the mutant's own, with the headers that the service gives."""
    return web.json_response(body, status=status, headers={"METADATA_SERVICE_VERSION": "2.5.1"})


async def sent(request: web.Request) -> Any:
    """What the client sent, as JSON; None where it is none."""
    try:
        return json.loads(await request.read() or b"{}")
    except ValueError:
        return None


def send(request: web.Request, body: Any) -> None:
    """Let the service see another body than the client sent."""
    request._read_bytes = json.dumps(body, ensure_ascii=False).encode()  # noqa: SLF001 - aiohttp caches it there


def asked_again(request: web.Request, **query: str | None) -> web.Request:
    """The request with other parameters in its query; None takes one away."""
    changed = {**request.query, **query}
    kept = {name: value for name, value in changed.items() if value is not None}
    return request.clone(rel_url=request.rel_url.with_query(kept))


def pool_of(app: web.Application) -> Any:
    """The service's connection pool."""
    from conformance.reference.metadata_service.web import POOL  # noqa: PLC0415 - after the edits

    return app[POOL]


def each(change: Callable[[dict[str, Any]], None]) -> Change:
    """A change of every object of a body, be it a list or one object."""

    def all_of(body: Any) -> Any:
        for item in body if isinstance(body, list) else [body]:
            if isinstance(item, dict):
                change(item)
        return body

    return all_of


def every(number: int) -> Callable[[], bool]:
    """A function that is true at every ``number``-th call."""
    calls = 0

    def due() -> bool:
        nonlocal calls
        calls += 1
        return calls % number == 0

    return due
