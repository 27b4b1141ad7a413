"""The log: one JSON object a line, on stderr."""

from __future__ import annotations

import logging
from datetime import UTC, datetime

import orjson

LOG = logging.getLogger("metadata_service")
PROBES = ("/ping", "/healthcheck")


class JsonLines(logging.Formatter):
    """One JSON object a line: at (UTC), level, message, what a request adds, and the traceback of an error."""

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        line: dict[str, object] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "message": record.getMessage(),
            **getattr(record, "request", {}),
        }
        if record.exc_info:
            line["error"] = self.formatException(record.exc_info)
        return orjson.dumps(line, default=str).decode()


def start(level: str) -> None:
    """Log lines of ``level`` and above, of this service and of the libraries it uses."""
    handler = logging.StreamHandler()
    handler.setFormatter(JsonLines())
    logging.basicConfig(level=level, handlers=[handler], force=True)


def request_done(method: str, path: str, status: int, seconds: float) -> None:
    """A line for an answered request: at DEBUG for a probe that went well, which comes every second.

    Of a request, its query, headers and body are never logged: they may hold secrets.
    """
    level = logging.DEBUG if path.endswith(PROBES) and status < 300 else logging.INFO  # noqa: PLR2004 - success
    if LOG.isEnabledFor(level):
        LOG.log(
            level,
            "request",
            extra={"request": {"method": method, "path": path, "status": status, "ms": round(seconds * 1000, 1)}},
        )
