"""Histories of several clients at once on one run: played, recorded, judged by ``history``, made smaller."""

from __future__ import annotations

import itertools
import json
import random
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from conformance.model.history import Event, Finding, judge
from conformance.model.plans import AT_THE_END, BASE, CALLS, CLIENTS, KINDS, Call, Plan, plan
from conformance.model.play import Client
from conformance.model.program import Request
from conformance.model.script import render_together
from conformance.model.sequential import SHRINK_S, Found
from conformance.status import OK, meant

START_S = 30
"""How long clients wait for each other before they begin."""
SMALLER = ((2, 1), (2, 2), (2, 3), (3, 3), (3, 5), (4, 6))
"""Clients and calls of each, in rounds that look for a short history."""
TRIES = 12
MOST = 200
"""Rounds that look for a finding: each leaves a flow behind, which nothing deletes."""


class Rounds:
    """Rounds of concurrent calls for ``seconds``. Every flow's name begins with ``prefix``.

    ``clients``: a connection for each of ``CLIENTS``, and one more that sets up and reads at the end.
    """

    def __init__(self, clients: Sequence[Client], prefix: str, seconds: float, seed: int) -> None:
        self.clients = clients
        self.prefix = prefix
        self.seconds = seconds
        self.seed = seed
        self.shrink_s = min(SHRINK_S, seconds)
        self.rounds = 0
        self.record = ""

    def run(self) -> tuple[Finding, Plan] | None:
        """The first finding, on the smallest plan that shows it too; ``record`` has the calls.

        Raises ``TargetError`` where the service stops answering.
        """
        end = time.monotonic() + self.seconds
        chance = random.Random(self.seed)  # noqa: S311 - repeatable, not secret
        with ThreadPoolExecutor(CLIENTS) as pool:
            while time.monotonic() < end and self.rounds < MOST:
                kinds = chance.sample(KINDS, chance.choice((1, 1, 2, 3)))
                planned = plan(self.seed + self.rounds, kinds, CLIENTS, CALLS)
                finding = self._round(pool, planned)
                if finding:
                    return self._smaller(pool, finding) or (finding, planned)
        return None

    def _smaller(self, pool: ThreadPoolExecutor, finding: Finding) -> tuple[Finding, Plan] | None:
        """A finding of the same kind with fewer clients and calls, if one turns up in time."""
        end = time.monotonic() + self.shrink_s
        for (clients, calls), number in itertools.product(SMALLER, range(TRIES)):
            if time.monotonic() > end:
                break
            planned = plan(self.seed + number, (finding.about,), clients, calls)
            again = self._round(pool, planned)
            if again:
                return again, planned
        return None

    def _round(self, pool: ThreadPoolExecutor, planned: Plan) -> Finding | None:
        self.rounds += 1
        values = {"F": f"{self.prefix}{self.rounds}"}
        for request in planned.setup:
            answer = self.clients[-1].call(request.method, request.target(values), request.body)
            if meant(answer.status) != OK:
                return Finding("steps", f"{request}: status {answer.status} instead of 200: {answer.text[:200]}")
            try:
                request.bind(values, json.loads(answer.text))
            except (ValueError, LookupError, TypeError):
                return Finding("steps", f"{request}: an answer without its number: {answer.text[:200]}")
        begin = threading.Barrier(len(planned.clients))

        def play(number: int) -> list[Event]:
            begin.wait(START_S)
            return [_event(self.clients[number], number, call, values) for call in planned.clients[number]]

        began = _before(values)
        events = [event for done in pool.map(play, range(len(planned.clients))) for event in done]
        reader = len(self.clients) - 1
        at_the_end = [
            _event(self.clients[-1], reader, call, values)
            for kind in planned.kinds
            for call in AT_THE_END.get(kind, ())
        ]
        finding = judge((began, *events), BASE, at_the_end)
        if finding:
            self.record = _record([*events, *at_the_end])
        return finding


def _before(values: dict[str, str]) -> Event:
    """What was there when the clients began."""
    now = time.monotonic()
    there = {"tasks": (values["t1"],), "steps": ("start",), "runs": (values["r1"],)}
    return Event(-1, "the set-up", now, now, adds=there)


def _record(events: Sequence[Event]) -> str:
    """A line a call: when it was sent and answered (ms), by whom, and what it did and saw."""
    first = min(event.began for event in events)
    return "".join(
        f"{(event.began - first) * 1000:9.1f} {(event.ended - first) * 1000:9.1f}  {event}  {event.told}\n"
        for event in sorted(events, key=lambda event: event.began)
    )


def _event(client: Client, number: int, call: Call, values: dict[str, str]) -> Event:
    began = time.monotonic()
    answer = client.call(call.request.method, call.request.target(values), call.request.body)
    ended = time.monotonic()
    status = meant(answer.status)
    told: dict[str, Any] = {}
    if status not in call.allowed:
        told = {"odd": f"status {answer.status} instead of {call.allowed[0]}: {answer.text[:200]}"}
    else:
        try:
            told = call.tell(status, json.loads(answer.text))
        except (ValueError, LookupError, TypeError, AttributeError, StopIteration) as error:
            told = {"odd": f"an answer without what it should have ({error!r}): {answer.text[:200]}"}
    return Event(number, str(call.request), began, ended, kind=call.kind, **told)


def search(clients: Sequence[Client], prefix: str, seconds: float, seed: int, url: str) -> Found | None:
    """The finding of all rounds, with its script."""
    rounds = Rounds(clients, prefix, seconds, seed)
    found = rounds.run()
    if found is None:
        return None
    finding, planned = found
    calls = sum(len(client) for client in planned.clients)
    size = f"{len(planned.clients)} clients, {calls} calls"
    line = f"{finding.line} (round {rounds.rounds}, seed {seed}, {size})"
    why = ("Calls at the same time after which the metadata service shows something impossible.", line)
    script = render_together(why, url, planned.setup, _requests(planned), _last(planned))
    return Found(line, script, rounds.record)


def _requests(planned: Plan) -> list[list[Request]]:
    return [[call.request for call in client] for client in planned.clients]


def _last(planned: Plan) -> list[Request]:
    return [call.request for kind in planned.kinds for call in AT_THE_END.get(kind, ())]
