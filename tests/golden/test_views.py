"""From a record to its views, byte for byte; after a wanted change: ``python -m tests.golden.regenerate``."""

from __future__ import annotations

import ast
import json
import re
import sys
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import jsonschema
import pytest

import reports
from conformance.record import EVENTS, read
from tests.golden.cases import CASES, SHA, write
from tests.golden.regenerate import FOLDER, VIEWS

SCHEMA = json.loads(Path(reports.__file__).with_name("schema.json").read_text(encoding="utf-8"))


@pytest.fixture(params=CASES)
def name(request: pytest.FixtureRequest) -> str:
    found: str = request.param
    return found


@pytest.fixture
def folder(name: str, tmp_path: Path) -> Path:
    reports.build(write(name, tmp_path))
    return tmp_path


class Page(HTMLParser):
    """Tags and text of an HTML page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        while self.open and self.open.pop() != tag:
            pass

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.mark.parametrize("view", VIEWS)
def test_the_views_are_the_golden_ones(name: str, folder: Path, view: str) -> None:
    want = (FOLDER / name / view).read_text(encoding="utf-8")

    assert (folder / view).read_text(encoding="utf-8") == want


def test_the_same_record_gives_the_same_bytes(folder: Path) -> None:
    before = {view: (folder / view).read_bytes() for view in VIEWS}
    reports.build(folder)

    assert {view: (folder / view).read_bytes() for view in VIEWS} == before
    assert {path.name for path in folder.iterdir()} == {"events.jsonl", *VIEWS}


def test_the_cases_are_records_that_can_be_read(folder: Path) -> None:
    events = read(folder)

    assert events
    assert all(set(event) == EVENTS[event["type"]] | {"v", "seq", "at", "type"} for event in events)


def test_every_kind_of_event_and_outcome_has_its_golden_view() -> None:
    events = CASES["whole"]()

    assert {event["type"] for event in events} == set(EVENTS)
    outcomes = SCHEMA["$defs"]["check"]["properties"]["outcome"]["enum"]
    assert {event["outcome"] for event in events if event["type"] == "check.finished"} == set(outcomes)


def test_the_report_is_as_its_schema_says(folder: Path) -> None:
    report = json.loads((folder / "report.json").read_text(encoding="utf-8"))

    jsonschema.Draft202012Validator(SCHEMA, format_checker=jsonschema.FormatChecker()).validate(report)


def test_the_schema_is_a_strict_one() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    loose = [where for where, part in _objects(SCHEMA) if "additionalProperties" not in part]

    assert loose == ["/$defs/load/properties/baseline"]


def _objects(part: Any, where: str = "") -> list[tuple[str, dict[str, Any]]]:
    """Every part of the schema that is about an object."""
    found = []
    if isinstance(part, dict):
        if part.get("type") == "object" or part.get("type") == ["object", "null"]:
            found.append((where, part))
        for key, inner in part.items():
            found += _objects(inner, f"{where}/{key}")
    return found


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("more",), 1),
        (("run", "exit_code"), 7),
        (("run", "started"), "yesterday"),
        (("verdict", "result"), "fine"),
        (("target", "observed", "x"), 1),
        (("checks", 0, "outcome"), "skipped"),
        (("checks", 0, "evidence"), [{"path": "evidence/../../etc/passwd", "sha256": SHA}]),
        (("checks", 0, "evidence"), [{"path": "evidence/x", "sha256": "short"}]),
        (("cleanup", "leaked"), None),
        (("mutation",), {}),
    ],
)
def test_the_schema_refuses_what_is_no_report(path: tuple[Any, ...], value: Any) -> None:
    report = json.loads((FOLDER / "whole" / "report.json").read_text(encoding="utf-8"))
    part = report
    for key in path[:-1]:
        part = part[key]
    part[path[-1]] = value

    with pytest.raises(jsonschema.ValidationError):
        jsonschema.Draft202012Validator(SCHEMA).validate(report)


@pytest.mark.parametrize("key", ["apiVersion", "run", "suite", "target", "verdict", "checks", "load", "cleanup"])
def test_the_schema_misses_what_is_left_out(key: str) -> None:
    report = json.loads((FOLDER / "whole" / "report.json").read_text(encoding="utf-8"))
    del report[key]

    with pytest.raises(jsonschema.ValidationError, match=f"'{key}' is a required property"):
        jsonschema.Draft202012Validator(SCHEMA).validate(report)


def test_a_load_test_writes_what_the_schema_says_of_it() -> None:
    source = (Path(reports.__file__).parents[1] / "load" / "__main__.py").read_text(encoding="utf-8")
    dictionaries = [
        {ast.literal_eval(key) for key in node.value.keys if key}
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Assign)
        and ast.unparse(node.targets[0]) == "result"
        and isinstance(node.value, ast.Dict)
    ]

    assert dictionaries == [{*SCHEMA["$defs"]["load"]["properties"], "interrupted"}]


def test_what_the_target_said_is_shown_but_never_obeyed(folder: Path, name: str) -> None:
    text = (folder / "report.html").read_text(encoding="utf-8")
    page = Page(text)

    assert not [tag for tag, _ in page.tags if tag in ("script", "iframe", "object", "embed", "link", "base", "form")]
    assert not [key for _, attributes in page.tags for key in attributes if key.startswith("on")]
    assert not re.findall("[^\\t\\n\\r\\x20-\\x7e\\xa0-\U0010ffff]", text)
    if name == "whole":
        assert page.text.count("<script>alert('x')</script> \"quoted\" & 'single'") >= 10
        assert "{{ 7 * 7 }}" in page.text


def test_the_page_needs_no_network(folder: Path) -> None:
    text = (folder / "report.html").read_text(encoding="utf-8")
    page = Page(text)
    links = [(tag, a.get(key)) for tag, a in page.tags for key in ("src", "href", "xlink:href", "action") if key in a]

    assert not [(tag, link) for tag, link in links if re.match(r"(?i)\s*([a-z][a-z0-9+.-]*:|//)", link or "")]
    assert not re.findall(r"url\(\s*['\"]?(?!#)[^)]*", text)
    assert "@import" not in text
    assert any("default-src 'none'" in (a.get("content") or "") for tag, a in page.tags if tag == "meta")


def test_a_link_leads_to_the_evidence_and_nowhere_else(tmp_path: Path) -> None:
    reports.build(write("whole", tmp_path))
    page = Page((tmp_path / "report.html").read_text(encoding="utf-8"))

    assert [a["href"] for tag, a in page.tags if tag == "a"] == ["evidence/FLOW-001-linear%40argo/log%20%26%20so"]


def test_junit_is_xml_and_counts_what_happened(tmp_path: Path) -> None:
    reports.build(write("whole", tmp_path))
    root = ET.fromstring((tmp_path / "junit.xml").read_bytes())  # noqa: S314 - written by us

    cases = {case.get("name", "").split()[0]: [child.tag for child in case] for case in root.iter("testcase")}
    assert cases["META-001"] == []
    assert cases["META-002"] == ["failure"]
    assert cases["META-003"] == ["error"]
    assert cases["META-004"] == ["error"]
    assert cases["META-005"] == ["skipped"]
    assert cases["META-006"] == ["skipped"]
    assert cases["META-007"] == ["failure"]
    assert cases["failures"] == ["failure"]
    assert "grüße 🌍" in (tmp_path / "junit.xml").read_text(encoding="utf-8")


def test_junit_shows_a_killed_run_as_an_error(tmp_path: Path) -> None:
    reports.build(write("killed", tmp_path))
    root = ET.fromstring((tmp_path / "junit.xml").read_bytes())  # noqa: S314 - written by us

    errors = [error.get("message") for error in root.iter("error")]
    assert errors == ["the run has no end on record: it was killed"]


def test_a_view_that_can_not_be_written_leaves_the_old_one_whole(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = {view: (folder / view).read_bytes() for view in VIEWS}

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_text", full)
    with pytest.raises(OSError, match="No space left"):
        reports.build(folder)
    assert {view: (folder / view).read_bytes() for view in VIEWS} == before
    assert {path.name for path in folder.iterdir()} == {"events.jsonl", *VIEWS}


def test_charts_leave_the_import_system_as_it_was() -> None:
    assert not [finder for finder in sys.meta_path if type(finder).__module__.startswith("pygal")]


def test_a_record_without_a_beginning_is_refused(tmp_path: Path) -> None:
    (tmp_path / "events.jsonl").touch()

    with pytest.raises(ValueError, match="no beginning"):
        reports.build(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["events.jsonl"]
