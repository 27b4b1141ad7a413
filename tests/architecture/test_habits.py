"""Habits that keep the suite readable and honest."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from tests.architecture.tree import PARTS, ROOT, modules, parsed

LINES = 400
SUITES = "conformance/suites"


def names(path: Path) -> Iterator[tuple[int, str]]:
    """Every dotted name that a file uses, with its line."""
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.Attribute):
            yield node.lineno, ast.unparse(node)
        elif isinstance(node, ast.Name):
            yield node.lineno, node.id


def using(path: Path, *forbidden: str) -> list[str]:
    return [f"{path}:{line}: {name}" for line, name in names(path) if name in forbidden]


def names_imported(path: Path) -> set[str]:
    """The names that ``import X`` binds, anywhere in a file."""
    statements = [node for node in ast.walk(parsed(path)) if isinstance(node, ast.Import)]
    return {alias.name.split(".")[0] for node in statements for alias in node.names}


def functions(path: Path) -> list[ast.FunctionDef]:
    return [node for node in ast.walk(parsed(path)) if isinstance(node, ast.FunctionDef)]


def test_no_module_is_longer_than_it_may_be() -> None:
    lengths = {path: len((ROOT / path).read_text(encoding="utf-8").splitlines()) for path in modules(*PARTS)}

    assert not {str(path): length for path, length in lengths.items() if length > LINES}


def test_no_check_sleeps_or_skips() -> None:
    forbidden = ("time.sleep", "sleep", "asyncio.sleep", "pytest.skip", "pytest.xfail", "pytest.mark", "skip")

    assert not [found for path in modules(SUITES) for found in using(path, *forbidden)]


def test_no_check_asks_which_target_it_runs_on() -> None:
    forbidden = ("session.target", "session.simulated", "session.capabilities", "os.environ", "os.getenv")

    assert not [found for path in modules(SUITES) for found in using(path, *forbidden)]


def test_no_check_swallows_an_error() -> None:
    caught = [
        f"{path}:{node.lineno}"
        for path in modules(SUITES)
        for node in ast.walk(parsed(path))
        if isinstance(node, ast.ExceptHandler)
        if node.type is None or ast.unparse(node.type) in ("Exception", "BaseException", "AssertionError")
    ]

    assert not caught


def test_no_check_makes_fixtures_that_run_unasked() -> None:
    unasked = [
        f"{path}:{keyword.value.lineno}"
        for path in modules(SUITES)
        for node in ast.walk(parsed(path))
        if isinstance(node, ast.Call)
        for keyword in node.keywords
        if keyword.arg == "autouse"
    ]

    assert not unasked


def test_every_test_function_of_a_suite_declares_a_requirement() -> None:
    bare = [
        f"{path}:{function.lineno}: {function.name}"
        for path in modules(SUITES)
        for function in functions(path)
        if function.name.startswith("test_")
        if not any(ast.unparse(decorator).startswith("requirement(") for decorator in function.decorator_list)
    ]

    assert not bare


def test_checks_are_about_forty_lines_at_most() -> None:
    long = [
        f"{path}:{function.lineno}: {function.name} has {length} lines"
        for path in modules(SUITES)
        for function in functions(path)
        if (length := (function.end_lineno or 0) - function.lineno + 1) > 45
    ]

    assert not long


def test_every_request_to_a_deployment_has_a_deadline() -> None:
    """``requests``, ``urlopen`` and ``subprocess`` wait forever unless told otherwise."""
    waiting = {"requests.get", "requests.post", "requests.request", "urllib.request.urlopen", "subprocess.run"}
    endless = [
        f"{path}:{node.lineno}: {ast.unparse(node.func)}"
        for path in modules("conformance", "load", "reports")
        for node in ast.walk(parsed(path))
        if isinstance(node, ast.Call) and ast.unparse(node.func) in waiting
        if ast.unparse(node.func).split(".")[0] in names_imported(path)
        if "timeout" not in {keyword.arg for keyword in node.keywords}
    ]

    assert not endless


def test_the_schema_and_all_data_lie_inside_a_package_of_the_wheel() -> None:
    import tomllib  # noqa: PLC0415 - this test alone

    wheel = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["hatch"]["build"]["targets"]
    packages = wheel["wheel"]["packages"]

    for path in ("reports/schema.json", "reports/templates/report.html", "scenarios/catalogue.toml"):
        assert (ROOT / path).is_file()
        assert path.split("/")[0] in packages
