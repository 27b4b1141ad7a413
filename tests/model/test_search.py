"""The searches find each fault, and nothing in a sound service."""

from __future__ import annotations

import subprocess
import time

import pytest

from conformance.model import sequential, together
from conformance.model.history import Finding
from conformance.model.plans import CLIENTS
from conformance.model.play import Divergence
from conformance.model.script import head, render
from tests.model import services

SECONDS = 60.0
"""An end for a fault that is not found: those that are found take a fraction of it."""
SHRINK_S = 0.2
SOUND_S = 0.5
URL = "http://127.0.0.1:1"


def searched(service: services.Sound, seed: int = 7, shrink_s: float = SHRINK_S) -> Divergence | None:
    search = sequential.Search([service] * 4, "M", SECONDS, seed)
    search.shrink_s = shrink_s
    return search.run()


def played(service: services.Sound) -> Finding | None:
    rounds = together.Rounds([service] * (CLIENTS + 1), "M", SECONDS, 7)
    rounds.shrink_s = SHRINK_S
    found = rounds.run()
    return found[0] if found else None


@pytest.mark.parametrize(
    "service", [services.Sound, services.Strict, services.Quiet, services.Paged, services.OldestFirst]
)
def test_a_sound_service_agrees_with_the_model(service: type[services.Sound]) -> None:
    assert sequential.search([service()] * 4, "M", SOUND_S, 1, URL) is None


def test_a_sound_service_loses_nothing() -> None:
    assert together.search([services.Sound()] * (CLIENTS + 1), "M", SOUND_S, 1, URL) is None


@pytest.mark.parametrize(
    ("service", "about"),
    [
        (services.PageOff, "rows instead of"),
        (services.Cached, "GET"),
        (services.Capped, "50 rows instead of"),
        (services.OldAttempt, "/artifacts"),
        (services.LostRow, "/metadata: "),
        (services.AnyCase, "Start"),
        (services.Leaking, "/tasks: "),
        (services.OwnTags, "tags is [] instead of"),
        (services.AddedFirst, "/tag/mutate"),
        (services.TakenTwice, "status 200 instead of 409"),
        (services.BackInTime, "last_heartbeat_ts"),
        (services.DeafToBeats, "last_heartbeat_ts is"),
    ],
)
def test_a_fault_is_found(service: type[services.Sound], about: str) -> None:
    found = searched(service())

    assert found is not None
    assert about in found.line
    assert "\n" not in found.line


@pytest.mark.parametrize(
    ("service", "about"),
    [
        (services.LostTags, "tag"),
        (services.Replica, "client"),
        (services.SameNumber, "was given 2 times"),
        (services.BothWin, "were told they made it"),
        (services.LostTogether, "/metadata: "),
    ],
)
def test_a_fault_of_clients_together_is_found(service: type[services.Sound], about: str) -> None:
    found = played(service())

    assert found is not None
    assert about in found.line
    assert "\n" not in found.line


def test_a_finding_is_made_short() -> None:
    found = searched(services.AnyCase(), shrink_s=12.0)

    assert found is not None
    assert len(found.played) == 4, found.played


def test_no_more_rows_are_sent_than_it_takes() -> None:
    found = searched(services.LostRow(), shrink_s=60.0)

    assert found is not None
    assert [len(request.body) for request in found.played if isinstance(request.body, list)] == [3]


def test_the_same_seed_finds_the_same() -> None:
    assert searched(services.AnyCase(), 3, 0.0) == searched(services.AnyCase(), 3, 0.0)


@pytest.mark.parametrize("service", [services.Sound, services.Slow])
def test_a_search_ends_in_time(service: type[services.Sound]) -> None:
    began = time.monotonic()

    sequential.search([service()] * 4, "M", SOUND_S, 5, URL)

    assert time.monotonic() - began < 4 * SOUND_S


def test_a_search_leaves_no_more_than_so_many_flows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sequential, "MOST", 3)
    monkeypatch.setattr(together, "MOST", 3)
    look = sequential.Search([services.Sound()] * 4, "M", SECONDS, 5)
    rounds = together.Rounds([services.Sound()] * (CLIENTS + 1), "M", SECONDS, 7)

    look.run()
    rounds.run()

    assert (look.histories, rounds.rounds) == (3, 3)


def test_the_script_is_one_that_a_shell_reads() -> None:
    found = searched(services.Capped())

    assert found is not None
    script = render(("why",), URL, found.played, ("here",))
    checked = subprocess.run(["sh", "-n"], input=script, text=True, capture_output=True, check=False)
    assert checked.returncode == 0, checked.stderr
    assert script.startswith("#!/bin/sh\n# why\n")
    assert head(("two\nlines",), URL).startswith("#!/bin/sh\n# two lines\n")
