"""Listings that are cut, doubled, out of order or of another shape."""

from __future__ import annotations

import random
from typing import Any

from aiohttp import web

from conformance.mutants.bench import ARTIFACTS, LISTINGS, METADATA, OK, Bench, Handler, answer, json_of, replace
from conformance.mutants.catalogue import mutant


def capped(bench: Bench, *routes: str, rows: int) -> None:
    """Cut listings after ``rows``."""
    bench.body(*routes)(lambda body: body[:rows])


@mutant("listing-capped")
def listing_capped(bench: Bench) -> None:
    """Every listing ends after 50 rows without a word: pages are forced on clients that ask for none."""
    capped(bench, *LISTINGS, rows=50)


@mutant("listing-capped-at-100")
def listing_capped_at_100(bench: Bench) -> None:
    """The tasks of a step are cut at 100."""
    capped(bench, "GET S/tasks", rows=100)


@mutant("listing-capped-at-256")
def listing_capped_at_256(bench: Bench) -> None:
    """The artifacts of a run, step and task are cut at 256."""
    capped(bench, *ARTIFACTS, rows=256)


@mutant("listing-capped-at-500")
def listing_capped_at_500(bench: Bench) -> None:
    """The metadata of a run and task are cut at 500."""
    capped(bench, *METADATA, rows=500)


@mutant("listing-capped-at-1000")
def listing_capped_at_1000(bench: Bench) -> None:
    """Listings are cut at 1,000 rows, as DynamoDB and S3 do."""
    capped(bench, *LISTINGS, rows=1000)


@mutant("runs-capped-at-100")
def runs_capped_at_100(bench: Bench) -> None:
    """The runs of a flow are cut at 100."""
    capped(bench, "GET F/runs", rows=100)


@mutant("steps-capped-at-20")
def steps_capped_at_20(bench: Bench) -> None:
    """The steps of a run are cut at 20."""
    capped(bench, "GET R/steps", rows=20)


@mutant("flows-capped-at-10")
def flows_capped_at_10(bench: Bench) -> None:
    """The oldest ten flows are listed, no more."""
    capped(bench, "GET /flows", rows=10)


@mutant("listing-first-missing")
def listing_first_missing(bench: Bench) -> None:
    """The first row of a listing of several is missing: an offset that starts with one."""
    bench.body(*LISTINGS)(lambda body: body[1:] if len(body) > 1 else body)


@mutant("listing-last-missing")
def listing_last_missing(bench: Bench) -> None:
    """The last row of a listing of more than ten is missing."""
    bench.body(*LISTINGS)(lambda body: body[:-1] if len(body) > 10 else body)  # noqa: PLR2004


@mutant("listing-doubled-row")
def listing_doubled_row(bench: Bench) -> None:
    """A row of a long listing is there twice, another not: two pages glued together while rows move."""
    bench.body(*LISTINGS)(lambda body: [*body[:-1], body[0]] if len(body) > 20 else body)  # noqa: PLR2004


@mutant("listing-shuffled")
def listing_shuffled(bench: Bench) -> None:
    """Listings come in no order: the statement has no ORDER BY."""
    dice = random.Random(4)  # noqa: S311 - no secret

    @bench.body("GET F/runs", *METADATA)
    def shuffle(body: Any) -> Any:
        dice.shuffle(body)
        return body


@mutant("runs-oldest-first")
def runs_oldest_first(bench: Bench) -> None:
    """The runs of a flow come oldest first: latest_run is the first that ever was."""
    bench.body("GET F/runs")(lambda body: body[::-1])


@mutant("tasks-by-heartbeat")
def tasks_by_heartbeat(bench: Bench) -> None:
    """Tasks that have no heartbeat are not listed."""
    bench.body("GET S/tasks")(lambda body: [task for task in body if task["last_heartbeat_ts"] is not None])


@mutant("tasks-with-metadata-only")
def tasks_with_metadata_only(bench: Bench) -> None:
    """Only tasks that have metadata are listed: an inner join."""
    known = "AND EXISTS (SELECT FROM metadata WHERE metadata.task_id = tasks.task_id)"
    listing = "{TASKS} WHERE flow_id = $1 AND {RUN} AND step_name = $4"
    bench.edit("entities", f'"{listing}"', f'"{listing} {known}"')


@mutant("tasks-once-per-metadatum")
def tasks_once_per_metadatum(bench: Bench) -> None:
    """A task is listed once for each of its metadata: a join without DISTINCT."""
    listing = "{TASKS} WHERE flow_id = $1 AND {RUN} AND step_name = $4"
    joined = (
        "{TASKS} LEFT JOIN metadata AS more USING (task_id) WHERE tasks.flow_id = $1 AND {RUN} AND tasks.step_name = $4"
    )
    bench.edit("entities", f'"{listing}"', f'"{joined}"')


@mutant("runs-without-tasks-hidden")
def runs_without_tasks_hidden(bench: Bench) -> None:
    """Runs that have no step yet are not listed."""
    known = " AND EXISTS (SELECT FROM steps WHERE steps.run_number = runs.run_number)"
    bench.edit("entities", "{source} WHERE flow_id = $1", f"{{source}} WHERE flow_id = $1{known}")


@mutant("named-runs-hidden")
def named_runs_hidden(bench: Bench) -> None:
    """Runs with a name (Argo's) are not listed."""
    bench.body("GET F/runs")(lambda body: [run for run in body if isinstance(run["run_number"], int)])


@mutant("empty-is-404")
def empty_is_404(bench: Bench) -> None:
    """A listing with nothing in it is answered with 404."""

    @bench.around(*LISTINGS)
    async def missing(request: web.Request, handler: Handler) -> web.StreamResponse:
        response = await handler(request)
        empty = response.status == OK and json_of(response) == []
        return answer({"message": "not found"}, 404) if empty else response


@mutant("empty-is-null")
def empty_is_null(bench: Bench) -> None:
    """A listing with nothing in it is ``null``: a nil slice."""
    bench.body(*LISTINGS)(lambda body: body or None)


@mutant("listing-wrapped")
def listing_wrapped(bench: Bench) -> None:
    """Listings are wrapped: ``{"data": [...]}``."""
    bench.body(*LISTINGS)(lambda body: {"data": body})


@mutant("listing-single-unwrapped")
def listing_single_unwrapped(bench: Bench) -> None:
    """A listing of one row is that row alone: XML habits."""
    bench.body(*LISTINGS)(lambda body: body[0] if len(body) == 1 else body)


@mutant("listing-as-lines")
def listing_as_lines(bench: Bench) -> None:
    """Long listings come as JSON lines."""

    @bench.around(*LISTINGS)
    async def lines(request: web.Request, handler: Handler) -> web.StreamResponse:
        response = await handler(request)
        if response.status == OK and len(rows := json_of(response)) > 20:  # noqa: PLR2004
            replace(response, rows[0])
        return response


@mutant("fields-in-camel-case")
def fields_in_camel_case(bench: Bench) -> None:
    """Fields of listed tasks are in camel case, those of a task read alone are right."""

    def camel(name: str) -> str:
        first, *rest = name.split("_")
        return first + "".join(word.capitalize() for word in rest)

    bench.body("GET S/tasks")(lambda body: [{camel(key): value for key, value in row.items()} for row in body])
