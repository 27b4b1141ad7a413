"""Load: percentiles as defined, thresholds that are understood or refused, nothing measured is never kept."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from load import measures, thresholds
from load.measures import Sample, percentile
from load.profiles import PROFILES

times = st.lists(st.floats(0, 1e6), min_size=1, max_size=50)
samples = st.lists(
    st.builds(Sample, st.sampled_from(["a", "b"]), st.floats(0, 90), st.floats(0, 1e6), st.booleans()),
    min_size=1,
    max_size=40,
)


def at(*ms: float, ok: bool = True, operation: str = "a") -> list[Sample]:
    """Requests, one a second."""
    return [Sample(operation, float(second), time, ok) for second, time in enumerate(ms)]


@given(times, st.floats(0.1, 100))
def test_a_percentile_is_the_smallest_value_that_enough_do_not_exceed(values: list[float], percent: float) -> None:
    got = percentile(values, percent)

    wanted = math.ceil(len(values) * percent / 100)
    assert got in values
    assert sum(value <= got for value in values) >= wanted
    assert all(sum(value <= other for value in values) < wanted for other in values if other < got)


@given(times)
def test_percentiles_do_not_fall(values: list[float]) -> None:
    found = [percentile(values, percent) for percent in (1, 50, 95, 99, 99.9, 100)]

    assert found == sorted(found)
    assert found[-1] == max(values)


@pytest.mark.parametrize(("percent", "value"), [(50, 50), (95, 95), (99, 99), (99.9, 100), (100, 100), (1, 1)])
def test_percentiles_of_one_to_a_hundred(percent: float, value: int) -> None:
    assert percentile(list(range(100, 0, -1)), percent) == value


def test_of_no_values_there_is_no_percentile() -> None:
    with pytest.raises(ValueError, match="no values"):
        percentile([], 50)


@given(samples)
def test_operations_and_seconds_count_every_request_once(taken: list[Sample]) -> None:
    rows, points = measures.operations(taken), measures.timeline(taken)

    assert sum(row["requests"] for row in rows) == sum(point["requests"] for point in points) == len(taken)
    failed = sum(not sample.ok for sample in taken)
    assert sum(row["failures"] for row in rows) == sum(point["failures"] for point in points) == failed
    assert [point["at_s"] for point in points] == sorted({int(sample.at_s) for sample in taken})
    assert [row["name"] for row in rows] == sorted({sample.operation for sample in taken})


def test_a_row_and_a_point() -> None:
    taken = [*at(1.04, 2, 3), Sample("b", 1.9, 100.06, ok=False)]

    assert measures.operations(taken)[0] == {
        "name": "a",
        "requests": 3,
        "failures": 0,
        "p50_ms": 2,
        "p95_ms": 3,
        "p99_ms": 3,
        "max_ms": 3,
    }
    assert measures.timeline(taken)[1] == {
        "at_s": 1,
        "requests": 2,
        "failures": 1,
        "p50_ms": 2,
        "p95_ms": 100.1,
        "p99_ms": 100.1,
    }


def test_of_nothing_there_are_no_rows() -> None:
    assert measures.operations([]) == measures.timeline([]) == []


def test_the_rate_counts_what_worked_over_the_time_it_took() -> None:
    assert measures.rate(at(*[1.0] * 11)) == pytest.approx(1.1)
    assert measures.rate(at(*[1.0] * 11, ok=False)) == 0
    assert measures.rate([Sample("a", 5.0, 1.0, ok=True)] * 7) == 7


@pytest.mark.parametrize(
    ("expression", "want", "got", "ok"),
    [
        ("p95 < 500 ms", "< 500 ms", "95 ms", True),
        ("p95 < 95 ms", "< 95 ms", "95 ms", False),
        ("p99.9<100.5ms", "< 100.5 ms", "100 ms", True),
        (" p50 > 10 ms ", "> 10 ms", "50 ms", True),
        ("failures < 0.1 %", "< 0.1 %", "0 %", True),
        ("failures < 0 %", "< 0 %", "0 %", False),
        ("rate > 1 /s", "> 1 /s", "1.01 /s", True),
        ("rate > 20 /s", "> 20 /s", "1.01 /s", False),
        ("p95(a) < 500 ms", "< 500 ms", "95 ms", True),
        ("failures(a) < 1 %", "< 1 %", "0 %", True),
    ],
)
def test_thresholds(expression: str, want: str, got: str, *, ok: bool) -> None:
    judged = thresholds.judge(expression, at(*range(1, 101)))

    assert judged == {"expr": expression, "want": want, "got": got, "ok": ok}


def test_failures_are_a_share_of_all() -> None:
    taken = at(*[1.0] * 999) + at(1.0, ok=False)

    assert thresholds.judge("failures < 0.1 %", taken)["ok"] is False
    assert thresholds.judge("failures < 0.2 %", taken) == {
        "expr": "failures < 0.2 %",
        "want": "< 0.2 %",
        "got": "0.1 %",
        "ok": True,
    }


def test_an_operation_is_judged_by_itself() -> None:
    taken = at(1, 2, operation="register a task") + at(900, operation="list artifacts")

    assert thresholds.judge("p99(register a task) < 800 ms", taken)["got"] == "2 ms"
    assert thresholds.judge("p99(list artifacts) < 800 ms", taken)["ok"] is False


@pytest.mark.parametrize("expression", ["p95 < 500 ms", "failures < 100 %", "rate < 9 /s", "p95(never) < 9 ms"])
def test_a_threshold_on_nothing_is_broken(expression: str) -> None:
    taken = at(1.0) if "never" in expression else []

    assert thresholds.judge(expression, taken)["got"] == "nothing measured"
    assert thresholds.judge(expression, taken)["ok"] is False


@pytest.mark.parametrize(
    "expression",
    [
        *("", "p95", "p95 < 500", "p95 < 500 s", "p95 < 500 %", "failures < 1 ms", "failures < 1", "rate > 1 ms"),
        *("p95 <= 500 ms", "p95 = 500 ms", "p100 < 1 ms", "p < 1 ms", "median < 1 ms", "p95 < -1 ms", "p95() < 1 ms"),
        *("p95 < 500 ms and p99 < 1 ms", "P95 < 1 ms"),
    ],
)
def test_what_can_not_be_understood_is_refused(expression: str) -> None:
    with pytest.raises(ValueError, match="not of a form like 'p95 < 500 ms'"):
        thresholds.judge(expression, at(1.0))


@pytest.mark.parametrize("name", PROFILES)
def test_every_profile_can_be_judged(name: str) -> None:
    profile = PROFILES[name]

    assert profile.name == name
    assert profile.thresholds, f"{name} has no threshold: it can't be broken"
    assert all(thresholds.check(expression) for expression in profile.thresholds)
