"""From a record to every view of it: report.json, report.html, junit.xml."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from conformance.record import read
from reports import html, junit, view


def build(folder: Path) -> dict[str, Any]:
    """Write every view of the record in ``folder``, and give back the report (see ``schema.json``).

    The same record gives the same bytes. Raises ``FileNotFoundError`` where there is no record and
    ``ValueError`` where it is damaged.
    """
    report = view.report(read(folder))
    _write(folder / "report.json", json.dumps(report, indent=2, ensure_ascii=False) + "\n")
    _write(folder / "report.html", html.render(report))
    _write(folder / "junit.xml", junit.render(report))
    return report


def _write(path: Path, text: str) -> None:
    """Replace the file as a whole: a reader never sees half of it, nor does a full disk leave that."""
    scratch = path.with_name(f".{path.name}.new")
    try:
        scratch.write_text(text, encoding="utf-8")
        os.replace(scratch, path)  # noqa: PTH105 - said plainly: one file in place of another
    finally:
        scratch.unlink(missing_ok=True)
