"""A Postgres for each worker, and reference services on databases of their own."""

from __future__ import annotations

import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from conformance.reference.postgres import Server, postgres
from tests.reference.service import Service, Starting, running
from tests.reference.way import Way


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    """A Postgres for this worker."""
    with tempfile.TemporaryDirectory(prefix="mfconf-pg-") as folder, postgres(Path(folder) / "data") as running:
        yield running


@pytest.fixture(scope="module")
def database(server: Server, request: pytest.FixtureRequest) -> dict[str, str]:
    """An empty database for this module: the settings that name it."""
    return server.new_database(request.module.__name__.rpartition(".")[2])


@pytest.fixture
def own_database(server: Server) -> dict[str, str]:
    """An empty database for this test."""
    return server.new_database(f"own_{uuid.uuid4().hex}")


@pytest.fixture
def start(tmp_path: Path, database: dict[str, str]) -> Iterator[Starting]:
    """Start a service on this module's database: ``start({"SETTING": "value"}, wait=True)``."""
    with running(tmp_path, database) as starting:
        yield starting


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory, database: dict[str, str]) -> Iterator[Service]:
    """A service on this module's database."""
    with running(tmp_path_factory.mktemp("service"), database) as starting:
        yield starting()


@pytest.fixture
def way(server: Server) -> Iterator[Way]:
    """A way to Postgres that can be taken away."""
    carrying = Way(f"{server.host}/.s.PGSQL.{server.port}")
    yield carrying
    carrying.close()
