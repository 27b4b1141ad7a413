"""Secrets stay out of everything that is printed or stored."""

from __future__ import annotations

import re
from typing import Any, TypeVar

T = TypeVar("T")

MASK = "[redacted]"

SECRET_NAME = re.compile(
    r"(secret|passw|pswd|token|api[_-]?key|auth[_-]?key|access[_-]?key|credential|authorization|x-api-key|cookie"
    r"|client_params|headers)",
    re.IGNORECASE,
)
"""Names whose values are secret, whatever they look like. Names of Kubernetes secrets are no secrets."""

NOT_SECRET = re.compile(r"(kubernetes_secrets|secrets_backend|^secrets$|production_token_check)", re.IGNORECASE)

SECRET_TEXT = [
    (re.compile(r"\b(AKIA|ASIA)[0-9A-Z]{16}\b"), MASK),
    (re.compile(r"(?i)\b(bearer|basic)\s+[A-Za-z0-9._~+/=-]{8,}"), rf"\1 {MASK}"),
    (re.compile(r"\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*"), MASK),
    (re.compile(r"://[^/\s:@]+:[^/\s@]+@"), f"://{MASK}@"),
    (
        re.compile(
            r"(?i)\b([\w-]*(?:secret_?(?:access_?)?key|password|passwd|pswd|token|api[_-]key|auth_key)\"?\s*[=:]\s*\"?)"
            r"([^\s\"',;&]{4,})"
        ),
        rf"\1{MASK}",
    ),
]
"""Forms that secrets take in running text: keys, bearer tokens, JWTs, passwords in URLs, NAME=value."""


def redact(value: T) -> T:
    """A copy of ``value`` (any JSON shape) in which no secret stands."""
    return _redact(value)  # type: ignore[no-any-return]


def _redact(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: MASK if _secret(str(key), item) else _redact(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_redact(item) for item in value]
    if isinstance(value, str):
        return redact_text(value)
    return value


def redact_text(text: str) -> str:
    """``text`` with every secret form masked."""
    for form, mask in SECRET_TEXT:
        text = form.sub(mask, text)
    return text


def _secret(name: str, item: Any) -> bool:
    return (
        bool(item) and isinstance(item, (str, dict)) and bool(SECRET_NAME.search(name)) and not NOT_SECRET.search(name)
    )
