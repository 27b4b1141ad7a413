"""Where the local deployment keeps its things: state that ``down`` removes, caches that it leaves."""

from __future__ import annotations

from pathlib import Path

from platformdirs import user_cache_path, user_state_path

STATE = user_state_path("mfconf") / "kind"
CACHE = user_cache_path("mfconf")

LOCK = user_state_path("mfconf") / "kind.lock"
LOG = user_state_path("mfconf") / "kind.log"

KUBECONFIG = STATE / "kubeconfig"
ADMIN_KUBECONFIG = STATE / "admin.kubeconfig"
METAFLOW_HOME = STATE / "metaflow"
AWS_CONFIG = STATE / "aws" / "config"
AWS_CREDENTIALS = STATE / "aws" / "credentials"
CREDENTIALS = STATE / "credentials.json"
PROFILE = "mfconf-kind"


def repository() -> Path:
    """The folder that holds ``kind-config``, ``locks`` and the ``conformance`` package."""
    return Path(__file__).resolve().parents[2]


def kind_config() -> Path:
    """The folder of everything the local deployment is made from."""
    return repository() / "kind-config"
