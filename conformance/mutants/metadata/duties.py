"""Small print that a rewrite forgets: what a path, a name or a second request means."""

from __future__ import annotations

import time
from typing import Any

from aiohttp import web

from conformance.mutants.bench import (
    BULKS,
    OK,
    READS,
    Bench,
    Handler,
    answer,
    each,
    json_of,
    pool_of,
    send,
    sent,
)
from conformance.mutants.catalogue import mutant

BELOW_FLOW = ("GET F*", "GET R*", "GET S*", "GET T*", "POST F*", "POST R*", "POST S*", "POST T*", "PATCH R*")
CONFLICT = 409


@mutant("flow-made-up")
def flow_made_up(bench: Bench) -> None:
    """A run of a flow that is not registered registers the flow too."""

    @bench.around("POST F/run")
    async def make(request: web.Request, handler: Handler) -> web.StreamResponse:
        response = await handler(request)
        if response.status != 404:  # noqa: PLR2004
            return response
        await pool_of(request.app).execute(
            "INSERT INTO flows (flow_id, ts_epoch) VALUES ($1, $2)", request.match_info["flow"], time.time_ns() // 10**6
        )
        return await handler(request)


@mutant("flow-replaced")
def flow_replaced(bench: Bench) -> None:
    """A flow that is registered again loses its runs: REPLACE INTO deletes what hangs on the row."""
    lost: dict[str, int] = {}

    @bench.around("POST F")
    async def again(request: web.Request, handler: Handler) -> web.StreamResponse:
        response = await handler(request)
        if response.status == CONFLICT:
            rows = await pool_of(request.app).fetch("SELECT max(run_number) AS last FROM runs")
            lost[request.match_info["flow"]] = rows[0]["last"] or 0
        return response

    @bench.around("GET F/runs")
    async def hide(request: web.Request, handler: Handler) -> web.StreamResponse:
        return answer([]) if request.match_info["flow"] in lost else await handler(request)


@mutant("step-replaced")
def step_replaced(bench: Bench) -> None:
    """A step that is registered again loses its tasks: REPLACE INTO deletes what hangs on the row."""
    lost: set[str] = set()

    @bench.around("POST S/step")
    async def again(request: web.Request, handler: Handler) -> web.StreamResponse:
        response = await handler(request)
        if response.status == CONFLICT:
            lost.add(request.path.removesuffix("/step"))
        return response

    @bench.around("GET S/tasks")
    async def hide(request: web.Request, handler: Handler) -> web.StreamResponse:
        return answer([]) if request.path.removesuffix("/tasks") in lost else await handler(request)


@mutant("body-beats-path")
def body_beats_path(bench: Bench) -> None:
    """Where the body names a flow, run, step or task, that one is taken, not the one of the path."""
    keys = {"flow_id": "flow", "run_number": "run", "step_name": "step", "task_id": "task"}

    @bench.around("POST F/run", "POST S/step", "POST S/task", *BULKS)
    async def follow(request: web.Request, handler: Handler) -> web.StreamResponse:
        body = await sent(request)
        said = body[0] if isinstance(body, list) and body else body
        for key, name in keys.items():
            if isinstance(said, dict) and said.get(key) and name in request.match_info:
                request.match_info[name] = str(said[key])
        return await handler(request)


@mutant("writes-by-any-path")
def writes_by_any_path(bench: Bench) -> None:
    """Artifacts and metadata are given to a task by its number alone, whatever run and step are in the path."""

    @bench.around(*BULKS)
    async def find(request: web.Request, handler: Handler) -> web.StreamResponse:
        info = request.match_info
        if info["task"].isdigit():
            rows = await pool_of(request.app).fetch(
                "SELECT flow_id, run_number, step_name FROM tasks WHERE task_id = $1", int(info["task"])
            )
            for row in rows:
                info.update(flow=row["flow_id"], run=str(row["run_number"]), step=row["step_name"])
        return await handler(request)


@mutant("missing-list-is-500")
def missing_list_is_500(bench: Bench) -> None:
    """A list below a run that does not exist is answered with 500."""

    @bench.around("GET R/*", "GET S/*")
    async def crash(request: web.Request, handler: Handler) -> web.StreamResponse:
        response = await handler(request)
        if response.status == OK and json_of(response) == []:
            info = request.match_info
            found = await pool_of(request.app).fetch(
                "SELECT FROM runs WHERE flow_id = $1 AND (run_number::text = $2 OR run_id = $2)",
                info["flow"],
                info["run"],
            )
            return response if found else answer({"message": "internal error"}, 500)
        return response


@mutant("bulk-long-rows-dropped")
def bulk_long_rows_dropped(bench: Bench) -> None:
    """Rows with a field of more than 255 characters are dropped, and counted as kept."""

    @bench.around(*BULKS)
    async def drop(request: web.Request, handler: Handler) -> web.StreamResponse:
        body = await sent(request)
        rows = body if isinstance(body, list) else []
        kept = [row for row in rows if not any(isinstance(v, str) and len(v) > 255 for v in row.values())]  # noqa: PLR2004
        if len(kept) == len(rows):
            return await handler(request)
        send(request, kept)
        response = await handler(request)
        if response.status != OK:
            return response
        return answer(dict.fromkeys(json_of(response), len(rows)))


@mutant("bulk-empty-is-400")
def bulk_empty_is_400(bench: Bench) -> None:
    """An empty list of artifacts or metadata is refused with 400."""

    @bench.around(*BULKS)
    async def refuse(request: web.Request, handler: Handler) -> web.StreamResponse:
        return answer({"message": "empty"}, 400) if await sent(request) == [] else await handler(request)


@mutant("value-of-other-type-lost")
def value_of_other_type_lost(bench: Bench) -> None:
    """Values of metadata that are no strings (a foreach stack) are kept as null."""

    def only_text(item: dict[str, Any]) -> None:
        if not isinstance(item.get("value"), str):
            item["value"] = None

    @bench.around("POST T/metadata")
    async def forget(request: web.Request, handler: Handler) -> web.StreamResponse:
        body = await sent(request)
        if isinstance(body, list):
            send(request, each(only_text)(body))
        return await handler(request)


@mutant("value-with-nul-is-500")
def value_with_nul_is_500(bench: Bench) -> None:
    """A value with a NUL byte is answered with 500."""

    @bench.around("POST *")
    async def crash(request: web.Request, handler: Handler) -> web.StreamResponse:
        if b"\\u0000" in await request.read():
            return answer({"message": "internal error"}, 500)
        return await handler(request)


@mutant("flow-name-cut-at-200")
def flow_name_cut_at_200(bench: Bench) -> None:
    """Names of flows are cut at 200 characters, without a word."""

    @bench.around(*BELOW_FLOW)
    async def cut(request: web.Request, handler: Handler) -> web.StreamResponse:
        request.match_info["flow"] = request.match_info["flow"][:200]
        return await handler(request)


@mutant("user-name-without-domain")
def user_name_without_domain(bench: Bench) -> None:
    """Of a user name with an @ only what is before it is kept."""

    def cut(item: dict[str, Any]) -> None:
        if isinstance(item.get("user_name"), str):
            item["user_name"] = item["user_name"].split("@")[0]

    bench.body(*READS)(each(cut))


@mutant("names-of-digits-accepted")
def names_of_digits_accepted(bench: Bench) -> None:
    """A run or task may be given a name of digits alone, which is then taken for a number."""
    bench.edit("rows", "(not value or value.isdigit())", "not value")


@mutant("attempt-in-words-is-500")
def attempt_in_words_is_500(bench: Bench) -> None:
    """An attempt in a path that is no number is answered with 500."""

    @bench.around("GET T/attempt/{}/artifacts", "GET T/artifacts/{}/attempt/{}")
    async def crash(request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.match_info["attempt"].isdigit():
            return await handler(request)
        return answer({"message": "internal error"}, 500)
