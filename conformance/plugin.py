"""The pytest plugin: cases from requirements, fixtures for checks, outcomes from exceptions."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Generator
from functools import cache
from typing import Any

import pytest

from conformance.errors import Blocked, TargetError
from conformance.outcome import Outcome
from conformance.redact import redact, redact_text
from conformance.requirement import Case, Launch, Requirement
from conformance.session import Session
from conformance.system.flows import LaunchResult, RunView, await_launch
from conformance.waiting import Until

REPORT = "mfconf"
"""The name under which a test report carries what came of its case."""

RUNS: dict[Launch, RunView] = {}
"""The runs this process has read: reading one costs requests, and many checks judge it."""

CASE = pytest.StashKey[Case]()
EVIDENCE = pytest.StashKey[list[dict[str, str]]]()


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """One test for each case of a requirement."""
    requirement = declared(metafunc.function)
    cases = requirement.cases
    metafunc.fixturenames.insert(0, "case")
    metafunc.parametrize("case", cases, ids=[case.id for case in cases], indirect=True)


def declared(function: Callable[..., Any]) -> Requirement:
    """The requirement that a test function declares. Raises ``pytest.UsageError`` where it has none."""
    requirement = getattr(function, "requirement", None)
    if not isinstance(requirement, Requirement):
        raise pytest.UsageError(f"{function.__module__}.{function.__qualname__} declares no @requirement")
    return requirement


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Keep the selected cases, those first that wait for no launch."""
    order = {name: number for number, name in enumerate(Session.load().cases)}
    kept: list[pytest.Item] = []
    dropped: list[pytest.Item] = []
    for item in items:
        case: Case = item.callspec.params["case"]  # type: ignore[attr-defined]
        item.stash[CASE] = case
        item.stash[EVIDENCE] = []
        (kept if case.id in order else dropped).append(item)
    kept.sort(key=lambda item: order[item.stash[CASE].id])
    items[:] = kept
    config.hook.pytest_deselected(items=dropped)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Have the report carry the case's outcome."""
    report = yield
    error = call.excinfo.value if call.excinfo else None
    found = {
        "case": item.stash[CASE].id,
        "outcome": outcome_of(error).value,
        "message": "" if error is None else message_of(error),
        "want": redact(str(getattr(error, "want", ""))),
        "got": redact(str(getattr(error, "got", ""))),
        "evidence": item.stash[EVIDENCE],
        "duration_s": call.duration,
    }
    report.user_properties = [(REPORT, found)]
    return report


def outcome_of(error: BaseException | None) -> Outcome:
    """What an exception (or none) says: only an ``AssertionError`` is a finding on the product."""
    if error is None:
        return Outcome.PASSED
    if isinstance(error, AssertionError):
        return Outcome.FAILED
    return Outcome.BLOCKED if isinstance(error, Blocked) else Outcome.ERROR


def message_of(error: BaseException) -> str:
    """The words of an exception, without pytest's own explanation where the check has words of its own."""
    text = str(error).strip() or type(error).__name__
    if isinstance(error, AssertionError):
        return redact_text(re.split(r"\nassert ", text, maxsplit=1)[0])
    name = "" if isinstance(error, Blocked) else f"{type(error).__name__}: "
    return redact_text(f"{name}{text}")


@pytest.fixture
def case(request: pytest.FixtureRequest) -> Case:
    """The case that is judged."""
    found: Case = request.param
    return found


@cache
def _session() -> Session:
    return Session.load()


@pytest.fixture
def session() -> Session:
    """The run's session: its ID, its folder, the target's configuration."""
    return _session()


@pytest.fixture
def metadata(session: Session) -> Any:
    """The metadata service over HTTP."""
    from conformance.system.metadata import MetadataService  # noqa: PLC0415 - only what a check needs

    return MetadataService(session)


@pytest.fixture
def contract(metadata: Any) -> Any:
    """The metadata service by the operations of its contract."""
    from conformance.contract.judge import Contract  # noqa: PLC0415 - only what a check needs

    return Contract(metadata)


@pytest.fixture
def fuzz(metadata: Any) -> Any:
    """Input made from the contract, and what the service makes of it."""
    from conformance.contract.fuzz import Fuzz  # noqa: PLC0415 - only what a check needs

    return Fuzz(metadata)


@pytest.fixture
def model(session: Session) -> Any:
    """The model-based test of the metadata service."""
    from conformance.model.trial import Trial  # noqa: PLC0415 - only what a check needs

    return Trial(session)


@pytest.fixture
def datastore(session: Session) -> Any:
    """The S3 store."""
    from conformance.system.datastore import Datastore  # noqa: PLC0415 - only what a check needs

    return Datastore(session)


@pytest.fixture
def cluster(case: Case, session: Session) -> Any:
    """Kubernetes; None for a case that does not need it."""
    from conformance.system.cluster import Cluster  # noqa: PLC0415 - only what a check needs

    return Cluster(session) if "kubernetes" in case.needs else None


@pytest.fixture
def access(case: Case, session: Session) -> Any:
    """What this context and service accounts may do on the cluster; None for a case that does not need it."""
    from conformance.system.access import Access  # noqa: PLC0415 - only what a check needs

    return Access(session) if "kubernetes" in case.needs else None


@pytest.fixture
def argo(case: Case, session: Session) -> Any:
    """Argo Workflows; None for a case that does not need it."""
    from conformance.system.argo import Argo  # noqa: PLC0415 - only what a check needs

    return Argo(session) if "argo" in case.needs else None


@pytest.fixture
def leaks(session: Session) -> Any:
    """The secrets that the harness knows, and where they should not stand."""
    from conformance.system.leaks import Leaks  # noqa: PLC0415 - only what a check needs

    return Leaks(session)


@pytest.fixture
def launch(case: Case, session: Session) -> LaunchResult:
    """The launch of this case, over, however it ended."""
    return _launched(case, session)


def _launched(case: Case, session: Session, *states: str) -> LaunchResult:
    """The launch, over or in one of ``states``. Raises ``TargetError`` where the harness could not launch it."""
    if case.launch is None:
        raise pytest.UsageError(f"{case.id} uses a launch, but declares no scenario")
    found = await_launch(session, case.launch, *states)
    if found.outcome == "error":
        raise TargetError(f"{found.launch} could not be launched: {found.message}")
    return found


@pytest.fixture
def started(case: Case, session: Session) -> LaunchResult:
    """The launch of this case, as soon as its run has an ID. Blocks the check if it never got one."""
    found = _launched(case, session, "running")
    if found.run_id is None:
        raise Blocked(f"the launch {case.launch} did not start: {found.message}")
    return found


@pytest.fixture
def run(launch: LaunchResult, session: Session) -> RunView:
    """The run of this case, ended as its scenario says. Blocks the check otherwise: another one says why."""
    if not launch.as_expected:
        came = f"ended with {launch.outcome!r}, not {launch.scenario.expect!r}"
        if launch.outcome == launch.scenario.expect:
            came = "ended before what its scenario says was done to it"
        raise Blocked(f"the launch {launch.launch} {came}")
    if launch.launch not in RUNS:
        RUNS[launch.launch] = RunView(session, launch)
    return RUNS[launch.launch]


@pytest.fixture
def elsewhere() -> Any:
    """Another process that reads runs."""
    from conformance.system.elsewhere import Elsewhere  # noqa: PLC0415 - only what a check needs

    return Elsewhere()


@pytest.fixture
def until(session: Session) -> Until:
    """Wait for a condition, within a named deadline."""
    return Until(session.patience)


@pytest.fixture
def evidence(request: pytest.FixtureRequest, session: Session, case: Case) -> Callable[[str, Any], None]:
    """``evidence(name, text_or_json)`` keeps something for the reader of the report, redacted."""

    def keep(name: str, content: Any) -> None:
        text = redact_text(content) if isinstance(content, str) else json.dumps(redact(content), indent=2, default=str)
        relative = f"evidence/{case.id.replace('/', '-')}/{name}"
        path = session.output / relative
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        request.node.stash[EVIDENCE].append({"path": relative, "sha256": digest})

    return keep


class Collector:
    """On the controller: gathers reports, whichever worker they come from, into one outcome a case."""

    def __init__(self, on_finish: Callable[[dict[str, Any]], None]) -> None:
        self.on_finish = on_finish
        self.problems: list[str] = []
        self._open: dict[str, dict[str, Any]] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """The first phase that did not pass decides; the case is finished with its teardown."""
        found: Any = dict(report.user_properties).get(REPORT)
        if found is None:
            self._note_problem(report)
            return
        known = self._open.setdefault(found["case"], found)
        if known is not found:
            known["duration_s"] += found["duration_s"]
            known["evidence"] = found["evidence"]
            if known["outcome"] == Outcome.PASSED.value:
                known |= {key: found[key] for key in ("outcome", "message", "want", "got")}
        if report.when == "teardown":
            self.on_finish(self._open.pop(found["case"]))

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """A suite that can't be collected is a fault of the harness."""
        if report.failed:
            self._note_problem(report)

    def _note_problem(self, report: pytest.TestReport | pytest.CollectReport) -> None:
        said = report.longreprtext.strip().splitlines()
        self.problems.append(f"{report.nodeid}: {said[-1] if said else report.outcome}")
