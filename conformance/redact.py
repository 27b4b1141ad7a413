"""Secrets stay out of everything that is printed or stored."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, TypeVar

T = TypeVar("T")

MASK = "[redacted]"

SECRET_NAME = re.compile(
    r"secret|passw|passphrase|pswd|pwd|token|(?:api|auth|access|private|client|signing)[_-]?key|credential"
    r"|authorization|x-.*auth|auth$|cookie|signature|client_params|headers",
    re.IGNORECASE,
)
"""Names whose values are secret, whatever they look like. Names of Kubernetes secrets are no secrets."""

NOT_SECRET = re.compile(r"kubernetes_secrets|secrets_backend|^secrets$|production_token_check", re.IGNORECASE)

PAIR = 2
"""Elements of a list that stands for a name and its value, as headers often do."""

NAME_FORM = re.compile(r"[\w.-]+")

_NAME = (
    r"(?:secret(?:[_ -]?(?:access[_ -]?)?key)?|password|passwd|passphrase|pswd|pwd|token|signature|credential|\bsig"
    r"|(?:api|auth|access|private|client|signing)[_-]?key(?:-data)?)"
)
_IS = r"\\*[\"']?(?:\s*(?:[=:>]|%3[ad])|,?\s*\\*[\"']?value\\*[\"']?\s*[=:])\s*"
_VALUE = r"(?:(?P<quote>\\*[\"'])(?:(?!(?P=quote))(?:\\.|.))*|[^\s\"'&<]+)"

SECRET_TEXT = [
    (re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)", re.DOTALL), MASK),
    (re.compile(r"(--header(?:=|\s+))(?:'[^']*'|\"[^\"]*\"|\\.|[^\s'\"\\])+"), rf"\1{MASK}"),
    (re.compile(r"\b(AKIA|ASIA)[0-9A-Z]{16}\b"), MASK),
    (re.compile(r"\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*"), MASK),
    (re.compile(r"\bk8s-aws-v1\.[A-Za-z0-9_-]+"), MASK),
    (re.compile(r"\b(?:gh[opsur]_|github_pat_|xox[abprs]-)[A-Za-z0-9_-]{10,}"), MASK),
    (re.compile(r"://(?:[^/\s?#\"']*|[^/\s:@\"']*:(?!\d+/)[^\s\"'@]{0,200})@"), f"://{MASK}@"),
    (
        re.compile(
            rf"(?i)((?:authorization|cookie|\bx-[\w-]{{0,40}}auth[\w-]{{0,40}}){_IS})"
            r"(?:(?P<quote>\\*[\"'])(?:(?!(?P=quote))(?:\\.|.))*|[^\r\n\"']+)"
        ),
        rf"\1\g<quote>{MASK}",
    ),
    (re.compile(r"(?i)\b(bearer|basic)\s+[A-Za-z0-9._~+/=-]{8,}"), rf"\1 {MASK}"),
    (re.compile(rf"(?is)({_NAME}{_IS}){_VALUE}"), rf"\1\g<quote>{MASK}"),
    (re.compile(rf"(?is)(--[\w-]{{0,40}}{_NAME}\s+){_VALUE}"), rf"\1\g<quote>{MASK}"),
]
"""Forms that secrets take in running text: keys, tokens, passwords in URLs, header lines, NAME=value."""


def redact(value: T) -> T:
    """A copy of ``value`` (any JSON shape; what is no JSON as text) in which no secret stands."""
    return _redact(value)  # type: ignore[no-any-return]


def _redact(value: Any) -> Any:
    if value is None or isinstance(value, (bool, int, float)):
        return value
    if isinstance(value, dict):
        named = _secret(value.get("name")) or _secret(value.get("key"))
        return {
            redact_text(str(key)): MASK if _holds(key, item, named=named) else _redact(item)
            for key, item in value.items()
        }
    if isinstance(value, (list, tuple, set, frozenset)):
        items = list(value)
        if len(items) == PAIR and _secret(items[0]) and NAME_FORM.fullmatch(items[0]) and isinstance(items[1], str):
            return [items[0], MASK]
        return [_redact(item) for item in items]
    return redact_text(str(value))


def redact_text(text: str) -> str:
    """``text`` with every secret form masked."""
    for form, mask in SECRET_TEXT:
        text = form.sub(mask, text)
    return text


def redact_file(path: Path) -> None:
    """Mask every secret form in a file that nobody writes any more; one that is not there stays so."""
    if not path.exists():
        return
    text = path.read_text(encoding="utf-8", errors="replace")
    redacted = redact_text(text)
    if redacted != text:
        path.write_text(redacted, encoding="utf-8")


def _holds(key: object, item: Any, *, named: bool) -> bool:
    """Tell whether ``item`` is the secret that its key, or a name beside it, speaks of."""
    return bool(item) and not isinstance(item, bool) and (_secret(key) or (named and key == "value"))


def _secret(name: object) -> bool:
    return isinstance(name, str) and bool(SECRET_NAME.search(name)) and not NOT_SECRET.search(name)
