"""What every answer has in common: JSON, the version header, errors in words, a line in the log."""

from __future__ import annotations

import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import asyncpg
import orjson
from aiohttp import web

from . import VERSION
from .config import Config
from .database import Away, Pool
from .logs import request_done

POOL = web.AppKey("pool", Pool)
SETTINGS = web.AppKey("settings", Config)
RETRY_S = "1"
LOG = logging.getLogger("metadata_service")

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Refused(Exception):
    """A request that is answered with an error: status and reason."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


def answer(body: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> web.Response:
    """``body`` as JSON."""
    return web.Response(body=orjson.dumps(body), status=status, headers=headers, content_type="application/json")


async def body_of(request: web.Request, kind: type) -> Any:
    """The request's JSON, which has to be a ``kind``. Raises ``Refused`` (400) otherwise."""
    try:
        body = orjson.loads(await request.read())
    except web.RequestPayloadError as error:
        raise Refused(400, f"the body can not be read: {error}") from None
    except orjson.JSONDecodeError as error:
        raise Refused(400, f"the body is not JSON: {error}") from None
    if not isinstance(body, kind):
        raise Refused(400, f"the body is not a JSON {'array' if kind is list else 'object'}")
    return body


@web.middleware
async def common(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Turn every failure into a JSON answer that says what is wrong and nothing of the inside."""
    began = time.monotonic()
    try:
        response = await handler(request)
    except Refused as refused:
        response = answer({"message": str(refused)}, refused.status)
    except web.HTTPException as error:
        allowed = {"Allow": error.headers["Allow"]} if "Allow" in error.headers else None
        response = answer({"message": error.reason}, error.status, allowed)
    except Away as away:
        LOG.warning("%s", away)
        response = answer({"message": "the database is away, or busy: try again"}, 503, {"Retry-After": RETRY_S})
    except asyncpg.ProgramLimitExceededError:
        response = answer({"message": "a name is too long"}, 400)
    except (asyncpg.DataError, asyncpg.InterfaceError) as error:
        response = answer({"message": f"a value can not be used: {error.args[0]}"}, 400)
    except Exception:
        LOG.exception("%s %s", request.method, request.path)
        response = answer({"message": "internal error"}, 500)
    response.headers["METADATA_SERVICE_VERSION"] = VERSION
    request_done(request.method, request.path, response.status, time.monotonic() - began)
    return response
