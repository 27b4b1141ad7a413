"""The scenarios that can be launched: ``scenarios/catalogue.toml``."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).resolve().parents[2] / "scenarios"


RESOURCES = "cpu=0.1,memory=256,disk=1024"
"""Small enough that a laptop runs many at once. CPUs, megabytes, megabytes."""


@dataclass(frozen=True)
class Disturbance:
    """What befalls a run on Kubernetes while it lives, once every pattern of ``when`` was told.

    ``when``: regular expressions, searched in what the launcher prints and what the cluster says of the run.
    ``how``: ``interrupt`` (Ctrl-C), ``kill`` (the launcher, with SIGKILL), ``evict`` (the pod of ``step``),
    ``drain`` and ``lose`` (its node), ``restart-gpu-plugin`` (while it runs).
    """

    how: str
    when: tuple[str, ...]
    step: str = ""


@dataclass(frozen=True)
class Scenario:
    """A FlowSpec and how to launch it. ``expect``: ``successful`` or ``failed``; ``deadline_s`` in seconds.

    ``environment``: configuration for this flow alone, labels and the like beside the target's; ``{prop}`` stands for
    the name of its ``props``, which are made for the launch: ``secret``, ``claim``. ``resources``: what
    ``--with kubernetes:`` gives each step.
    ``pods``: which steps become pods on Kubernetes: ``all``, or ``marked``, those under ``@kubernetes`` alone, as each
    of the others costs seconds of CPU. ``after``: scenarios whose launches have to be over, as this one would disturb
    them.
    """

    name: str
    flow: str
    expect: str
    deadline_s: float
    parameters: dict[str, Any] = field(default_factory=dict)
    environment: dict[str, str] = field(default_factory=dict)
    props: tuple[str, ...] = ()
    resources: str = RESOURCES
    pods: str = "all"
    after: tuple[str, ...] = ()
    disturb: Disturbance | None = None

    @property
    def file(self) -> Path:
        """The flow's file."""
        return FOLDER / f"{self.name}.py"


@cache
def catalogue() -> dict[str, Scenario]:
    """Every scenario by name."""
    entries = tomllib.loads((FOLDER / "catalogue.toml").read_text(encoding="utf-8"))
    return {name: _scenario(name, entry) for name, entry in entries.items()}


def _scenario(name: str, entry: dict[str, Any]) -> Scenario:
    if "disturb" in entry:
        entry["disturb"] = Disturbance(**{**entry["disturb"], "when": tuple(entry["disturb"]["when"])})
    lists = {name: tuple(entry.get(name, ())) for name in ("props", "after")}
    return Scenario(name, **{**entry, **lists})
