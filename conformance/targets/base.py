"""What every kind of target comes down to."""

from __future__ import annotations

import atexit
import difflib
import json
import os
import tempfile
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import yaml

from conformance.errors import UsageError
from conformance.redact import redact_text
from conformance.session import AUTH_KEY, HEADERS, KEY_HEADER, headers_of, replaced

URLS = ("METAFLOW_SERVICE_URL", "METAFLOW_SERVICE_INTERNAL_URL")
WHO = frozenset({"METAFLOW_HOME", "METAFLOW_PROFILE", "METAFLOW_USER"})
"""Variables that choose a configuration or a user, and are no part of a configuration."""

FILES = {"clusters": ("certificate-authority",), "users": ("client-certificate", "client-key", "tokenFile")}
"""Where a kubeconfig names other files: looked for from its own folder."""


@dataclass(frozen=True)
class Options:
    """What the command line adds to the target's name; None or empty where it was not given."""

    context: str | None = None
    profile: str | None = None
    headers: tuple[tuple[str, str], ...] = ()
    images: str | None = None


@dataclass(frozen=True)
class Target:
    """A deployment, as a user of it has it.

    ``environment`` is exported before anything talks to the deployment; ``config`` holds the METAFLOW_*
    keys; ``declares`` the needs that it is meant to provide, whether or not they work;
    ``simulated`` those that a stand-in provides; ``through`` what it is reached through beside the name
    (context, profile): the same name through another is another deployment.
    """

    name: str
    kind: str
    config: dict[str, str]
    declares: frozenset[str]
    environment: dict[str, str] = field(default_factory=dict)
    simulated: frozenset[str] = frozenset()
    through: str = ""

    @property
    def identity(self) -> str:
        """What tells it from every other deployment; no secret is in it."""
        return redact_text(f"{self.name} ({self.through})" if self.through else self.name)

    def export(self) -> None:
        """Make this process and its children users of the deployment."""
        os.environ.update(self.environment)


def with_headers(target: Target, given: tuple[tuple[str, str], ...]) -> Target:
    """The target whose users send the headers ``given`` too; each replaces a configured one of its name.

    Raises ``UsageError`` where the configured ones can't be used.
    """
    headers = headers_of(target.config)
    for name, value in given:
        headers = replaced(headers, name, value)
    if not headers:
        return target
    said = {HEADERS: json.dumps(headers)}
    if target.config.get(AUTH_KEY):
        said[AUTH_KEY] = next(value for name, value in headers.items() if name.lower() == KEY_HEADER)
    return replace(target, config=target.config | said, environment=target.environment | said)


def declared_by(config: dict[str, str]) -> frozenset[str]:
    """The needs that a Metaflow configuration says the deployment has."""
    declared = set()
    if config.get("METAFLOW_SERVICE_URL"):
        declared.add("metadata")
    if config.get("METAFLOW_DATASTORE_SYSROOT_S3"):
        declared.add("datastore")
    if declared == {"metadata", "datastore"}:
        declared.add("client")
    if config.get("METAFLOW_KUBERNETES_NAMESPACE"):
        declared.add("kubernetes")
    return frozenset(declared)


def read_profile(name: str | None, home: Path | None = None) -> tuple[Path, dict[str, str]]:
    """The Metaflow configuration ``config_NAME.json`` (``config.json`` without a name), its folder first.

    Raises ``UsageError`` naming file, key and value of whatever can't be used.
    """
    folder = home or Path(os.environ.get("METAFLOW_HOME", "~/.metaflowconfig")).expanduser()
    path = folder / (f"config_{name}.json" if name else "config.json")
    if not path.exists():
        others = [file.stem.removeprefix("config_") for file in folder.glob("config_*.json")]
        close = difflib.get_close_matches(name or "", others, n=1)
        hint = f", did you mean {close[0]}?" if close else f"; profiles there: {', '.join(sorted(others)) or 'none'}"
        raise UsageError(f"{path}: no such Metaflow profile{hint}")
    try:
        loaded = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UsageError(f"{path}: not a readable Metaflow configuration: {error}") from None
    if not isinstance(loaded, dict):
        raise UsageError(f"{path}: not a Metaflow configuration: a JSON object with METAFLOW_ keys is needed")
    for key, value in loaded.items():
        if not key.startswith("METAFLOW_"):
            raise UsageError(f"{path}: key {key!r} does not begin with METAFLOW_; Metaflow would ignore it")
        if not isinstance(value, (str, int, float, bool, dict, list)):
            raise UsageError(f"{path}: {key} is {value!r}, not a value that Metaflow can read")
    config = {key: value if isinstance(value, str) else json.dumps(value) for key, value in loaded.items()}
    for key in URLS:
        if key in config:
            check_url(config[key], f"{path}: {key}")
    return folder, config


def overlaid(config: dict[str, str]) -> dict[str, str]:
    """The configuration with what the environment sets: Metaflow ranks it above the file.

    Raises ``UsageError`` naming variable and value where it can't be used.
    """
    given = {key: value for key, value in os.environ.items() if key.startswith("METAFLOW_") and key not in WHO}
    for key in URLS:
        if given.get(key):
            check_url(given[key], f"{key} of the environment")
    return {**config, **given}


def check_url(url: str, where: str) -> str:
    """``url`` without a slash at its end. Raises ``UsageError`` unless it is http or https with a host."""
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable:
        raise UsageError(f"{where}: {url!r} is not a URL of the form http://HOST[:PORT]")
    return url.rstrip("/")


def kubeconfig_for(context: str | None) -> dict[str, str]:
    """The environment in which ``context`` (the current one, if None) is what Kubernetes clients use.

    Metaflow reads the current context only, so another one is chosen by a file of one context in the
    temporary folder, readable by this user alone, with the cluster and the user of that context and no others.
    Raises ``UsageError`` for an unknown context.
    """
    if context is None:
        return {}
    given = _kubeconfigs()
    merged = _merge(given)
    chosen = next((c for c in merged["contexts"] if c["name"] == context), None)
    if chosen is None:
        names = [c["name"] for c in merged["contexts"]]
        close = difflib.get_close_matches(context, names, n=1)
        hint = f", did you mean {close[0]}?" if close else f"; contexts: {', '.join(names) or 'none'}"
        raise UsageError(f"--context {context}: not in the kubeconfig {os.pathsep.join(map(str, given))}{hint}")
    of_it = chosen.get("context") or {}
    parts = {
        "clusters": [entry for entry in merged["clusters"] if entry["name"] == of_it.get("cluster")],
        "users": [entry for entry in merged["users"] if entry["name"] == of_it.get("user")],
        "contexts": [chosen],
    }
    return {"KUBECONFIG": write_kubeconfig({**merged, **parts, "current-context": context})}


def current_context() -> str:
    """The context that Kubernetes clients use if none is chosen; empty where there is none."""
    return str(_merge(_kubeconfigs())["current-context"])


def _kubeconfigs() -> list[Path]:
    given = os.environ.get("KUBECONFIG", "~/.kube/config").split(os.pathsep)
    return [Path(path).expanduser() for path in given if path]


def write_kubeconfig(content: dict[str, Any]) -> str:
    """Write a kubeconfig to a private temporary file, removed when this process ends."""
    handle, path = tempfile.mkstemp(prefix="mfconf-kubeconfig-")
    atexit.register(Path(path).unlink, missing_ok=True)
    with os.fdopen(handle, "w", encoding="utf-8") as stream:
        yaml.safe_dump(content, stream)
    return path


def _merge(paths: list[Path]) -> dict[str, Any]:
    """All files as one; of entries with one name the first counts, as kubectl has it."""
    merged: dict[str, Any] = {"apiVersion": "v1", "kind": "Config", "current-context": ""}
    merged |= {"clusters": [], "users": [], "contexts": []}
    for path in paths:
        if not path.exists():
            continue
        try:
            loaded = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
            merged["current-context"] = merged["current-context"] or loaded.get("current-context") or ""
            for part in ("clusters", "users", "contexts"):
                there = {entry["name"] for entry in merged[part]}
                found = [entry for entry in loaded.get(part) or [] if entry["name"] not in there]
                merged[part] += [_rooted(entry, part, path.absolute().parent) for entry in found]
        except (OSError, UnicodeDecodeError, yaml.YAMLError, AttributeError, TypeError, KeyError) as error:
            raise UsageError(f"{path}: not a readable kubeconfig: {' '.join(str(error).split())}") from None
    return merged


def _rooted(entry: dict[str, Any], part: str, folder: Path) -> dict[str, Any]:
    """A cluster or user whose files are named from the root; a command without a slash stays to be searched for."""
    kind = part.removesuffix("s")
    content = dict(entry.get(kind) or {})
    for key in FILES.get(part, ()):
        if content.get(key):
            content[key] = str(folder / content[key])
    command = (content.get("exec") or {}).get("command", "")
    if "/" in command:
        content["exec"] = {**content["exec"], "command": str(folder / command)}
    return {**entry, kind: content}
