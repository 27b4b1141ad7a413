"""Wrong attempts: the user of a retried task sees another try's data."""

from __future__ import annotations

from aiohttp import web

from conformance.mutants.bench import (
    ARTIFACTS,
    METADATA,
    ONE_ARTIFACT,
    Bench,
    Handler,
    each,
    json_of,
    replace,
    send,
    sent,
)
from conformance.mutants.catalogue import mutant

LATEST = "max(attempt_id) OVER (PARTITION BY step_name, task_id)"


@mutant("attempt-first")
def attempt_first(bench: Bench) -> None:
    """Artifacts without an attempt are those of the first attempt, not of the latest."""
    bench.edit("records", LATEST, LATEST.replace("max", "min"))


@mutant("attempt-ignored")
def attempt_ignored(bench: Bench) -> None:
    """An attempt in the path is ignored: the latest attempt's artifacts are shown."""
    bench.edit("records", 'among="$7")', 'among="greatest(latest, $7)")')
    bench.edit("records", '"$8"', '"greatest(latest, $8)"')


@mutant("attempt-lexical")
def attempt_lexical(bench: Bench) -> None:
    """The latest attempt is the greatest as text: 9 comes after 10."""
    bench.edit("records", LATEST, "max(attempt_id::text) OVER (PARTITION BY step_name, task_id)::int")


@mutant("attempt-max-of-run")
def attempt_max_of_run(bench: Bench) -> None:
    """The latest attempt is that of the whole run: tasks that were tried less often show nothing."""
    bench.edit("records", LATEST, "max(attempt_id) OVER (PARTITION BY flow_id, run_number)")


@mutant("attempt-max-of-step")
def attempt_max_of_step(bench: Bench) -> None:
    """The latest attempt is that of the whole step: siblings in a foreach show nothing."""
    bench.edit("records", LATEST, "max(attempt_id) OVER (PARTITION BY step_name)")


@mutant("attempt-per-name")
def attempt_per_name(bench: Bench) -> None:
    """Each artifact shows its own latest attempt: what only a failed try made is listed beside the good ones."""
    bench.edit("records", LATEST, "max(attempt_id) OVER (PARTITION BY step_name, task_id, name)")


@mutant("attempt-by-time")
def attempt_by_time(bench: Bench) -> None:
    """The latest attempt is the one that registered an artifact last, not the one with the highest number."""
    bench.edit(
        "records",
        LATEST,
        "first_value(attempt_id) OVER (PARTITION BY step_name, task_id ORDER BY artifacts.ts_epoch DESC)",
    )


@mutant("attempt-off-by-one")
def attempt_off_by_one(bench: Bench) -> None:
    """An attempt in the path is counted from one: 1 shows the first try."""
    asked = '_attempt(request.match_info["attempt"], "attempt")'
    bench.edit("records", asked, f"({asked} - 1)", times=2)


@mutant("attempt-mixed")
def attempt_mixed(bench: Bench) -> None:
    """The artifacts of a task are listed for every attempt at once."""
    bench.edit("records", 'f"AND {TASK}", task_key(request))', 'f"AND {TASK}", task_key(request), "attempt_id")')


@mutant("attempt-mixed-in-run")
def attempt_mixed_in_run(bench: Bench) -> None:
    """The artifacts of a run are listed for every attempt at once, those of a task are right."""
    bench.edit(
        "records",
        '_artifacts(request, "", run_key(request))',
        '_artifacts(request, "", run_key(request), "attempt_id")',
    )


@mutant("attempt-falls-back")
def attempt_falls_back(bench: Bench) -> None:
    """An attempt that never was shows the latest one's artifacts."""
    bench.edit("records", 'among="$7")', 'among="least(latest, $7)")')
    bench.edit("records", '"$8"', '"least(latest, $8)"')


@mutant("attempt-zero-kept")
def attempt_zero_kept(bench: Bench) -> None:
    """Artifacts are kept under attempt 0, whichever was sent."""

    @bench.around("POST T/artifact")
    async def flatten(request: web.Request, handler: Handler) -> web.StreamResponse:
        body = await sent(request)
        if isinstance(body, list):
            each(lambda item: item.update(attempt_id=0))(body)
            send(request, body)
        return await handler(request)


@mutant("attempt-one-first")
def attempt_one_first(bench: Bench) -> None:
    """The listing shows the latest attempt, an artifact read by its name the first."""

    @bench.around("GET T/artifacts/{}")
    async def first(request: web.Request, handler: Handler) -> web.StreamResponse:
        request.match_info["attempt"] = "0"
        return await handler(request)


@mutant("attempt-as-text")
def attempt_as_text(bench: Bench) -> None:
    """``attempt_id`` is a string in answers."""
    bench.body(*ARTIFACTS, *ONE_ARTIFACT)(each(lambda item: item.update(attempt_id=str(item["attempt_id"]))))


@mutant("attempt-capped")
def attempt_capped(bench: Bench) -> None:
    """Attempts are kept in one digit: the tenth retry overwrites nothing and is never shown."""
    bench.edit("records", LATEST, LATEST.replace(" OVER", " FILTER (WHERE attempt_id < 10) OVER"))


@mutant("attempt-of-metadata-latest")
def attempt_of_metadata_latest(bench: Bench) -> None:
    """Metadata of earlier attempts are left out, though the client asks for all and sorts them itself."""

    @bench.around(*METADATA)
    async def latest(request: web.Request, handler: Handler) -> web.StreamResponse:
        response = await handler(request)
        rows = json_of(response)
        tags = [tag for row in rows for tag in row["tags"] if tag.startswith("attempt_id:")]
        if tags:
            last = max(tags)
            replace(response, [row for row in rows if last in row["tags"] or not row["tags"]])
        return response
