"""A bad proxy, balancer or firewall between the client and a sound service."""

from __future__ import annotations

import json
import time
from urllib.parse import unquote

from multidict import CIMultiDict

from conformance.mutants.bench import Bench, every
from conformance.mutants.catalogue import mutant
from conformance.mutants.proxy import Forwarded, Proxy, Returned

HTML = CIMultiDict({"Content-Type": "text/html"})
PAGE = b"<html><body><h1>%d</h1></body></html>"
READ = "GET"
CACHE_S = 1.0


def page(status: int) -> Returned:
    """An error of the proxy's own."""
    return Returned(status, HTML.copy(), PAGE % status)


class Limit(Proxy):
    """Refuses what is longer than so many bytes."""

    def __init__(self, *, body: int = 2**40, path: int = 2**40) -> None:
        self.body = body
        self.path = path

    async def request(self, request: Forwarded) -> Returned | None:
        """413 for a body, 414 for a path."""
        if len(request.path) > self.path:
            return page(414)
        return page(413) if len(request.body) > self.body else None


@mutant("proxy-limits-bodies-64k")
def proxy_limits_bodies_64k(bench: Bench) -> None:
    """A proxy refuses bodies of more than 64 KB."""
    bench.front(Limit(body=64 * 1024))


@mutant("proxy-limits-bodies-1m")
def proxy_limits_bodies_1m(bench: Bench) -> None:
    """A proxy refuses bodies of more than 1 MB, as nginx does unless told otherwise."""
    bench.front(Limit(body=1024 * 1024))


@mutant("proxy-limits-paths")
def proxy_limits_paths(bench: Bench) -> None:
    """A proxy refuses paths of more than 256 characters."""
    bench.front(Limit(path=256))


class Cuts(Proxy):
    """Breaks off long answers after so many bytes."""

    def __init__(self, *, keeps: int, told: bool) -> None:
        self.keeps = keeps
        self.told = told

    async def answer(self, request: Forwarded, answer: Returned) -> Returned:  # noqa: ARG002
        """Cut: with the length as it was (the connection breaks) or as it is."""
        if len(answer.body) > self.keeps:
            if self.told:
                answer.cut = self.keeps
            else:
                answer.body = answer.body[: self.keeps]
        return answer


@mutant("proxy-breaks-long-answers")
def proxy_breaks_long_answers(bench: Bench) -> None:
    """The connection breaks in the middle of answers of more than 64 KB."""
    bench.front(Cuts(keeps=64 * 1024, told=True))


@mutant("proxy-cuts-long-answers")
def proxy_cuts_long_answers(bench: Bench) -> None:
    """Answers of more than 16 KB are cut there, and say that this was all."""
    bench.front(Cuts(keeps=16 * 1024, told=False))


class Drops(Proxy):
    """Closes the connection instead of answering, now and then."""

    def __init__(self, number: int, *, after: bool) -> None:
        self.due = every(number)
        self.after = after

    async def request(self, request: Forwarded) -> Returned | None:  # noqa: ARG002
        """Drop the request before the service has seen it."""
        return Returned(200, CIMultiDict(), b"{}", cut=0) if not self.after and self.due() else None

    async def answer(self, request: Forwarded, answer: Returned) -> Returned:  # noqa: ARG002
        """Drop the answer."""
        if self.after and self.due():
            answer.cut = 0
        return answer


@mutant("proxy-drops-connections")
def proxy_drops_connections(bench: Bench) -> None:
    """Every 30th request is dropped with its connection."""
    bench.front(Drops(30, after=False))


@mutant("proxy-drops-answers")
def proxy_drops_answers(bench: Bench) -> None:
    """Every 50th answer is lost after the service has done what was asked."""
    bench.front(Drops(50, after=True))


class Caches(Proxy):
    """Answers reads from memory."""

    def __init__(self, *, seconds: float, found_only: bool = True) -> None:
        self.seconds = seconds
        self.found_only = found_only
        self.kept: dict[str, tuple[float, Returned]] = {}

    async def request(self, request: Forwarded) -> Returned | None:
        """Answer from memory what is young enough."""
        at, answer = self.kept.get(request.path, (0.0, None))
        fresh = request.method == READ and time.monotonic() - at < self.seconds
        return answer if fresh else None

    async def answer(self, request: Forwarded, answer: Returned) -> Returned:
        """Keep it."""
        if request.method == READ and (answer.status == 200 or not self.found_only):  # noqa: PLR2004
            self.kept[request.path] = time.monotonic(), answer
        return answer


@mutant("proxy-caches-reads")
def proxy_caches_reads(bench: Bench) -> None:
    """Reads are answered from a cache for a second."""
    bench.front(Caches(seconds=CACHE_S))


@mutant("proxy-caches-listings")
def proxy_caches_listings(bench: Bench) -> None:
    """Reads are answered from a cache for a quarter of a second, also that nothing is there."""
    bench.front(Caches(seconds=0.25, found_only=False))


class Paths(Proxy):
    """Changes paths."""

    def __init__(self, how: str) -> None:
        self.how = how

    async def request(self, request: Forwarded) -> Returned | None:
        """Change the path, not the query."""
        path, mark, query = request.path.partition("?")
        if self.how == "lower":
            path = path.lower()
        elif self.how == "encode":
            path = path.replace("%", "%25")
        elif self.how == "ascii" and not unquote(path).isascii():
            return page(400)
        elif self.how == "no-query":
            mark = query = ""
        request.path = path + mark + query
        return None


@mutant("proxy-lower-cases-paths")
def proxy_lower_cases_paths(bench: Bench) -> None:
    """A proxy writes paths in lower case."""
    bench.front(Paths("lower"))


@mutant("proxy-encodes-twice")
def proxy_encodes_twice(bench: Bench) -> None:
    """A proxy encodes paths that are encoded already."""
    bench.front(Paths("encode"))


@mutant("proxy-refuses-unicode")
def proxy_refuses_unicode(bench: Bench) -> None:
    """A firewall refuses paths with characters beyond ASCII."""
    bench.front(Paths("ascii"))


@mutant("proxy-strips-query")
def proxy_strips_query(bench: Bench) -> None:
    """A proxy leaves out the query."""
    bench.front(Paths("no-query"))


class Headers(Proxy):
    """Leaves out headers of answers."""

    async def answer(self, request: Forwarded, answer: Returned) -> Returned:  # noqa: ARG002
        """Let through what is usual only."""
        usual = ("content-type", "date", "server")
        answer.headers = CIMultiDict((k, v) for k, v in answer.headers.items() if k.lower() in usual)
        return answer


@mutant("proxy-strips-headers")
def proxy_strips_headers(bench: Bench) -> None:
    """A proxy lets through no header that it does not know, such as one with underscores."""
    bench.front(Headers())


class Pages(Proxy):
    """Shows pages of its own for errors."""

    async def answer(self, request: Forwarded, answer: Returned) -> Returned:  # noqa: ARG002
        """HTML for every error."""
        return page(answer.status) if answer.status >= 400 else answer  # noqa: PLR2004


@mutant("proxy-shows-error-pages")
def proxy_shows_error_pages(bench: Bench) -> None:
    """A proxy shows a page of its own for every error."""
    bench.front(Pages())


class Not404(Proxy):
    """Shows its start page for what is not found."""

    async def answer(self, request: Forwarded, answer: Returned) -> Returned:  # noqa: ARG002
        """200 with a page."""
        return page(200) if answer.status == 404 else answer  # noqa: PLR2004


@mutant("proxy-hides-404")
def proxy_hides_404(bench: Bench) -> None:
    """A proxy shows its start page for what is not found."""
    bench.front(Not404())


class Redirects(Proxy):
    """Sends clients elsewhere."""

    def __init__(self, *methods: str) -> None:
        self.methods = methods

    async def request(self, request: Forwarded) -> Returned | None:
        """301 to the same path with a slash at its end."""
        if request.method not in self.methods or request.path.endswith("/ping"):
            return None
        return Returned(301, CIMultiDict({"Location": request.path + "/"}), b"")


@mutant("proxy-redirects-writes")
def proxy_redirects_writes(bench: Bench) -> None:
    """A proxy redirects POST: the client follows with GET and loses the body."""
    bench.front(Redirects("POST", "PATCH"))


@mutant("proxy-redirects-all")
def proxy_redirects_all(bench: Bench) -> None:
    """A proxy redirects everything, as from http to https."""
    bench.front(_Everything())


class _Everything(Proxy):
    async def request(self, request: Forwarded) -> Returned | None:
        """301 to https."""
        return Returned(301, CIMultiDict({"Location": f"https://localhost{request.path}"}), b"")


class Repeats(Proxy):
    """Sends some requests twice."""

    def __init__(self, number: int) -> None:
        self.due = every(number)

    async def again(self, request: Forwarded, answer: Returned) -> bool:  # noqa: ARG002
        """Repeat a write now and then, as after a time-out."""
        return request.method == "POST" and self.due()


@mutant("proxy-repeats-writes")
def proxy_repeats_writes(bench: Bench) -> None:
    """A proxy sends every tenth POST twice, and gives the second answer."""
    bench.front(Repeats(10))


class Json(Proxy):
    """Reads and writes the JSON that passes."""

    def __init__(self, how: str) -> None:
        self.how = how

    async def answer(self, request: Forwarded, answer: Returned) -> Returned:  # noqa: ARG002
        """Change the body where it is JSON."""
        try:
            body = json.loads(answer.body)
        except ValueError:
            return answer
        if self.how == "nulls":
            rows = body if isinstance(body, list) else [body]
            for row in [row for row in rows if isinstance(row, dict)]:
                for key in [key for key, value in row.items() if value is None]:
                    del row[key]
        elif self.how == "floats":
            body = json.loads(answer.body, parse_int=lambda digits: float(f"{float(digits):.6g}"))
        elif self.how == "wrapped":
            body = {"statusCode": answer.status, "body": body}
        answer.body = json.dumps(body).encode()
        return answer


@mutant("proxy-drops-nulls")
def proxy_drops_nulls(bench: Bench) -> None:
    """A proxy leaves out fields that are null."""
    bench.front(Json("nulls"))


@mutant("proxy-rounds-numbers")
def proxy_rounds_numbers(bench: Bench) -> None:
    """A proxy reads whole numbers as floating point ones of six digits."""
    bench.front(Json("floats"))


@mutant("proxy-wraps-answers")
def proxy_wraps_answers(bench: Bench) -> None:
    """A gateway wraps answers: status and body are in the body."""
    bench.front(Json("wrapped"))


class Methods(Proxy):
    """Lets through some methods only."""

    async def request(self, request: Forwarded) -> Returned | None:
        """405 for PATCH."""
        return page(405) if request.method == "PATCH" else None


@mutant("proxy-refuses-patch")
def proxy_refuses_patch(bench: Bench) -> None:
    """A firewall refuses PATCH."""
    bench.front(Methods())


class Firewall(Proxy):
    """Refuses bodies that look like an attack."""

    async def request(self, request: Forwarded) -> Returned | None:
        """403 for quotes with a semicolon, and for scripts."""
        low = request.body.lower()
        return page(403) if b"<script" in low or b"select " in low or b"' or " in low else None


@mutant("proxy-fears-injection")
def proxy_fears_injection(bench: Bench) -> None:
    """A firewall refuses bodies in which it sees SQL or scripts."""
    bench.front(Firewall())
