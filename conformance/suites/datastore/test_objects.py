"""Objects as Metaflow writes and reads them, from where flows are launched."""

import os

from conformance.requirement import equal, requirement

MULTIPART = 17 * 1024 * 1024
PAGE = 7


@requirement("STOR-001", needs={"datastore"}, profile="smoke")
def test_object_is_read_back(datastore):
    """An object that was written is read back, byte for byte.

    Why: every artifact is an object.
    """
    body = os.urandom(100_000)

    key = datastore.put("object", body)

    assert datastore.get(key) == body, f"s3://{datastore.bucket}/{key} gives back something else than was written"


@requirement("STOR-002", needs={"datastore"})
def test_absent_key_is_404(datastore):
    """HEAD and GET of an absent key answer 404.

    Why: Metaflow takes 404 for 'not there' and 403 for a failure; S3 answers 403 for an absent key where
    s3:ListBucket is missing from the policy (Metaflow: s3.py).
    """
    for operation in ("head_object", "get_object"):
        status = datastore.status(operation, Key=f"{datastore.own}/absent")
        hint = ": s3:ListBucket is missing from this identity's policy" if status == 403 else ""
        equal(status, 404, f"{operation} of an absent key in {datastore.bucket}{hint}")


@requirement("STOR-003", needs={"datastore"})
def test_overwritten_object_is_new(datastore):
    """After an object is overwritten, only the new one is read.

    Why: logs of a running step are written to one key again and again, and read meanwhile.
    """
    for number in range(10):
        key = datastore.put("overwritten", str(number).encode())
        equal(datastore.get(key), str(number).encode(), f"s3://{datastore.bucket}/{key} after it was overwritten")


@requirement("STOR-004", needs={"datastore"})
def test_listing_is_complete(datastore):
    """A listing in pages holds every key once, in order.

    Why: S3(run=...).list_recursive and the datastore's own look-ups page through listings.
    """
    wanted = sorted(datastore.put(f"listing/{number:02}", b"") for number in range(3 * PAGE + 1))

    equal(datastore.keys(f"{datastore.own}/listing/", page=PAGE), wanted, "keys listed in pages of 7")


@requirement("STOR-005", needs={"datastore"})
def test_ranges_are_exact(datastore):
    """A ranged read gives exactly the bytes that were asked for.

    Why: S3 downloads large objects in ranges, in parallel.
    """
    body = os.urandom(1000)
    key = datastore.put("ranges", body)

    for first, last in ((0, 0), (0, 99), (500, 999), (999, 5000)):
        got = datastore.get(key, Range=f"bytes={first}-{last}")
        equal(got, body[first : last + 1], f"bytes {first}-{last} of 1000")


@requirement("STOR-006", needs={"datastore"})
def test_large_object_in_parts(datastore):
    """An object of 17 MiB, sent in parts as boto3 does from 8 MiB on, is read back whole.

    Why: artifacts above 8 MiB go through multipart uploads, which gateways like to break.
    """
    body = os.urandom(MULTIPART)

    key = datastore.upload("multipart", body)

    got = datastore.get(key)
    equal(len(got), MULTIPART, f"s3://{datastore.bucket}/{key}: bytes")
    assert got == body, f"s3://{datastore.bucket}/{key} gives back other bytes than were sent in parts"
