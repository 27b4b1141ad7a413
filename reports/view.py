"""The report: everything that the views show, derived from the events of a record and from nothing else."""

from __future__ import annotations

from collections import Counter
from typing import Any

from conformance.outcome import Judgement, Level, Outcome, judge
from conformance.record import exit_code, latest_checks, verdict

API_VERSION = "metaflow-conformance/v1"
KIND = "ConformanceReport"
PROFILES = ("smoke", "core", "full", "certified")
CHECK = (
    *("id", "requirement", "area", "level", "profile", "title", "why", "outcome", "simulated", "duration_s"),
    *("message", "want", "got", "evidence", "reproduce"),
)


def report(events: list[dict[str, Any]]) -> dict[str, Any]:
    """The report as in ``schema.json``. Raises ``ValueError`` where the record has no beginning."""
    began = _last(events, "run.started")
    if began is None:
        raise ValueError("the record has no beginning (run.started)")
    observed = _last(events, "target.observed") or {"observed": {}, "simulated": []}
    ended = _last(events, "run.finished")
    checks = [{key: check[key] for key in CHECK} for check in latest_checks(events)]
    found = verdict(events)
    return {
        "apiVersion": API_VERSION,
        "kind": KIND,
        "run": {
            "id": began["run"]["id"],
            "started": began["at"],
            "finished": ended["at"] if ended else None,
            "exit_code": int(exit_code(events)),
            "command": began["run"]["command"],
        },
        "suite": began["suite"],
        "target": {**began["target"], "simulated": observed["simulated"], "observed": observed["observed"]},
        "verdict": {
            "result": found.result.value,
            "certifiable": found.certifiable,
            "reasons": list(found.reasons),
        },
        "profiles": _profiles(checks, began["profiles"]),
        "checks": checks,
        "launches": _launches(events),
        "load": [event["load"] for event in events if event["type"] == "load.finished"],
        "mutation": (_last(events, "mutation.finished") or {"mutation": None})["mutation"],
        "cleanup": _cleanup(events),
    }


def _last(events: list[dict[str, Any]], kind: str) -> dict[str, Any] | None:
    return next((event for event in reversed(events) if event["type"] == kind), None)


def _profiles(checks: list[dict[str, Any]], asked: list[str]) -> list[dict[str, Any]]:
    """Each profile that the run covers, by the checks it consists of."""
    rows = []
    largest = max((PROFILES.index(name) for name in asked), default=-1)
    for position, name in enumerate(PROFILES[: largest + 1]):
        mine = [check for check in checks if PROFILES.index(check["profile"]) <= position]
        found = judge(
            Judgement(c["id"], Level(c["level"]), Outcome(c["outcome"]), simulated=c["simulated"]) for c in mine
        )
        counts = Counter(check["outcome"] for check in mine)
        rows.append({"name": name, "result": found.result.value, "counts": dict(sorted(counts.items()))})
    return rows


def _launches(events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Every launch, also those that never finished."""
    keys = ("scenario", "orchestrator", "run_id", "outcome", "duration_s", "message")
    rows: dict[tuple[str, str], dict[str, Any]] = {}
    for event in events:
        if event["type"] in ("launch.started", "launch.finished"):
            rows[event["scenario"], event["orchestrator"]] = {key: event.get(key) for key in keys}
    return [rows[name] for name in sorted(rows)]


def _cleanup(events: list[dict[str, Any]]) -> dict[str, Any]:
    found = _last(events, "cleanup.finished") or {"created": [], "removed": [], "leaked": []}
    return {key: found[key] for key in ("created", "removed", "leaked")}
