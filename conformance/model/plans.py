"""What several clients do at once on one run: planned from a seed.

Each call knows how to tell from its answer what it did and saw, in the words of ``history.Event``.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from conformance.model.program import USER, Request, artifact, metadatum

KINDS = ("tags", "tasks", "steps", "runs", "metadata", "artifacts", "attempts", "beats")
CLIENTS = 4
CALLS = 12
OK, MISSING, CONFLICT = 200, 404, 409

FLOW = "/flows/${F}"
RUN = FLOW + "/runs/${r1}"
STEP = RUN + "/steps/start"
TASK = STEP + "/tasks/${t1}"
OWNER = "mfconf-owner"
REGISTRATION = {"user_name": USER, "tags": ["base"], "system_tags": ["runtime:dev"]}
SETUP = (
    Request("POST", FLOW, REGISTRATION),
    Request("POST", f"{FLOW}/run", {**REGISTRATION, "user_name": OWNER}, "r1"),
    Request("POST", f"{STEP}/step", REGISTRATION),
    Request("POST", f"{STEP}/task", REGISTRATION, "t1"),
)
BASE = frozenset({"base"})
ROWS = 3
"""Rows of one registration of metadata or artifacts."""

Reader = Callable[[Any], dict[str, Any]]


@dataclass(frozen=True)
class Call:
    """One planned call: its request, and how to tell from request and decoded answer what happened."""

    request: Request
    kind: str
    allowed: tuple[int, ...]
    tell: Callable[[int, Any], dict[str, Any]]


@dataclass(frozen=True)
class Plan:
    """What each client does in one round."""

    kinds: tuple[str, ...]
    setup: tuple[Request, ...]
    clients: tuple[tuple[Call, ...], ...]


def plan(seed: int, kinds: Sequence[str], clients: int, calls: int) -> Plan:
    """A round: the same seed gives the same one."""
    chance = random.Random(seed)  # noqa: S311 - repeatable, not secret
    plans = tuple(
        tuple(CALLS_OF[chance.choice(kinds)](chance, client, number) for number in range(calls))
        for client in range(clients)
    )
    return Plan(tuple(kinds), SETUP + (AGAIN if "attempts" in kinds else ()), plans)


def _tags(chance: random.Random, client: int, number: int) -> Call:
    if chance.random() < 0.4:  # noqa: PLR2004
        return _read(chance.choice((RUN, STEP, TASK, f"{FLOW}/runs")), "tags", _shown_tags)
    add = {f"c{client}-{number}"}
    remove = {chance.choice(["base", f"c{chance.randrange(CLIENTS)}-{chance.randrange(CALLS)}"])}
    if chance.random() < 0.7:  # noqa: PLR2004
        remove = set()
    body = {"tags_to_add": sorted(add), "tags_to_remove": sorted(remove)}
    changes = (frozenset(add), frozenset(remove))

    def tell(status: int, answer: Any) -> dict[str, Any]:
        return {"tags": frozenset(answer["tags"]), "changes": changes} if status == OK else {}

    return Call(Request("PATCH", f"{RUN}/tag/mutate", body), "tags", (OK, CONFLICT), tell)


def _shown_tags(body: Any) -> dict[str, Any]:
    """The tags of the run in an answer: its own, a step's or task's, or those in a list of runs."""
    row = next(row for row in body if row["user_name"] == OWNER) if isinstance(body, list) else body
    return {"tags": frozenset(row["tags"])}


def _read(path: str, kind: str, tell: Reader) -> Call:
    return Call(Request("GET", path), kind, (OK,), lambda _status, body: tell(body))


def _listed(path: str, name: str, key: str) -> Call:
    return _read(
        path,
        name,
        lambda body: {"sees": {name: tuple(str(row[key]) for row in body if row.get("step_name") != "again")}},
    )


def _tasks(chance: random.Random, client: int, _number: int) -> Call:
    if chance.random() < 0.3:  # noqa: PLR2004
        return _listed(f"{STEP}/tasks", "tasks", "task_id")
    if chance.random() < 0.4:  # noqa: PLR2004
        return _claimed(f"{STEP}/task", "tasks", "task_id", f"t-{chance.randrange(4)}")

    def tell(_status: int, body: Any) -> dict[str, Any]:
        return {"adds": {"tasks": (str(body["task_id"]),)}, "ids": (f"task {body['task_id']}",)}

    return Call(Request("POST", f"{STEP}/task", {**REGISTRATION, "user_name": f"c{client}"}), "tasks", (OK,), tell)


def _claimed(path: str, kind: str, field: str, name: str) -> Call:
    """A registration under a name that others may ask for at the same time."""

    def tell(status: int, _body: Any) -> dict[str, Any]:
        won = status == OK
        return {"claims": {f"{kind} {name}": won}} | ({"adds": {kind: (name,)}} if won else {})

    body = REGISTRATION | ({field: name} if field else {})
    return Call(Request("POST", path, body), kind, (OK, CONFLICT), tell)


def _steps(chance: random.Random, _client: int, _number: int) -> Call:
    if chance.random() < 0.4:  # noqa: PLR2004
        return _listed(f"{RUN}/steps", "steps", "step_name")
    name = f"s{chance.randrange(8)}"
    return _claimed(f"{RUN}/steps/{name}/step", "steps", "", name)


def _runs(chance: random.Random, _client: int, _number: int) -> Call:
    if chance.random() < 0.3:  # noqa: PLR2004
        return _listed(f"{FLOW}/runs", "runs", "run_number")
    if chance.random() < 0.5:  # noqa: PLR2004
        return _claimed(f"{FLOW}/run", "runs", "run_number", f"argo-{chance.randrange(4)}")

    def tell(_status: int, body: Any) -> dict[str, Any]:
        return {"adds": {"runs": (str(body["run_number"]),)}, "ids": (f"run {body['run_number']}",)}

    return Call(Request("POST", f"{FLOW}/run", REGISTRATION), "runs", (OK,), tell)


def _metadata(chance: random.Random, client: int, number: int) -> Call:
    if chance.random() < 0.4:  # noqa: PLR2004
        return _listed(f"{TASK}/metadata", "metadata", "value")
    values = tuple(f"c{client}-{number}-{row}" for row in range(ROWS))

    def tell(_status: int, body: Any) -> dict[str, Any]:
        return {"adds": {"metadata": values}} | _all_of(body, "metadata_created", ROWS)

    body = [metadatum("value", value) for value in values]
    return Call(Request("POST", f"{TASK}/metadata", body), "metadata", (OK,), tell)


def _all_of(body: Any, key: str, rows: int) -> dict[str, Any]:
    """The client drops the number, so none may be told."""
    told = body.get(key, rows)
    return {} if told == rows else {"odd": f"{told} of {rows} rows are said to be kept"}


def _artifacts(chance: random.Random, client: int, number: int) -> Call:
    if chance.random() < 0.4:  # noqa: PLR2004
        below = chance.choice((TASK, f"{TASK}/attempt/0"))
        return _listed(f"{below}/artifacts", "artifacts", "sha")
    shas = tuple(f"c{client}-{number}-{row}" for row in range(ROWS))

    def tell(_status: int, body: Any) -> dict[str, Any]:
        return {"adds": {"artifacts": shas}} | _all_of(body, "artifacts_created", ROWS)

    return Call(Request("POST", f"{TASK}/artifact", [artifact(sha, 0, sha) for sha in shas]), "artifacts", (OK,), tell)


def _attempts(chance: random.Random, client: int, number: int) -> Call:
    """Attempts of a second step's task, which has no artifacts but these."""
    task = f"{RUN}/steps/again/tasks/t-again"
    if chance.random() < 0.5:  # noqa: PLR2004
        return _read(
            f"{task}/artifacts",
            "attempts",
            lambda body: {"tops": {"attempts": max((row["attempt_id"] for row in body), default=-1)}},
        )
    attempt = number + chance.randrange(3)

    def tell(_status: int, _body: Any) -> dict[str, Any]:
        return {"raises": {"attempts": attempt}}

    body = [artifact(f"c{client}-{number}", attempt, "0")]
    return Call(Request("POST", f"{task}/artifact", body), "attempts", (OK,), tell)


AGAIN = (
    Request("POST", f"{RUN}/steps/again/step", REGISTRATION),
    Request("POST", f"{RUN}/steps/again/task", {**REGISTRATION, "task_id": "t-again"}),
)
"""What the attempts are registered below: in rounds that have them."""


def _beats(chance: random.Random, _client: int, _number: int) -> Call:
    path, name = chance.choice(((RUN, "run"), (TASK, "task")))
    if chance.random() < 0.5:  # noqa: PLR2004
        return _read(
            path,
            "beats",
            lambda body: {"beats": {f"beats {name}": beat}} if (beat := body.get("last_heartbeat_ts")) else {},
        )
    return Call(Request("POST", f"{path}/heartbeat", {}), "beats", (OK, MISSING), lambda _status, _body: {})


CALLS_OF: dict[str, Callable[[random.Random, int, int], Call]] = {
    "tags": _tags,
    "tasks": _tasks,
    "steps": _steps,
    "runs": _runs,
    "metadata": _metadata,
    "artifacts": _artifacts,
    "attempts": _attempts,
    "beats": _beats,
}

AT_THE_END: dict[str, tuple[Call, ...]] = {
    "tags": (_read(RUN, "tags", lambda body: {"tags": frozenset(body["tags"])}),),
    "tasks": (_listed(f"{STEP}/tasks", "tasks", "task_id"),),
    "steps": (_listed(f"{RUN}/steps", "steps", "step_name"),),
    "runs": (_listed(f"{FLOW}/runs", "runs", "run_number"),),
    "metadata": (_listed(f"{TASK}/metadata", "metadata", "value"),),
    "artifacts": (_listed(f"{TASK}/artifacts", "artifacts", "sha"),),
}
"""What is read when all have ended, by a client that wrote nothing."""
