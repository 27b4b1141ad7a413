"""What the plugin makes of what a check does."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from conformance.errors import Blocked, TargetError, UsageError
from conformance.outcome import Outcome
from conformance.plugin import Collector, message_of, outcome_of
from conformance.requirement import Mismatch
from conformance.waiting import Unsettled
from tests.plugin.conftest import Judge

pytest_plugins = ["pytester"]

ENDS = '''
@requirement("META-001")
def test_passes(evidence):
    """A.

    Why: b.
    """
    evidence("kept.txt", "x")

@requirement("META-002")
def test_fails():
    """A.

    Why: b.
    """
    assert 1 == 2, "the words of the check"

@requirement("META-003")
def test_differs():
    """A.

    Why: b.
    """
    equal([1], [2], "numbers; password=hunter2")

@requirement("META-004")
def test_is_blocked():
    """A.

    Why: b.
    """
    raise Blocked("another check says why")

@requirement("META-005")
def test_breaks():
    """A.

    Why: b.
    """
    raise TargetError("no answer; token=hunter2")

@pytest.fixture
def bad_setup():
    raise KeyError("gone")

@pytest.fixture
def finding_setup():
    raise AssertionError("a finding made while preparing")

@pytest.fixture
def bad_teardown():
    yield
    raise OSError("cannot tidy up")

@requirement("META-006")
def test_setup_breaks(bad_setup):
    """A.

    Why: b.
    """

@requirement("META-007")
def test_setup_finds(finding_setup):
    """A.

    Why: b.
    """

@requirement("META-008")
def test_teardown_breaks(bad_teardown):
    """A.

    Why: b.
    """

@requirement("META-009")
def test_fails_and_teardown_breaks(bad_teardown):
    """A.

    Why: b.
    """
    assert False, "the finding comes first"

@requirement("META-010")
def test_skips():
    """A.

    Why: b.
    """
    pytest.skip("no reason is good enough")

@requirement("META-011", scenario="linear", on=("local", "argo"))
def test_twice(case):
    """A.

    Why: b.
    """
    assert case.launch.orchestrator == "argo"

@requirement("META-012")
def test_is_not_selected():
    """A.

    Why: b.
    """
    raise SystemError
'''
CASES = (*(f"META-{number:03}" for number in range(1, 11)), "META-011/linear@local", "META-011/linear@argo")
WANT = {
    "META-001": "passed",
    "META-002": "failed",
    "META-003": "failed",
    "META-004": "blocked",
    "META-005": "error",
    "META-006": "error",
    "META-007": "failed",
    "META-008": "error",
    "META-009": "failed",
    "META-010": "error",
    "META-011/linear@local": "failed",
    "META-011/linear@argo": "passed",
}


@pytest.mark.parametrize("options", [(), ("-n2", "--dist=load", "--maxschedchunk=1")], ids=["alone", "two workers"])
def test_every_end_has_its_outcome(judge: Judge, options: tuple[str, ...]) -> None:
    judged = judge(ENDS, CASES, *options)

    assert judged.outcomes() == WANT
    assert judged.problems == []
    kept = {name: [row["path"] for row in found["evidence"]] for name, found in judged.found.items()}
    assert {name: paths for name, paths in kept.items() if paths} == {"META-001": ["evidence/META-001/kept.txt"]}
    messages = {name: found["message"] for name, found in judged.found.items()}
    assert messages["META-001"] == ""
    assert messages["META-002"] == "the words of the check"
    assert messages["META-003"] == "numbers; password=[redacted] want [2], got [1]"
    assert (judged.found["META-003"]["want"], judged.found["META-003"]["got"]) == ("[2]", "[1]")
    assert messages["META-004"] == "another check says why"
    assert messages["META-005"] == "TargetError: no answer; token=[redacted]"
    assert messages["META-006"] == "KeyError: 'gone'"
    assert messages["META-008"] == "OSError: cannot tidy up"
    assert messages["META-009"] == "the finding comes first"
    assert all(found["duration_s"] >= 0 for found in judged.found.values())


def test_cases_are_judged_in_the_order_of_the_session(judge: Judge) -> None:
    order = ("META-011/linear@argo", "META-005", "META-001", "META-011/linear@local")

    assert tuple(judge(ENDS, order).found) == order


def test_a_function_without_a_requirement_is_refused(judge: Judge) -> None:
    judged = judge("def test_bare():\n    pass\n", ("META-001",))

    assert judged.found == {}
    assert judged.problems or judged.code not in (0, 1)
    assert any("test_bare declares no @requirement" in problem for problem in judged.problems) or judged.code == 4


@pytest.mark.parametrize("options", [(), ("-n2",)], ids=["alone", "two workers"])
def test_a_suite_that_does_not_import_is_a_problem(judge: Judge, options: tuple[str, ...]) -> None:
    judged = judge("import a_module_that_is_not_there\n", ("META-001",), *options)

    assert judged.found == {}
    assert judged.problems
    assert "test_own.py" in judged.problems[0]
    assert "a_module_that_is_not_there" in judged.problems[0]


def test_a_malformed_declaration_is_a_problem(judge: Judge) -> None:
    judged = judge('@requirement("META-1")\ndef test_x():\n    """A.\n\n    Why: b.\n    """\n', ("META-001",))

    assert judged.found == {}
    assert "not of the form AREA-123" in judged.problems[0]


def test_an_unknown_fixture_is_an_error_of_the_case(judge: Judge) -> None:
    source = '@requirement("META-001")\ndef test_x(nonesuch):\n    """A.\n\n    Why: b.\n    """\n'

    judged = judge(source, ("META-001",))
    assert judged.outcomes() == {"META-001": "error"}
    assert "nonesuch" in judged.found["META-001"]["message"]


EVIDENCE = '''
@requirement("META-001")
def test_keeps(evidence):
    """A.

    Why: b.
    """
    evidence("answer.json", {"Authorization": "hunter2", "path": "/ping"})
    evidence("log.txt", "password=hunter2 and the rest")
    assert False, "kept all the same"

@requirement("FLOW-001", scenario="linear", on="argo")
def test_keeps_too(evidence):
    """A.

    Why: b.
    """
    evidence("log.txt", "x")
'''


def test_evidence_is_kept_hashed_and_redacted(judge: Judge, output: Path) -> None:
    judged = judge(EVIDENCE, ("META-001", "FLOW-001/linear@argo"))

    kept = judged.found["META-001"]["evidence"] + judged.found["FLOW-001/linear@argo"]["evidence"]
    assert [row["path"] for row in kept] == [
        "evidence/META-001/answer.json",
        "evidence/META-001/log.txt",
        "evidence/FLOW-001-linear@argo/log.txt",
    ]
    for row in kept:
        content = (output / row["path"]).read_bytes()
        assert row["sha256"] == hashlib.sha256(content).hexdigest()
        assert b"hunter2" not in content
    assert json.loads((output / kept[0]["path"]).read_text(encoding="utf-8"))["path"] == "/ping"


LAUNCHED = '''
@requirement("FLOW-001", scenario="linear", on="local")
def test_run(run):
    """A.

    Why: b.
    """

@requirement("FLOW-002", scenario="linear", on="local")
def test_started(started):
    """A.

    Why: b.
    """

@requirement("FLOW-003", scenario="linear", on="local")
def test_launch(launch):
    """A.

    Why: b.
    """
    assert launch.as_expected, launch.explain()
'''


def test_what_builds_on_a_launch_that_failed_is_blocked_and_one_check_says_why(judge: Judge) -> None:
    launch = {
        "state": "finished",
        "run_id": None,
        "outcome": "refused",
        "message": "no such image",
        "template": None,
        "disturbed": None,
        "started_at": 1.0,
        "finished_at": 3.0,
    }
    cases = tuple(f"FLOW-00{number}/linear@local" for number in (1, 2, 3))
    judged = judge(LAUNCHED, cases, launches={"linear@local": json.dumps(launch)})

    assert list(judged.outcomes().values()) == ["blocked", "blocked", "failed"]
    messages = [found["message"] for found in judged.found.values()]
    assert messages[0] == "the launch linear@local ended with 'refused', not 'successful'"
    assert messages[1] == "the launch linear@local did not start: no such image"
    assert messages[2].endswith("refused after 2 s, not successful\n  no such image")


def test_a_launch_that_the_harness_could_not_make_is_no_finding(judge: Judge) -> None:
    launch = {"state": "finished", "run_id": None, "outcome": "error", "message": "it died"}
    launch |= {"template": None, "disturbed": None}
    cases = tuple(f"FLOW-00{number}/linear@local" for number in (1, 2, 3))
    told = json.dumps({**launch, "started_at": 1.0, "finished_at": 3.0})
    judged = judge(LAUNCHED, cases, launches={"linear@local": told})

    assert list(judged.outcomes().values()) == ["error", "error", "error"]
    assert {found["message"] for found in judged.found.values()} == {
        "TargetError: linear@local could not be launched: it died"
    }


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (None, Outcome.PASSED),
        (AssertionError("x"), Outcome.FAILED),
        (Mismatch("x", 1, 2), Outcome.FAILED),
        (Unsettled("x"), Outcome.FAILED),
        (Blocked("x"), Outcome.BLOCKED),
        (TargetError("x"), Outcome.ERROR),
        (UsageError("x"), Outcome.ERROR),
        (TimeoutError(), Outcome.ERROR),
        (KeyboardInterrupt(), Outcome.ERROR),
    ],
)
def test_only_an_assertion_is_a_finding_on_the_product(error: BaseException | None, outcome: Outcome) -> None:
    assert outcome_of(error) is outcome


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (AssertionError("words\nassert 1 == 2\n +  where"), "words"),
        (AssertionError("assert 1 == 2"), "assert 1 == 2"),
        (AssertionError(), "AssertionError"),
        (ValueError("x"), "ValueError: x"),
        (Blocked("x"), "x"),
        (AssertionError("https://me:hunter2@host"), "https://[redacted]@host"),
    ],
)
def test_the_message_is_the_words_of_the_check(error: BaseException, message: str) -> None:
    assert message_of(error) == message


def test_a_worker_that_crashes_is_a_problem() -> None:
    collector = Collector(lambda _: pytest.fail("no case can have come to its end"))
    crash = pytest.TestReport("suites/x.py::test_y", ("x.py", 1, "y"), {}, "failed", "worker 'gw0' crashed", "???")  # type: ignore[arg-type]
    collector.pytest_runtest_logreport(crash)

    assert collector.problems == ["suites/x.py::test_y: worker 'gw0' crashed"]
