"""The import rule of ARCHITECTURE.md: what each part may know of the others."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.architecture.tree import imported, modules

PURE = (
    *("outcome", "requirement", "selection", "expected", "errors", "redact", "record", "session", "suite"),
    *("rights", "roles"),
)

RULES: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    # what: (where, which modules these may import beside the standard library)
    "pure modules know pure modules": (
        tuple(f"conformance/{name}.py" for name in PURE),
        tuple(f"conformance.{name}" for name in PURE),
    ),
    "the record knows verdicts and redaction": (
        ("conformance/record.py", "conformance/redact.py", "conformance/outcome.py"),
        ("conformance.outcome", "conformance.redact"),
    ),
    "suites know what a requirement is, and each other's helpers": (
        ("conformance/suites",),
        ("conformance.requirement", "conformance.suites"),
    ),
    "scenarios know Metaflow": (("scenarios",), ("metaflow",)),
    "reports know the record and its verdicts": (
        ("reports",),
        ("conformance.record", "conformance.outcome", "reports", "jinja2", "markupsafe", "junitparser", "pygal"),
    ),
    "load knows itself": (("load",), ("load", "locust", "gevent")),
    "of load, only users and the way in know Locust": (
        ("load/__init__.py", "load/measures.py", "load/profiles.py", "load/thresholds.py"),
        ("load",),
    ),
    "the runtime wrapper runs without our packages": (("conformance/local/bounded_runtime.py",), ()),
    "the reference service knows itself": (
        ("conformance/reference/metadata_service",),
        ("conformance.reference.metadata_service", "aiohttp", "asyncpg", "orjson"),
    ),
}


@pytest.mark.parametrize("rule", RULES)
def test_import_rule(rule: str) -> None:
    where, allowed = RULES[rule]
    files = modules(*where)

    assert files, f"{where}: nothing there that the rule could be about"
    found = [f"{path} imports {name}" for path in files for name in imported(path) if not _within(name, allowed)]
    assert not found, f"{rule}: {'; '.join(found)}"


def _within(name: str, allowed: tuple[str, ...]) -> bool:
    return any(name == other or name.startswith(f"{other}.") for other in allowed)


def test_nothing_but_the_harness_imports_targets() -> None:
    ways_in = ("cli", "options", "running", "loading", "doctor", "preflight")
    know = tuple(Path("conformance", name) for name in (*(f"{name}.py" for name in ways_in), "targets", "mutants"))
    users = [
        path
        for path in modules("conformance")
        if any(_within(name, ("conformance.targets",)) for name in imported(path))
    ]

    outside = [path for path in users if not any(path.is_relative_to(place) for place in know)]
    assert not outside, f"know about targets: {outside}"


def test_nothing_in_the_wheel_imports_the_tests() -> None:
    users = [
        path for path in modules("conformance", "scenarios", "load", "reports") if "tests" in _tops(imported(path))
    ]

    assert not users


def _tops(names: set[str]) -> set[str]:
    return {name.split(".")[0] for name in names}


def test_the_rule_sees_a_forbidden_import_wherever_it_hides(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "ours").mkdir()
    (tmp_path / "ours/sly.py").write_text(
        "import json\ndef f():\n    from conformance.targets import base\n    import yaml.nodes\n"
        "    from . import sly\n",
        encoding="utf-8",
    )
    (tmp_path / "conformance" / "targets").mkdir(parents=True)
    (tmp_path / "conformance" / "targets" / "base.py").touch()
    monkeypatch.setattr("tests.architecture.tree.ROOT", tmp_path)

    assert imported(Path("ours/sly.py")) == {"conformance.targets.base", "yaml.nodes", "ours.sly"}
