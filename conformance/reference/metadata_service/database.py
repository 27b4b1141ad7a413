"""The connection pool and the migrations."""

from __future__ import annotations

import asyncio
import logging
import time
from pathlib import Path
from typing import Any, TypeAlias

import asyncpg
import orjson

from .config import Config

Pool: TypeAlias = asyncpg.Pool
AWAY = (
    OSError,
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.CannotConnectNowError,
    TimeoutError,
)
"""What asyncpg raises when the database can not be reached."""

COMMAND_S = 30.0
MIGRATIONS = Path(__file__).with_name("migrations")
MIGRATION_LOCK = 0x6D66636F6E66
LOG = logging.getLogger("metadata_service")


async def connect(config: Config) -> Pool:
    """Open the pool, waiting for the database up to ``config.start_s`` seconds, and migrate.

    Raises one of ``AWAY`` if the database has not answered by then, and what asyncpg raises for a wrong
    user, password or database name at once.
    """
    deadline = time.monotonic() + config.start_s
    while True:
        try:
            pool = await asyncpg.create_pool(
                host=config.database_host,
                port=config.database_port,
                user=config.database_user,
                password=config.database_password,
                database=config.database_name,
                min_size=config.pool_min,
                max_size=config.pool_max,
                command_timeout=COMMAND_S,
                timeout=5,
                init=_speak_json,
            )
            break
        except AWAY as error:
            if time.monotonic() > deadline:
                raise
            LOG.info("waiting for the database: %s", error)
            await asyncio.sleep(1)
    await migrate(pool)
    return pool


async def _speak_json(connection: Any) -> None:
    await connection.set_type_codec(
        "jsonb",
        schema="pg_catalog",
        encoder=lambda value: b"\x01" + orjson.dumps(value),
        decoder=lambda data: orjson.loads(data[1:]),
        format="binary",
    )


async def migrate(pool: Pool) -> None:
    """Apply the migrations that are not applied yet, in order, each once even with several replicas."""
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute("SELECT pg_advisory_xact_lock($1)", MIGRATION_LOCK)
        await connection.execute("CREATE TABLE IF NOT EXISTS mfconf_migrations (name text PRIMARY KEY)")
        applied = {row["name"] for row in await connection.fetch("SELECT name FROM mfconf_migrations")}
        for path in sorted(MIGRATIONS.glob("*.sql")):
            if path.name not in applied:
                LOG.info("migration %s", path.name)
                await connection.execute(path.read_text(encoding="utf-8"))
                await connection.execute("INSERT INTO mfconf_migrations VALUES ($1)", path.name)
