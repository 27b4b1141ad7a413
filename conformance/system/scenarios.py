"""The scenarios that can be launched: ``scenarios/catalogue.toml``."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).resolve().parents[2] / "scenarios"


@dataclass(frozen=True)
class Scenario:
    """A FlowSpec and how to launch it. ``expect``: ``successful`` or ``failed``; ``deadline_s`` in seconds."""

    name: str
    flow: str
    expect: str
    deadline_s: float
    parameters: dict[str, Any] = field(default_factory=dict)

    @property
    def file(self) -> Path:
        """The flow's file."""
        return FOLDER / f"{self.name}.py"


@cache
def catalogue() -> dict[str, Scenario]:
    """Every scenario by name."""
    entries = tomllib.loads((FOLDER / "catalogue.toml").read_text(encoding="utf-8"))
    return {name: Scenario(name, **entry) for name, entry in entries.items()}
