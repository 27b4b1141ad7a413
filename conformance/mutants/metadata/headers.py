"""Headers that are lost or wrong."""

from __future__ import annotations

from collections.abc import Callable

from aiohttp import web

from conformance.mutants.bench import LISTINGS, Bench, Handler
from conformance.mutants.catalogue import mutant

VERSION = "METADATA_SERVICE_VERSION"
EVERYWHERE = ("*",)


def headers(bench: Bench, *routes: str, change: Callable[[web.StreamResponse], None]) -> None:
    """Change the headers of every answer on the routes."""

    @bench.around(*routes)
    async def other(request: web.Request, handler: Handler) -> web.StreamResponse:
        response = await handler(request)
        change(response)
        return response


def version(bench: Bench, *routes: str, value: str | None) -> None:
    """Change the version in the header, or take it away."""

    def change(response: web.StreamResponse) -> None:
        response.headers.pop(VERSION, None)
        if value is not None:
            response.headers[VERSION] = value

    headers(bench, *routes, change=change)


@mutant("version-header-lost")
def version_header_lost(bench: Bench) -> None:
    """No answer bears the version."""
    version(bench, *EVERYWHERE, value=None)


@mutant("version-header-only-on-ping")
def version_header_only_on_ping(bench: Bench) -> None:
    """Only /ping bears the version; the client reads it from other answers too."""
    version(bench, "GET /flows", "GET F*", "GET R*", "GET S*", "GET T*", "POST *", "PATCH *", value=None)


@mutant("version-header-in-words")
def version_header_in_words(bench: Bench) -> None:
    """The version is "latest"."""
    version(bench, *EVERYWHERE, value="latest")


@mutant("version-header-too-old")
def version_header_too_old(bench: Bench) -> None:
    """The version is 1.0.0: the client sends no heartbeats and refuses tags."""
    version(bench, *EVERYWHERE, value="1.0.0")


@mutant("version-header-changes")
def version_header_changes(bench: Bench) -> None:
    """The version of reads is another than that of /ping: two releases behind one address."""
    version(bench, "GET F*", "GET R*", value="2.0.4")


@mutant("content-type-html")
def content_type_html(bench: Bench) -> None:
    """Every answer says that it is HTML."""

    def change(response: web.StreamResponse) -> None:
        response.headers["Content-Type"] = "text/html; charset=utf-8"

    headers(bench, "GET F*", "GET R*", "GET S*", "GET T*", "POST *", "PATCH *", change=change)


@mutant("content-type-latin-1")
def content_type_latin_1(bench: Bench) -> None:
    """Every answer says that it is in Latin-1, though it is in UTF-8."""

    def change(response: web.StreamResponse) -> None:
        response.headers["Content-Type"] = "text/plain; charset=iso-8859-1"

    headers(bench, "GET F*", "GET R*", "GET S*", "GET T*", "POST *", "PATCH *", change=change)


@mutant("gzip-mislabelled")
def gzip_mislabelled(bench: Bench) -> None:
    """Long listings say that they are compressed, and are not."""

    def change(response: web.StreamResponse) -> None:
        if isinstance(response, web.Response) and isinstance(response.body, bytes) and len(response.body) > 1000:  # noqa: PLR2004
            response.headers["Content-Encoding"] = "gzip"

    headers(bench, *LISTINGS, change=change)


@mutant("byte-order-mark")
def byte_order_mark(bench: Bench) -> None:
    """Answers begin with a byte order mark, which JSON does not allow."""

    def change(response: web.StreamResponse) -> None:
        if isinstance(response, web.Response) and isinstance(response.body, bytes):
            response.body = b"\xef\xbb\xbf" + response.body

    headers(bench, "GET F*", "GET R*", "GET S*", "GET T*", change=change)


@mutant("answers-cacheable")
def answers_cacheable(bench: Bench) -> None:
    """Answers allow any proxy to keep them for a minute."""

    def change(response: web.StreamResponse) -> None:
        response.headers["Cache-Control"] = "public, max-age=60"

    headers(bench, "GET F*", "GET R*", "GET S*", "GET T*", change=change)


@mutant("json-with-none")
def json_with_none(bench: Bench) -> None:
    """Null is written None, as Python prints it."""

    def change(response: web.StreamResponse) -> None:
        if isinstance(response, web.Response) and isinstance(response.body, bytes):
            response.body = response.body.replace(b"null", b"None")

    headers(bench, "GET F*", "GET R*", "GET S*", "GET T*", change=change)


@mutant("json-escaped-twice")
def json_escaped_twice(bench: Bench) -> None:
    """Characters beyond ASCII are escaped twice: the client reads a backslash, a u and four digits."""

    def change(response: web.StreamResponse) -> None:
        if isinstance(response, web.Response) and isinstance(response.body, bytes):
            text = response.body.decode()
            response.body = "".join(
                c if c.isascii() else "\\" + c.encode("ascii", "backslashreplace").decode() for c in text
            ).encode()

    headers(bench, "GET F*", "GET R*", "GET S*", "GET T*", change=change)
