"""Load profiles: how many users for how long, and the thresholds that decide."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Profile:
    """``users`` tasks at a time, started ``spawn_rate`` a second, for ``duration_s`` seconds in all."""

    name: str
    users: int
    spawn_rate: float
    duration_s: int
    thresholds: tuple[str, ...]


PROFILES = {
    profile.name: profile
    for profile in (
        Profile(
            "smoke",
            users=10,
            spawn_rate=5,
            duration_s=30,
            thresholds=("failures < 0.1 %", "p95 < 500 ms", "p99 < 1500 ms"),
        ),
    )
}
