"""Settings, by the environment variables of the real service."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Config:
    """Where to listen and where the database is. ``start_s``: how long to wait for it at the start."""

    host: str
    port: int
    database_host: str
    database_port: int
    database_user: str
    database_password: str
    database_name: str
    pool_min: int
    pool_max: int
    log_level: str
    start_s: float = 60.0


class ConfigError(Exception):
    """A setting that can not be used: which one, and why."""


def from_environment(environment: Mapping[str, str] = os.environ) -> Config:
    """Read the settings. Raises ``ConfigError`` naming a variable whose value is not a number in range."""

    def number(name: str, default: int, most: int) -> int:
        text = environment.get(name, str(default))
        if not text.isdigit() or not 0 < int(text) <= most:
            raise ConfigError(f"{name}={text}: not a number from 1 to {most}")
        return int(text)

    pool_max = number("MF_METADATA_DB_POOL_MAX", 10, 1000)
    pool_min = number("MF_METADATA_DB_POOL_MIN", 1, 1000)
    if pool_min > pool_max:
        raise ConfigError(f"MF_METADATA_DB_POOL_MIN={pool_min}: more than MF_METADATA_DB_POOL_MAX={pool_max}")
    return Config(
        host=environment.get("MF_METADATA_HOST", "127.0.0.1"),
        port=number("MF_METADATA_PORT", 8080, 65535),
        database_host=environment.get("MF_METADATA_DB_HOST", "localhost"),
        database_port=number("MF_METADATA_DB_PORT", 5432, 65535),
        database_user=environment.get("MF_METADATA_DB_USER", "postgres"),
        database_password=environment.get("MF_METADATA_DB_PSWD", "postgres"),
        database_name=environment.get("MF_METADATA_DB_NAME", "postgres"),
        pool_min=pool_min,
        pool_max=pool_max,
        log_level=environment.get("LOGLEVEL", "INFO").upper(),
    )
