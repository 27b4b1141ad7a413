"""After a run: the verdict in words, what was left behind, where the report is; and which suite judged."""

from __future__ import annotations

import io
import json
import subprocess
from pathlib import Path

import pytest
from rich.console import Console

from conformance import suite
from conformance.errors import UsageError
from conformance.outcome import Exit
from conformance.record import FILE, read
from conformance.reporting import finish
from conformance.requirement import catalogue
from conformance.running import output_folder, to_rerun
from tests.golden.cases import write


def said(folder: Path) -> tuple[Exit, str]:
    stream = io.StringIO()
    code = finish(folder, Console(file=stream, highlight=False, width=40))
    return code, stream.getvalue()


def test_all_is_well(tmp_path: Path) -> None:
    code, text = said(write("conformant", tmp_path))

    assert code is Exit.CONFORMANT
    assert text == f"conformant\nreport: {tmp_path / 'report.html'}\n"


def test_every_reason_leak_threshold_and_survivor_is_said(tmp_path: Path) -> None:
    code, text = said(write("whole", tmp_path))

    lines = text.splitlines()
    assert code is Exit.NON_CONFORMANT
    assert lines[0] == "non-conformant"
    assert "  failed: META-002" in lines
    assert "  passed though listed as an expected failure: META-007" in lines
    assert "ok     p95 < 500 ms  got 20 ms" in lines
    assert "broken failures < 0.1 %  got 33.3 %" in lines
    assert "left behind job/b: 403 Forbidden" in lines
    assert any("survived" in line and "tags-lost" in line for line in lines)


def test_a_load_test_has_no_verdict_on_conformance(tmp_path: Path) -> None:
    code, text = said(write("load_only", tmp_path))

    assert code is Exit.THRESHOLD
    assert "conformant" not in text
    assert "inconclusive" not in text


def test_a_killed_run_says_so(tmp_path: Path) -> None:
    code, text = said(write("killed", tmp_path))

    assert code is Exit.INCONCLUSIVE
    assert text.splitlines()[:2] == ["inconclusive", "  the run has no end on record: it was killed"]


@pytest.mark.parametrize("name", ["absent", "file"])
def test_no_record_is_a_usage_error(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(UsageError, match=f"{name}: no record of a run there"):
        said(tmp_path / name)


def test_words_of_the_target_are_no_markup(tmp_path: Path) -> None:
    write("conformant", tmp_path)
    lines = (tmp_path / FILE).read_text(encoding="utf-8").splitlines()
    end = json.loads(lines[-1]) | {"broken_off": "it said [bold red]boo[/bold red] [/]"}
    (tmp_path / FILE).write_text("\n".join([*lines[:-1], json.dumps(end)]) + "\n", encoding="utf-8")

    assert "  it said [bold red]boo[/bold red] [/]" in said(tmp_path)[1].splitlines()


def test_what_did_not_pass_is_run_again(tmp_path: Path) -> None:
    assert to_rerun(write("whole", tmp_path)) == ("META-002", "META-003", "META-004", "META-007")


def test_what_a_killed_run_never_judged_is_run_again(tmp_path: Path) -> None:
    folder = write("killed", tmp_path)
    (started, *rest) = read(folder)
    judged = {event["id"]: event["outcome"] for event in rest if event["type"] == "check.finished"}
    unjudged = set(started["selected"]) - set(judged)

    assert unjudged
    assert set(to_rerun(folder)) == unjudged | {name for name, outcome in judged.items() if outcome == "failed"}


def test_where_all_passed_there_is_nothing_to_run_again(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="nothing failed there"):
        to_rerun(write("conformant", tmp_path))


def test_a_run_that_never_was_can_not_be_run_again(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"--rerun-failed .*absent: no record of a run"):
        to_rerun(tmp_path / "absent")


def test_a_folder_for_a_record(own_environment: Path) -> None:
    (own_environment / "empty").mkdir()

    assert output_folder(None, "run0000001") == own_environment / "results" / "run0000001"
    assert output_folder(Path("empty"), "x") == own_environment / "empty"
    assert output_folder(Path("deep/er"), "x").is_dir()


def test_the_suite_says_which_one_it_is() -> None:
    first, second = suite.identity(), suite.identity()

    assert first["requirements_digest"] == second["requirements_digest"]
    assert len(first["requirements_digest"]) == 64
    assert first["version"] == suite.suite_version()


def test_the_digest_changes_with_a_requirement(monkeypatch: pytest.MonkeyPatch) -> None:
    before = suite.identity()["requirements_digest"]
    rest = catalogue()[1:]
    monkeypatch.setattr(suite, "catalogue", lambda: rest)

    assert suite.identity()["requirements_digest"] != before


def test_a_repository_that_does_not_track_the_suite_is_not_its_commit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    installed = tmp_path / ".venv" / "conformance"
    installed.mkdir(parents=True)
    (installed / "suite.py").touch()

    def git(*words: str) -> str:
        made = ["git", "-c", "user.name=x", "-c", "user.email=x@localhost", *words]
        return subprocess.run(made, cwd=tmp_path, check=True, capture_output=True, text=True).stdout.strip()

    git("init", "--quiet")
    git("commit", "--quiet", "--allow-empty", "--message=the user's own")
    monkeypatch.setattr(suite, "__file__", str(installed / "suite.py"))
    found = suite.identity()
    assert (found["commit"], found["dirty"]) == (None, False)

    git("add", ".venv/conformance/suite.py")
    found = suite.identity()
    assert (found["commit"], found["dirty"]) == (git("rev-parse", "HEAD"), True)


def test_outside_of_a_checkout_there_is_no_commit(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_git(*_: object, **__: object) -> None:
        raise FileNotFoundError

    monkeypatch.setattr(subprocess, "run", no_git)
    found = suite.identity()

    assert found["commit"] is None
    assert found["dirty"] is False
