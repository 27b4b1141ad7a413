"""``nox -s conformance`` judges a deployment; the other sessions are for those who work on the suite."""

from __future__ import annotations

from pathlib import Path

import nox

nox.needs_version = ">=2025.2.9"
nox.options.sessions = ["lint", "tests"]
nox.options.reuse_venv = "yes"
nox.options.error_on_missing_interpreters = True

LOCKS = Path("locks")
PYTHON = "3.11"
"""The oldest Python that the suite runs on: locks are resolved for it."""

LOCKED = {
    "mfconf": ["pyproject.toml"],
    "dev": ["pyproject.toml", "--group", "dev", "--extra", "reference"],
}
"""Locks made from ``pyproject.toml``, with what uv is told; the others are made from ``locks/*.in``."""


def install(session: nox.Session, lock: str) -> None:
    """Install what a lock file pins, and this checkout."""
    session.install("--quiet", "--require-hashes", "--requirement", str(LOCKS / f"{lock}.txt"))
    session.install("--quiet", "--no-deps", "--editable", ".")


def mfconf(session: nox.Session, command: str) -> None:
    """Run a command of ``mfconf``; on Ctrl-C it gets the time to clean up, which nox by itself does not give."""
    session.run("mfconf", command, *session.posargs, interrupt_timeout=120, terminate_timeout=30)


@nox.session
def conformance(session: nox.Session) -> None:
    """Judge a deployment, the local one by default: arguments after -- go to `mfconf run`."""
    install(session, "mfconf")
    mfconf(session, "run")


@nox.session
def load(session: nox.Session) -> None:
    """Drive load at a metadata service: arguments after -- go to `mfconf load`."""
    install(session, "mfconf")
    mfconf(session, "load")


@nox.session
def report(session: nox.Session) -> None:
    """Rebuild the views of a record: arguments after -- go to `mfconf report`."""
    install(session, "mfconf")
    mfconf(session, "report")


@nox.session
def mutants(session: nox.Session) -> None:
    """Put the suite itself on trial: arguments after -- go to `mfconf mutants`."""
    install(session, "dev")
    mfconf(session, "mutants")


@nox.session
def tests(session: nox.Session) -> None:
    """The harness's own tests; no cluster needed. Arguments after -- go to pytest."""
    install(session, "dev")
    session.run("pytest", "-n", "2", *session.posargs)


@nox.session
def lint(session: nox.Session) -> None:
    """Style, formatting, types."""
    install(session, "dev")
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")
    session.run("mypy")
    session.run("mypy", "noxfile.py")


@nox.session
def lock(session: nox.Session) -> None:
    """Resolve every lock file again, to the newest versions that pyproject.toml and locks/*.in allow."""
    session.install("uv")
    inputs = {path.stem: [str(path)] for path in sorted(LOCKS.glob("*.in"))} | LOCKED
    for name, words in inputs.items():
        output = str(LOCKS / f"{name}.txt")
        session.run(
            *("uv", "pip", "compile", "--quiet", "--upgrade", "--generate-hashes", "--no-header", "--no-annotate"),
            *("--python-version", PYTHON, "--output-file", output, *words),
        )
