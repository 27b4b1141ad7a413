"""The record: what is written is read back, damage is named, and the verdict follows from the events alone."""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conformance.outcome import Exit, Result
from conformance.record import EVENTS, FILE, Record, broken_off, exit_code, latest_checks, read, verdict
from conformance.redact import redact

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


def check(name: str = "META-001", outcome: str = "passed", **changes: Any) -> dict[str, Any]:
    fields = dict.fromkeys(EVENTS["check.finished"], "")
    return {"type": "check.finished", **fields, "id": name, "level": "MUST", "simulated": False, "outcome": outcome} | {
        **changes
    }


def began(*selected: str) -> dict[str, Any]:
    return {"type": "run.started", "selected": list(selected)}


def ended(how: str = "") -> dict[str, Any]:
    return {"type": "run.finished", "broken_off": how}


def load(kept: str) -> dict[str, Any]:
    """A load test whose thresholds were kept (+) or broken (-)."""
    return {"type": "load.finished", "load": {"thresholds": [{"ok": sign == "+"} for sign in kept]}}


def trial(survived: tuple[str, ...] = (), idle: tuple[str, ...] = ()) -> dict[str, Any]:
    """A trial of the suite: the mutants that survived it, the MUST checks that killed none."""
    return {"type": "mutation.finished", "mutation": {"survived": survived, "idle": {"MUST": idle, "SHOULD": ["X"]}}}


def test_what_is_appended_is_read_back(tmp_path: Path) -> None:
    record = Record(tmp_path / "deep" / "folder")
    record.append("run.finished", broken_off="ünïcödé\n\u2028 line")
    record.append("cleanup.finished", created=["a"], removed=[], leaked=["a: 403"])
    record.close()

    first, second = read(tmp_path / "deep" / "folder")
    assert (first["v"], first["seq"], first["type"], first["broken_off"]) == (
        1,
        0,
        "run.finished",
        "ünïcödé\n\u2028 line",
    )
    assert (second["seq"], second["leaked"]) == (1, ["a: 403"])
    assert first["at"].endswith("Z")
    assert first["at"] <= second["at"]


@settings(max_examples=60, deadline=None)
@given(loads=st.lists(JSON, max_size=5))
def test_any_json_survives(tmp_path_factory: pytest.TempPathFactory, loads: list[Any]) -> None:
    folder = tmp_path_factory.mktemp("record")
    record = Record(folder)
    for value in loads:
        record.append("load.finished", load=value)
    record.close()

    assert [event["load"] for event in read(folder)] == [redact(json.loads(json.dumps(value))) for value in loads]


def test_each_event_is_there_before_the_record_is_closed(tmp_path: Path) -> None:
    record = Record(tmp_path)
    record.append("run.finished", broken_off="")

    assert len(read(tmp_path)) == 1
    record.close()


def test_each_event_is_on_the_disk_when_append_returns(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[bytes] = []
    monkeypatch.setattr("os.fsync", lambda _: synced.append((tmp_path / FILE).read_bytes()))
    record = Record(tmp_path)
    record.append("run.finished", broken_off="")
    record.close()

    assert synced == [(tmp_path / FILE).read_bytes()]
    assert synced[0].endswith(b"}\n")


def test_an_empty_line_is_no_damage(tmp_path: Path) -> None:
    good = json.dumps({"v": 1, "type": "run.finished", "broken_off": ""})
    (tmp_path / FILE).write_text(f"{good}\n\n{good}\n", encoding="utf-8")

    assert len(read(tmp_path)) == 2


def test_a_record_is_continued_with_the_next_number(tmp_path: Path) -> None:
    for _ in range(2):
        record = Record(tmp_path)
        record.append("run.finished", broken_off="")
        record.close()

    assert [event["seq"] for event in read(tmp_path)] == [0, 1]


def test_a_torn_line_does_not_spoil_what_is_appended_after_it(tmp_path: Path) -> None:
    record = Record(tmp_path)
    record.append("run.finished", broken_off="first")
    record.close()
    with (tmp_path / FILE).open("a", encoding="utf-8") as stream:
        stream.write('{"v": 1, "seq": 1, "ty')
    again = Record(tmp_path)
    again.append("run.finished", broken_off="second")
    again.close()

    assert [(event["seq"], event["broken_off"]) for event in read(tmp_path)] == [(0, "first"), (1, "second")]


def test_threads_share_one_record(tmp_path: Path) -> None:
    record = Record(tmp_path)

    def write() -> None:
        for _ in range(10):
            record.append("run.finished", broken_off="x" * 500)

    threads = [threading.Thread(target=write) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    record.close()

    assert [event["seq"] for event in read(tmp_path)] == list(range(40))


@pytest.mark.parametrize("fields", [{}, {"broken_off": "", "more": 1}, {"broken": ""}])
def test_wrong_fields_are_refused_and_nothing_is_written(tmp_path: Path, fields: dict[str, Any]) -> None:
    record = Record(tmp_path)
    with pytest.raises(ValueError, match=r"run\.finished has the fields \['broken_off'\], not"):
        record.append("run.finished", **fields)
    record.close()

    assert read(tmp_path) == []


def test_secrets_are_redacted_when_appended(tmp_path: Path) -> None:
    record = Record(tmp_path)
    record.append("load.finished", load={"headers": {"x": "s3cr3t-1"}, "errors": [RuntimeError("password=s3cr3t-2")]})
    record.close()

    assert "s3cr3t" not in (tmp_path / FILE).read_text(encoding="utf-8")


def test_a_last_line_cut_short_is_left_out(tmp_path: Path) -> None:
    whole = json.dumps({"v": 1, "seq": 0, "type": "run.finished", "broken_off": "grüße"}, ensure_ascii=False)
    data = f"{whole}\n{whole}".encode()
    for cut in range(len(whole.encode()) + 1, len(data)):
        (tmp_path / FILE).write_bytes(data[:cut])
        assert len(read(tmp_path)) == 1, data[:cut]


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("{", "not an event of a record"),
        ("[1]", "not an event of a record"),
        ("null", "not an event of a record"),
        ('{"v": 1}', "not an event of a record: 'type'"),
        ('{"v": 2, "type": "run.finished"}', "event 'run.finished' of version 2 is not known here"),
        ('{"v": 1, "type": "run.exploded"}', "event 'run.exploded' of version 1 is not known here"),
        ('{"v": 1, "type": "run.finished"}', "event 'run.finished' lacks broken_off"),
        ('{"v": 1, "type": ["run.finished"]}', "not an event of a record"),
    ],
)
def test_damage_names_file_and_line(tmp_path: Path, line: str, words: str) -> None:
    good = json.dumps({"v": 1, "type": "run.finished", "broken_off": ""})
    (tmp_path / FILE).write_text(f"{good}\n{line}\n{good}\n", encoding="utf-8")

    with pytest.raises(ValueError, match=r"not|lacks") as raised:
        read(tmp_path)
    assert str(raised.value).startswith(f"{tmp_path / FILE}:2: {words}")


def test_bytes_that_are_no_text_name_file_and_line(tmp_path: Path) -> None:
    (tmp_path / FILE).write_bytes(b'\xff\xfe\n{"v": 1, "type": "run.finished"}\n')

    with pytest.raises(ValueError, match=r"events\.jsonl:1: not an event"):
        read(tmp_path)


def test_no_record_is_told_apart_from_an_empty_one(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        read(tmp_path)
    (tmp_path / FILE).touch()
    assert read(tmp_path) == []


def test_a_record_without_an_end_was_broken_off() -> None:
    events = [began("META-001"), check()]

    found = verdict(events)
    assert found.result is Result.INCONCLUSIVE
    assert found.reasons == ("the run has no end on record: it was killed",)
    assert broken_off([*events, ended()]) == ""


def test_what_was_selected_but_never_judged_leaves_it_open() -> None:
    found = verdict([began("META-001", "META-002"), check(), ended()])

    assert found.result is Result.INCONCLUSIVE
    assert found.reasons == ("selected but never judged: META-002",)


def test_a_rerun_replaces_the_earlier_finish() -> None:
    events = [began("A-001", "B-001"), check("B-001", "failed"), check("A-001"), check("B-001"), ended()]

    assert [(row["id"], row["outcome"]) for row in latest_checks(events)] == [("A-001", "passed"), ("B-001", "passed")]
    assert verdict(events).result is Result.CONFORMANT


def test_a_later_failure_replaces_an_earlier_pass() -> None:
    assert exit_code([began("A-001"), check("A-001"), check("A-001", "failed"), ended()]) is Exit.NON_CONFORMANT


@pytest.mark.parametrize(
    ("events", "code"),
    [
        ([began("META-001"), check(), ended()], Exit.CONFORMANT),
        ([began("META-001"), check(outcome="failed"), ended()], Exit.NON_CONFORMANT),
        ([began("META-001"), check(outcome="error"), ended()], Exit.INCONCLUSIVE),
        ([began("META-001"), check()], Exit.INCONCLUSIVE),
        ([began("META-001"), check(), ended("interrupted")], Exit.INCONCLUSIVE),
        ([began("META-001"), ended()], Exit.INCONCLUSIVE),
        ([began("META-001"), check(), load("+-"), ended()], Exit.THRESHOLD),
        ([began("META-001"), check(outcome="failed"), load("-"), ended()], Exit.NON_CONFORMANT),
        ([began("META-001"), check(outcome="error"), load("-"), ended()], Exit.INCONCLUSIVE),
        ([began(), load("+"), ended()], Exit.CONFORMANT),
        ([began(), load("++"), load("-"), ended()], Exit.THRESHOLD),
        ([began(), load("+")], Exit.INCONCLUSIVE),
        ([began(), load("-"), ended("the load generator was interrupted")], Exit.INCONCLUSIVE),
        ([began(), load(""), ended()], Exit.INCONCLUSIVE),
        ([began(), ended()], Exit.INCONCLUSIVE),
        ([began(), trial(), ended()], Exit.CONFORMANT),
        ([began(), trial(survived=("lost-update",)), ended()], Exit.NON_CONFORMANT),
        ([began(), trial(idle=("META-001",)), ended()], Exit.NON_CONFORMANT),
        ([began(), trial(survived=("lost-update",))], Exit.INCONCLUSIVE),
        ([], Exit.INCONCLUSIVE),
    ],
)
def test_exit_codes(events: list[dict[str, Any]], code: Exit) -> None:
    assert exit_code(events) is code
