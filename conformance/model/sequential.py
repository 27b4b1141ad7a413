"""Random histories, one call after another by several clients: the service has to answer as the model does."""

from __future__ import annotations

import itertools
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

import hypothesis
from hypothesis import strategies as st
from hypothesis.configuration import set_hypothesis_home_dir
from hypothesis.errors import Flaky

from conformance.exploring import silent
from conformance.model.openings import OPENINGS
from conformance.model.play import Client, Divergence, play
from conformance.model.program import Draw, Request, build
from conformance.model.script import render

KINDS = (
    *("flow", "run", "step", "task", "artifacts", "metadata", "mutate", "beat"),
    *("read", "listing", "elsewhere", "page", "crowd"),
    *("run", "task", "artifacts", "metadata", "mutate", "read", "listing", "listing"),
)
MOST = 200
"""Histories of one search: each leaves flows behind, which nothing deletes."""
BATCH = 20
"""Examples between two looks at the clock and the seed."""
SHRINK_S = 15.0
BY_HYPOTHESIS = 0.25
"""The part of that time that Hypothesis gets; then calls are left out one after the other."""
DRAW = st.tuples(st.sampled_from(KINDS), *[st.integers(0, 11)] * 3)
PROGRAMS = st.lists(st.lists(DRAW, min_size=1, max_size=12), max_size=6)


@dataclass(frozen=True)
class Found:
    """A finding: one line, a script that shows it, and what happened when it was found, where a script may not."""

    line: str
    script: str
    record: str = ""


class Search:
    """Look for a divergence for ``seconds``, and for a shorter one. Every flow's name begins with ``prefix``."""

    def __init__(self, clients: Sequence[Client], prefix: str, seconds: float, seed: int) -> None:
        self.clients = clients
        self.prefix = prefix
        self.seconds = seconds
        self.seed = seed
        self.shrink_s = min(SHRINK_S, seconds)
        self.histories = 0
        self._best: Divergence | None = None
        self._broken: Exception | None = None
        self._end = 0.0

    def run(self) -> Divergence | None:
        """The shortest divergence found. Raises ``TargetError`` where the service stops answering."""
        set_hypothesis_home_dir(os.devnull)  # it would keep notes in the working directory
        self._end = time.monotonic() + self.seconds
        for draws in OPENINGS:
            if self._best is None and time.monotonic() < self._end:
                self._best = self._play(build(draws), self._end)
        for batch in itertools.count():
            if self._best or self._over():
                break
            _examples(self, self.seed + batch)
            if self._broken:
                raise self._broken
        end = time.monotonic() + self.shrink_s * (1 - BY_HYPOTHESIS)
        self._drop_needless(end)
        self._shorten_lists(end)
        return self._best

    def attempt(self, draws: list[list[Draw]]) -> None:
        """Play one program. Raises ``_Diverged`` where the service parts from the model."""
        if self._broken or self._over():
            return
        found = self._play(build(itertools.chain.from_iterable(draws)), self._end)
        if found:
            if self._best is None:
                self._end = time.monotonic() + self.shrink_s * BY_HYPOTHESIS
            if self._best is None or len(found.played) <= len(self._best.played):
                self._best = found
            raise _Diverged

    def _over(self) -> bool:
        return time.monotonic() >= self._end or (self._best is None and self.histories >= MOST)

    def _play(self, program: Sequence[Request], end: float) -> Divergence | None:
        self.histories += 1
        try:
            return play(program, self.clients, f"{self.prefix}{self.histories}", end)
        except Exception as error:
            self._broken = error
            raise

    def _drop_needless(self, end: float) -> None:
        """Leave out every call without which the divergence is still there: the readings at once, others one by one."""
        if self._best:
            *before, last = self._best.played
            writes = [request for request in before if request.method != "GET"]
            self._best = self._play([*writes, last], end) or self._best
        size = len(self._best.played) // 2 if self._best else 0
        while size:
            start = 0
            while self._best and start + size < len(self._best.played) and time.monotonic() < end:
                fewer = self._best.played[:start] + self._best.played[start + size :]
                found = self._play(fewer, end)
                if found:
                    self._best = found
                else:
                    start += size
            size //= 2

    def _shorten_lists(self, end: float) -> None:
        """Send no more rows at once than the divergence needs."""
        for position in range(len(self._best.played) if self._best else 0):
            fewest = 0
            while self._best and time.monotonic() < end:
                request = self._best.played[position] if position < len(self._best.played) else None
                rows = request.body if request and isinstance(request.body, list) else []
                if len(rows) - fewest < 2:  # noqa: PLR2004
                    break
                half = (len(rows) + fewest) // 2
                shorter = replace(self._best.played[position], body=rows[:half])
                found = self._play((*self._best.played[:position], shorter, *self._best.played[position + 1 :]), end)
                if found:
                    self._best = found
                else:
                    fewest = half


class _Diverged(Exception):
    """Tells Hypothesis that an example fails."""


def _examples(search: Search, seed: int) -> None:
    @hypothesis.seed(seed)
    @silent(BATCH)
    @hypothesis.given(PROGRAMS)
    def examples(draws: list[list[Draw]]) -> None:
        search.attempt(draws)

    try:
        examples()
    except (_Diverged, Flaky):
        return
    except Exception:
        if search._broken is None:  # noqa: SLF001 - of this module
            raise


def search(clients: Sequence[Client], prefix: str, seconds: float, seed: int, url: str) -> Found | None:
    """The finding of a search, with its script."""
    look = Search(clients, prefix, seconds, seed)
    found = look.run()
    if found is None:
        return None
    line = f"{found.line} (history {look.histories}, seed {seed}, {len(found.played)} calls)"
    why = ("A history on which the metadata service and its model part; the last call shows it.", line)
    return Found(line, render(why, url, found.played, (f"here: {found.what}",)))
