"""``python -m conformance.reference.metadata_service``: settings from the environment, see ``config.py``."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator
from pathlib import Path

from aiohttp import web

from . import VERSION, config, database, entities, logs, records
from .web import POOL, SETTINGS, Refused, answer, common

BODY_BYTES = 64 * 1024 * 1024
SHUTDOWN_S = 10
CONTRACT = Path(__file__).parents[2] / "contract" / "openapi.yaml"

P = "/flows/{flow}/runs/{run}"
S = P + "/steps/{step}"
T = S + "/tasks/{task}"


async def ping(_request: web.Request) -> web.Response:
    """GET /ping: the process lives, whatever its database does."""
    return web.Response(text="pong")


async def version(_request: web.Request) -> web.Response:
    """GET /version."""
    return web.Response(text=VERSION)


async def health(request: web.Request) -> web.Response:
    """GET /healthcheck: asks the database; 503 while it is away or takes no writes."""
    await request.app[POOL].check()
    return answer({"status": "UP"})


async def token(_request: web.Request) -> web.Response:
    """GET /auth/token: credentials of a sandbox, which this service has none of."""
    raise Refused(403, "this service hands out no credentials")


async def contract(_request: web.Request) -> web.FileResponse:
    """GET /openapi.yaml: what this service promises, as an OpenAPI document."""
    return web.FileResponse(CONTRACT, headers={"Content-Type": "application/yaml"})


def routes() -> list[web.RouteDef]:
    """All routes; OPTIONS is none of them, as the UI reads through a back end of its own."""
    return [
        web.get("/ping", ping),
        web.get("/version", version),
        web.get("/healthcheck", health),
        web.get("/auth/token", token),
        web.get("/openapi.yaml", contract),
        web.get("/flows", entities.flows),
        web.get("/flows/{flow}", entities.flow),
        web.post("/flows/{flow}", entities.create_flow),
        web.get("/flows/{flow}/runs", entities.runs),
        web.post("/flows/{flow}/run", entities.create_run),
        web.get(P, entities.run),
        web.post(P + "/heartbeat", entities.beat_run),
        web.patch(P + "/tag/mutate", entities.mutate_tags),
        web.get(P + "/steps", entities.steps),
        web.get(S, entities.step),
        web.post(S + "/step", entities.create_step),
        web.get(S + "/tasks", entities.tasks),
        web.post(S + "/task", entities.create_task),
        web.get(S + "/filtered_tasks", records.filtered_tasks),
        web.get(T, entities.task),
        web.post(T + "/heartbeat", entities.beat_task),
        web.get(P + "/metadata", records.run_metadata),
        web.get(T + "/metadata", records.task_metadata),
        web.post(T + "/metadata", records.create_metadata),
        web.get(P + "/artifacts", records.run_artifacts),
        web.get(S + "/artifacts", records.step_artifacts),
        web.get(T + "/artifacts", records.task_artifacts),
        web.post(T + "/artifact", records.create_artifacts),
        web.get(T + "/artifacts/{name}", records.artifact),
        web.get(T + "/artifacts/{name}/attempt/{attempt}", records.artifact),
        web.get(T + "/attempt/{attempt}/artifacts", records.attempt_artifacts),
    ]


def application(settings: config.Config) -> web.Application:
    """The service with all its routes; the pool opens when it starts."""

    async def pool(app: web.Application) -> AsyncIterator[None]:
        app[POOL] = await database.connect(settings)
        yield
        await app[POOL].close()

    app = web.Application(middlewares=[common], client_max_size=BODY_BYTES)
    app[SETTINGS] = settings
    app.cleanup_ctx.append(pool)
    for route in routes():
        app.router.add_route(route.method, settings.prefix + route.path, route.handler)
    return app


def main() -> None:
    """Serve until told to stop; a setting, database or port that can not be used ends in one line."""
    try:
        settings = config.from_environment()
    except config.ConfigError as error:
        sys.exit(f"metadata service: {error}")
    logs.start(settings.log_level)
    try:
        web.run_app(
            application(settings),
            host=settings.host,
            port=settings.port,
            shutdown_timeout=SHUTDOWN_S,
            access_log=None,
            print=lambda *_: None,
        )
    except database.Unusable as error:
        sys.exit(f"metadata service: {error}")
    except OSError as error:
        sys.exit(f"metadata service: can not listen on {settings.host}:{settings.port}: {error}")


if __name__ == "__main__":
    main()
