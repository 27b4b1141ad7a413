"""What a concurrent history may look like: no acknowledged write lost, no read that goes back. Standard library only.

Times are seconds of one monotonic clock, taken before a call is sent and after its answer is read, so that an
event's effect lies between ``began`` and ``ended``.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

CLOCKS_S = 2
"""How far the clocks of a service's replicas may lie apart: a heartbeat may go back by as much."""
WHEN_AND_WHO = {"client", "call", "began", "ended", "kind"}
SEARCH = 200_000
"""States after which the search for an order gives up, without a finding."""


@dataclass(frozen=True)
class Event:
    """One call of a client.

    ``adds`` and ``sees``: of each object (a listing that only grows), the elements acknowledged or shown.
    ``changes``: tags added and removed by an acknowledged mutation. ``tags``: the whole set that the answer shows.
    ``claims``: names that only one client can get, with whether this one got it. ``beats``: heartbeats shown.
    ``raises``, ``tops``: the attempt that was written, the latest attempt that is shown. ``ids``: numbers that the
    service gave. ``odd``: what is wrong with the answer by itself.
    """

    client: int
    call: str
    began: float
    ended: float
    adds: dict[str, tuple[Any, ...]] = field(default_factory=dict)
    sees: dict[str, tuple[Any, ...]] = field(default_factory=dict)
    changes: tuple[frozenset[str], frozenset[str]] | None = None
    tags: frozenset[str] | None = None
    claims: dict[str, bool] = field(default_factory=dict)
    beats: dict[str, int] = field(default_factory=dict)
    raises: dict[str, int] = field(default_factory=dict)
    tops: dict[str, int] = field(default_factory=dict)
    ids: tuple[Any, ...] = ()
    odd: str = ""
    kind: str = ""

    def __str__(self) -> str:
        return f"client {self.client}: {self.call}"

    @property
    def told(self) -> str:
        """What the answer told."""
        whole = {name: value for name, value in vars(self).items() if value and name not in WHEN_AND_WHO}
        if self.tags is not None:
            whole["tags"] = sorted(self.tags)
        return ", ".join(f"{name}: {value}" for name, value in whole.items()) or "nothing"


@dataclass(frozen=True)
class Finding:
    """What is wrong, in one line; ``about`` is the kind of thing: what a smaller history should be made of."""

    about: str
    line: str


def judge(events: Sequence[Event], tags: frozenset[str], at_the_end: Sequence[Event]) -> Finding | None:
    """The first thing wrong with a history that began with ``tags``; ``at_the_end``: reads when all had ended."""
    everything = sorted((*events, *at_the_end), key=lambda event: event.began)
    if odd := next((event for event in everything if event.odd), None):
        return Finding(odd.kind, f"{odd}: {odd.odd}")
    return (
        _claims(everything)
        or _ids(everything)
        or _growing(everything)
        or _complete(everything, at_the_end)
        or _highest(everything)
        or _beating(everything)
        or _tags(everything, tags)
    )


def _claims(events: Iterable[Event]) -> Finding | None:
    """Of all who ask for one name, one gets it."""
    asked: dict[str, list[Event]] = defaultdict(list)
    for event in events:
        for name in event.claims:
            asked[name].append(event)
    for name, askers in asked.items():
        winners = [event for event in askers if event.claims[name]]
        if len(winners) != 1:
            said = ", ".join(f"client {event.client}" for event in winners) or "none"
            line = f"{winners[0].call if winners else askers[0].call}: {len(askers)} clients asked for {name} at the"
            return Finding(name.split()[0], f"{line} same time, and {len(winners)} were told they made it: {said}")
    return None


def _ids(events: Iterable[Event]) -> Finding | None:
    given = Counter(number for event in events for number in event.ids)
    twice = [number for number, times in given.items() if times > 1]
    return Finding("tasks", f"the number {twice[0]} was given {given[twice[0]]} times") if twice else None


def _growing(events: Sequence[Event]) -> Finding | None:
    """A listing shows what was acknowledged before, nothing from the future, and never less than an earlier one."""
    writes: dict[str, dict[Any, Event]] = defaultdict(dict)
    reads: dict[str, list[Event]] = defaultdict(list)
    for event in events:
        for name, elements in event.adds.items():
            writes[name] |= dict.fromkeys(elements, event)
        for name in event.sees:
            reads[name].append(event)
    for name, looks in reads.items():
        for look in looks:
            if said := _one_look(name, look, writes[name]):
                return Finding(name.split()[0], said)
        if said := _backwards(name, looks):
            return Finding(name.split()[0], said)
    return None


def _one_look(name: str, look: Event, writes: dict[Any, Event]) -> str:
    seen = Counter(look.sees[name])
    for element, write in writes.items():
        if write.ended < look.began and element not in seen:
            late = (look.began - write.ended) * 1000
            return f"{look}: {element} is not there, {late:.0f} ms after client {write.client} was told that it is kept"
        if write.began > look.ended and element in seen:
            return f"{look}: {element} is there before client {write.client} wrote it"
    if odd := next((element for element in seen if element not in writes), None):
        return f"{look}: {odd} is there, and no client was told that it is kept"
    if twice := next((element for element, times in seen.items() if times > 1), None):
        return f"{look}: {twice} is there {seen[twice]} times"
    return ""


def _backwards(name: str, looks: Sequence[Event]) -> str:
    for later in looks:
        for earlier in looks:
            gone = set(earlier.sees[name]) - set(later.sees[name])
            if earlier.ended < later.began and gone:
                return (
                    f"{later}: {min(gone, key=str)} is not there, but client {earlier.client} had seen it "
                    f"{(later.began - earlier.ended) * 1000:.0f} ms before: a read went back"
                )
    return ""


def _complete(events: Sequence[Event], at_the_end: Sequence[Event]) -> Finding | None:
    """At the end, by another client, all of it is there."""
    for look in at_the_end:
        for name, elements in look.sees.items():
            kept = {element for event in events for element in event.adds.get(name, ())}
            if lost := kept - set(elements):
                said = f"{len(lost)} of {len(kept)} acknowledged are not there at the end, such as {min(lost, key=str)}"
                return Finding(name.split()[0], f"{look}: {said}")
    return None


def _highest(events: Sequence[Event]) -> Finding | None:
    """The latest attempt that is shown is not below one that was acknowledged or shown before."""
    for look in events:
        for name, top in look.tops.items():
            before = [(e.raises.get(name, e.tops.get(name, -1)), e) for e in events if e.ended < look.began]
            highest, which = max(before, key=lambda pair: pair[0], default=(-1, look))
            if top < highest:
                line = f"{look}: attempt {top} is shown as the latest, after client {which.client} had had {highest}"
                return Finding("attempts", line)
            begun = max((e.raises.get(name, -1) for e in events if e.began < look.ended), default=-1)
            if top > begun:
                return Finding("attempts", f"{look}: attempt {top} is shown before any client wrote it")
    return None


def _beating(events: Sequence[Event]) -> Finding | None:
    for later in events:
        for name, beat in later.beats.items():
            earlier = [e.beats[name] for e in events if name in e.beats and e.ended < later.began]
            if earlier and max(earlier) > beat + CLOCKS_S:
                return Finding("beats", f"{later}: last_heartbeat_ts went back from {max(earlier)} to {beat}")
    return None


def _tags(events: Sequence[Event], tags: frozenset[str]) -> Finding | None:
    """There is an order of all mutations and reads, within their times, that explains every answer."""
    about = [event for event in events if event.tags is not None]
    if said := _lost_tag(about):
        return Finding("tags", said)
    if linearizable(about, tags):
        return None
    calls = "; ".join(f"{event} -> {sorted(event.tags or ())}" for event in about)
    return Finding("tags", f"no order of {len(about)} tag mutations and reads explains their answers: {calls[:1500]}")


def _lost_tag(events: Sequence[Event]) -> str:
    """A tag that nobody removes stays."""
    removed = frozenset().union(*(event.changes[1] for event in events if event.changes))
    for write in events:
        for tag in sorted(write.changes[0] - removed) if write.changes else ():
            for look in events:
                if write.ended < look.began and tag not in (look.tags or ()):
                    return (
                        f"{look}: the tag {tag} is not there, {(look.began - write.ended) * 1000:.0f} ms after "
                        f"client {write.client} was told that it is: a lost or stale tag"
                    )
    return ""


def linearizable(events: Sequence[Event], state: frozenset[str]) -> bool:
    """Whether the events have an order that respects their times and explains each answer, starting with ``state``.

    The search of Wing and Gong, with the states met remembered; True where it meets more than ``SEARCH`` of them.
    """
    whole = (1 << len(events)) - 1
    stack = [(0, state)]
    met = {(0, state)}
    while stack:
        done, tags = stack.pop()
        if done == whole or len(met) > SEARCH:
            return True
        left = [number for number in range(len(events)) if not done >> number & 1]
        first_end = min(events[number].ended for number in left)
        for number in left:
            event = events[number]
            if event.began > first_end:
                continue
            after = (tags - event.changes[1]) | event.changes[0] if event.changes else tags
            if after == event.tags and (node := (done | 1 << number, after)) not in met:
                met.add(node)
                stack.append(node)
    return False
