"""What the documents show is what there is."""

from __future__ import annotations

import re
from pathlib import Path
from textwrap import dedent, indent

ROOT = Path(__file__).parents[2]


def shown(document: str, within: str) -> list[str]:
    """The commands of a section: its indented lines, without what they explain."""
    section = (ROOT / document).read_text(encoding="utf-8").partition(within)[2].partition("\n#")[0]
    return [line.partition("  #")[0].strip() for line in section.splitlines() if re.match(" {4}\\S", line)]


def test_the_worked_example_is_the_check_as_it_stands() -> None:
    check = (ROOT / "conformance/suites/flows/test_streams.py").read_text(encoding="utf-8")
    guide = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")

    assert indent(check, " " * 7) in guide
    line = re.search(r"has this line in `start`:\n\n( +print\(.*\))\n", guide)
    assert line
    assert dedent(line[1]) in (ROOT / "scenarios/linear.py").read_text(encoding="utf-8")


def test_a_newcomer_needs_no_right_to_install_for_all() -> None:
    first, second, *_ = shown("README.md", "## Try it on a laptop")

    assert first == "python3 -m venv .venv && .venv/bin/pip install nox"
    assert second == ".venv/bin/nox -s conformance"


def test_mfconf_is_installed_before_it_is_used() -> None:
    commands = shown("CONTRIBUTING.md", "# Contributing")
    uses = next(number for number, command in enumerate(commands) if command.startswith("mfconf"))

    assert any(command.endswith("pip install --no-deps -e .") for command in commands[:uses])
