"""The service answers, and says which version it is."""

import re
from dataclasses import replace

from conformance.requirement import equal, requirement
from conformance.suites.metadata.bodies import succeeded

CONNECTIONS = 10
VERSION = re.compile(
    r"\s*v?(\d+!)?(?P<release>\d+(\.\d+)*)([-_.]?(a|alpha|b|beta|c|rc|pre|preview|post|rev|r|dev)[-_.]?\d*)*"
    r"(\+[a-z\d]+([-_.][a-z\d]+)*)?\s*",
    re.IGNORECASE,
)
"""A version as Python's packages have them (PEP 440)."""


@requirement("META-001", needs={"metadata"}, profile="smoke", kills="ping-at-times")
def test_ping(metadata):
    """GET /ping answers 200 with pong.

    Why: the client pings before it starts a run, and gives up on anything else.
    """
    answer = metadata.get("/ping")

    succeeded(answer)
    equal(answer.text.strip().strip('"'), "pong", f"{answer.request}: body")


@requirement(
    "META-002", needs={"metadata"}, kills=("proxy-strips-headers", "version-header-in-words", "version-header-lost")
)
def test_version_header(metadata):
    """GET /ping carries METADATA_SERVICE_VERSION with a version that the client can compare.

    Why: the client (packaging.version.parse) decides by this header whether it may send heartbeats, read
    attempts and mutate tags; a proxy that strips it makes every tag command say that the service is too old.
    """
    answer = metadata.get("/ping")

    version = answer.headers.get("METADATA_SERVICE_VERSION")
    assert version, f"{answer.request}: no header METADATA_SERVICE_VERSION: an old service, or a proxy strips it"
    assert VERSION.fullmatch(version), f"{answer.request}: METADATA_SERVICE_VERSION is {version!r}: want one like 2.5.1"


@requirement("META-003", needs={"metadata"}, kills="version-header-too-old")
def test_version_is_recent_enough(metadata):
    """The version is at least 2.3.0, on each of ten connections the same.

    Why: below 2.0.2 Argo's templates can't be made, below 2.0.4 there are no heartbeats, below 2.0.6 no
    attempts, below 2.3.0 no tag mutation; replicas of different versions make these come and go.
    """
    seen = {metadata.fresh().get("/ping").headers.get("METADATA_SERVICE_VERSION") for _ in range(CONNECTIONS)}

    equal(len(seen), 1, f"{metadata.url}/ping: versions told on {CONNECTIONS} connections ({sorted(map(str, seen))})")
    version = str(seen.pop())
    told = VERSION.fullmatch(version)
    assert told, f"{metadata.url}/ping: METADATA_SERVICE_VERSION is {version!r}: want one like 2.5.1"
    numbers = tuple(int(part) for part in told["release"].split("."))
    assert numbers >= (2, 3), f"{metadata.url}/ping: METADATA_SERVICE_VERSION is {version}, older than 2.3.0"


@requirement(
    "META-004", level="SHOULD", needs={"metadata"}, kills=("version-header-changes", "version-header-only-on-ping")
)
def test_version_header_on_reads(metadata):
    """Reads of flows, runs, steps, tasks and metadata carry the version header too.

    Why: operators tell by it which version a proxy or a replica answered with. The client reads it from
    /ping alone (metaflow: service.py, _version), so this is no must.
    """
    place = metadata.new_place("VersionHeader")

    want = metadata.get("/ping").headers.get("METADATA_SERVICE_VERSION")
    below = ("/steps", "/metadata")
    for path in (place.in_flow, place.in_run, place.in_step, place.in_task, *(place.in_run + end for end in below)):
        answer = metadata.get(path)
        equal(answer.headers.get("METADATA_SERVICE_VERSION"), want, f"{answer.request}: METADATA_SERVICE_VERSION")


@requirement("META-005", level="SHOULD", needs={"metadata"}, kills=("health-missing", "health-says-down"))
def test_health(metadata):
    """GET /healthcheck answers 200 and UP while the service keeps what it is told.

    Why: /ping says that the process lives; a load balancer needs to know whether its database does. The
    real service sends JSON in a JSON string (observed at v2.5.1), which is taken as well.
    """
    answer = metadata.get("/healthcheck", as_is=True)

    succeeded(answer)
    told = replace(answer, text=answer.json).json if isinstance(answer.json, str) else answer.json
    equal(told["status"], "UP", f"{answer.request}: status in the body")


@requirement("META-006", level="SHOULD", needs={"metadata"}, kills="version-differs")
def test_version_route(metadata):
    """GET /version answers the version of the header.

    Why: people ask this route; two answers to one question mislead them.
    """
    answer = metadata.get("/version")

    succeeded(answer)
    want = metadata.get("/ping").headers.get("METADATA_SERVICE_VERSION")
    equal(answer.text.strip().strip('"'), want, f"{answer.request}: body")


@requirement("META-007", level="SHOULD", needs={"metadata"}, kills="unknown-route-is-200")
def test_unknown_route(metadata):
    """What is no route is answered with 404, a wrong method on a route with 405.

    Why: the client takes 404 for 'this service is too old for that'; a page with 200 it can't read.
    """
    flow = metadata.new_flow("UnknownRoute")

    for method, path, status in (
        ("GET", "/no/such/route", 404),
        ("GET", f"/flows/{flow}/nothing", 404),
        ("POST", "/ping", 405),
        ("DELETE", f"/flows/{flow}", 405),
        ("PUT", f"/flows/{flow}", 405),
    ):
        answer = metadata.call(method, path)
        equal(answer.status, status, f"{answer.request}: status")


@requirement(
    "META-008", level="SHOULD", needs={"metadata"}, kills=("content-type-html", "error-as-html", "error-body-empty")
)
def test_content_type(metadata):
    """Every answer with a body names its type, in words that parse, and it is not HTML.

    Why: without a charset that fits, the client reads letters with accents wrong. The real service says
    text/plain for JSON (observed at v2.5.1), which is taken as well.
    """
    place = metadata.new_place("ContentType")

    for path in ("/ping", place.in_flow, place.in_run, place.in_task, f"{place.in_flow}/runs", f"{place.in_flow}_none"):
        answer = metadata.get(path)
        kind = answer.headers.get("Content-Type", "")
        assert re.fullmatch(r"(application|text)/[\w.+-]+\s*(;\s*[\w-]+=\S+)*", kind), (
            f"{answer.request}: Content-Type is {kind!r}"
        )
        assert "html" not in kind, f"{answer.request}: Content-Type is {kind!r}: does a proxy answer?"
