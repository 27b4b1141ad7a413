"""The record of a run: one append-only stream of events (JSON Lines), from which every view derives.

Each line is an object ``{"v": 1, "seq": n, "at": RFC 3339 UTC, "type": ..., ...fields}``; the fields of
each type are listed in ``EVENTS``. Only one process writes a record, any number may read it.
"""

from __future__ import annotations

import json
import os
import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from conformance.outcome import Exit, Judgement, Level, Outcome, Verdict, judge
from conformance.redact import redact

VERSION = 1
FILE = "events.jsonl"

EVENTS: dict[str, frozenset[str]] = {
    "run.started": frozenset({"run", "suite", "target", "profiles", "selected"}),
    "target.observed": frozenset({"observed", "simulated"}),
    "launch.started": frozenset({"scenario", "orchestrator"}),
    "launch.finished": frozenset({"scenario", "orchestrator", "run_id", "outcome", "duration_s", "message"}),
    "check.finished": frozenset(
        {
            "id",
            "requirement",
            "area",
            "level",
            "title",
            "why",
            "profile",
            "outcome",
            "duration_s",
            "message",
            "want",
            "got",
            "evidence",
            "reproduce",
            "simulated",
        }
    ),
    "load.finished": frozenset({"load"}),
    "mutation.finished": frozenset({"mutation"}),
    "cleanup.finished": frozenset({"created", "removed", "leaked"}),
    "run.finished": frozenset({"broken_off"}),
}
"""The fields of each type of event. ``broken_off`` is empty, or says in words how the run was cut short."""


class Record:
    """The one writer of a run's record. Thread-safe; each event is on the disk when ``append`` returns."""

    def __init__(self, folder: Path) -> None:
        """Open (or continue) the record in ``folder``, which is made if absent."""
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self._lock = threading.Lock()
        self._seq = _continue(folder) if (folder / FILE).exists() else 0
        self._stream = (folder / FILE).open("a", encoding="utf-8")

    def append(self, event: str, **fields: Any) -> None:
        """Append one event, its secrets redacted.

        Raises ``ValueError`` where its fields are not those of its type.
        """
        if set(fields) != EVENTS[event]:
            raise ValueError(f"{event} has the fields {sorted(EVENTS[event])}, not {sorted(fields)}")
        with self._lock:
            line = {"v": VERSION, "seq": self._seq, "at": now(), "type": event, **redact(fields)}
            self._stream.write(json.dumps(line, ensure_ascii=False, default=str) + "\n")
            self._stream.flush()
            os.fsync(self._stream.fileno())
            self._seq += 1

    def close(self) -> None:
        """Close the file; the record stays readable."""
        self._stream.close()


def now() -> str:
    """The time in RFC 3339, UTC, milliseconds."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def read(folder: Path) -> list[dict[str, Any]]:
    """All events of the record in ``folder``, in order.

    A last line cut short by a killed writer is left out. Raises ``ValueError`` naming file and line for
    anything else that is not an event, and ``FileNotFoundError`` where there is no record.
    """
    path = folder / FILE
    lines = path.read_bytes().split(b"\n")
    events = []
    for number, line in enumerate(lines, start=1):
        if not line:
            continue
        try:
            event = json.loads(line.decode("utf-8"))
            known = event["v"] == VERSION and event["type"] in EVENTS
        except (ValueError, KeyError, TypeError) as error:
            if number == len(lines):
                break
            raise ValueError(f"{path}:{number}: not an event of a record: {error}") from None
        if not known:
            raise ValueError(f"{path}:{number}: event {event['type']!r} of version {event['v']!r} is not known here")
        if missing := EVENTS[event["type"]] - set(event):
            raise ValueError(f"{path}:{number}: event {event['type']!r} lacks {', '.join(sorted(missing))}")
        events.append(event)
    return events


def _continue(folder: Path) -> int:
    """Drop a last line that was cut short, so that the next one is not glued to it; the number of events."""
    count = len(read(folder))
    path = folder / FILE
    whole = path.read_bytes().rpartition(b"\n")
    os.truncate(path, len(whole[0]) + len(whole[1]))
    return count


def verdict(events: list[dict[str, Any]]) -> Verdict:
    """Derive the verdict from the events alone; a record without an end was broken off."""
    checks = latest_checks(events)
    judged = {check["id"] for check in checks}
    selected: list[str] = next((event["selected"] for event in events if event["type"] == "run.started"), [])
    missing = [name for name in selected if name not in judged]
    cut = broken_off(events)
    if missing and not cut:
        cut = f"selected but never judged: {', '.join(missing)}"
    rows = [
        Judgement(check["id"], Level(check["level"]), Outcome(check["outcome"]), simulated=check["simulated"])
        for check in checks
    ]
    return judge(rows, broken_off=cut)


def broken_off(events: list[dict[str, Any]]) -> str:
    """How the run was cut short, in words; nothing where it came to its end."""
    ends: list[str] = [event["broken_off"] for event in events if event["type"] == "run.finished"]
    return ends[-1] if ends else "the run has no end on record: it was killed"


def latest_checks(events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The last finish of each check, by ID: a re-run replaces what it repeats."""
    latest = {event["id"]: event for event in events if event["type"] == "check.finished"}
    return [latest[name] for name in sorted(latest)]


def exit_code(events: list[dict[str, Any]]) -> Exit:
    """The exit code of the run: the verdict's, or 3 where only a load threshold was broken.

    Of a trial of the suite: 1 where a mutant survived or a MUST check killed none. A record without checks
    has a verdict only where they were selected, or nothing else was measured.
    """
    kept = [t["ok"] for event in events if event["type"] == "load.finished" for t in event["load"]["thresholds"]]
    trials = [event["mutation"] for event in events if event["type"] == "mutation.finished"]
    selected = any(event["selected"] for event in events if event["type"] == "run.started")
    checked = selected or any(event["type"] == "check.finished" for event in events)
    measured = bool(kept or trials)
    code = verdict(events).exit_code if checked or broken_off(events) or not measured else Exit.CONFORMANT
    if code is Exit.CONFORMANT and any(trial["survived"] or trial["idle"][Level.MUST.value] for trial in trials):
        return Exit.NON_CONFORMANT
    return Exit.THRESHOLD if code is Exit.CONFORMANT and not all(kept) else code
