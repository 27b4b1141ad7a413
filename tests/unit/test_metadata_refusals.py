"""What a call makes of a service that is unavailable, limits requests, or does not let it in."""

from __future__ import annotations

import pytest

from conformance import preflight
from conformance.errors import TargetError
from conformance.system import metadata
from conformance.system.metadata import MetadataService
from conformance.waiting import DEADLINES
from tests.unit.metadata_server import Behaviour, answer, in_turn, session_of


def test_a_call_is_repeated_while_the_service_is_unavailable(service: MetadataService, behaviour: Behaviour) -> None:
    behaviour.ways = {"/flows": in_turn(503, 503, 200)}

    assert service.post("/flows", {}).status == 200
    assert len(behaviour.requests) == 3


def test_a_service_that_stays_unavailable_is_waited_for_once(
    service: MetadataService, behaviour: Behaviour, monkeypatch: pytest.MonkeyPatch
) -> None:
    behaviour.ways = {"/flows": answer("{}", 503)}
    monkeypatch.setitem(DEADLINES, "unavailable", 2 * metadata.BACK_OFF_S)

    for number in (2, 3, 4):
        assert service.get("/flows").status == 503
        assert len(behaviour.requests) == number


@pytest.mark.parametrize("status", [401, 403, 429, 503])
def test_an_answer_is_had_as_it_is(service: MetadataService, behaviour: Behaviour, status: int) -> None:
    behaviour.ways = {"/flows": answer("{}", status)}

    assert service.get("/flows", as_is=True).status == status
    assert behaviour.requests == ["/flows"]


def test_a_limit_on_requests_is_named(service: MetadataService, behaviour: Behaviour) -> None:
    behaviour.ways = {"/flows": answer("{}", 429)}

    with pytest.raises(TargetError, match=r"/flows: the service limits the rate of requests \(429\).*raise the limit"):
        service.get("/flows")


@pytest.mark.parametrize("status", [401, 403])
def test_a_token_that_ran_out_is_no_finding(service: MetadataService, behaviour: Behaviour, status: int) -> None:
    behaviour.ways = {"/flows": answer("{}", status), "/ping": answer("{}", status)}

    for path in behaviour.ways:
        with pytest.raises(TargetError, match=f"{path}: status {status}: not authorized any more: renew the token"):
            service.get(path)


def test_a_403_while_ping_is_answered_is_an_answer(service: MetadataService, behaviour: Behaviour) -> None:
    behaviour.ways = {"/flows": answer("{}", 403)}

    assert service.get("/flows").status == 403


def test_preflight_asks_for_the_header_where_it_is_not_let_in(service: MetadataService, behaviour: Behaviour) -> None:
    behaviour.ways = {"/ping": answer("{}", 403)}

    with pytest.raises(TargetError, match="status 403: not authorized; give the header"):
        preflight.metadata_service(session_of(service.url))
