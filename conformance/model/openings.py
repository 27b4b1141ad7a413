"""The histories that every search begins with: what random ones would need luck for."""

from __future__ import annotations

from conformance.model.program import Draw

ATTEMPTS = (0, 2, 1)
"""In the order in which they register: the latest is not the last."""

FAMILY: tuple[Draw, ...] = (
    *(("flow", 0, 0, 0), ("flow", 1, 0, 1), ("flow", 0, 0, 2)),
    *(("run", 0, 0, 1), ("run", 1, 0, 2), ("run", 0, 1, 0), ("run", 1, 1, 5), ("run", 0, 1, 1)),
    *(("step", 0, 0, 0), ("step", 0, 1, 1), ("step", 1, 0, 2), ("step", 2, 0, 0), ("step", 2, 2, 3), ("step", 0, 0, 4)),
    *(("task", 0, 0, 1), ("task", 1, 0, 2), ("task", 2, 0, 1), ("task", 3, 1, 3), ("task", 0, 1, 0), ("task", 0, 1, 2)),
    *(("artifacts", task, attempt, 3 - attempt) for task in (0, 1, 3, 4) for attempt in ATTEMPTS),
    *(("metadata", task, task, task + 1) for task in range(5)),
    *(("read", 0, kind, 0) for kind in range(7)),
    *(("mutate", 0, 0, way) for way in range(7)),
    *(("mutate", 2, 1, way) for way in range(7)),
    *(("beat", 3, 0, 0), ("read", 2, 0, 0), ("beat", 0, 0, 0), ("beat", 0, 1, 0), ("beat", 2, 1, 0)),
    *(("read", thing, kind, thing) for thing in range(4) for kind in range(7)),
    *(("listing", thing, kind, thing) for thing in range(3) for kind in range(10)),
    *(("page", thing, kind, 1) for thing in range(2) for kind in range(4)),
    *(("elsewhere", 0, 1, way) for way in range(8)),
)
"""Two flows with runs, steps and tasks of the same and of nearly the same names; three attempts; tags that change."""

CROWD: tuple[Draw, ...] = (("crowd", 0, 0, 3), ("crowd", 0, 1, 3), ("crowd", 0, 2, 5), ("crowd", 0, 3, 5))
"""Many tasks, runs, metadata and artifacts, for what shows in numbers only."""

OPENINGS = (FAMILY, CROWD)
