"""Which suite it is that judges: its version, its commit, a digest of all its requirements."""

from __future__ import annotations

import hashlib
import subprocess
from dataclasses import asdict
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from conformance.requirement import catalogue

GIT_S = 10


def identity() -> dict[str, Any]:
    """``version``, ``commit`` (None outside of a checkout), ``dirty`` and ``requirements_digest``.

    A repository counts as the checkout only where it tracks this very file: a user's own may hold the environment.
    """
    rows = repr(
        [
            {k: sorted(v) if isinstance(v, frozenset) else v for k, v in asdict(requirement).items()}
            for requirement in catalogue()
        ]
    )
    tracked = _git("ls-files", "--error-unmatch", Path(__file__).name) is not None
    return {
        "version": suite_version(),
        "commit": _git("rev-parse", "HEAD") if tracked else None,
        "dirty": tracked and bool(_git("status", "--porcelain")),
        "requirements_digest": hashlib.sha256(rows.encode()).hexdigest(),
    }


def suite_version() -> str:
    """The version of the installed package."""
    try:
        return version("metaflow-conformance")
    except PackageNotFoundError:
        return "not installed"


def _git(*words: str) -> str | None:
    try:
        asked = subprocess.run(
            ["git", *words], check=False, capture_output=True, text=True, timeout=GIT_S, cwd=Path(__file__).parent
        )
    except (FileNotFoundError, subprocess.TimeoutExpired):
        return None
    return asked.stdout.strip() if asked.returncode == 0 else None
