"""It starts where it can, and says in one line why where it can not."""

from __future__ import annotations

import asyncio
import re
import socket
import tempfile
from pathlib import Path

import pytest

from conformance.reference.metadata_service import config
from conformance.reference.metadata_service import database as db
from conformance.reference.postgres import Server, postgres
from tests.reference.service import Service, Starting, running, until

MIGRATIONS = sorted(path.name for path in db.MIGRATIONS.glob("*.sql"))


def last_words(service: Service) -> str:
    """What a service that ends by itself says: its last line, the only one that is no log line."""
    assert service.process.wait(timeout=20) == 1
    lines = [line for line in service.log.read_text(encoding="utf-8").splitlines() if not line.startswith("{")]
    assert len(lines) == 1, lines
    return lines[0]


def tables(server: Server, settings: dict[str, str]) -> list[str]:
    return server.execute("SELECT name FROM mfconf_migrations", settings["MF_METADATA_DB_NAME"]).splitlines()


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("MF_METADATA_PORT", "http", "not a number from 1 to 65535"),
        ("MF_METADATA_PORT", "0", "not a number from 1 to 65535"),
        ("MF_METADATA_DB_PORT", "65536", "not a number from 1 to 65535"),
        ("MF_METADATA_DB_POOL_MAX", "٣", "not a number from 1 to 1000"),
        ("MF_METADATA_DB_POOL_MIN", "11", "more than MF_METADATA_DB_POOL_MAX=10"),
        ("LOGLEVEL", "LOUD", "not one of DEBUG, INFO, WARNING, ERROR, CRITICAL"),
        ("MF_METADATA_DB_SSL_MODE", "disabled", "not one of disable, allow"),
        ("PATH_PREFIX", "metadata", "not a path like /metadata"),
        ("PATH_PREFIX", "/metadata/", "not a path like /metadata"),
    ],
)
def test_a_setting_that_can_not_be_used_is_named(name: str, value: str, said: str) -> None:
    with pytest.raises(config.ConfigError, match=f"^{name}={re.escape(value)}: {said}"):
        config.from_environment({name: value})


def test_a_config_never_shows_its_secrets() -> None:
    settings = config.from_environment({"MF_METADATA_DB_PSWD": "hush", "MF_METADATA_DB_DSN": "postgresql://u:hush@h/d"})

    assert "hush" not in repr(settings) + settings.where


def test_a_bad_setting_ends_it(start: Starting) -> None:
    service = start({"MF_METADATA_DB_PORT": "x"}, wait=False)

    assert last_words(service) == "metadata service: MF_METADATA_DB_PORT=x: not a number from 1 to 65535"


def test_a_port_in_use_ends_it(start: Starting) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        service = start({"MF_METADATA_PORT": str(port)}, wait=False)

        assert last_words(service).startswith(f"metadata service: can not listen on 127.0.0.1:{port}: ")


def test_a_database_that_does_not_answer_ends_it_after_a_while(start: Starting) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    settings = {"MF_METADATA_DB_HOST": "127.0.0.1", "MF_METADATA_DB_PORT": str(port)}

    service = start({**settings, "MF_METADATA_DB_START_TIMEOUT": "1"}, wait=False)

    assert f"the database 127.0.0.1:{port}/" in (said := last_words(service))
    assert "has not answered for 1 s" in said
    assert "waiting for the database" in service.lines()[0]["message"]


def test_a_database_that_is_not_there_ends_it_at_once(start: Starting) -> None:
    service = start({"MF_METADATA_DB_NAME": "nowhere"}, wait=False)

    assert last_words(service).endswith('/nowhere refuses: database "nowhere" does not exist')


def test_a_database_of_another_encoding_ends_it(start: Starting, server: Server) -> None:
    server.execute("CREATE DATABASE latin ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0")

    service = start({"MF_METADATA_DB_NAME": "latin"}, wait=False)

    assert last_words(service).endswith("its encoding is LATIN1: make a database with ENCODING 'UTF8'")


def test_a_database_without_the_right_to_make_tables_ends_it(
    start: Starting, server: Server, own_database: dict[str, str]
) -> None:
    server.execute("CREATE USER guest")
    server.execute("REVOKE CREATE ON SCHEMA public FROM PUBLIC", own_database["MF_METADATA_DB_NAME"])

    service = start({**own_database, "MF_METADATA_DB_USER": "guest"}, wait=False)

    assert "the tables can not be made" in (said := last_words(service))
    assert "permission denied for schema public" in said


def test_a_database_of_a_newer_version_ends_it(start: Starting, server: Server, own_database: dict[str, str]) -> None:
    start(own_database).stop()
    server.execute("INSERT INTO mfconf_migrations VALUES ('9999_later.sql')", own_database["MF_METADATA_DB_NAME"])

    said = last_words(start(own_database, wait=False))

    assert said.endswith("it was migrated by a newer version of this service (9999_later.sql): start that one")


def test_a_postgres_that_is_too_old_is_refused(own_database: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(db, "OLDEST", 99)

    with pytest.raises(db.Unusable, match=r"Postgres \d+ is too old: 99 or newer is needed"):
        asyncio.run(db.connect(config.from_environment(own_database)))


def test_migrations_are_applied_once(start: Starting, server: Server, own_database: dict[str, str]) -> None:
    first = start(own_database)
    first.made("/flows/Kept", {"user_name": "me"})
    first.stop()

    second = start(own_database)

    assert second.get("/flows/Kept").json()["user_name"] == "me"
    assert tables(server, own_database) == MIGRATIONS
    assert [line for line in second.lines() if line["message"].startswith("migration")] == []


def test_replicas_that_start_together_migrate_once(
    start: Starting, server: Server, own_database: dict[str, str]
) -> None:
    replicas = [start(own_database, wait=False) for _ in range(3)]
    for replica in replicas:
        until(replica.answers)

    migrated = [line["message"] for replica in replicas for line in replica.lines() if "migration" in line["message"]]
    assert migrated == [f"migration {name}" for name in MIGRATIONS]
    assert tables(server, own_database) == MIGRATIONS


def test_a_postgres_of_another_version_serves_too(tmp_path: Path) -> None:
    with (
        tempfile.TemporaryDirectory(prefix="mfconf-pg-") as folder,
        postgres(Path(folder) / "data", version=16) as old,
        running(tmp_path, old.new_database("older")) as starting,
    ):
        service = starting()
        service.made("/flows/F", {})
        run = service.made("/flows/F/run", {"system_tags": []})["run_number"]

        assert service.get("/flows/F/runs", **{"status:eq": "failed"}).json()[0]["run_number"] == run


def test_a_prefix_stands_before_every_route(start: Starting) -> None:
    service = start({"PATH_PREFIX": "/meta/data"})

    service.made("/flows/F", {})

    assert service.get("/flows/F").json()["flow_id"] == "F"
    bare = service.url.removesuffix("/meta/data")
    assert Service(service.process, bare, service.log).get("/flows/F").status_code == 404


def test_a_dsn_replaces_the_other_settings(start: Starting, own_database: dict[str, str]) -> None:
    dsn = (
        f"postgresql://postgres:hush@/{own_database['MF_METADATA_DB_NAME']}?host={own_database['MF_METADATA_DB_HOST']}"
    )

    service = start({"MF_METADATA_DB_DSN": dsn, "MF_METADATA_DB_NAME": "nowhere", "LOGLEVEL": "DEBUG"})

    assert service.get("/healthcheck").status_code == 200
    assert "hush" not in service.log.read_text(encoding="utf-8")


def test_a_bad_dsn_is_not_shown(start: Starting) -> None:
    said = last_words(start({"MF_METADATA_DB_DSN": "host=nowhere password=hush"}, wait=False))

    assert said.startswith("metadata service: the database of MF_METADATA_DB_DSN refuses")
    assert "hush" not in said
