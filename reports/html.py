"""One HTML file, readable without a network: no script, no font, no image from elsewhere."""

from __future__ import annotations

from itertools import groupby
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from reports import charts
from reports.characters import legal

WORST_FIRST = (
    "failed",
    "stale-expectation",
    "error",
    "blocked",
    "expected-failure",
    "not-supported",
    "passed",
)


def render(report: dict[str, Any]) -> str:
    """The report as one HTML page; whatever the target said is escaped."""
    environment = Environment(
        loader=PackageLoader("reports"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_shown,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    areas = [
        (area, sorted(checks, key=lambda check: (WORST_FIRST.index(check["outcome"]), check["id"])))
        for area, checks in groupby(sorted(report["checks"], key=lambda c: c["area"]), lambda c: c["area"])
    ]
    counts = [
        (outcome, number)
        for outcome in WORST_FIRST
        if (number := sum(check["outcome"] == outcome for check in report["checks"]))
    ]
    plots = [Markup(charts.latency(load)) for load in report["load"]]  # noqa: S704 - drawn by us from numbers
    return environment.get_template("report.html").render(report=report, areas=areas, counts=counts, plots=plots)


def _shown(value: Any) -> Any:
    return legal(value) if isinstance(value, str) and not isinstance(value, Markup) else value
