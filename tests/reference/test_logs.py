"""The log: JSON lines that say what was answered, and never what is secret."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from conformance.reference.postgres import Server
from tests.reference.service import Starting, until


def requests_in(lines: list[dict[str, object]]) -> list[tuple[object, ...]]:
    return [(line["method"], line["path"], line["status"]) for line in lines if line["message"] == "request"]


def test_each_request_has_a_line(start: Starting) -> None:
    service = start()
    service.get("/healthcheck")
    service.made("/flows/L%C3%B6g", {})
    service.get("/flows/missing")

    logged = service.lines()

    assert requests_in(logged) == [("POST", "/flows/Lög", 200), ("GET", "/flows/missing", 404)]
    line = logged[-1]
    assert line["level"] == "INFO"
    assert isinstance(line["ms"], float)
    at = datetime.fromisoformat(line["at"])
    assert at.utcoffset() == timedelta(0)
    assert abs(datetime.now(UTC) - at) < timedelta(minutes=1)


def test_probes_are_logged_where_asked(start: Starting) -> None:
    service = start({"LOGLEVEL": "DEBUG"})
    service.get("/healthcheck")

    assert ("GET", "/healthcheck", 200) in requests_in(service.lines())


def test_every_line_is_json_and_none_is_secret(start: Starting) -> None:
    service = start({"LOGLEVEL": "DEBUG", "MF_METADATA_DB_PSWD": "hush-1"})
    service.call("GET", "/flows?token=hush-2", headers={"Authorization": "Bearer hush-3", "x-api-key": "hush-4"})
    service.made("/flows/F", {"user_name": "hush-5"})
    service.call("POST", "/flows/G", data=b'{"password": "hush-6"')
    service.get("/flows/a%0Ab%ff")
    service.stop()

    text = service.log.read_text(encoding="utf-8")

    assert len(service.lines()) == len(text.splitlines())
    assert "hush" not in text


def test_a_defect_is_logged_and_not_shown(start: Starting, server: Server, own_database: dict[str, str]) -> None:
    service = start(own_database)
    server.execute("DROP TABLE artifacts", own_database["MF_METADATA_DB_NAME"])

    answer = service.get("/flows/F/runs/1/artifacts")

    assert (answer.status_code, answer.json()) == (500, {"message": "internal error"})
    line = until(lambda: [line for line in service.lines() if "error" in line])[0]
    assert (line["level"], line["message"]) == ("ERROR", "GET /flows/F/runs/1/artifacts")
    assert "UndefinedTableError" in line["error"]
