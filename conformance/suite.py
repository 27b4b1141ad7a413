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
    """``version``, ``commit`` (None outside of a checkout), ``dirty`` and ``requirements_digest``."""
    rows = repr(
        [
            {k: sorted(v) if isinstance(v, frozenset) else v for k, v in asdict(requirement).items()}
            for requirement in catalogue()
        ]
    )
    return {
        "version": suite_version(),
        "commit": _git("rev-parse", "HEAD"),
        "dirty": bool(_git("status", "--porcelain")),
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
