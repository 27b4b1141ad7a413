"""How a run ends: what it leaves in its folder tells no secret, however it broke off."""

from __future__ import annotations

from pathlib import Path
from typing import cast

from conformance.launching import LaunchPad
from conformance.record import Record, read
from conformance.redact import MASK
from conformance.requirement import Launch
from conformance.running import Watcher, _broken, _end, _Teller
from conformance.session import Session

SECRET = "hunter2-S3cr3t"


def session(output: Path) -> Session:
    found = Session("run0000001", output, "x", (), (), frozenset(), frozenset(), {})
    found.save()
    return found


def test_what_broke_the_harness_is_kept_without_secrets(own_environment: Path) -> None:
    made = session(own_environment / "out")
    try:
        int(f"password={SECRET}")
    except ValueError as error:
        said = _broken(error, made)

    kept = (made.output / "traceback.txt").read_text(encoding="utf-8")
    assert "see traceback.txt" in said
    assert "test_what_broke_the_harness" in kept
    assert MASK in kept
    assert SECRET not in kept


def test_logs_are_redacted_when_all_that_wrote_them_is_over(own_environment: Path) -> None:
    made = session(own_environment / "out")
    launch = made.launch_file(Launch("linear", "local"), "log")
    launch.parent.mkdir()

    class Pad:
        def stop(self) -> None:
            for log in (launch, made.output / "pytest.log"):
                log.write_text(f"a line\ntoken={SECRET}\n", encoding="utf-8")

    _end(cast("LaunchPad", Pad()), made, _Teller(Record(made.output), Watcher()), "")

    for log in (launch, made.output / "pytest.log"):
        assert log.read_text(encoding="utf-8") == f"a line\ntoken={MASK}\n"
    assert read(made.output)[-1]["type"] == "run.finished"
