"""Filters of runs and tasks: what each operator means, and that nothing wrong is ignored."""

from __future__ import annotations

from typing import Any

import pytest

from tests.reference.service import Service

RUNS = "/flows/Filtered/runs"
TASKS = f"{RUNS}/ann/steps/work/tasks"


def run(service: Service, name: str, user: str | None, tags: list[str], *, alive: bool = False) -> str:
    """A run of ``user``, verified by a system tag if it is alive."""
    system = [f"user:{user}", "metaflow_version:2.19.39"] if alive else []
    body = {"run_number": name, "user_name": user, "tags": tags, "system_tags": system}
    return str(service.made("/flows/Filtered/run", body)["run_number"])


def end(service: Service, name: str, *fields: tuple[str, str]) -> None:
    """What the step ``end`` of a run says of itself."""
    service.made(f"{RUNS}/{name}/steps/end/step", {})
    service.made(f"{RUNS}/{name}/steps/end/task", {"task_id": "last", "system_tags": []})
    for field, value in fields:
        service.made(f"{RUNS}/{name}/steps/end/tasks/last/metadata", [{"field_name": field, "value": value}])


@pytest.fixture(scope="module")
def filled(service: Service) -> Service:
    """Runs and tasks that differ in what can be filtered by."""
    service.made("/flows/Filtered", {})
    run(service, "ann", "ann", ["red", "a_b"], alive=True)
    run(service, "bob", "bob", ["red", "blue"])
    run(service, "none", None, ["a,c", "axb"])
    run(service, "done", "100%", ["green"])
    run(service, "broken", "bo_b", [], alive=True)
    run(service, "again", "cid", ['quo"ted'])
    end(service, "done", ("attempt", "0"), ("attempt_ok", "False"), ("attempt", "1"), ("attempt_ok", "True"))
    end(service, "broken", ("attempt", "0"), ("attempt_ok", "False"))
    end(service, "again", ("attempt", "0"), ("attempt_ok", "False"), ("attempt", "1"))
    service.made(f"{RUNS}/ann/steps/work/step", {})
    for name, user in (("one", "ann"), ("two", "bob"), ("three", None)):
        service.made(f"{RUNS}/ann/steps/work/task", {"task_id": name, "user_name": user})
    return service


def names(answer: Any, key: str) -> set[str]:
    assert answer.status_code == 200, answer.text
    assert answer.headers["X-Limit"] == "50"
    return {row[key] for row in answer.json()}


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("user_name=ann", "ann"),
        ("user_name:eq=ann,bob", "ann bob"),
        ("user_name:ne=ann", "bob done broken again"),
        ("user_name:ne=ann,bob", "done broken again"),
        ("user_name:eq=null", "none"),
        ("user_name:is=null", "none"),
        ("user_name:ne=null", "ann bob done broken again"),
        ("user_name:eq=ann,null", "ann none"),
        ("user_name:lt=b", "ann done"),
        ("user_name:ge=c", "again"),
        ("user_name:co=OB", "bob"),
        ("user_name:sw=bo", "bob broken"),
        ("user_name:ew=B", "bob broken"),
        ("user_name:co=_", "broken"),
        ("user_name:co=%25", "done"),
        ("user_name:li=b%25_b", "bob broken"),
        ("user_name:li=b_b", "bob"),
        ("user_name:co=ann&run_id:eq=bob", ""),
        ("user_name:co=n&user_name:co=a", "ann"),
        ("run_id:sw=b", "bob broken"),
        ("flow_id=Filtered&run_id=ann", "ann"),
        ("flow_id=Other", ""),
        ("user=ann,bob", "ann"),
        ("user:is=null", "bob none done again"),
        ("run_number:lt=1", ""),
        ("run_number:gt=0&run_id=ann", "ann"),
        ("ts_epoch:ge=1&ts_epoch:le=2", ""),
        ("last_heartbeat_ts:is=null", "bob none done again"),
        ("last_heartbeat_ts:gt=1", "ann broken"),
        ("status=completed", "done"),
        ("status=failed", "bob none broken"),
        ("status=running", "ann again"),
        ("status:ne=failed", "ann done again"),
        ("status=running,completed", "ann done again"),
        ("_tags=red", "ann bob"),
        ("_tags=red,blue", "bob"),
        ("_tags:all=red,user:ann", "ann"),
        ("_tags:any=blue,green", "bob done"),
        ("_tags:likeany=re,ue", "ann bob done"),
        ("_tags:likeall=re,ue", "bob"),
        ("_tags:likeany=a_b", "ann"),
        ("_tags:likeany=%22", "again"),
        ("tags:co=blu", "bob"),
        ('tags:eq=["red", "blue"]', "bob"),
        ("tags:eq=[]", "broken"),
        ("system_tags:co=user:", "ann broken"),
    ],
)
def test_runs_are_filtered(filled: Service, query: str, found: str) -> None:
    assert names(filled.call("GET", f"{RUNS}?{query}"), "run_number") == set(found.split())


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("task_name:co=o", "one two"),
        ("user_name=ann,null", "one three"),
        ("task_id:gt=0&task_name:eq=two", "two"),
        ("ts_epoch:lt=1", ""),
        ("last_heartbeat_ts:ne=null", "one two three"),
    ],
)
def test_tasks_are_filtered(filled: Service, query: str, found: str) -> None:
    assert names(filled.call("GET", f"{TASKS}?{query}"), "task_id") == set(found.split())


def test_filters_and_pages_go_together(filled: Service) -> None:
    first = filled.call("GET", f"{RUNS}?user_name:sw=b&_limit=1")
    second = filled.call("GET", f"{RUNS}?user_name:sw=b&_limit=1&_cursor={first.headers['X-Next-Cursor']}")

    assert [row["run_number"] for row in first.json() + second.json()] == ["broken", "bob"]
    assert "X-Next-Cursor" not in second.headers


def test_status_and_owner_are_shown_where_they_are_known(filled: Service) -> None:
    ann = filled.call("GET", f"{RUNS}?status=running&run_id=ann").json()[0]

    assert (ann["status"], ann["user"]) == ("running", "ann")
    assert filled.call("GET", f"{RUNS}/bob").json().keys() & {"status", "user"} == set()


@pytest.mark.parametrize(
    ("path", "query", "said"),
    [
        (RUNS, "nope=1", "nope: not a field to filter by; "),
        (RUNS, "_tag=1", "_tag: not a field to filter by; "),
        (RUNS, "user_name:xx=1", "user_name:xx: not an operator; eq, "),
        (RUNS, "_tags:some=1", "_tags:some: not an operator; all, any, likeany, likeall are"),
        (RUNS, "status=bad", "status=bad: not a status; running, completed, failed are"),
        (RUNS, "run_number=abc", "run_number=abc: not a whole number"),
        (RUNS, "run_number=9223372036854775808", "run_number=9223372036854775808: not a whole number"),
        (RUNS, "ts_epoch:ge=1.5", "ts_epoch:ge=1.5: not a whole number"),
        (RUNS, "ts_epoch:co=1", "ts_epoch:co: co compares text, not numbers"),
        (RUNS, "ts_epoch:lt=null", "ts_epoch:lt=null: null can only be compared by eq, ne and is"),
        (RUNS, "user_name:is=ann", "user_name:is: is can only be followed by null"),
        (RUNS, "tags=red", "tags=red: not a JSON list of tags"),
        (RUNS, "tags:lt=[]", "tags:lt: lt does not compare tags; "),
        (RUNS, "user_name:li=a%5C", "a value can not be used: "),
        (TASKS, "status=failed", "status: not a field to filter by; "),
        (TASKS, "_tags=red", "_tags: not a field to filter by; "),
        (TASKS, "task_id=one", "task_id=one: not a whole number"),
    ],
)
def test_a_filter_that_is_none_is_refused(filled: Service, path: str, query: str, said: str) -> None:
    answer = filled.call("GET", f"{path}?{query}")

    assert answer.status_code == 400
    assert answer.json()["message"].startswith(said)
