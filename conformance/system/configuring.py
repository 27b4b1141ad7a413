"""A configuration of a scenario's own, put together with that of the target: pods need what the target says, too."""

from __future__ import annotations

import json
from collections.abc import Mapping

PAIRS = {f"METAFLOW_KUBERNETES_{name}" for name in ("LABELS", "ANNOTATIONS", "NODE_SELECTOR", "SECRETS")}
"""Words or ``KEY=VALUE`` with commas between them; Metaflow takes no key twice."""

DOCUMENTS = {
    f"METAFLOW_KUBERNETES_{name}" for name in ("TOLERATIONS", "IMAGE_PULL_SECRETS", "PERSISTENT_VOLUME_CLAIMS")
}
"""Lists or objects of JSON."""


def extended(own: Mapping[str, str], more: Mapping[str, str]) -> dict[str, str]:
    """The settings ``more``; those of which there can be several hold what ``own`` has of them, too."""
    return {name: _joined(name, own.get(name, ""), value) for name, value in more.items()}


def _joined(name: str, own: str, more: str) -> str:
    if own and name in PAIRS:
        words = {word.partition("=")[0]: word for word in [*own.split(","), *more.split(",")] if word}
        return ",".join(words.values())
    if own and name in DOCUMENTS:
        ours, theirs = json.loads(more), json.loads(own)
        return json.dumps({**theirs, **ours} if isinstance(ours, dict) else [*theirs, *ours])
    return more
