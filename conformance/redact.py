"""Secrets stay out of everything that is printed or stored."""

from __future__ import annotations

import re
from typing import Any, TypeVar

T = TypeVar("T")

MASK = "[redacted]"

SECRET_NAME = re.compile(
    r"secret|passw|passphrase|pswd|\bpwd\b|token|(api|auth|access|private|client|signing|encryption)[_-]?key|credential"
    r"|authorization|cookie|signature|client_params|headers",
    re.IGNORECASE,
)
"""Names whose values are secret, whatever they look like. Names of Kubernetes secrets are no secrets."""

NOT_SECRET = re.compile(r"(kubernetes_secrets|secrets_backend|^secrets$|production_token_check)", re.IGNORECASE)

PAIR = 2

_QUOTE = r"\\*[\"']?"
_VALUE = r"""(?:\\*"(?:[^"\\]|\\[^"])*\\*"|\\*'(?:[^'\\]|\\[^'])*\\*'|[^\s"'&]+)"""
_NAMES = r"secret|secret_?(?:access_?)?key|password|passwd|passphrase|pswd|pwd|token|signature|credential|sig"
_KEYS = r"(?:api|auth|access|private|client)[_-]?key(?:-data)?"
_SCHEMES = r"bearer|basic|token|negotiate|apikey"

SECRET_TEXT = [
    (re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)", re.DOTALL), MASK),
    (re.compile(r"(?i)(--header(?:=|\s+))(?:'[^']*'|\"[^\"]*\"|\\.|[^\s'\"\\])+"), rf"\1{MASK}"),
    (re.compile(r"\b(AKIA|ASIA)[0-9A-Z]{16}\b"), MASK),
    (re.compile(r"\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*"), MASK),
    (re.compile(r"\bk8s-aws-v1\.[A-Za-z0-9_-]+"), MASK),
    (re.compile(r"\b(gh[opsur]_|github_pat_|xox[abprs]-)[A-Za-z0-9_-]{10,}"), MASK),
    (re.compile(r"://[^/\s?#\"']*@"), f"://{MASK}@"),
    (
        re.compile(
            rf"(?i)\b((?:proxy-)?authorization|(?:set-)?cookie|x-[\w-]*(?:auth|key|token)[\w-]*)({_QUOTE}\s*[=:]\s*)"
            rf"(?:(\\*[\"'])(?:(?!\3).)*|[^\r\n\"']+)"
        ),
        rf"\1\2\3{MASK}",
    ),
    (re.compile(rf"(?i)\b({_SCHEMES})\s+(?=[A-Za-z._~+/-]*[0-9=+/._~])[A-Za-z0-9._~+/=-]{{8,}}"), rf"\1 {MASK}"),
    (re.compile(r"(?i)\b(bearer|basic)\s+[A-Za-z0-9._~+/=-]{8,}"), rf"\1 {MASK}"),
    (re.compile(rf"(?i)(?<![a-z0-9])([\w-]*(?:{_NAMES}|{_KEYS}){_QUOTE}\s*[=:]\s*){_VALUE}"), rf"\1{MASK}"),
]
"""Forms that secrets take in running text: keys, tokens, passwords in URLs, header lines, NAME=value."""
