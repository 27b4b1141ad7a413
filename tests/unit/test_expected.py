"""Known failures: a list with reasons, which turn stale loudly."""

from __future__ import annotations

from pathlib import Path

import pytest

from conformance.errors import UsageError
from conformance.expected import Expectation, apply, read
from conformance.outcome import Outcome
from tests.unit.test_selection import KNOWN as CHECKS
from tests.unit.test_selection import case, made

KNOWN = (Expectation("META-00[12]", "the service is old"), Expectation("META-*", "all of it"))


@pytest.mark.parametrize(
    ("outcome", "changed", "reason"),
    [
        (Outcome.FAILED, Outcome.EXPECTED_FAILURE, "the service is old"),
        (Outcome.PASSED, Outcome.STALE_EXPECTATION, "the service is old"),
        (Outcome.ERROR, Outcome.ERROR, ""),
        (Outcome.BLOCKED, Outcome.BLOCKED, ""),
        (Outcome.NOT_SUPPORTED, Outcome.NOT_SUPPORTED, ""),
    ],
)
def test_only_a_judgement_meets_an_expectation(outcome: Outcome, changed: Outcome, reason: str) -> None:
    assert apply(outcome, case("META-001"), KNOWN) == (changed, reason)


@pytest.mark.parametrize("outcome", Outcome)
def test_what_is_not_listed_stays(outcome: Outcome) -> None:
    assert apply(outcome, case("FLOW-001/linear@argo"), KNOWN) == (outcome, "")


def test_a_glob_takes_in_cases() -> None:
    known = (Expectation("*@argo", "no Argo there yet"),)

    assert apply(Outcome.FAILED, case("FLOW-001/linear@argo"), known)[0] is Outcome.EXPECTED_FAILURE
    assert apply(Outcome.FAILED, case("FLOW-001/linear@local"), known)[0] is Outcome.FAILED


def test_a_requirement_takes_in_all_its_cases() -> None:
    known = (Expectation("FLOW-001", "known there"),)

    for name in ("FLOW-001/linear@argo", "FLOW-001/linear@local"):
        assert apply(Outcome.FAILED, case(name), known) == (Outcome.EXPECTED_FAILURE, "known there")
    assert apply(Outcome.FAILED, made("FLOW-0010").cases[0], known)[0] is Outcome.FAILED


@pytest.mark.parametrize(
    ("unknown", "words"),
    [
        ("META-0O1", "id META-0O1: no check has this ID, did you mean META-001?; see mfconf list"),
        ("flow-001/linear@argo", "did you mean FLOW-001/linear@argo?"),
        ("NONE-*", "id NONE-*: no check has this ID"),
    ],
)
def test_an_id_that_means_no_check_is_a_usage_error(tmp_path: Path, unknown: str, words: str) -> None:
    path = tmp_path / "known.toml"
    path.write_text(
        f'[[expected]]\nid = "META-*"\nreason = "x"\n[[expected]]\nid = "{unknown}"\nreason = "x"\n', encoding="utf-8"
    )

    with pytest.raises(UsageError) as raised:
        read(path, CHECKS)
    assert str(raised.value).startswith(f"{path}: id {unknown}: ")
    assert words in str(raised.value)


def test_a_file_is_read(tmp_path: Path) -> None:
    path = tmp_path / "known.toml"
    path.write_text('[[expected]]\nid = "META-001"\nreason = "grüße"\n', encoding="utf-8")

    assert read(path, CHECKS) == (Expectation("META-001", "grüße"),)


def test_an_empty_list_expects_nothing(tmp_path: Path) -> None:
    (tmp_path / "known.toml").touch()

    assert read(tmp_path / "known.toml", CHECKS) == ()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[[expected]\n", "not a readable list of expected failures"),
        ('[[expected]]\nid = "META-001"\n', "entry 1 of [[expected]] needs just `id` and `reason`"),
        ('[[expected]]\nid = "META-001"\nreason = " "\n', "entry 1 of"),
        ('[[expected]]\nid = 1\nreason = "x"\n', "entry 1 of"),
        ('[[expected]]\nid = "A"\nreason = "x"\n[[expected]]\nid = "A"\nreason = "x"\nuntil = "y"\n', "entry 2 of"),
        ('[[expect]]\nid = "META-001"\nreason = "x"\n', "[[expected]]"),
        ('id = "META-001"\nreason = "x"\n', "[[expected]]"),
        ('expected = "META-001"\n', "[[expected]]"),
        ("expected = [1]\n", "entry 1 of"),
        ('[expected]\nid = "META-001"\nreason = "x"\n', "[[expected]]"),
    ],
)
def test_anything_else_names_the_file_and_what_is_wrong(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "known.toml"
    path.write_text(text, encoding="utf-8")

    with pytest.raises(UsageError) as raised:
        read(path, CHECKS)
    assert str(raised.value).startswith(f"{path}: ")
    assert words in str(raised.value)


def test_a_file_that_is_not_there_or_no_text_is_a_usage_error(tmp_path: Path) -> None:
    (tmp_path / "binary.toml").write_bytes(b"\xff\xfe")

    for name in ("absent.toml", "binary.toml", "."):
        with pytest.raises(UsageError, match="not a readable list of expected failures"):
            read(tmp_path / name, CHECKS)
