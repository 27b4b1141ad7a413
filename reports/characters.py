"""Characters that may stand in a view: what a target said may hold any."""

from __future__ import annotations

import re

FORBIDDEN = re.compile("[^\t\n\r\u0020-\u007e\u0085\u00a0-\ud7ff\ue000-\ufdcf\ufdf0-\ufffd\U00010000-\U0010ffff]")
"""Characters that XML 1.0 does not allow in any form, and controls that no reader can show."""


def legal(text: str) -> str:
    """``text`` with a replacement character in place of each that is not allowed."""
    return FORBIDDEN.sub("\N{REPLACEMENT CHARACTER}", text)
