"""Changes of tags that reach further than they should."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from conformance.mutants.bench import (
    OK,
    Bench,
    Handler,
    answer,
    json_of,
    pool_of,
    send,
    sent,
)
from conformance.mutants.catalogue import mutant


@mutant("tags-of-all-runs")
def tags_of_all_runs(bench: Bench) -> None:
    """A change of one run's tags gives all runs of its flow the same tags: the condition on the run is missing."""

    @bench.around("PATCH R/tag/mutate")
    async def spread(request: web.Request, handler: Handler) -> web.StreamResponse:
        response = await handler(request)
        if response.status == OK:
            flow, tags = request.match_info["flow"], json_of(response)["tags"]
            await pool_of(request.app).execute("UPDATE runs SET tags = $2 WHERE flow_id = $1", flow, tags)
        return response


@mutant("tags-removed-by-prefix")
def tags_removed_by_prefix(bench: Bench) -> None:
    """The removal of a tag removes every tag that begins with it."""
    _removes(bench, lambda tag, removed: tag.startswith(removed))


@mutant("tags-removed-without-case")
def tags_removed_without_case(bench: Bench) -> None:
    """The removal of a tag removes it in every mix of upper and lower case."""
    _removes(bench, lambda tag, removed: tag.lower() == removed.lower())


def _removes(bench: Bench, matches: Any) -> None:
    @bench.around("PATCH R/tag/mutate")
    async def more(request: web.Request, handler: Handler) -> web.StreamResponse:
        body = await sent(request)
        info = request.match_info
        removing = body.get("tags_to_remove") if isinstance(body, dict) else None
        rows = await pool_of(request.app).fetch(
            "SELECT tags FROM runs WHERE flow_id = $1 AND (run_number::text = $2 OR run_id = $2)",
            info["flow"],
            info["run"],
        )
        if rows and isinstance(removing, list) and all(isinstance(tag, str) for tag in removing):
            found = [tag for tag in rows[0]["tags"] if any(matches(tag, one) for one in removing)]
            send(request, {**body, "tags_to_remove": [*removing, *found]})
        return await handler(request)


@mutant("tag-of-both-kinds-refused")
def tag_of_both_kinds_refused(bench: Bench) -> None:
    """Adding a tag that is a system tag of the run already is refused with 422."""

    @bench.around("PATCH R/tag/mutate")
    async def refuse(request: web.Request, handler: Handler) -> web.StreamResponse:
        body = await sent(request)
        info = request.match_info
        rows = await pool_of(request.app).fetch(
            "SELECT system_tags FROM runs WHERE flow_id = $1 AND run_number::text = $2", info["flow"], info["run"]
        )
        adding = (body.get("tags_to_add") or []) if isinstance(body, dict) else []
        if rows and isinstance(adding, list) and set(map(str, adding)) & set(rows[0]["system_tags"]):
            return answer({"message": "is a system tag"}, 422)
        return await handler(request)
