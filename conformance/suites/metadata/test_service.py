"""The service answers, and says which version it is."""

from conformance.requirement import equal, requirement


@requirement("META-001", needs={"metadata"}, profile="smoke")
def test_ping(metadata):
    """GET /ping answers 200 with pong.

    Why: the client pings before it starts a run, and gives up on anything else.
    """
    answer = metadata.get("/ping")

    equal(answer.status, 200, f"{answer.request}: status")
    equal(answer.text.strip().strip('"'), "pong", f"{answer.request}: body")


@requirement("META-002", needs={"metadata"})
def test_version_header(metadata):
    """GET /ping carries METADATA_SERVICE_VERSION with a version of three numbers.

    Why: the client decides by this header whether it may send heartbeats, read attempts and mutate
    tags; a proxy that strips it makes every tag command say that the service is too old.
    """
    answer = metadata.get("/ping")

    version = answer.headers.get("METADATA_SERVICE_VERSION")
    assert version, f"{answer.request}: no header METADATA_SERVICE_VERSION: an old service, or a proxy strips it"
    numbers = version.split(".")[:3]
    assert len(numbers) == 3, f"{answer.request}: METADATA_SERVICE_VERSION is {version!r}, not of the form 1.2.3"
    assert all(part.isdigit() for part in numbers), f"{answer.request}: METADATA_SERVICE_VERSION is {version!r}"
