"""Identifiers that collide, change their type, or lose one of their two forms."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from conformance.mutants.bench import (
    ARTIFACTS,
    ENTITIES,
    LISTINGS,
    METADATA,
    OK,
    ONE_ARTIFACT,
    REGISTRATIONS,
    Bench,
    Handler,
    answer,
    each,
    json_of,
    pool_of,
    replace,
    send,
    sent,
)
from conformance.mutants.catalogue import mutant

NOT_FOUND = {"message": "not found"}
EVERYTHING = (*ENTITIES, *METADATA, *ARTIFACTS, *ONE_ARTIFACT, *REGISTRATIONS)
BELOW_RUN = ("GET R*", "GET S*", "GET T*", "POST R*", "POST S*", "POST T*", "PATCH R*")


@mutant("ids-per-flow")
def ids_per_flow(bench: Bench) -> None:
    """Numbers of runs start with 1 in every flow."""
    bench.edit("entities", "INSERT INTO runs (flow_id, run_id,", "INSERT INTO runs (flow_id, run_number, run_id,")
    bench.edit(
        "entities",
        "SELECT flow_id, $2, $3, $4, $5, $6, $7 FROM flows",
        "SELECT flow_id, (SELECT coalesce(max(run_number), 0) + 1 FROM runs WHERE flow_id = $1), "
        "$2, $3, $4, $5, $6, $7 FROM flows",
    )


@mutant("task-ids-per-step")
def task_ids_per_step(bench: Bench) -> None:
    """Numbers of tasks start with 1 in every step."""
    bench.edit(
        "entities",
        "INSERT INTO tasks (flow_id, run_number, step_name,",
        "INSERT INTO tasks (task_id, flow_id, run_number, step_name,",
    )
    bench.edit(
        "entities",
        "SELECT flow_id, run_number, $4, $5, $6, $7, $8, $9, $10 FROM parent",
        "SELECT (SELECT coalesce(max(task_id), 0) + 1 FROM tasks JOIN parent USING (flow_id, run_number) "
        "WHERE step_name = $4), flow_id, run_number, $4, $5, $6, $7, $8, $9, $10 FROM parent",
    )


@mutant("ids-from-the-clock")
def ids_from_the_clock(bench: Bench) -> None:
    """The number of a run is the time in seconds: of two in one second the second is refused."""
    bench.edit("entities", "INSERT INTO runs (flow_id, run_id,", "INSERT INTO runs (flow_id, run_number, run_id,")
    bench.edit(
        "entities",
        "SELECT flow_id, $2, $3, $4, $5, $6, $7 FROM flows",
        "SELECT flow_id, extract(epoch FROM now())::bigint, $2, $3, $4, $5, $6, $7 FROM flows",
    )


@mutant("ids-as-text")
def ids_as_text(bench: Bench) -> None:
    """The numbers of runs and tasks are strings in answers."""

    def text(item: dict[str, Any]) -> None:
        item.update({key: str(item[key]) for key in ("run_number", "task_id") if key in item})

    bench.body(*EVERYTHING)(each(text))


@mutant("ids-as-floats")
def ids_as_floats(bench: Bench) -> None:
    """The numbers of runs and tasks are floating point numbers: 7.0."""

    def real(item: dict[str, Any]) -> None:
        item.update({key: float(item[key]) for key in ("run_number", "task_id") if isinstance(item.get(key), int)})

    bench.body(*EVERYTHING)(each(real))


@mutant("ids-zero-padded")
def ids_zero_padded(bench: Bench) -> None:
    """Listed tasks have their number padded with zeros."""

    def pad(item: dict[str, Any]) -> None:
        if str(item["task_id"]).isdigit():
            item["task_id"] = f"{int(item['task_id']):08d}"

    bench.body("GET S/tasks")(each(pad))


def overflow(bench: Bench, bits: int) -> None:
    """Answer 500 to a number in a path that does not fit into so many bits."""

    @bench.around(*BELOW_RUN)
    async def fit(request: web.Request, handler: Handler) -> web.StreamResponse:
        for name in ("run", "task"):
            segment = request.match_info.get(name, "")
            if segment.isdigit() and int(segment) >= 2 ** (bits - 1):
                return answer({"message": f"value out of int{bits} range"}, 500)
        return await handler(request)


@mutant("ids-of-32-bits")
def ids_of_32_bits(bench: Bench) -> None:
    """A number in a path that does not fit into 32 bits is answered with 500."""
    overflow(bench, 32)


@mutant("ids-of-64-bits")
def ids_of_64_bits(bench: Bench) -> None:
    """A number in a path that does not fit into 64 bits is answered with 500."""
    overflow(bench, 64)


@mutant("run-name-hidden")
def run_name_hidden(bench: Bench) -> None:
    """A run that was registered with a name shows its number instead."""
    bench.edit(
        "rows",
        'shown.pop("run_id") or shown["run_number"]',
        '(shown.pop("run_id") and None) or shown["run_number"]',
        times=2,
    )


@mutant("task-name-hidden")
def task_name_hidden(bench: Bench) -> None:
    """A task that was registered with a name shows its number instead."""
    bench.edit("rows", 'shown.pop("task_name") or', '(shown.pop("task_name") and None) or')


@mutant("run-name-not-found")
def run_name_not_found(bench: Bench) -> None:
    """A run can not be read under its name."""
    _not_by_name(bench, "run")


@mutant("task-name-not-found")
def task_name_not_found(bench: Bench) -> None:
    """A task can not be read under its name."""
    _not_by_name(bench, "task")


def _not_by_name(bench: Bench, what: str) -> None:
    @bench.around("GET R" if what == "run" else "GET T")
    async def missing(request: web.Request, handler: Handler) -> web.StreamResponse:
        named = not request.match_info[what].isdigit()
        return answer(NOT_FOUND, 404) if named else await handler(request)


@mutant("run-name-not-found-below")
def run_name_not_found_below(bench: Bench) -> None:
    """A run can be read under its name, its steps, artifacts and metadata only under its number."""

    @bench.around("GET R/*")
    async def empty(request: web.Request, handler: Handler) -> web.StreamResponse:
        return await handler(request) if request.match_info["run"].isdigit() else answer([])


@mutant("task-name-not-found-below")
def task_name_not_found_below(bench: Bench) -> None:
    """A task can be read under its name, its artifacts and metadata only under its number."""

    @bench.around("GET T/artifacts", "GET T/metadata")
    async def empty(request: web.Request, handler: Handler) -> web.StreamResponse:
        return await handler(request) if request.match_info["task"].isdigit() else answer([])


@mutant("run-number-not-found")
def run_number_not_found(bench: Bench) -> None:
    """A run that has a name can not be read under its number."""

    @bench.around("GET R", "GET R/steps")
    async def missing(request: web.Request, handler: Handler) -> web.StreamResponse:
        response = await handler(request)
        shown = json_of(response)
        one = shown[0] if isinstance(shown, list) and shown else shown
        named = response.status == OK and isinstance(one, dict) and not str(one["run_number"]).isdigit()
        return answer(NOT_FOUND, 404) if named and request.match_info["run"].isdigit() else response


@mutant("run-name-ignored")
def run_name_ignored(bench: Bench) -> None:
    """The name that a client gives its run is ignored: the run gets a number alone."""
    _name_ignored(bench, "POST F/run", "run_number")


@mutant("task-name-ignored")
def task_name_ignored(bench: Bench) -> None:
    """The name that a client gives its task is ignored: the task gets a number alone."""
    _name_ignored(bench, "POST S/task", "task_id")


def _name_ignored(bench: Bench, route: str, key: str) -> None:
    @bench.around(route)
    async def ignore(request: web.Request, handler: Handler) -> web.StreamResponse:
        send(request, each(lambda item: item.pop(key, None))(await sent(request)))
        return await handler(request)


@mutant("run-name-in-lower-case")
def run_name_in_lower_case(bench: Bench) -> None:
    """The name of a run is kept in lower case."""

    @bench.around("POST F/run")
    async def lower(request: web.Request, handler: Handler) -> web.StreamResponse:
        body = await sent(request)
        if isinstance(body, dict) and isinstance(body.get("run_number"), str):
            send(request, {**body, "run_number": body["run_number"].lower()})
        return await handler(request)


@mutant("run-name-unique-everywhere")
def run_name_unique_everywhere(bench: Bench) -> None:
    """The name of a run has to be unique over all flows."""

    @bench.around("POST F/run")
    async def unique(request: web.Request, handler: Handler) -> web.StreamResponse:
        body = await sent(request)
        name = body.get("run_number") if isinstance(body, dict) else None
        taken = name and await pool_of(request.app).fetchrow("SELECT 1 FROM runs WHERE run_id = $1", str(name))
        return answer({"message": "the run exists"}, 409) if taken else await handler(request)


@mutant("task-name-unique-in-flow")
def task_name_unique_in_flow(bench: Bench) -> None:
    """The name of a task has to be unique over all runs of a flow."""

    @bench.around("POST S/task")
    async def unique(request: web.Request, handler: Handler) -> web.StreamResponse:
        body = await sent(request)
        name = body.get("task_id") if isinstance(body, dict) else None
        flow = request.match_info["flow"]
        query = "SELECT 1 FROM tasks WHERE flow_id = $1 AND task_name = $2"
        taken = name and await pool_of(request.app).fetchrow(query, flow, str(name))
        return answer({"message": "the task exists"}, 409) if taken else await handler(request)


@mutant("ids-of-parent-lost")
def ids_of_parent_lost(bench: Bench) -> None:
    """Listed rows do not say which run they are of."""

    def drop(item: dict[str, Any]) -> None:
        if len(item) > 3:  # noqa: PLR2004 - a row, not an error
            item.pop("run_number", None)

    bench.body(*(route for route in LISTINGS if route != "GET F/runs"))(each(drop))


@mutant("run-number-off-by-one")
def run_number_off_by_one(bench: Bench) -> None:
    """The answer to the registration of a run names another number than it is kept under."""

    @bench.around("POST F/run")
    async def next_one(request: web.Request, handler: Handler) -> web.StreamResponse:
        response = await handler(request)
        body = json_of(response)
        if response.status == OK and isinstance(body["run_number"], int):
            replace(response, {**body, "run_number": body["run_number"] + 1})
        return response
