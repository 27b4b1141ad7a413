"""``python -m load --profile P --seed N --run-id ID --result FILE``: one load test.

The service is METAFLOW_SERVICE_URL, its headers METAFLOW_SERVICE_HEADERS (JSON): either may hold a secret, and all
users of a machine can read command lines. The result is the report's ``load`` object plus ``interrupted``; exit
code 0 whether or not thresholds were kept.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import time
from pathlib import Path
from typing import Any

import gevent
from locust.env import Environment

from load import measures, thresholds
from load.profiles import PROFILES
from load.users import build

SIGN_OF_LIFE_S = 10


def main() -> None:
    """Run the test, saying now and then how it goes."""
    parser = argparse.ArgumentParser(prog="python -m load", description=__doc__)
    parser.add_argument("--profile", required=True, choices=sorted(PROFILES))
    parser.add_argument("--seed", required=True, type=int)
    parser.add_argument("--run-id", required=True)
    parser.add_argument("--result", required=True, type=Path)
    options = parser.parse_args()
    profile = PROFILES[options.profile]
    headers: dict[str, str] = json.loads(os.environ.get("METAFLOW_SERVICE_HEADERS") or "{}")

    environment = Environment(
        user_classes=[build(options.run_id, headers, options.seed)], host=os.environ["METAFLOW_SERVICE_URL"]
    )
    samples: list[measures.Sample] = []
    began = time.time()

    @environment.events.request.add_listener  # type: ignore[untyped-decorator]
    def keep(name: str, response_time: float, exception: Any, start_time: float, **_: Any) -> None:
        samples.append(measures.Sample(name, start_time - began, response_time, exception is None))

    runner = environment.create_local_runner()
    interrupted = gevent.event.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        gevent.signal_handler(number, interrupted.set)
    runner.start(profile.users, spawn_rate=profile.spawn_rate)
    while (left := began + profile.duration_s - time.time()) > 0 and not interrupted.wait(min(left, SIGN_OF_LIFE_S)):
        failed = sum(not sample.ok for sample in samples)
        print(f"{time.time() - began:.0f} s: {len(samples)} requests, {failed} failed", flush=True)  # noqa: T201
    runner.quit()

    result = {
        "profile": profile.name,
        "seed": options.seed,
        "workers": 1,
        "users": profile.users,
        "duration_s": round(time.time() - began, 1),
        "requests": len(samples),
        "saturated": runner.cpu_warning_emitted,
        "thresholds": [thresholds.judge(expression, samples) for expression in profile.thresholds],
        "baseline": None,
        "operations": measures.operations(samples),
        "timeline": measures.timeline(samples),
        "errors": sorted({f"{error.name}: {error.error}" for error in runner.stats.errors.values()})[:20],
        "interrupted": interrupted.is_set(),
    }
    options.result.write_text(json.dumps(result, indent=2), encoding="utf-8")


if __name__ == "__main__":
    main()
