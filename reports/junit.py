"""JUnit XML: one suite for each area, one case for each check."""

from __future__ import annotations

from itertools import groupby
from typing import Any

from junitparser import Error, Failure, JUnitXml, Skipped, TestCase, TestSuite

from reports.characters import legal

INCONCLUSIVE = 2

RESULTS = {
    "failed": Failure,
    "stale-expectation": Failure,
    "error": Error,
    "blocked": Error,
    "not-supported": Skipped,
    "expected-failure": Skipped,
}


def render(report: dict[str, Any]) -> str:
    """The report as JUnit XML. An interrupted or killed run shows as an error of its own."""
    whole = JUnitXml("metaflow-conformance")
    for area, checks in groupby(sorted(report["checks"], key=lambda c: (c["area"], c["id"])), lambda c: c["area"]):
        suite = TestSuite(area)
        suite.timestamp = report["run"]["started"]
        for check in checks:
            suite.add_testcase(_case(check))
        whole.add_testsuite(suite)
    for load in report["load"]:
        suite = TestSuite(f"load-{load['profile']}")
        for threshold in load["thresholds"]:
            case = TestCase(threshold["expr"], classname=suite.name)
            if not threshold["ok"]:
                case.result = [Failure(legal(f"got {threshold['got']}"), "threshold")]
            suite.add_testcase(case)
        whole.add_testsuite(suite)
    if report["run"]["exit_code"] == INCONCLUSIVE:
        suite = TestSuite("run")
        case = TestCase("verdict", classname="run")
        case.result = [Error(legal("; ".join(report["verdict"]["reasons"])))]
        suite.add_testcase(case)
        whole.add_testsuite(suite)
    text: bytes = whole.tostring()  # type: ignore[no-untyped-call]
    return text.decode("utf-8") + "\n"


def _case(check: dict[str, Any]) -> TestCase:
    case = TestCase(legal(f"{check['id']} {check['title']}"), classname=check["area"], time=check["duration_s"])
    if kind := RESULTS.get(check["outcome"]):
        first, _, rest = check["message"].partition("\n")
        result = kind(legal(first), check["outcome"])
        result.text = legal(rest)
        case.result = [result]
    return case
