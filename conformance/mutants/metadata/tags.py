"""Tags that are lost, mixed up, or changed in the wrong order."""

from __future__ import annotations

import asyncio
from typing import Any

from aiohttp import web

from conformance.mutants.bench import (
    ARTIFACTS,
    ENTITIES,
    OK,
    ONE_ARTIFACT,
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

MUTATE = "PATCH R/tag/mutate"
PAUSE_S = 0.02
FIND = """SELECT run_number, tags, system_tags FROM runs
    WHERE flow_id = $1 AND (run_number::text = $2 OR run_id = $2)"""


async def run_of(request: web.Request) -> Any:
    """The row of the run in the path, or None."""
    info = request.match_info
    return await pool_of(request.app).fetchrow(FIND, info["flow"], info["run"])


async def set_tags(request: web.Request, row: Any, tags: list[str]) -> None:
    """Write the tags of a run."""
    await pool_of(request.app).execute("UPDATE runs SET tags = $2 WHERE run_number = $1", row["run_number"], tags)


@mutant("tags-lost-update")
def tags_lost_update(bench: Bench) -> None:
    """Tags are read, changed and written back without a lock: of changes at the same time one is lost."""

    @bench.around(MUTATE)
    async def unlocked(request: web.Request, handler: Handler) -> web.StreamResponse:
        before = await run_of(request)
        response = await handler(request)
        if response.status != OK or before is None:
            return response
        body = await sent(request)
        kept = [tag for tag in before["tags"] if tag not in (body.get("tags_to_remove") or [])]
        kept += [tag for tag in body.get("tags_to_add") or [] if tag not in kept]
        await asyncio.sleep(PAUSE_S)
        await set_tags(request, before, kept)
        return response


@mutant("tags-add-before-remove")
def tags_add_before_remove(bench: Bench) -> None:
    """Tags are added, then removed: one in both lists is gone."""

    @bench.around(MUTATE)
    async def swap(request: web.Request, handler: Handler) -> web.StreamResponse:
        body = await sent(request)
        removing = body.get("tags_to_remove") or []
        send(request, {**body, "tags_to_add": [tag for tag in body.get("tags_to_add") or [] if tag not in removing]})
        return await handler(request)


@mutant("tags-partly-on-refusal")
def tags_partly_on_refusal(bench: Bench) -> None:
    """A mutation that is refused for a system tag has added its new tags all the same: no transaction."""

    @bench.around(MUTATE)
    async def partly(request: web.Request, handler: Handler) -> web.StreamResponse:
        response = await handler(request)
        row = await run_of(request)
        if response.status != OK and row is not None:
            adding = (await sent(request) or {}).get("tags_to_add")
            if isinstance(adding, list) and all(isinstance(tag, str) for tag in adding):
                await set_tags(request, row, [*row["tags"], *(tag for tag in adding if tag not in row["tags"])])
        return response


@mutant("tags-removed-on-refusal")
def tags_removed_on_refusal(bench: Bench) -> None:
    """A mutation that is refused for a system tag has removed the other tags all the same."""

    @bench.around(MUTATE)
    async def partly(request: web.Request, handler: Handler) -> web.StreamResponse:
        response = await handler(request)
        row = await run_of(request)
        if response.status == 422 and row is not None:  # noqa: PLR2004
            removing = (await sent(request)).get("tags_to_remove") or []
            await set_tags(request, row, [tag for tag in row["tags"] if tag not in removing])
        return response


@mutant("system-tags-removable")
def system_tags_removable(bench: Bench) -> None:
    """System tags can be removed."""

    @bench.around(MUTATE)
    async def remove(request: web.Request, handler: Handler) -> web.StreamResponse:
        row = await run_of(request)
        body = await sent(request)
        removing = (body.get("tags_to_remove") or []) if isinstance(body, dict) else []
        if row is None or not set(removing) & set(row["system_tags"]):
            return await handler(request)
        kept = [tag for tag in row["system_tags"] if tag not in removing]
        await pool_of(request.app).execute(
            "UPDATE runs SET system_tags = $2 WHERE run_number = $1", row["run_number"], kept
        )
        return answer({"tags": row["tags"]})


@mutant("system-tags-silently-kept")
def system_tags_silently_kept(bench: Bench) -> None:
    """The removal of a system tag is answered with 200 and ignored."""

    @bench.around(MUTATE)
    async def ignore(request: web.Request, handler: Handler) -> web.StreamResponse:
        response = await handler(request)
        if response.status == 422:  # noqa: PLR2004
            return answer({"tags": (await run_of(request))["tags"]})
        return response


@mutant("system-tags-hidden")
def system_tags_hidden(bench: Bench) -> None:
    """Steps and tasks do not show the system tags of their run."""
    bench.body("GET R/steps", "GET S", "GET S/tasks", "GET T")(each(lambda item: item.update(system_tags=[])))


@mutant("tags-not-on-steps")
def tags_not_on_steps(bench: Bench) -> None:
    """Steps show the tags they were registered with, not those of their run."""
    bench.edit(
        "entities",
        "steps.ts_epoch,\n    runs.tags, runs.system_tags FROM",
        "steps.ts_epoch,\n    steps.tags, steps.system_tags FROM",
    )


@mutant("tags-not-on-tasks")
def tags_not_on_tasks(bench: Bench) -> None:
    """Tasks show the tags they were registered with, not those of their run."""
    bench.edit(
        "entities",
        "tasks.last_heartbeat_ts, runs.tags, runs.system_tags",
        "tasks.last_heartbeat_ts, tasks.tags, tasks.system_tags",
    )


@mutant("tags-not-on-artifacts")
def tags_not_on_artifacts(bench: Bench) -> None:
    """Artifacts show the tags they were registered with, not those of their run."""
    bench.edit(
        "records",
        "artifacts.ts_epoch, runs.tags, runs.system_tags",
        "artifacts.ts_epoch, artifacts.tags, artifacts.system_tags",
    )


@mutant("tags-not-in-listings")
def tags_not_in_listings(bench: Bench) -> None:
    """Listed steps and tasks have no tags; read alone they have."""
    bench.body("GET R/steps", "GET S/tasks")(each(lambda item: item.update(tags=[])))


@mutant("tags-of-first-run")
def tags_of_first_run(bench: Bench) -> None:
    """Steps and tasks show the tags of the first run of their flow."""
    first: dict[str, Any] = {}

    @bench.around("GET S", "GET T", "GET R/steps", "GET S/tasks")
    async def wrong(request: web.Request, handler: Handler) -> web.StreamResponse:
        response = await handler(request)
        if response.status == OK:
            flow = request.match_info["flow"]
            rows = await pool_of(request.app).fetch(
                "SELECT tags FROM runs WHERE flow_id = $1 ORDER BY run_number LIMIT 1", flow
            )
            first[flow] = rows[0]["tags"] if rows else []
            replace(response, each(lambda item: item.update(tags=first[flow]))(json_of(response)))
        return response


@mutant("tags-frozen-at-registration")
def tags_frozen_at_registration(bench: Bench) -> None:
    """A step or task shows its run's tags as they were when it was first read."""
    frozen: dict[str, list[str]] = {}

    @bench.around("GET S", "GET T", *ONE_ARTIFACT)
    async def old(request: web.Request, handler: Handler) -> web.StreamResponse:
        response = await handler(request)
        if response.status == OK:
            body = json_of(response)
            body["tags"] = frozen.setdefault(request.path, body["tags"])
            replace(response, body)
        return response


@mutant("tags-repeated")
def tags_repeated(bench: Bench) -> None:
    """A tag that is added twice is there twice."""

    @bench.around(MUTATE)
    async def twice(request: web.Request, handler: Handler) -> web.StreamResponse:
        before = await run_of(request)
        response = await handler(request)
        if response.status == OK:
            adding = (await sent(request)).get("tags_to_add") or []
            again = [tag for tag in adding if tag in before["tags"]]
            row = await run_of(request)
            await set_tags(request, row, [*row["tags"], *again])
        return response


@mutant("tags-in-lower-case")
def tags_in_lower_case(bench: Bench) -> None:
    """Tags are shown in lower case."""
    bench.body(*ENTITIES)(each(lambda item: item.update(tags=[tag.lower() for tag in item["tags"]])))


@mutant("tags-split-at-commas")
def tags_split_at_commas(bench: Bench) -> None:
    """Tags are kept in one column, joined by commas: one with a comma becomes two."""
    bench.body(*ENTITIES)(
        each(lambda item: item.update(tags=",".join(item["tags"]).split(",") if item["tags"] else []))
    )


@mutant("tags-cut-at-10")
def tags_cut_at_10(bench: Bench) -> None:
    """A run keeps ten tags; more are dropped without a word."""
    bench.body(*ENTITIES)(each(lambda item: item.update(tags=item["tags"][:10])))


@mutant("tags-answer-is-old")
def tags_answer_is_old(bench: Bench) -> None:
    """The answer to a mutation shows the tags as they were before."""

    @bench.around(MUTATE)
    async def old(request: web.Request, handler: Handler) -> web.StreamResponse:
        before = await run_of(request)
        response = await handler(request)
        if response.status == OK:
            replace(response, {"tags": before["tags"]})
        return response


@mutant("tags-answer-is-empty")
def tags_answer_is_empty(bench: Bench) -> None:
    """The answer to a mutation is ``{}``: the client finds no ``tags`` in it."""
    bench.body(MUTATE)(lambda _: {})


@mutant("tags-replaced")
def tags_replaced(bench: Bench) -> None:
    """Adding tags replaces those that are there."""

    @bench.around(MUTATE)
    async def replacing(request: web.Request, handler: Handler) -> web.StreamResponse:
        response = await handler(request)
        if response.status == OK and (adding := (await sent(request)).get("tags_to_add")):
            await set_tags(request, await run_of(request), adding)
        return response


@mutant("tags-unchecked")
def tags_unchecked(bench: Bench) -> None:
    """A mutation of the wrong shape is answered with 200 and ignored."""

    @bench.around(MUTATE)
    async def accept(request: web.Request, handler: Handler) -> web.StreamResponse:
        response = await handler(request)
        row = await run_of(request)
        return answer({"tags": row["tags"]}) if response.status == 400 and row else response  # noqa: PLR2004


@mutant("tags-of-missing-run")
def tags_of_missing_run(bench: Bench) -> None:
    """A mutation of a run that does not exist is answered with 200."""

    @bench.around(MUTATE)
    async def accept(request: web.Request, handler: Handler) -> web.StreamResponse:
        response = await handler(request)
        return answer({"tags": []}) if response.status == 404 else response  # noqa: PLR2004


@mutant("tags-removal-is-strict")
def tags_removal_is_strict(bench: Bench) -> None:
    """The removal of a tag that the run does not have is refused with 404."""

    @bench.around(MUTATE)
    async def strict(request: web.Request, handler: Handler) -> web.StreamResponse:
        row = await run_of(request)
        body = await sent(request)
        removing = (body.get("tags_to_remove") or []) if isinstance(body, dict) else []
        if row is not None and set(removing) - set(row["tags"]) - set(row["system_tags"]):
            return answer({"message": "no such tag"}, 404)
        return await handler(request)


@mutant("tags-patch-refused")
def tags_patch_refused(bench: Bench) -> None:
    """PATCH is not let through: a firewall knows GET and POST."""

    @bench.around(MUTATE)
    async def refuse(request: web.Request, handler: Handler) -> web.StreamResponse:  # noqa: ARG001
        return answer({"message": "Method Not Allowed"}, 405)


@mutant("tags-not-in-artifact-listings")
def tags_not_in_artifact_listings(bench: Bench) -> None:
    """Listed artifacts have no tags at all."""
    bench.body(*ARTIFACTS)(each(lambda item: item.update(tags=[], system_tags=[])))
