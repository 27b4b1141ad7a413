"""Programs, and how they are printed."""

from __future__ import annotations

from conformance.model.program import CROWDS, Request, build
from conformance.model.script import lines
from conformance.model.sequential import KINDS


def test_what_a_call_needs_is_registered_before_it() -> None:
    for kind in set(KINDS):
        bound = {"F"}
        for request in build([(kind, 1, 2, 3)]):
            assert request.symbols <= bound, f"{kind}: {request}"
            bound.add(request.binds)


def test_all_is_read_at_the_end_by_who_wrote_nothing() -> None:
    requests = build([("artifacts", 0, 0, 2)])
    readings = [request for request in requests if request.method == "GET"]

    assert 3 not in {request.client for request in requests if request not in readings}
    assert {request.client for request in readings} == {3}
    assert any(request.path.endswith("/artifacts") for request in readings)


def test_a_crowd_is_more_than_a_page() -> None:
    tasks = [request for request in build([("crowd", 0, 0, 0)]) if request.path.endswith("/task")]

    assert len(tasks) == min(CROWDS) > 50


def test_numbers_are_shell_variables_and_repetitions_loops() -> None:
    run = Request("POST", "/flows/${F}/run", {"user_name": "it's me"}, binds="r1")
    task = Request("POST", "/flows/${F}/runs/${r1}/steps/a/task", {}, binds="t2")

    assert lines([run, task, task, Request("GET", "/flows/${F}/runs", pages=3)]) == [
        """r1=$(call POST "/flows/${F}/run" '{"user_name": "it'"'"'s me"}' | number run_number)""",
        """for _ in $(seq 2); do call POST "/flows/${F}/runs/${r1}/steps/a/task" '{}'; done""",
        'pages "/flows/${F}/runs" 3',
    ]
