"""The connection pool and the migrations."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import asyncpg
import orjson

from .config import Config

AWAY = (
    OSError,
    TimeoutError,
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    asyncpg.InsufficientResourcesError,
    asyncpg.OperatorInterventionError,
    asyncpg.InvalidAuthorizationSpecificationError,
    asyncpg.InvalidCatalogNameError,
    asyncpg.ReadOnlySQLTransactionError,
    asyncpg.TransactionRollbackError,
)
"""What asyncpg raises when the database can not serve just now, and may serve the same request later."""

NOT_YET = (OSError, TimeoutError, asyncpg.PostgresConnectionError, asyncpg.CannotConnectNowError)
"""Of these, what passes while a database starts."""

OLDEST = 12
CONNECT_S = 5.0
COMMAND_S = 30.0
HEALTH_S = 2.5
MIGRATION_S = 600.0
MIGRATIONS = Path(__file__).with_name("migrations")
MIGRATION_LOCK = 0x6D66636F6E66
LOG = logging.getLogger("metadata_service")


class Away(Exception):
    """The database can not serve just now: it does not answer, or all connections are taken."""


class Unusable(Exception):
    """A database that this service can not be started on: which, and why."""


class Pool:
    """At most ``pool_max`` connections, each request waiting ``wait_s`` for one, and one more to ask for health.

    Every method raises ``Away`` where the database can not serve just now.
    """

    def __init__(self, connections: Any, how: dict[str, Any], wait_s: float) -> None:
        self._connections = connections
        self._how = how
        self._wait_s = wait_s
        self._asking = asyncio.Lock()
        self._asked: Any = None

    async def fetch(self, statement: str, *values: Any) -> list[asyncpg.Record]:
        """All rows."""
        async with self.acquire() as connection:
            return await connection.fetch(statement, *values)  # type: ignore[no-any-return]

    async def fetchrow(self, statement: str, *values: Any) -> asyncpg.Record | None:
        """The first row, or None."""
        async with self.acquire() as connection:
            return await connection.fetchrow(statement, *values)

    async def execute(self, statement: str, *values: Any) -> str:
        """The command tag, such as ``INSERT 0 1``."""
        async with self.acquire() as connection:
            return await connection.execute(statement, *values)  # type: ignore[no-any-return]

    @asynccontextmanager
    async def acquire(self) -> AsyncIterator[Any]:
        """A connection, for several statements or a transaction."""
        got = False
        try:
            async with self._connections.acquire(timeout=self._wait_s) as connection:
                got = True
                try:
                    yield connection
                except asyncpg.InternalClientError:  # it was ended while a statement was on its way
                    connection.terminate()
                    raise
        except AWAY as error:
            if isinstance(error, ValueError):  # asyncpg's word for a value that does not fit its column
                raise
            if isinstance(error, TimeoutError) and not got:
                raise Away(f"no connection to the database within {self._wait_s:g} s") from error
            raise Away(f"the database is away: {error!r}") from error

    async def check(self) -> None:
        """Ask the database, within ``HEALTH_S`` and whatever the load, whether it is there and takes writes."""
        try:
            async with asyncio.timeout(HEALTH_S), self._asking:
                if self._asked is None or self._asked.is_closed():
                    self._asked = await asyncpg.connect(**self._how)
                reads_only = await self._asked.fetchval("SHOW transaction_read_only")
        except AWAY as error:
            if self._asked is not None:
                self._asked.terminate()
            raise Away(f"the database is away: {error!r}") from error
        if reads_only == "on":
            raise Away("the database takes no writes: a standby?")

    async def close(self) -> None:
        """Close every connection, once it is free."""
        if self._asked is not None:
            self._asked.terminate()
        await self._connections.close()


async def connect(config: Config) -> Pool:
    """Open the pool, waiting for the database up to ``config.start_s`` seconds, and migrate.

    Raises ``Unusable`` if it has not answered by then, and at once for a database that refuses the service or that
    the service can not use.
    """
    how = _how(config)
    deadline = time.monotonic() + config.start_s
    while True:
        try:
            connections = await asyncpg.create_pool(
                **how, min_size=config.pool_min, max_size=config.pool_max, init=_set_up, reset=_keep
            )
            break
        except NOT_YET as error:
            if time.monotonic() > deadline:
                raise Unusable(
                    f"the database {config.where} has not answered for {config.start_s:g} s: {error!r}"
                ) from error
            LOG.info("waiting for the database %s: %r", config.where, error)
            await asyncio.sleep(1)
        except (asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            raise Unusable(f"the database {config.where} refuses: {error}") from error
    try:
        await migrate(connections)
    except (asyncpg.PostgresError, *NOT_YET) as error:
        connections.terminate()
        raise Unusable(f"the tables can not be made in the database {config.where}: {error!r}") from error
    except Unusable as error:
        connections.terminate()
        raise Unusable(f"the database {config.where}: {error}") from None
    return Pool(connections, how, config.wait_s)


def _how(config: Config) -> dict[str, Any]:
    """What ``asyncpg.connect`` and ``create_pool`` have to know."""
    how: dict[str, Any] = {
        "command_timeout": COMMAND_S,
        "timeout": CONNECT_S,
        "server_settings": {"application_name": "mfconf-metadata"},
    }
    if config.database_dsn is not None:
        return {**how, "dsn": config.database_dsn}
    return {
        **how,
        "dsn": f"postgresql:///?{urlencode(config.tls)}",
        "host": config.database_host,
        "port": config.database_port,
        "user": config.database_user,
        "password": config.database_password,
        "database": config.database_name,
    }


async def _set_up(connection: Any) -> None:
    # plans are made once for each statement, not for the values of each request, which takes longer than to run it
    await connection.execute("SET plan_cache_mode = force_generic_plan")
    await connection.set_type_codec(
        "jsonb",
        schema="pg_catalog",
        encoder=lambda value: b"\x01" + orjson.dumps(value),
        decoder=lambda data: orjson.loads(data[1:]),
        format="binary",
    )


async def _keep(_connection: Any) -> None:
    """Give a connection back without a round trip: nothing here changes a session."""


async def migrate(pool: asyncpg.Pool) -> None:
    """Apply the migrations that are not applied yet, in order, each once even with several replicas.

    Raises ``Unusable`` for a database that is too old, not of UTF-8, or migrated by a newer version.
    """
    async with pool.acquire() as connection, connection.transaction():
        version = connection.get_server_version()
        if version.major < OLDEST:
            raise Unusable(f"Postgres {version.major} is too old: {OLDEST} or newer is needed")
        if (encoding := await connection.fetchval("SHOW server_encoding")) != "UTF8":
            raise Unusable(f"its encoding is {encoding}: make a database with ENCODING 'UTF8'")
        await connection.execute("SELECT pg_advisory_xact_lock($1)", MIGRATION_LOCK, timeout=MIGRATION_S)
        await connection.execute("CREATE TABLE IF NOT EXISTS mfconf_migrations (name text PRIMARY KEY)")
        applied = {row["name"] for row in await connection.fetch("SELECT name FROM mfconf_migrations")}
        ours = sorted(MIGRATIONS.glob("*.sql"))
        if newer := applied - {path.name for path in ours}:
            raise Unusable(f"it was migrated by a newer version of this service ({max(newer)}): start that one")
        for path in ours:
            if path.name not in applied:
                LOG.info("migration %s", path.name)
                await connection.execute(path.read_text(encoding="utf-8"), timeout=MIGRATION_S)
                await connection.execute("INSERT INTO mfconf_migrations VALUES ($1)", path.name)
