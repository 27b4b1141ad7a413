"""The model-based test of one session's metadata service."""

from __future__ import annotations

import secrets

from conformance.model import sequential, together
from conformance.model.plans import CLIENTS
from conformance.model.sequential import Found
from conformance.session import Session
from conformance.system.metadata import MetadataService

SEQUENTIAL = 0.6
"""The part of the session's time that histories of one call after another get; the rest is for those together."""
SEEDS = 32


class Trial:
    """Looks for a history on which the service and its model part, for the time that the session gives."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.clients = [MetadataService(session) for _ in range(CLIENTS + 1)]
        self.seed = secrets.randbits(SEEDS)

    def one_after_another(self) -> Found | None:
        """A finding in histories of several clients, one call after another. Raises ``TargetError``."""
        seconds = self.session.model_s * SEQUENTIAL
        return sequential.search(self.clients, self._prefix("S"), seconds, self.seed, self.clients[0].url)

    def together(self) -> Found | None:
        """A finding in histories of several clients at once. Raises ``TargetError``."""
        seconds = self.session.model_s * (1 - SEQUENTIAL)
        return together.search(self.clients, self._prefix("C"), seconds, self.seed, self.clients[0].url)

    def _prefix(self, kind: str) -> str:
        """What the names of all flows begin with: they bear the run's ID."""
        return f"Mfconf_{self.session.run_id}_{kind}"
