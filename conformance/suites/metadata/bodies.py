"""What Metaflow's client sends, and how it reads what comes back."""

import time
from urllib.parse import urlencode

from conformance.requirement import equal

USER = "mfconf"
MOST_PAGES = 5000
FIELDS = frozenset(
    (
        *("flow_id", "run_number", "step_name", "task_id", "user_name", "ts_epoch", "tags", "system_tags"),
        *("last_heartbeat_ts", "field_name", "value", "type"),
        *("name", "attempt_id", "location", "ds_type", "sha", "content_type"),
    )
)
"""What the contract has in rows, but for the id of a record, which no client reads."""
CLOCKS_S = 2
"""How far the clocks of a service's replicas may lie apart."""
CLOCKS_MS = CLOCKS_S * 1000
SUITE_CLOCK_S = 600
"""How far the service's clock may be from the suite's. A time zone, or another unit, is further off."""
RECENT_S = 30 + CLOCKS_S
"""How long ago by the service's clock what counts as just now may be."""


def artifact(name, attempt=0, sha="0" * 40, **fields):
    """An artifact as the client registers it (metaflow: metadata_provider/metadata.py, _artifacts_to_json)."""
    return {
        "name": name,
        "attempt_id": attempt,
        "location": "s3://bucket/path",
        "ds_type": "s3",
        "sha": sha,
        "type": "metaflow.artifact",
        "content_type": "gzip+pickle-v4",
        "user_name": USER,
        "tags": [],
        "system_tags": [],
        **fields,
    }


def attempt(number, *names, sha="0" * 40):
    """The artifacts of an attempt; each attempt has one that is called ``name``, with the name of the flow."""
    return [artifact(name, number, sha) for name in ("name", *names)]


def record(field, value, number=0, **fields):
    """A metadata record as the client registers it (same file, _metadata_to_json); it sends no system tags."""
    return {
        "field_name": field,
        "value": value,
        "type": field,
        "user_name": USER,
        "tags": [f"attempt_id:{number}"],
        **fields,
    }


def epoch(item):
    """The time of registration of anything; one that is no whole number is a finding."""
    told = item["ts_epoch"]
    assert isinstance(told, int), f"ts_epoch is {told!r}, not a whole number, in {item}"
    return told


def service_time(metadata):
    """The time in ms by the service's clock: that of a run which is registered for it."""
    return epoch(metadata.new_run(metadata.new_flow("Clock")))


def assert_registered_now(metadata, item, what):
    """``ts_epoch`` is in milliseconds, and that of just now."""
    _assert_now(metadata, epoch(item) / 1000, f"{what}: ts_epoch is {item['ts_epoch']}", "milliseconds")


def assert_beats_now(metadata, item, what):
    """``last_heartbeat_ts`` is in seconds, and that of just now."""
    told = item["last_heartbeat_ts"]
    assert isinstance(told, int), f"{what}: last_heartbeat_ts is {told!r}, not a whole number"
    _assert_now(metadata, told, f"{what}: last_heartbeat_ts is {told}", "seconds")


def _assert_now(metadata, told, what, unit):
    service = service_time(metadata) / 1000
    for whose, now, near in (("suite", time.time(), SUITE_CLOCK_S), ("service", service, RECENT_S)):
        assert abs(told - now) < near, (
            f"{what}, {told - now:+.0f} s off the {whose}'s clock, more than {near} s: "
            f"is the service's clock or time zone wrong, or the unit not {unit}?"
        )


def succeeded(answer):
    """The answer is one that the client takes for success: every status from 200 to 299."""
    assert answer.ok, f"{answer}: want success (200 to 299)"


def assert_count(body, want, what):
    """The number of rows that a registration tells is ``want``; the client drops it, so none may be told (META-026)."""
    equal(count(body, want), want, f"{what}: number told")


def count(body, untold):
    """The number of rows that a registration tells as made, or ``untold``."""
    return body.get("artifacts_created", body.get("metadata_created", untold))


def offered(metadata, *lists):
    """The lists that the service has. No client asks for those of a whole run or step: META-811 says that they are."""
    return [path for path in lists if metadata.get(path).status != 404]


def known(row):
    """What a row says in the fields of the contract; a vendor's own are left out. Tags have no order."""
    return {key: sorted(row[key]) if isinstance(row[key], list) else row[key] for key in FIELDS & row.keys()}


def same(found, want, what):
    """Two rows, or two lists of them in any order, say the same in the fields of the contract."""
    one, other = (
        sorted(map(known, rows), key=lambda row: sorted(map(str, row.items())))
        if isinstance(rows, list)
        else known(rows)
        for rows in (found, want)
    )
    equal(one, other, what)


def by_name(artifacts, field="sha"):
    """Name -> field of the artifacts in a list; a name that comes twice is a finding."""
    found = {item["name"]: item[field] for item in artifacts}
    assert len(found) == len(artifacts), f"an artifact is listed twice: {sorted(item['name'] for item in artifacts)}"
    return found


def values(records):
    """Field name -> values of the records in a list, oldest first as the client sorts them."""
    found: dict[str, list[str]] = {}
    for item in sorted(records, key=epoch):
        found.setdefault(item["field_name"], []).append(item["value"])
    return found


def query(path, **parameters):
    """``path`` with parameters; ``__`` in a name stands for the colon before a filter's operator."""
    return f"{path}?{urlencode({name.replace('__', ':'): value for name, value in parameters.items()})}"


def pages(metadata, path, limit, enough=None, **filters):
    """The pages of a list, one after the other by their cursors; pages without an end are a finding.

    ``enough(page)``: whether this page is the last that is asked for.
    """
    found: list[list[dict[str, object]]] = []
    parameters = {**filters, "_limit": limit}
    while len(found) < MOST_PAGES:
        answer = metadata.get(query(path, **parameters))
        succeeded(answer)
        found.append(answer.json)
        cursor = answer.headers.get("X-Next-Cursor")
        if not cursor or (enough and enough(answer.json)):
            return found
        parameters["_cursor"] = cursor
    raise AssertionError(f"{path} with _limit={limit}: {MOST_PAGES} pages, and still a cursor for one more")
