"""Commands of the local deployment: logged in full, told in one line, and reaped by their mark."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from conformance.errors import TargetError
from conformance.local import shell
from conformance.local.shell import MARK, reap, run


@pytest.fixture(autouse=True)
def log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "state" / "kind.log"
    monkeypatch.setattr(shell, "LOG", path)
    return path


def python(source: str) -> list[str]:
    return [sys.executable, "-c", source]


def test_what_a_command_says_is_returned_and_logged(log: Path) -> None:
    said = run(
        python("import os, sys; print(sys.stdin.read(), os.environ['X'], os.environ['MFCONF_LOCAL'], file=sys.stdout)"),
        doing="asking",
        timeout=30,
        stdin="héllo",
        env={"X": "y"},
    )

    assert said == "héllo y work\n"
    assert "héllo y work" in log.read_text(encoding="utf-8")
    assert f"$ {sys.executable} -c" in log.read_text(encoding="utf-8")


def test_without_input_a_command_waits_for_none() -> None:
    assert run(python("import sys; print(repr(sys.stdin.read()))"), doing="asking", timeout=30) == "''\n"


def told(source: str, timeout: float = 30) -> str:
    with pytest.raises(TargetError) as raised:
        run(python(source), doing="making a cluster", timeout=timeout)
    assert "\n" not in str(raised.value)
    return str(raised.value)


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("raise SystemExit(3)", "making a cluster: exit code 3 (log: "),
        ("raise SystemExit('first\\nlast line')", "making a cluster: last line (log: "),
        ("raise SystemExit('ERROR: the cause\\nUsage: kind [flags]')", "making a cluster: ERROR: the cause (log: "),
        (
            "raise SystemExit('an error\\nwrite /x: no space left on device\\nerror: build failed')",
            "the disk is full: ",
        ),
        ("print('said on stdout'); raise SystemExit(1)", "making a cluster: said on stdout (log: "),
        ("import os; os.kill(os.getpid(), 9)", "making a cluster: exit code -9 (log: "),
        ("import sys; sys.stderr.buffer.write(b'\\xff oops'); raise SystemExit(1)", "\N{REPLACEMENT CHARACTER} oops"),
    ],
)
def test_a_failure_is_one_line(log: Path, source: str, words: str) -> None:
    said = told(source)

    assert words in said
    assert str(log) in said


def test_a_full_disk_says_what_to_do() -> None:
    said = told("raise SystemExit('x: No space left on device\\nerror: it failed')")

    assert said.startswith("making a cluster: the disk is full: x: No space left on device; free some room (log: ")


def test_a_command_without_an_end_is_ended() -> None:
    assert told("import sys, threading; threading.Event().wait()", 0.3).startswith("making a cluster: no end after 0 s")


def test_a_program_that_is_not_there() -> None:
    with pytest.raises(TargetError, match="asking: the program 'a-program-of-nobody' is not on the PATH; install it"):
        run(["a-program-of-nobody"], doing="asking", timeout=5)


Start = Callable[[dict[str, str]], subprocess.Popen[bytes]]


@pytest.fixture
def start() -> Iterator[Start]:
    made: list[subprocess.Popen[bytes]] = []

    def one(env: dict[str, str]) -> subprocess.Popen[bytes]:
        waits = python("import sys; print(flush=True); sys.stdin.read()")
        pipe = subprocess.PIPE
        child = subprocess.Popen(waits, stdin=pipe, stdout=pipe, env={**os.environ, **env})
        assert child.stdout
        child.stdout.readline()
        made.append(child)
        return child

    yield one
    for child in made:
        child.kill()
        child.communicate()


def test_only_what_bears_the_mark_is_reaped(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(MARK, raising=False)
    mark = f"test-{os.getpid()}"
    marked, other, bare = start({MARK: mark}), start({MARK: f"{mark}-other"}), start({})

    assert reap(mark) == [marked.pid]
    assert not psutil.pid_exists(marked.pid)
    assert (other.poll(), bare.poll()) == (None, None)
    assert reap(mark) == []


def test_a_command_does_not_reap_itself_nor_its_parents(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(MARK, raising=False)
    mark = f"test-{os.getpid()}"
    source = (
        "import subprocess, sys; from conformance.local.shell import reap\n"
        f"if len(sys.argv) > 1: print(reap({mark!r}))\n"
        "else: sys.exit(subprocess.run([sys.executable, '-c', sys.orig_argv[2], 'inner'], check=False).returncode)"
    )
    done = subprocess.run(
        python(source),
        env={**os.environ, MARK: mark, "PYTHONPATH": str(Path(__file__).parents[2])},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert (done.returncode, done.stdout) == (0, "[]\n")


def test_what_is_secret_is_not_logged_and_the_log_is_private(log: Path) -> None:
    assert run(python("print('tok' + 'en')"), doing="reading", timeout=30, secret=True) == "token\n"
    assert run(python("print('wo' + 'rd')"), doing="reading", timeout=30) == "word\n"

    logged = log.read_text(encoding="utf-8")
    assert ("word\n" in logged, "token\n" in logged) == (True, False)
    assert log.stat().st_mode & 0o077 == 0
