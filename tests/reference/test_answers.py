"""Answers where the service departs from the real one, or has to be like it in what only it decides."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.reference.service import Service

RUN = "/flows/Answers/runs/named"
TASK = f"{RUN}/steps/start/tasks/one"


@pytest.fixture(scope="module")
def filled(service: Service) -> Service:
    """A named task of a named run."""
    service.made("/flows/Answers", {})
    service.made("/flows/Answers/run", {"run_number": "named", "tags": ["mine"], "system_tags": ["its"]})
    service.made(f"{RUN}/steps/start/step", {"tags": ["own"]})
    service.made(f"{RUN}/steps/start/task", {"task_id": "one", "tags": ["own"]})
    return service


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/auth/token", 403),
        ("GET", "/nothing", 404),
        ("GET", "/flows/", 404),
        ("DELETE", "/flows/Answers", 405),
        ("OPTIONS", "/flows", 405),
        ("GET", "/flows/Answers/runs/99999999999999999999", 404),
        ("GET", f"/flows/Answers/runs/{'9' * 5000}", 404),
        ("GET", "/flows/%00", 400),
        ("GET", f"{TASK}/attempt/one/artifacts", 400),
        ("GET", f"{TASK}/artifacts/name/attempt/9999999999", 400),
        ("GET", f"{RUN}/steps/start/filtered_tasks?pattern=(", 400),
    ],
)
def test_errors_are_json_with_the_version(filled: Service, method: str, path: str, status: int) -> None:
    answer = filled.call(method, path)

    assert answer.status_code == status
    assert answer.headers["Content-Type"].startswith("application/json")
    assert answer.headers["METADATA_SERVICE_VERSION"] == "2.5.1"
    assert list(answer.json()) == ["message"]
    assert ("Allow" in answer.headers) is (status == 405)


@pytest.mark.parametrize("path", ["/flows/G", "/flows/Answers/run", f"{RUN}/steps/s/step", f"{RUN}/steps/start/task"])
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"no",
        b"[]",
        b"1",
        b'{"tags": {}}',
        b'{"tags": [1]}',
        b'{"user_name": 1}',
        b'{"user_name": "\\ud800"}',
        b"\xff",
    ],
)
def test_a_bad_body_is_refused(filled: Service, path: str, body: bytes) -> None:
    assert filled.call("POST", path, data=body).status_code == 400


def test_a_body_that_is_not_encoded_as_it_says_is_refused(filled: Service) -> None:
    answer = filled.call("POST", "/flows/Gzip", data=b"{}", headers={"Content-Encoding": "gzip"})

    assert answer.status_code == 400
    assert filled.get("/flows/Gzip").status_code == 404


@pytest.mark.parametrize("body", [b"", b"{}", b"[1]", b"[[]]", b"[{}]", b'[{"name": 1, "field_name": 1}]'])
@pytest.mark.parametrize("kind", ["metadata", "artifact"])
def test_a_bad_list_is_refused(filled: Service, kind: str, body: bytes) -> None:
    assert filled.call("POST", f"{TASK}/{kind}", data=body).status_code == 400


@pytest.mark.parametrize("name", ["", "1", "٣", 1])
def test_a_name_that_looks_like_a_number_is_refused(filled: Service, name: object) -> None:
    assert filled.post("/flows/Answers/run", {"run_number": name}).status_code == 400
    assert filled.post(f"{RUN}/steps/start/task", {"task_id": name}).status_code == 400


def test_a_body_beyond_the_limit_is_refused(filled: Service) -> None:
    answer = filled.call("POST", "/flows/Big", data=b'"' + b"x" * (64 * 1024 * 1024) + b'"')

    assert answer.status_code == 413
    assert filled.get("/flows/Big").status_code == 404


def test_a_name_too_long_for_an_index_is_refused(filled: Service) -> None:
    name = "".join(f"{number:x}" for number in range(1700))

    answer = filled.post(f"{TASK}/artifact", [{"name": "first"}, {"name": name}])

    assert (answer.status_code, answer.json()) == (400, {"message": "a name is too long"})
    assert filled.get(f"{TASK}/artifacts").json() == []


@pytest.mark.parametrize(
    ("tag", "beats"),
    [
        ("metaflow_version:2.19.39+git1", True),
        ("metaflow_version:2.2.12", True),
        ("metaflow_version:2.2.11", False),
        ("metaflow_version:2.2.5rc1", False),
        ("metaflow_version:1.14.0", True),
        ("metaflow_version:1.13", False),
        ("metaflow_version:custom", True),
        ("other", False),
        (None, True),
    ],
)
def test_the_first_heartbeat_goes_by_the_version(filled: Service, tag: str | None, beats: bool) -> None:  # noqa: FBT001
    made = filled.made("/flows/Answers/run", {"system_tags": tag and [tag]})

    assert (made["last_heartbeat_ts"] is not None) is beats


def test_numbers_are_numbers_except_of_a_steps_run(filled: Service) -> None:
    run = filled.made("/flows/Answers/run", {})
    path = f"/flows/Answers/runs/{run['run_number']}"
    step = filled.made(f"{path}/steps/s/step", {})
    task = filled.made(f"{path}/steps/s/task", {})

    assert (type(run["run_number"]), type(step["run_number"]), type(task["run_number"])) == (int, str, int)
    assert type(task["task_id"]) is int


def test_what_is_registered_shows_the_tags_of_its_run(filled: Service) -> None:
    step = filled.made(f"{RUN}/steps/tagged/step", {"tags": ["own"], "system_tags": ["own too"]})
    task = filled.made(f"{RUN}/steps/tagged/task", {"tags": ["own"], "system_tags": ["own too"]})

    for made in (step, task):
        assert (made["tags"], made["system_tags"]) == (["mine"], ["its"])


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        (None, None),
        ("", ""),
        (1, "1"),
        (1.5, "1.5"),
        (True, "true"),
        (["a", "b c", 'd"e', "", "null"], r'{a,"b c","d\"e","","null"}'),
        ([1, 2], "{1,2}"),
        ({"a": [1]}, '{"a":[1]}'),
        ([["a"]], '[["a"]]'),
    ],
)
def test_values_are_kept_as_text(filled: Service, sent: Any, kept: str | None) -> None:
    task = f"{RUN}/steps/start/tasks/{filled.made(f'{RUN}/steps/start/task', {})['task_id']}"

    assert filled.made(f"{task}/metadata", [{"field_name": "f", "value": sent}]) == {"metadata_created": 1}

    assert filled.get(f"{task}/metadata").json()[0]["value"] == kept


def test_one_artifact_is_of_the_latest_attempt_of_its_task(filled: Service) -> None:
    task = f"{RUN}/steps/start/tasks/{filled.made(f'{RUN}/steps/start/task', {})['task_id']}"
    filled.made(f"{task}/artifact", [{"name": "both", "sha": "0"}, {"name": "first", "sha": "0"}])
    filled.made(f"{task}/artifact", [{"name": "both", "attempt_id": "1", "sha": "1"}])

    assert filled.get(f"{task}/artifacts/both").json()["sha"] == "1"
    assert filled.get(f"{task}/artifacts/first").status_code == 404
    assert filled.get(f"{task}/artifacts/first/attempt/0").json()["sha"] == "0"


def test_a_task_that_beats_keeps_its_run_alive(filled: Service) -> None:
    run = filled.made("/flows/Answers/run", {"system_tags": []})
    path = f"/flows/Answers/runs/{run['run_number']}"
    filled.made(f"{path}/steps/s/step", {})
    task = filled.made(f"{path}/steps/s/task", {"system_tags": []})["task_id"]
    assert filled.get(path).json()["last_heartbeat_ts"] is None

    assert filled.post(f"{path}/steps/s/tasks/0/heartbeat", {}).status_code == 404
    assert filled.get(path).json()["last_heartbeat_ts"] is None
    for _ in range(2):
        assert filled.made(f"{path}/steps/s/tasks/{task}/heartbeat", {}) == '{"wait_time_in_seconds": 10}'

    assert filled.get(path).json()["last_heartbeat_ts"] is not None
    assert filled.get(f"{path}/steps/s/tasks/{task}").json()["last_heartbeat_ts"] is not None


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({}, 200),
        ({"tags_to_add": None}, 400),
        ({"tags_to_add": "x"}, 400),
        ({"tags_to_remove": [1]}, 400),
        ({"tags_to_remove": ["its"]}, 422),
    ],
)
def test_tags_are_checked(filled: Service, body: Any, status: int) -> None:
    assert filled.call("PATCH", f"{RUN}/tag/mutate", json=body).status_code == status
    assert filled.get(RUN).json()["tags"] == ["mine"]


def test_concurrent_tags_all_stay(filled: Service) -> None:
    run = filled.made("/flows/Answers/run", {"tags": ["old"], "system_tags": ["its"]})["run_number"]
    path = f"/flows/Answers/runs/{run}"

    def change(number: int) -> int:
        body = {"tags_to_add": [f"t{number}", "its", f"t{number}"], "tags_to_remove": ["old"]}
        return filled.call("PATCH", f"{path}/tag/mutate", json=body).status_code

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(change, range(24))) == {200}

    assert sorted(filled.get(path).json()["tags"]) == sorted(f"t{number}" for number in range(24))


def test_filtered_tasks_without_a_filter_are_all_tasks(filled: Service) -> None:
    path = f"{RUN}/steps/filtered"
    filled.made(f"{path}/step", {})
    for name in ("first", "second"):
        filled.made(f"{path}/task", {"task_id": name})
    filled.made(f"{path}/tasks/second/metadata", [{"field_name": "f", "value": "one two"}])

    def found(**query: str) -> list[str]:
        return [pathspec.rpartition("/")[2] for pathspec in filled.get(f"{path}/filtered_tasks", **query).json()]

    assert found() == found(metadata_field_name="", pattern="") == ["first", "second"]
    assert found(metadata_field_name="f") == found(pattern="two") == ["second"]
    assert found(metadata_field_name="f", pattern="^two") == found(metadata_field_name="g", pattern="two") == []
