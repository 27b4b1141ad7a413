"""HTTP statuses as Metaflow's client takes them. Standard library only."""

from __future__ import annotations

OK = 200


def meant(status: int) -> int:
    """A status as the client takes it: 200 for every success, from 200 to 299 (metaflow: service.py, _request)."""
    return OK if OK <= status < 300 else status  # noqa: PLR2004
