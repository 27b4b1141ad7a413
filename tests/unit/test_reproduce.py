"""The command of the report that judges a check again: the whole target, and no secret."""

from __future__ import annotations

import shlex
from pathlib import Path

from conformance.requirement import Profile, catalogue
from conformance.running import Plan, _row
from conformance.session import Session
from conformance.targets.base import Options

SESSION = Session("run0000001", Path(), "t", (), (), frozenset(), frozenset(), {})


def reproduced(target: str, options: Options) -> list[str]:
    plan = Plan(target, options, Profile.CORE, (), (), 1, None, (), ())
    case = next(case for requirement in catalogue() for case in requirement.cases if case.id == "META-001")
    return shlex.split(_row(case, plan, SESSION)["reproduce"])


def test_the_command_names_the_whole_target_and_no_secret() -> None:
    headers = (("X-A", "s3cr3t"), ("X-B", "s3cr3t"))

    assert reproduced("profile:prod", Options(context="my eks", headers=headers)) == [
        *("mfconf", "run", "--target", "profile:prod", "--context", "my eks"),
        *("--header", "X-A:...", "--header", "X-B:...", "--only", "META-001"),
    ]
    assert reproduced("eks:c", Options(profile="prod")) == [
        *("mfconf", "run", "--target", "eks:c", "--metaflow-profile", "prod", "--only", "META-001")
    ]


def test_what_was_not_given_is_not_repeated() -> None:
    assert reproduced("kind", Options()) == ["mfconf", "run", "--target", "kind", "--only", "META-001"]
