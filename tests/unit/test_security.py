"""What the checks of isolation and identity make of what a step tells."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import pytest

from conformance.suites.security import test_identity, test_isolation

identity: Any = test_identity
isolation: Any = test_isolation

ACCOUNT = "system:serviceaccount:jobs:steps"
CLUSTER = SimpleNamespace(namespace="jobs")
SESSION = SimpleNamespace(config={"METAFLOW_KUBERNETES_SERVICE_ACCOUNT": "steps"})
TIMEOUT = {"error": "TimeoutError: timed out"}


def review(**status: Any) -> dict[str, Any]:
    return {"status": 201, "text": json.dumps({"status": status})}


def rules(*rows: dict[str, list[str]]) -> dict[str, Any]:
    return review(resourceRules=list(rows), incomplete=False)


def rule(verbs: str, resources: str, **more: list[str]) -> dict[str, list[str]]:
    return {"verbs": verbs.split(), "resources": resources.split(), "apiGroups": [""], **more}


def run(**reach: Any) -> Any:
    """A run whose step reached all that it should, and was known as it should, but for what is given."""
    api = {
        "address": "https://10.0.0.1:443",
        "version": {"status": 200, "text": "{}"},
        "anonymous": 403,
        "SelfSubjectReview": review(userInfo={"username": ACCOUNT}),
        "SelfSubjectRulesReview": rules(
            rule("create", "selfsubjectreviews"), rule("create patch", "workflowtaskresults")
        ),
    }
    sound = {
        "service": {"status": 200, "version": "2.5.1"},
        "store": {"address": "http://s3/bucket/key", "read": 403, "list": 403, "write": 403},
        "api": api | reach.pop("api", {}),
    }
    return SimpleNamespace(pathspec="F/1", task=lambda _: {"reach": sound | reach})


def judge_all(judged: Any) -> None:
    isolation.test_service_answers_inside(judged)
    isolation.test_api_server_is_reached(judged)
    isolation.test_api_server_tells_nobody(judged)
    isolation.test_store_refuses_strangers(judged)
    identity.test_token_is_of_the_configured_account(judged, CLUSTER, SESSION)
    identity.test_token_gives_no_power(judged, lambda *_: None)


@pytest.mark.parametrize(
    "reach",
    [
        {},
        {"api": {"version": {"status": 401, "text": ""}, "anonymous": 401}},
        {"store": {"address": "http://s3/bucket/key", "read": 301, "list": "URLError: no", "write": 400}},
        {"api": {"SelfSubjectRulesReview": rules(rule("get", "secrets", resourceNames=["mine"]), rule("get", "pods"))}},
    ],
    ids=["as on kind", "anonymous requests are not even authenticated", "a store in another region", "named objects"],
)
def test_sound_deployments_pass(reach: dict[str, Any]) -> None:
    judge_all(run(**reach))


def test_a_pod_without_a_token_passes() -> None:
    judged = run()
    for kind in ("SelfSubjectReview", "SelfSubjectRulesReview"):
        del judged.task("start")["reach"]["api"][kind]

    judge_all(judged)


BROKEN = [
    ({"service": TIMEOUT}, r"METAFLOW_SERVICE_URL/ping.*no answer: TimeoutError"),
    ({"service": {"status": 403, "version": None}}, r"METAFLOW_SERVICE_URL/ping.*want 200, got 403"),
    ({"api": {"version": TIMEOUT}}, r"API server at https://10.0.0.1:443 does not answer: TimeoutError"),
    ({"api": {"anonymous": 200}}, r"lists the secrets of the namespace without a token.*system:anonymous"),
    (
        {"store": {"address": "http://s3/b", "read": 200, "list": 403, "write": 200}},
        r"http://s3/b: .*\['read', 'write'\]",
    ),
    ({"store": {"address": "http://s3/b", "read": "URLError"}}, r"http://s3/b: no answer to unsigned requests"),
    (
        {"api": {"SelfSubjectReview": review(userInfo={"username": "system:serviceaccount:jobs:default"})}},
        "jobs:default",
    ),
    ({"api": {"SelfSubjectReview": {"status": 401, "text": "Unauthorized"}}}, r"SelfSubjectReview.*'Unauthorized'"),
    ({"api": {"SelfSubjectRulesReview": rules(rule("*", "*"))}}, r"what the mounted token lets the step do.*'\* \*'"),
    ({"api": {"SelfSubjectRulesReview": rules(rule("get list", "secrets"))}}, r"'get secrets', 'list secrets'"),
    (
        {"api": {"SelfSubjectRulesReview": rules(rule("create", "pods pods/exec"))}},
        r"'create pods', 'create pods/exec'",
    ),
]


@pytest.mark.parametrize(("reach", "told"), BROKEN, ids=[told for _, told in BROKEN])
def test_a_broken_deployment_is_told(reach: dict[str, Any], told: str) -> None:
    with pytest.raises(AssertionError, match=told):
        judge_all(run(**reach))
