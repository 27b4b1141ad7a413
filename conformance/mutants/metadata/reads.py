"""Reads that show something else than what was written."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

from aiohttp import web

from conformance.mutants.bench import (
    ARTIFACTS,
    ENTITIES,
    LISTINGS,
    METADATA,
    OK,
    ONE_ARTIFACT,
    READS,
    Bench,
    Handler,
    answer,
    each,
    json_of,
    replace,
)
from conformance.mutants.catalogue import mutant

MISSING = 404
LAG_MS = 500
BEYOND_BMP = 0xFFFF


def values(bench: Bench, change: Callable[[str], Any]) -> None:
    """Show every metadatum's value changed."""

    def one(item: dict[str, Any]) -> None:
        if isinstance(item.get("value"), str):
            item["value"] = change(item["value"])

    bench.body(*METADATA)(each(one))


@mutant("value-cut-at-255")
def value_cut_at_255(bench: Bench) -> None:
    """Values of metadata are cut at 255 characters."""
    values(bench, lambda value: value[:255])


@mutant("value-cut-at-1024")
def value_cut_at_1024(bench: Bench) -> None:
    """Values of metadata are cut at 1,024 characters."""
    values(bench, lambda value: value[:1024])


@mutant("value-cut-at-65535")
def value_cut_at_65535(bench: Bench) -> None:
    """Values of metadata are cut at 65,535 bytes: a TEXT column of another database."""
    values(bench, lambda value: value.encode()[:65535].decode(errors="ignore"))


@mutant("value-trimmed")
def value_trimmed(bench: Bench) -> None:
    """White space around values of metadata is trimmed."""
    values(bench, str.strip)


@mutant("value-reparsed")
def value_reparsed(bench: Bench) -> None:
    """Values of metadata that look like JSON are shown as JSON: '1' becomes 1."""

    def parse(value: str) -> Any:
        try:
            return json.loads(value)
        except ValueError:
            return value

    values(bench, parse)


@mutant("value-empty-is-null")
def value_empty_is_null(bench: Bench) -> None:
    """An empty value of a metadatum is shown as null, as Oracle has it."""
    values(bench, lambda value: value or None)


@mutant("value-quotes-doubled")
def value_quotes_doubled(bench: Bench) -> None:
    """Quotes in values of metadata come back doubled: escaped once too often."""
    values(bench, lambda value: value.replace("'", "''"))


@mutant("value-backslash-lost")
def value_backslash_lost(bench: Bench) -> None:
    """Backslashes in values of metadata are taken for escapes and lost."""
    values(bench, lambda value: value.replace("\\", ""))


@mutant("value-newlines-normalised")
def value_newlines_normalised(bench: Bench) -> None:
    """Line ends and tabs in values of metadata become blanks."""
    values(bench, lambda value: value.replace("\n", " ").replace("\t", " "))


@mutant("unicode-as-latin-1")
def unicode_as_latin_1(bench: Bench) -> None:
    """UTF-8 is read as Latin-1 on its way out: ü becomes Ã¼."""
    values(bench, lambda value: value.encode().decode("latin-1"))


@mutant("unicode-three-bytes")
def unicode_three_bytes(bench: Bench) -> None:
    """Characters beyond the basic plane become question marks: MySQL's utf8."""
    values(bench, lambda value: "".join("?" if ord(letter) > BEYOND_BMP else letter for letter in value))


@mutant("unicode-names-lost")
def unicode_names_lost(bench: Bench) -> None:
    """Names of artifacts lose what is not ASCII."""

    def plain(item: dict[str, Any]) -> None:
        item["name"] = item["name"].encode("ascii", "ignore").decode()

    bench.body(*ARTIFACTS, *ONE_ARTIFACT)(each(plain))


@mutant("nulls-dropped")
def nulls_dropped(bench: Bench) -> None:
    """Fields that are null are left out of answers."""

    def drop(item: dict[str, Any]) -> None:
        for key in [key for key, value in item.items() if value is None]:
            del item[key]

    bench.body(*READS, "POST F", "POST F/run", "POST S/step", "POST S/task")(each(drop))


@mutant("metadata-type-lost")
def metadata_type_lost(bench: Bench) -> None:
    """The type of a metadatum is its field name."""
    bench.body(*METADATA)(each(lambda item: item.update(type=item["field_name"])))


@mutant("metadata-tags-of-run")
def metadata_tags_of_run(bench: Bench) -> None:
    """Metadata show the tags of their run instead of their own, so that attempts can not be told apart."""
    bench.edit("records", "metadata.tags, metadata.system_tags", "runs.tags, runs.system_tags")


@mutant("artifact-fields-swapped")
def artifact_fields_swapped(bench: Bench) -> None:
    """``type`` and ``content_type`` of artifacts are swapped: columns by position."""

    def swap(item: dict[str, Any]) -> None:
        item["type"], item["content_type"] = item["content_type"], item["type"]

    bench.body(*ARTIFACTS, *ONE_ARTIFACT)(each(swap))


@mutant("artifact-location-lost")
def artifact_location_lost(bench: Bench) -> None:
    """The location of an artifact is left empty in listings; read by its name it is there."""
    bench.body(*ARTIFACTS)(each(lambda item: item.update(location="")))


@mutant("sha-upper-case")
def sha_upper_case(bench: Bench) -> None:
    """The SHA of artifacts is shown in upper case: the datastore has no such key."""
    bench.body(*ARTIFACTS, *ONE_ARTIFACT)(each(lambda item: item.update(sha=item["sha"].upper())))


@mutant("missing-is-empty")
def missing_is_empty(bench: Bench) -> None:
    """What does not exist is answered with 200 and ``{}``."""
    _missing_is(bench, 200)


@mutant("missing-is-500")
def missing_is_500(bench: Bench) -> None:
    """What does not exist is answered with 500."""
    _missing_is(bench, 500)


@mutant("missing-is-403")
def missing_is_403(bench: Bench) -> None:
    """What does not exist is answered with 403, as S3 does."""
    _missing_is(bench, 403)


def _missing_is(bench: Bench, status: int) -> None:
    @bench.around(*ENTITIES)
    async def other(request: web.Request, handler: Handler) -> web.StreamResponse:
        response = await handler(request)
        return answer({}, status) if response.status == MISSING else response


@mutant("missing-artifact-is-empty")
def missing_artifact_is_empty(bench: Bench) -> None:
    """An artifact that does not exist is answered with 200 and ``{}``."""

    @bench.around(*ONE_ARTIFACT)
    async def other(request: web.Request, handler: Handler) -> web.StreamResponse:
        response = await handler(request)
        return answer({}) if response.status == MISSING else response


@mutant("replica-lags")
def replica_lags(bench: Bench) -> None:
    """Reads come from a replica that is 500 ms behind: what was just registered is not there."""

    @bench.around(*READS)
    async def lag(request: web.Request, handler: Handler) -> web.StreamResponse:
        response = await handler(request)
        if response.status != OK:
            return response
        seen = time.time() * 1000 - LAG_MS
        body = json_of(response)
        if isinstance(body, dict):
            return response if body["ts_epoch"] <= seen else answer({"message": "not found"}, MISSING)
        replace(response, [row for row in body if row["ts_epoch"] <= seen])
        return response


@mutant("replica-lags-at-times")
def replica_lags_at_times(bench: Bench) -> None:
    """Every fourth listing comes from a replica that is 500 ms behind: rows are there, gone, and there again."""
    calls = iter(range(10**9))

    @bench.around(*LISTINGS)
    async def lag(request: web.Request, handler: Handler) -> web.StreamResponse:
        response = await handler(request)
        if response.status == OK and next(calls) % 4 == 3:  # noqa: PLR2004 - the fourth
            seen = time.time() * 1000 - LAG_MS
            replace(response, [row for row in json_of(response) if row["ts_epoch"] <= seen])
        return response


@mutant("wrong-join-time")
def wrong_join_time(bench: Bench) -> None:
    """A task shows the time of its run: the join takes the column of the wrong table."""
    bench.edit("entities", "tasks.ts_epoch", "runs.ts_epoch")


@mutant("wrong-join-user")
def wrong_join_user(bench: Bench) -> None:
    """A step or task shows the user of its run: the join takes the column of the wrong table."""
    bench.edit("entities", "steps.user_name", "runs.user_name")
    bench.edit("entities", "tasks.user_name", "runs.user_name")


@mutant("entity-cached")
def entity_cached(bench: Bench) -> None:
    """A run once read is answered from memory for five seconds, whatever happens to its tags or heartbeat."""
    bench.remember("GET R", seconds=5)


@mutant("absence-cached")
def absence_cached(bench: Bench) -> None:
    """That something does not exist is remembered for two seconds, also when it is registered meanwhile."""
    absent: dict[str, float] = {}

    @bench.around("GET F", "GET R", "GET S", "GET T")
    async def cached(request: web.Request, handler: Handler) -> web.StreamResponse:
        if time.monotonic() - absent.get(request.path, -10) < 2:  # noqa: PLR2004 - seconds
            return answer({"message": "not found"}, MISSING)
        response = await handler(request)
        if response.status == MISSING:
            absent[request.path] = time.monotonic()
        return response
