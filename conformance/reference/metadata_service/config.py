"""Settings, by the environment variables of the real service."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field

LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
TLS = ("disable", "allow", "prefer", "require", "verify-ca", "verify-full")


@dataclass(frozen=True)
class Config:
    """Where to listen, where the database is, and how long to wait, in seconds.

    ``start_s``: for the database at the start. ``wait_s``: a request for a free connection. ``inactive_s``: after
    which silence a run counts as failed. ``database_dsn`` replaces the other ``database_`` settings.
    """

    host: str
    port: int
    database_host: str
    database_port: int
    database_user: str
    database_password: str = field(repr=False)
    database_name: str
    pool_min: int
    pool_max: int
    log_level: str
    start_s: float = 60.0
    wait_s: float = 10.0
    inactive_s: int = 360
    prefix: str = ""
    database_dsn: str | None = field(default=None, repr=False)
    tls: Mapping[str, str] = field(default_factory=dict)

    @property
    def where(self) -> str:
        """The database, for messages: never with the password."""
        if self.database_dsn is not None:
            return "of MF_METADATA_DB_DSN"
        return f"{self.database_host}:{self.database_port}/{self.database_name}"


class ConfigError(Exception):
    """A setting that can not be used: which one, and why."""


def from_environment(environment: Mapping[str, str] = os.environ) -> Config:
    """Read the settings. Raises ``ConfigError`` naming a variable whose value can not be used."""

    def number(name: str, default: int, most: int) -> int:
        text = environment.get(name, str(default))
        if not (text.isascii() and text.isdigit() and 0 < int(text) <= most):
            raise ConfigError(f"{name}={text}: not a number from 1 to {most}")
        return int(text)

    def one_of(name: str, default: str, known: tuple[str, ...]) -> str:
        text = environment.get(name, default)
        if text not in known:
            raise ConfigError(f"{name}={text}: not one of {', '.join(known)}")
        return text

    pool_max = number("MF_METADATA_DB_POOL_MAX", 10, 1000)
    pool_min = number("MF_METADATA_DB_POOL_MIN", 1, 1000)
    if pool_min > pool_max:
        raise ConfigError(f"MF_METADATA_DB_POOL_MIN={pool_min}: more than MF_METADATA_DB_POOL_MAX={pool_max}")
    prefix = environment.get("PATH_PREFIX", "")
    if prefix and not (prefix.startswith("/") and prefix.rstrip("/") == prefix and "{" not in prefix):
        raise ConfigError(f"PATH_PREFIX={prefix}: not a path like /metadata, without a slash at the end")
    tls = {"sslmode": one_of("MF_METADATA_DB_SSL_MODE", "prefer", TLS)}
    for name, key in (("CERT", "sslcert"), ("KEY", "sslkey"), ("ROOT_CERT", "sslrootcert")):
        if path := environment.get(f"MF_METADATA_DB_SSL_{name}_PATH"):
            tls[key] = path
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
        log_level=one_of("LOGLEVEL", "INFO", LEVELS),
        start_s=number("MF_METADATA_DB_START_TIMEOUT", 60, 3600),
        wait_s=number("MF_METADATA_DB_TIMEOUT", 10, 3600),
        inactive_s=number("RUN_INACTIVE_CUTOFF_TIME", 360, 10**6),
        prefix=prefix,
        database_dsn=environment.get("MF_METADATA_DB_DSN"),
        tls=tls,
    )
