"""A proxy in front of a service, with places where it can go wrong."""

from __future__ import annotations

from dataclasses import dataclass

import aiohttp
from aiohttp import web
from multidict import CIMultiDict
from yarl import URL

HOP = {"connection", "keep-alive", "transfer-encoding", "host", "content-length", "te", "upgrade"}
LARGEST = 256 * 1024 * 1024
CLIENT = web.AppKey("client", aiohttp.ClientSession)


@dataclass
class Forwarded:
    """A request on its way in: ``path`` is raw, with its query."""

    method: str
    path: str
    headers: CIMultiDict[str]
    body: bytes


@dataclass
class Returned:
    """An answer on its way out. ``cut``: bytes after which the connection breaks, if any."""

    status: int
    headers: CIMultiDict[str]
    body: bytes
    cut: int | None = None


class Proxy:
    """An honest proxy; a subclass is a bad one."""

    async def request(self, request: Forwarded) -> Returned | None:
        """Change the request in place, or answer it without the service."""

    async def answer(self, request: Forwarded, answer: Returned) -> Returned:  # noqa: ARG002 - for subclasses
        """Change the answer."""
        return answer

    async def again(self, request: Forwarded, answer: Returned) -> bool:  # noqa: ARG002 - for subclasses
        """Tell whether to send the request once more."""
        return False


def application(proxy: Proxy, upstream: str) -> web.Application:
    """The proxy as a service, in front of the URL ``upstream``."""

    async def client(app: web.Application) -> object:
        async with aiohttp.ClientSession(auto_decompress=False) as session:
            app[CLIENT] = session
            yield

    async def forward(request: web.Request) -> web.StreamResponse:
        headers = CIMultiDict((k, v) for k, v in request.headers.items() if k.lower() not in HOP)
        going = Forwarded(request.method, request.raw_path, headers, await request.read())
        answer = await proxy.request(going)
        if answer is None:
            answer = await _fetch(request.app[CLIENT], upstream, going)
            if await proxy.again(going, answer):
                answer = await _fetch(request.app[CLIENT], upstream, going)
            answer = await proxy.answer(going, answer)
        return await _send(request, answer)

    app = web.Application(client_max_size=LARGEST)
    app.cleanup_ctx.append(client)  # type: ignore[arg-type]
    app.router.add_route("*", "/{path:.*}", forward)
    return app


async def _fetch(session: aiohttp.ClientSession, upstream: str, request: Forwarded) -> Returned:
    url = URL(upstream + request.path, encoded=True)
    async with session.request(
        request.method, url, headers=request.headers, data=request.body or None, allow_redirects=False
    ) as response:
        headers = CIMultiDict((k, v) for k, v in response.headers.items() if k.lower() not in HOP)
        return Returned(response.status, headers, await response.read())


async def _send(request: web.Request, answer: Returned) -> web.StreamResponse:
    if answer.cut is None:
        return web.Response(status=answer.status, headers=answer.headers, body=answer.body)
    response = web.StreamResponse(status=answer.status, headers=answer.headers)
    response.content_length = len(answer.body)
    await response.prepare(request)
    await response.write(answer.body[: answer.cut])
    if request.transport is not None:
        request.transport.close()
    return response
