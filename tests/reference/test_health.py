"""Health tells the truth, and a database that comes back is used again."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from conformance.reference.postgres import Server
from tests.reference.service import SOON_S, Service, Starting, until
from tests.reference.way import Way, locked

HEALTH_S = 3
WAITING = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
END_ALL = """SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid()"""


def through(way: Way) -> dict[str, str]:
    return {"MF_METADATA_DB_HOST": "127.0.0.1", "MF_METADATA_DB_PORT": str(way.port)}


def health(service: Service) -> int:
    """The status of /healthcheck, which has to come within 3 s."""
    began = time.monotonic()
    status = service.get("/healthcheck").status_code
    assert time.monotonic() - began < HEALTH_S
    return status


def test_health_follows_a_database_that_refuses(start: Starting, way: Way) -> None:
    service = start(through(way))
    answer = service.get("/healthcheck")
    assert (answer.status_code, answer.json()) == (200, {"status": "UP"})

    way.become("refused")

    assert health(service) == 503
    assert service.get("/ping").status_code == 200
    refused = service.get("/flows")
    assert (refused.status_code, refused.headers["Retry-After"]) == (503, "1")
    assert refused.json() == {"message": "the database is away, or busy: try again"}

    way.become("open")

    assert until(lambda: health(service) == 200)
    assert service.get("/flows").status_code == 200
    assert any("the database is away" in line["message"] for line in service.lines())


def test_health_follows_a_database_that_is_silent(start: Starting, way: Way) -> None:
    service = start(through(way))
    assert health(service) == 200

    way.become("silent")

    assert health(service) == 503
    assert health(service) == 503
    assert service.get("/ping").status_code == 200

    way.become("open")

    assert until(lambda: health(service) == 200)
    assert service.get("/flows").status_code == 200


def test_connections_that_the_database_ends_are_replaced(
    start: Starting, server: Server, own_database: dict[str, str]
) -> None:
    service = start(own_database)
    service.made("/flows/Before", {})
    ended = threading.Event()
    seen: set[int] = set()

    def ask() -> None:
        while not ended.is_set():
            seen.update((service.get("/flows/Before").status_code, health(service)))

    with ThreadPoolExecutor(3) as pool:
        asking = [pool.submit(ask) for _ in range(3)]
        for _ in range(30):
            server.execute(END_ALL, own_database["MF_METADATA_DB_NAME"])
        ended.set()
        for one in asking:
            one.result()

    assert seen == {200, 503}
    assert until(lambda: service.get("/flows/Before").status_code == 200)
    assert health(service) == 200


@pytest.mark.parametrize("end", ["pg_terminate_backend(pid)", "pg_cancel_backend(pid)"])
def test_a_query_that_the_database_ends_is_answered_with_503(
    start: Starting, server: Server, own_database: dict[str, str], end: str
) -> None:
    service = start(own_database)
    name = own_database["MF_METADATA_DB_NAME"]

    with locked(server, name):
        waiting = service.later("GET", "/flows")
        until(lambda: server.execute(WAITING) == "1")
        server.execute(WAITING.replace("count(*)", end))
        answer = waiting.result(SOON_S)

    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "1")


def test_a_database_that_takes_no_writes_is_answered_with_503(
    start: Starting, server: Server, own_database: dict[str, str]
) -> None:
    service = start(own_database)
    name = own_database["MF_METADATA_DB_NAME"]
    server.execute(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
    server.execute(END_ALL, name)

    assert until(lambda: health(service) == 503)
    answer = service.post("/flows/F", {})
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "1")
    assert service.get("/flows").status_code == 200


def test_requests_wait_a_bounded_time_for_a_connection(
    start: Starting, server: Server, own_database: dict[str, str]
) -> None:
    pool = {"MF_METADATA_DB_POOL_MAX": "1", "MF_METADATA_DB_TIMEOUT": "1"}
    service = start({**own_database, **pool})

    with locked(server, own_database["MF_METADATA_DB_NAME"]):
        waiting = service.later("GET", "/flows")
        until(lambda: server.execute(WAITING) == "1")
        began = time.monotonic()
        refused = service.get("/flows/F")
        waited = time.monotonic() - began
        while_busy = health(service)

    assert (refused.status_code, refused.headers["Retry-After"]) == (503, "1")
    assert 1 <= waited < 5
    assert while_busy == 200
    assert waiting.result(SOON_S).status_code == 200
    assert any("no connection to the database within 1 s" in line["message"] for line in service.lines())
