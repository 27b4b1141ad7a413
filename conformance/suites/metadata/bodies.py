"""What Metaflow's client sends, and how it reads what comes back."""

from urllib.parse import urlencode

from conformance.requirement import equal

USER = "mfconf"
MOST_PAGES = 5000


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


def pages(metadata, path, limit, **filters):
    """The pages of a list, one after the other by their cursors; pages without an end are a finding."""
    found: list[list[dict[str, object]]] = []
    parameters = {**filters, "_limit": limit}
    while len(found) < MOST_PAGES:
        answer = metadata.get(query(path, **parameters))
        succeeded(answer)
        found.append(answer.json)
        if not (cursor := answer.headers.get("X-Next-Cursor")):
            return found
        parameters["_cursor"] = cursor
    raise AssertionError(f"{path} with _limit={limit}: {MOST_PAGES} pages, and still a cursor for one more")
