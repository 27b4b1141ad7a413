"""``python -m tests.golden.regenerate``: write the golden views anew. Look at the difference before you commit it."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

import reports
from tests.golden.cases import CASES, write

FOLDER = Path(__file__).parent / "views"
VIEWS = ("report.json", "report.html", "junit.xml")


def main() -> None:
    """Build the views of every case and keep them."""
    shutil.rmtree(FOLDER, ignore_errors=True)
    for name in CASES:
        with tempfile.TemporaryDirectory() as scratch:
            folder = write(name, Path(scratch))
            reports.build(folder)
            (FOLDER / name).mkdir(parents=True)
            for view in VIEWS:
                shutil.copyfile(folder / view, FOLDER / name / view)


if __name__ == "__main__":
    main()
