"""What a scenario's steps are given of the cluster: a secret, a claim. Made for one launch, removed with the run."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

from kubernetes.client.exceptions import ApiException

from conformance.errors import TargetError
from conformance.session import Session
from conformance.system.cluster import Cluster, call

SECRET_KEY = "MFCONF_SECRET"  # noqa: S105 - the name of the variable
CLAIM = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "16Mi"}}}


def secret_value(name: str) -> str:
    """What the secret of that name holds: nothing worth keeping, so that a check knows what to look for."""
    return f"mfconf-{hashlib.sha256(name.encode()).hexdigest()}"


def make(session: Session, name: str, kinds: tuple[str, ...]) -> None:
    """Make the ``kinds``: ``secret``, ``claim``. Raises ``TargetError`` where one is refused."""
    core = Cluster(session).core
    meta = {"name": name, "labels": dict([session.label])}
    bodies: dict[str, Any] = {
        "secret": {"metadata": meta, "stringData": {SECRET_KEY: secret_value(name)}},
        "claim": {"metadata": meta, "spec": CLAIM},
    }
    makers = {"secret": core.create_namespaced_secret, "claim": core.create_namespaced_persistent_volume_claim}
    for kind in kinds:
        try:
            call(makers[kind], namespace=session.namespace, body=bodies[kind])
        except ApiException as error:
            raise TargetError(f"{kind} {name} in {session.namespace}: {error.status} {error.reason}") from None


def remover(session: Session, kind: str) -> Callable[..., Any]:
    """The API call that removes a prop."""
    core = Cluster(session).core
    removers: dict[str, Callable[..., Any]] = {
        "secret": core.delete_namespaced_secret,
        "claim": core.delete_namespaced_persistent_volume_claim,
    }
    return removers[kind]
