"""One run, as every process of it knows it: the controller, pytest's workers, the launches."""

from __future__ import annotations

import json
import os
import secrets
import string
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from conformance.errors import UsageError
from conformance.redact import redact

VARIABLE = "MFCONF_SESSION"
FILE = "session.json"
ID_LENGTH = 10
HEADERS, AUTH_KEY = "METAFLOW_SERVICE_HEADERS", "METAFLOW_SERVICE_AUTH_KEY"
KEY_HEADER = "x-api-key"


@dataclass(frozen=True)
class Session:
    """What a run works on. Its file holds no secret: those go to the children by the environment.

    ``run_id``: lower-case letters and digits, a letter first; everything that the run makes bears it.
    ``cases``: the IDs of the selected cases. ``simulated``: needs that a stand-in provides. ``model_s``: seconds
    that the model-based test may take. ``patience``: by how much every deadline is longer.
    """

    run_id: str
    output: Path
    target: str
    cases: tuple[str, ...]
    launches: tuple[tuple[str, str], ...]
    capabilities: frozenset[str]
    simulated: frozenset[str]
    config: dict[str, str]
    model_s: float = 60.0
    patience: float = 1.0

    @property
    def namespace(self) -> str:
        """The Kubernetes namespace that Metaflow's jobs run in."""
        return self.config.get("METAFLOW_KUBERNETES_NAMESPACE", "default")

    @property
    def label(self) -> tuple[str, str]:
        """The label on every Kubernetes object that this run makes."""
        return LABEL, self.run_id

    @property
    def tag(self) -> str:
        """The Metaflow tag on every run that this run makes."""
        return f"mfconf:{self.run_id}"

    def launch_file(self, launch: object, kind: str = "json") -> Path:
        """Where a launch writes its state (``json``) and its output (``log``)."""
        return self.output / "launches" / f"{launch}.{kind}"

    def prop(self, launch: object) -> str:
        """The name of the objects that are made on the cluster for one launch: a secret, a claim."""
        return f"mfconf-{self.run_id}-{str(launch).replace('_', '-').replace('@', '-')}"

    def template(self, scenario: str) -> str:
        """The name of the scenario's Argo workflow template."""
        return f"mfconf-{self.run_id}-{scenario.replace('_', '-')}"

    def save(self) -> None:
        """Write it to the output folder and name it, and what is secret in the configuration, to all children."""
        secret = {key: value for key, value in self.config.items() if redact({key: value}) != {key: value}}
        os.environ.update(secret)
        data = asdict(self)
        data |= {"config": {key: value for key, value in self.config.items() if key not in secret}}
        data |= {"secret": sorted(secret), "target": redact(self.target)}
        data |= {"capabilities": sorted(self.capabilities), "simulated": sorted(self.simulated)}
        path = self.output / FILE
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(data, default=str, indent=2), encoding="utf-8")
        os.environ[VARIABLE] = str(path.resolve())

    @classmethod
    def load(cls, path: Path | None = None) -> Session:
        """The session in the file ``path``, or else the one that the controller named.

        Raises ``KeyError`` outside of a run.
        """
        path = path or Path(os.environ[VARIABLE])
        return cls.of(json.loads(path.read_text(encoding="utf-8")), path.parent)

    @classmethod
    def blank(cls, target: str, config: dict[str, str]) -> Session:
        """A session with an ID of its own that has selected nothing yet: for looking at the target."""
        return cls(new_run_id(), Path(), target, (), (), frozenset(), frozenset(), config)

    @classmethod
    def of(cls, data: dict[str, Any], output: Path) -> Session:
        """The session that ``save`` wrote as ``data``. Raises ``KeyError`` for that of another version."""
        return cls(
            run_id=data["run_id"],
            output=output,
            target=data["target"],
            cases=tuple(data["cases"]),
            launches=tuple((scenario, on) for scenario, on in data["launches"]),
            capabilities=frozenset(data["capabilities"]),
            simulated=frozenset(data["simulated"]),
            config=data["config"] | {key: os.environ[key] for key in data["secret"] if key in os.environ},
            model_s=data["model_s"],
            patience=data["patience"],
        )


def headers_of(config: dict[str, str]) -> dict[str, str]:
    """The headers that the metadata service is sent, as Metaflow has it: the key is one of them, and wins.

    Raises ``UsageError``, without the value, where METAFLOW_SERVICE_HEADERS can't be used.
    """
    try:
        found = json.loads(config.get(HEADERS) or "{}")
    except ValueError:
        found = None
    if not isinstance(found, dict) or not all(isinstance(value, str) for value in found.values()):
        raise UsageError(f'{HEADERS}: not a JSON object of names and values, like {{"NAME": "VALUE"}}')
    key = config.get(AUTH_KEY)
    return replaced(found, KEY_HEADER, key) if key else found


def replaced(headers: dict[str, str], name: str, value: str) -> dict[str, str]:
    """The headers with this one in place of those of the same name in any case."""
    return {other: text for other, text in headers.items() if other.lower() != name.lower()} | {name: value}


LABEL = "mfconf.dev/run"


def new_run_id() -> str:
    """A run ID that no other run has."""
    letters = string.ascii_lowercase
    return secrets.choice(letters) + "".join(secrets.choice(letters + string.digits) for _ in range(ID_LENGTH - 1))
