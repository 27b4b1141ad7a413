"""Pages: the same rows as the whole listing, newest first, each once whatever is registered meanwhile."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.reference.service import Service

TASKS = 7
MOST = 50
RUN = "/flows/Paged/runs/paged"
TASK = f"{RUN}/steps/work/tasks/one"
LISTINGS = {
    "/flows": "flow_id",
    "/flows/Paged/runs": "run_number",
    f"{RUN}/steps/work/tasks": "task_id",
    f"{RUN}/metadata": "id",
    f"{TASK}/metadata": "id",
    f"{RUN}/artifacts": "name",
    f"{RUN}/steps/work/artifacts": "name",
    f"{TASK}/artifacts": "name",
}


@pytest.fixture(scope="module")
def filled(service: Service) -> Service:
    """Flows, runs, tasks, metadata and artifacts, more than fit on a page of two or three."""
    for number in range(5):
        service.made(f"/flows/Flow{number}", {})
    service.made("/flows/Paged", {})
    service.made("/flows/Paged/run", {"run_number": "paged"})
    for _ in range(5):
        service.made("/flows/Paged/run", {})
    service.made(f"{RUN}/steps/work/step", {})
    service.made(f"{RUN}/steps/work/task", {"task_id": "one"})
    for _ in range(TASKS - 1):
        service.made(f"{RUN}/steps/work/task", {})
    service.made(f"{TASK}/metadata", [{"field_name": f"field{number}", "value": "v"} for number in range(7)])
    service.made(f"{TASK}/artifact", artifacts(0, "old", "b", "c"))
    service.made(f"{TASK}/artifact", artifacts(1, "a", "b", "c", "d", "e"))
    service.made(f"{TASK}/artifact", artifacts(1, "f"))
    return service


def artifacts(attempt: int, *names: str) -> list[dict[str, Any]]:
    return [{"name": name, "attempt_id": attempt, "sha": f"{name}{attempt}"} for name in names]


def pages(service: Service, path: str, limit: int, between: Callable[[], object] = int) -> Iterator[list[Any]]:
    """One page after the other; ``between`` them, something happens."""
    cursor = ""
    for _ in range(MOST):
        answer = service.get(path, _limit=limit, _cursor=cursor)
        assert answer.status_code == 200, answer.text
        assert answer.headers["X-Limit"] == str(limit)
        assert len(answer.json()) <= limit
        yield answer.json()
        if "X-Next-Cursor" not in answer.headers:
            return
        assert len(answer.json()) == limit
        cursor = answer.headers["X-Next-Cursor"]
        between()
    pytest.fail(f"{path}: more than {MOST} pages")


@pytest.mark.parametrize("limit", [1, 2, 3, 500])
@pytest.mark.parametrize("path", LISTINGS)
def test_pages_are_the_whole_listing(filled: Service, path: str, limit: int) -> None:
    whole = filled.get(path)
    assert "X-Limit" not in whole.headers

    paged = [row for page in pages(filled, path, limit) for row in page]

    assert sorted(paged, key=str) == sorted(whole.json(), key=str)
    assert [row["ts_epoch"] for row in paged] == sorted((row["ts_epoch"] for row in paged), reverse=True)


@pytest.mark.parametrize("path", ["/flows", "/flows/Paged/runs", f"{RUN}/steps/work/tasks", f"{TASK}/metadata"])
def test_what_is_registered_meanwhile_shifts_nothing(filled: Service, path: str) -> None:
    before = [row[LISTINGS[path]] for row in filled.get(path).json()]
    new = iter(range(1000))

    def register() -> None:
        filled.made(f"/flows/Later{len(before)}{path.count('/')}{next(new)}", {})
        filled.made("/flows/Paged/run", {})
        filled.made(f"{RUN}/steps/work/task", {})
        filled.made(f"{TASK}/metadata", [{"field_name": "later"}])

    paged = [row[LISTINGS[path]] for page in pages(filled, path, 2, register) for row in page]

    assert sorted(paged, key=str) == sorted(before, key=str)


def test_a_new_attempt_does_not_mix_into_pages(filled: Service) -> None:
    task = f"{RUN}/steps/work/tasks/{filled.made(f'{RUN}/steps/work/task', {})['task_id']}"
    filled.made(f"{task}/artifact", artifacts(0, "a", "b", "c", "d"))

    paged = list(pages(filled, f"{task}/artifacts", 2, lambda: filled.post(f"{task}/artifact", artifacts(1, "a", "z"))))

    assert {row["sha"] for page in paged for row in page} == {"a0", "b0", "c0", "d0"}
    assert {row["sha"] for row in filled.get(f"{task}/artifacts").json()} == {"a1", "z1"}


def test_the_default_is_fifty_and_the_most_five_hundred(filled: Service) -> None:
    filled.made(f"{TASK}/metadata", [{"field_name": "many"} for _ in range(501)])

    for limit, told in (("", 50), ("9999", 500)):
        answer = filled.get(f"{TASK}/metadata", _limit=limit)
        assert (answer.headers["X-Limit"], len(answer.json())) == (str(told), told)


def token(**told: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(told).encode()).decode()


@pytest.mark.parametrize("limit", ["0", "-1", "abc", "1.5", "1e3", "٣", "9" * 5000])
def test_a_limit_that_is_none_is_refused(filled: Service, limit: str) -> None:
    answer = filled.get("/flows", _limit=limit)

    assert (answer.status_code, answer.json()) == (400, {"message": f"_limit={limit}: not a whole number from 1"})


@pytest.mark.parametrize(
    "cursor",
    [
        "zzz",
        "é",
        "MQ==",
        "bnVsbA==",
        "W10=",
        token(),
        token(ts_epoch=1, until=1),
        token(ts_epoch="1", run_number=1, until=1),
        token(ts_epoch=True, run_number=1, until=1),
        token(ts_epoch=2**63, run_number=1, until=1),
        token(ts_epoch=1, flow_id="F", until=1),
    ],
)
def test_a_cursor_of_another_listing_or_of_none_is_refused(filled: Service, cursor: str) -> None:
    answer = filled.get("/flows/Paged/runs", _cursor=cursor)

    assert (answer.status_code, answer.json()) == (400, {"message": "_cursor: not one that this listing gave"})
