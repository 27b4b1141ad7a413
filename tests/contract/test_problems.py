"""An answer that breaks the contract in one point is found out; a good one is not."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from conformance.contract import operations, problems
from conformance.contract.judge import own
from conformance.system import metadata

TOLD = {"METADATA_SERVICE_VERSION": "2.5.1"}
FLOW = {"flow_id": "F", "user_name": "u", "ts_epoch": 1795567315028, "tags": ["a"], "system_tags": []}
RUN = {**FLOW, "run_number": 7, "last_heartbeat_ts": None}
STEP = {**FLOW, "run_number": "7", "step_name": "start"}
TASK = {**FLOW, "run_number": 7, "step_name": "start", "task_id": "t-a", "last_heartbeat_ts": 1795567314}
IN_TASK = {**FLOW, "run_number": 7, "step_name": "start", "task_id": 3}
METADATUM = {**IN_TASK, "id": 1, "field_name": "attempt", "value": "0", "type": "attempt"}
STORED = {"location": "l", "ds_type": "s3", "sha": "0", "type": "t", "content_type": "c", "attempt_id": 0}
ARTIFACT = {**IN_TASK, "name": "x", **STORED}
GOOD: dict[str, Any] = {
    "listFlows": [FLOW],
    "getFlow": FLOW,
    "registerFlow": FLOW,
    "listRuns": [RUN],
    "getRun": RUN,
    "registerRun": {**RUN, "run_number": "argo-x"},
    "beatRun": '{"wait_time_in_seconds": 10}',
    "mutateTags": {"tags": ["a"]},
    "listSteps": [STEP],
    "getStep": STEP,
    "registerStep": STEP,
    "listTasks": [TASK],
    "getTask": TASK,
    "registerTask": TASK,
    "filterTasks": ["F/7/start/3"],
    "beatTask": '{"wait_time_in_seconds": 10}',
    "listTaskMetadata": [METADATUM],
    "registerMetadata": {"metadata_created": 2},
    "listRunMetadata": [METADATUM],
    "registerArtifacts": {"artifacts_created": 2},
    "listTaskArtifacts": [ARTIFACT],
    "listAttemptArtifacts": [ARTIFACT],
    "getArtifact": ARTIFACT,
    "getAttemptArtifact": ARTIFACT,
    "listStepArtifacts": [ARTIFACT],
    "listRunArtifacts": [ARTIFACT],
    "healthcheck": '{"status": "UP"}',
}
WRONG = {
    "flow_id": (None, 7),
    "user_name": (7, ["u"]),
    "ts_epoch": (None, "1795567315028", 1795567315, 1795567315028000, 1.5),
    "tags": ("a", {}, [7]),
    "system_tags": ("a", {}, [7]),
    "run_number": (None, 1.5, "", []),
    "task_id": (None, 1.5, ""),
    "step_name": (None, 7),
    "last_heartbeat_ts": ("1795567314", 1795567314000),
    "id": (None, "1", 0),
    "field_name": (None, 7),
    "value": (7, ["a"]),
    "name": (None, 7),
    "sha": (7,),
    "attempt_id": (None, "0", -1),
    "metadata_created": (None, "2"),
    "artifacts_created": (None, "2"),
}
UNTOLD = ("metadata_created", "artifacts_created")
"""Fields that an answer may lack."""


@dataclass(frozen=True)
class Answered:
    status: int
    text: str
    headers: Mapping[str, str] = field(default_factory=lambda: TOLD)


def broken(name: str, body: Any, status: int = 200, headers: Mapping[str, str] = TOLD) -> list[str]:
    return problems(operations()[name], Answered(status, json.dumps(body), headers))


def test_there_is_an_answer_of_every_operation() -> None:
    assert {*GOOD, "ping", "version"} == set(operations())


@pytest.mark.parametrize("name", GOOD)
def test_a_good_answer_keeps_the_contract(name: str) -> None:
    assert broken(name, GOOD[name]) == []
    assert broken(name, 7), "and another body breaks it"


@pytest.mark.parametrize("name", [name for name, body in GOOD.items() if isinstance(body, (dict, list))])
def test_a_field_that_is_missing_or_wrong_breaks_it(name: str) -> None:
    rows = GOOD[name] if isinstance(GOOD[name], list) else [GOOD[name]]

    for row in rows:
        for key in row if isinstance(row, dict) else ():
            without = {other: value for other, value in row.items() if other != key}
            assert bool(broken(name, _like(GOOD[name], without))) is (key not in UNTOLD), f"{name} without {key}"
            for value in WRONG.get(key, ()):
                assert broken(name, _like(GOOD[name], {**row, key: value})), f"{name} with {key}={value!r}"


def _like(good: Any, row: Any) -> Any:
    return [row] if isinstance(good, list) else row


@pytest.mark.parametrize(
    ("name", "status", "headers", "what"),
    [
        ("getRun", 500, TOLD, "status 500, but the contract has 200, 404"),
        ("getRun", 301, TOLD, "status 301"),
        ("getRun", 409, TOLD, "status 409"),
        ("ping", 200, {}, "no header METADATA_SERVICE_VERSION"),
        ("getRun", 200, {"METADATA_SERVICE_VERSION": "new"}, "header METADATA_SERVICE_VERSION"),
        ("listRuns", 200, {**TOLD, "X-Limit": "many"}, "header X-Limit"),
    ],
)
def test_status_and_headers_count(name: str, status: int, headers: Mapping[str, str], what: str) -> None:
    assert any(what in problem for problem in broken(name, GOOD.get(name), status, headers))


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("ping", "<html>"),
        ("version", "new"),
        ("getRun", "<html>"),
        ("beatRun", json.dumps({"wait_time_in_seconds": 10})),
        ("beatRun", json.dumps("10")),
        ("beatRun", json.dumps("no JSON")),
        ("healthcheck", json.dumps(json.dumps({"status": "DOWN"}))),
    ],
)
def test_another_body_breaks_it(name: str, text: str) -> None:
    assert problems(operations()[name], Answered(200, text))


@pytest.mark.parametrize("version", ["2.5", "2.5.1", "v2.5.1", "2.6.0rc1", "2.5.1.post2", "2.5.1+vendor.3", "1!2.5"])
def test_a_version_that_the_client_parses_keeps_it(version: str) -> None:
    assert not problems(operations()["version"], Answered(200, version))
    assert not broken("getRun", GOOD["getRun"], 200, {"METADATA_SERVICE_VERSION": version})


@pytest.mark.parametrize("version", ["latest", "", "2.5.", "2.5.1-vendor", "2.5.1+", "2.5.1 or so"])
def test_a_version_that_the_client_can_not_parse_breaks_it(version: str) -> None:
    assert problems(operations()["version"], Answered(200, version))


@pytest.mark.parametrize("name", ["listFlows", "listRuns", "listTasks", "listTaskMetadata", "listTaskArtifacts"])
def test_a_list_needs_no_version(name: str) -> None:
    assert not broken(name, GOOD[name], 200, {})


@pytest.mark.parametrize("status", [200, 201, 202, 299])
def test_every_success_is_the_documented_one(status: int) -> None:
    assert broken("registerRun", GOOD["registerRun"], status) == []
    assert broken("registerRun", {}, status), "and its body is judged"


def test_an_error_may_say_anything_but_has_to_be_json() -> None:
    for body in ({}, {"message": "no"}, "no"):
        assert broken("getRun", body, 404) == []
    assert problems(operations()["getRun"], Answered(404, "<html>"))


def test_only_flows_of_the_session_are_judged() -> None:
    theirs, mine = {"flow_id": "Theirs"}, {"flow_id": "Mfconf_abc_Mine"}
    listed = metadata.Answer("GET /flows", 200, {}, json.dumps([theirs, mine]))

    assert own(operations()["listFlows"], listed, "abc").json == [mine]
    assert own(operations()["getFlow"], listed, "abc") is listed
