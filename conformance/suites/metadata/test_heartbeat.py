"""Heartbeats say that a run is alive."""

import json
import time

from conformance.requirement import equal, requirement

CLOSE_S = 15


@requirement("META-060", needs={"metadata"})
def test_heartbeat_is_now(metadata):
    """A run registered by a current client has a heartbeat of now, in seconds since the epoch (UTC).

    Why: a service in another time zone makes every run look hours old: the UI shows it failed.
    """
    flow = metadata.new_flow("Heartbeat")
    made = metadata.new_run(flow, system_tags=["metaflow_version:2.19.0"])

    run = metadata.get(f"/flows/{flow}/runs/{made['run_number']}").json

    beat = run["last_heartbeat_ts"]
    assert beat is not None, f"{flow}: a run with the tag metaflow_version:2.19.0 starts without a heartbeat"
    assert abs(beat - time.time()) < CLOSE_S, (
        f"{flow}: last_heartbeat_ts is {beat}, now is {time.time():.0f}: {beat - time.time():+.0f} s off; "
        "is the service's clock or time zone wrong, or the unit not seconds?"
    )


@requirement("META-061", needs={"metadata"})
def test_heartbeat_tells_the_interval(metadata, until):
    """POST heartbeat is accepted, and its body tells in how many seconds the next one is due.

    Why: the client's heartbeat process decodes the body twice and sleeps as long as it says; the real
    service refuses (404) a beat within 10 s of the last (metaflow-service: postgres_async_db.py).
    """
    flow = metadata.new_flow("Beating")
    run = metadata.new_run(flow)["run_number"]

    answer = until(
        lambda: found if (found := metadata.post(f"/flows/{flow}/runs/{run}/heartbeat", {})).status != 404 else None,
        f"{flow}/{run}: a heartbeat is accepted",
        within="settle",
    )

    equal(answer.status, 200, f"{answer.request}: status")
    told = answer.json if isinstance(answer.json, dict) else json.loads(answer.json)
    wait = told.get("wait_time_in_seconds")
    assert isinstance(wait, int), f"{answer}: no whole number wait_time_in_seconds"
    assert 0 < wait <= 60, f"{answer}: {wait} s is no interval for a run that counts as dead after minutes"
