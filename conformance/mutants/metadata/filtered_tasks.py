"""Searches for tasks by their metadata that find too much, too little, or in another language."""

from __future__ import annotations

from aiohttp import web

from conformance.mutants.bench import (
    OK,
    Bench,
    Handler,
    answer,
    json_of,
)
from conformance.mutants.catalogue import mutant

NOT_FOUND = {"message": "not found"}
FAULT = 400


@mutant("filtered-tasks-needs-both")
def filtered_tasks_needs_both(bench: Bench) -> None:
    """``filtered_tasks`` gives nothing unless both a field and a pattern are given."""

    @bench.around("GET S/filtered_tasks")
    async def nothing(request: web.Request, handler: Handler) -> web.StreamResponse:
        both = request.query.get("metadata_field_name") and request.query.get("pattern")
        return await handler(request) if both else answer([])


@mutant("filtered-tasks-by-number")
def filtered_tasks_by_number(bench: Bench) -> None:
    """``filtered_tasks`` gives numbers also for runs and tasks that have names."""
    bench.edit("records", "coalesce(run_id, run_number::text) AS run", "run_number::text AS run")
    bench.edit("records", "coalesce(task_name, task_id::text) AS task", "task_id::text AS task")


@mutant("filtered-tasks-none-is-404")
def filtered_tasks_none_is_404(bench: Bench) -> None:
    """``filtered_tasks`` answers 404 where nothing matches: the client thinks the service too old."""

    @bench.around("GET S/filtered_tasks")
    async def missing(request: web.Request, handler: Handler) -> web.StreamResponse:
        response = await handler(request)
        return answer(NOT_FOUND, 404) if response.status == OK and json_of(response) == [] else response


@mutant("filtered-tasks-capped")
def filtered_tasks_capped(bench: Bench) -> None:
    """``filtered_tasks`` gives 200 tasks at most."""
    bench.body("GET S/filtered_tasks")(lambda found: found[:200])


@mutant("filtered-tasks-bad-pattern-is-500")
def filtered_tasks_bad_pattern_is_500(bench: Bench) -> None:
    """A pattern that is no regular expression is answered with 500."""

    @bench.around("GET S/filtered_tasks")
    async def crash(request: web.Request, handler: Handler) -> web.StreamResponse:
        response = await handler(request)
        return answer({"message": "internal error"}, 500) if response.status >= FAULT else response


@mutant("filtered-tasks-of-all-steps")
def filtered_tasks_of_all_steps(bench: Bench) -> None:
    """``filtered_tasks`` gives the tasks of every step of the run."""
    bench.edit(
        "records",
        "WHERE flow_id = $1 AND {RUN} AND step_name = $4 {condition}",
        "WHERE flow_id = $1 AND {RUN} AND $4::text IS NOT NULL {condition}",
    )


@mutant("filtered-tasks-pattern-ignored")
def filtered_tasks_pattern_ignored(bench: Bench) -> None:
    """``filtered_tasks`` looks at the field's name only, not at its value."""
    bench.edit("records", "value ~ $6", "true")


@mutant("filtered-tasks-field-ignored")
def filtered_tasks_field_ignored(bench: Bench) -> None:
    """``filtered_tasks`` takes a match of the pattern in any field."""
    bench.edit("records", "OR field_name = $5", "OR true")


@mutant("filtered-tasks-by-like")
def filtered_tasks_by_like(bench: Bench) -> None:
    """``filtered_tasks`` takes the pattern for one of LIKE, not for a regular expression."""
    bench.edit("records", "value ~ $6", "value LIKE $6")


@mutant("filtered-tasks-anchored")
def filtered_tasks_anchored(bench: Bench) -> None:
    """``filtered_tasks`` wants the pattern to match the whole value."""
    bench.edit("records", "value ~ $6", "value ~ ('^(' || $6 || ')$')")


@mutant("filtered-tasks-case-insensitive")
def filtered_tasks_case_insensitive(bench: Bench) -> None:
    """``filtered_tasks`` matches without case."""
    bench.edit("records", "value ~ $6", "value ~* $6")


@mutant("filtered-tasks-once-per-match")
def filtered_tasks_once_per_match(bench: Bench) -> None:
    """``filtered_tasks`` gives a task once for each record that matches: a join."""
    bench.body("GET S/filtered_tasks")(lambda found: found + found[:1])


@mutant("filtered-tasks-missing")
def filtered_tasks_missing(bench: Bench) -> None:
    """``filtered_tasks`` is not there, though the version says that it is."""

    @bench.around("GET S/filtered_tasks")
    async def missing(request: web.Request, handler: Handler) -> web.StreamResponse:  # noqa: ARG001
        return answer({"message": "not found"}, 404)
