"""What all calls of a process to one service tell each other, so that a dead one is not waited for again and again."""

from __future__ import annotations

import threading
from functools import cache

SILENT_CALLS = 3


class Breaker:
    """Opens for good after ``SILENT_CALLS`` calls in a row without an answer, whichever thread made them.

    A call counts where /ping is not answered either: connections that are reset together, as a replica rolls, and
    slow calls side by side are no dead service. Without the breaker, each of the checks that are left would wait
    its full time for a service that died or hangs.

    ``outlasted``: a 503 has lasted as long as the client would ask again. From then on each is taken at once.
    """

    def __init__(self) -> None:
        self.open = False
        self.outlasted = False
        self._lock = threading.Lock()
        self._silent = 0

    def answered(self) -> None:
        """Count from zero again."""
        with self._lock:
            self._silent = 0

    def silent(self) -> None:
        """Count a call without an answer, to which /ping got none either."""
        with self._lock:
            self._silent += 1
            self.open = self.open or self._silent >= SILENT_CALLS


@cache
def breaker(_url: str) -> Breaker:
    """The breaker that all checks of this process share for the service at this URL."""
    return Breaker()
