"""The records from which the golden views are built: every kind of event, and texts that try to break a page."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from conformance.record import FILE

Events = list[dict[str, Any]]

HOSTILE = "<script>alert('x')</script> \"quoted\" & 'single' \x00\x1b[31mred\ufffe grüße 🌍 ]]> {{ 7 * 7 }} </pre>"
SHA = "0123456789abcdef" * 4


def numbered(*events: dict[str, Any]) -> Events:
    """The events as a record has them, one a second."""
    return [
        {"v": 1, "seq": number, "at": f"2026-01-02T03:04:{number:02}.000Z", **event}
        for number, event in enumerate(events)
    ]


def started(selected: list[str], profiles: tuple[str, ...] = ("core",)) -> dict[str, Any]:
    return {
        "type": "run.started",
        "run": {"id": "golden0001", "command": "mfconf run --target service:http://127.0.0.1:1"},
        "suite": {"version": "0.1.0", "commit": "c0ffee" * 6 + "beef", "dirty": True, "requirements_digest": SHA},
        "target": {
            "name": "service:http://127.0.0.1:1",
            "kind": "service",
            "config": {"METAFLOW_SERVICE_URL": "http://127.0.0.1:1", "METAFLOW_SERVICE_AUTH_KEY": "[redacted]"},
        },
        "profiles": list(profiles),
        "selected": selected,
    }


def observed(*simulated: str) -> dict[str, Any]:
    return {
        "type": "target.observed",
        "observed": {"metadata_service": "2.5.1", "kubernetes": HOSTILE},
        "simulated": list(simulated),
    }


def check(name: str, outcome: str = "passed", **changes: Any) -> dict[str, Any]:
    area = {"META": "metadata", "FLOW": "flows", "GPU": "gpu"}[name.split("-", maxsplit=1)[0]]
    return {
        "type": "check.finished",
        "id": name,
        "requirement": name.split("/", maxsplit=1)[0],
        "area": area,
        "level": "MUST",
        "title": f"The claim of {name}.",
        "why": "A reader wants to know why it matters.",
        "profile": "smoke",
        "outcome": outcome,
        "duration_s": 0.25,
        "message": "" if outcome == "passed" else f"{outcome}: first line\nsecond line",
        "want": "",
        "got": "",
        "evidence": [],
        "reproduce": f"mfconf run --target kind --only {name}",
        "simulated": False,
    } | changes


def launch(scenario: str, orchestrator: str, outcome: str) -> tuple[dict[str, Any], dict[str, Any]]:
    named = {"scenario": scenario, "orchestrator": orchestrator}
    end = {"run_id": "12", "outcome": outcome, "duration_s": 34.5, "message": HOSTILE if outcome == "error" else ""}
    return {"type": "launch.started", **named}, {"type": "launch.finished", **named, **end}


def load_finished() -> dict[str, Any]:
    percentiles = {"p50_ms": 10.0, "p95_ms": 20.0, "p99_ms": 30.0}
    return {
        "type": "load.finished",
        "load": {
            "profile": "smoke",
            "seed": 1,
            "workers": 1,
            "users": 10,
            "duration_s": 30.1,
            "requests": 3,
            "saturated": True,
            "thresholds": [
                {"expr": "p95 < 500 ms", "want": "< 500 ms", "got": "20 ms", "ok": True},
                {"expr": "failures < 0.1 %", "want": "< 0.1 %", "got": "33.3 %", "ok": False},
            ],
            "baseline": None,
            "operations": [{"name": f"list <{HOSTILE}>", "requests": 3, "failures": 1, **percentiles, "max_ms": 31.0}],
            "timeline": [{"at_s": second, "requests": 1, "failures": 0, **percentiles} for second in range(3)],
            "errors": [HOSTILE],
        },
    }


def mutation_finished() -> dict[str, Any]:
    return {
        "type": "mutation.finished",
        "mutation": {
            "area": "metadata",
            "catalogue_digest": SHA,
            "total": 2,
            "killed": 1,
            "survived": ["tags-lost"],
            "by_level": {"MUST": 1, "SHOULD": 0, "run": 0},
            "whole": True,
            "idle": {"MUST": ["META-002"], "SHOULD": []},
            "unkept": {"META-001": ["tags-lost"]},
            "unclaimed": ["META-003"],
            "mutants": [
                {
                    "name": name,
                    "defect": f"It is broken: {HOSTILE}",
                    "level": level,
                    "killers": killers,
                    "ended": "",
                    "message": f"The ping is lost: {HOSTILE}" if killers else "",
                    "duration_s": 1.5,
                }
                for name, level, killers in (("ping-lost", "MUST", ["META-001"]), ("tags-lost", None, []))
            ],
        },
    }


def ended(how: str = "") -> dict[str, Any]:
    return {"type": "run.finished", "broken_off": how}


def cleanup(*leaked: str) -> dict[str, Any]:
    return {"type": "cleanup.finished", "created": ["job/a", "job/b"], "removed": ["job/a"], "leaked": list(leaked)}


def whole() -> Events:
    """Every outcome, every section, hostile words in every text that a target can choose."""
    checks = [
        check("META-001"),
        check("META-002", "failed", message=HOSTILE, want=HOSTILE, got=HOSTILE, title=f"A title {HOSTILE}"),
        check("META-003", "error", profile="core"),
        check("META-004", "blocked", profile="core"),
        check("META-005", "not-supported", level="SHOULD"),
        check("META-006", "expected-failure"),
        check("META-007", "stale-expectation"),
        check("FLOW-001/linear@argo", evidence=[{"path": "evidence/FLOW-001-linear@argo/log & so", "sha256": SHA}]),
        check("GPU-001", simulated=True, level="SHOULD", why=HOSTILE),
    ]
    return numbered(
        started([row["id"] for row in checks], ("smoke", "core")),
        observed("gpu", "s3"),
        *launch("linear", "argo", "successful"),
        *launch("failing", "local", "error"),
        {"type": "launch.started", "scenario": "endless", "orchestrator": "argo"},
        check("META-001", "failed"),
        *checks,
        load_finished(),
        mutation_finished(),
        cleanup("job/b: 403 Forbidden"),
        ended(),
    )


def conformant() -> Events:
    """All is well."""
    names = ["FLOW-001/linear@argo", "META-001"]
    return numbered(started(names, ("smoke",)), observed(), *(check(name) for name in names), cleanup(), ended())


def killed() -> Events:
    """A run that was killed while it judged."""
    return numbered(started(["META-001", "META-002"]), observed(), check("META-001"))


def load_only() -> Events:
    """A load test, which has no checks."""
    return numbered(started([], ()), observed(), load_finished(), ended())


CASES: dict[str, Callable[[], Events]] = {
    "whole": whole,
    "conformant": conformant,
    "killed": killed,
    "load_only": load_only,
}


def write(name: str, folder: Path) -> Path:
    """Write the record of a case into ``folder``, which is returned."""
    lines = [json.dumps(event, ensure_ascii=False) for event in CASES[name]()]
    (folder / FILE).write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder
