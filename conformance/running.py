"""One run, from the target to the verdict."""

from __future__ import annotations

import contextlib
import os
import shlex
import threading
import traceback
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

import conformance
from conformance import cleanup, expected, preflight, suite
from conformance.errors import UsageError, is_full
from conformance.launching import LaunchPad
from conformance.outcome import Exit, Outcome
from conformance.plugin import Collector
from conformance.record import Record, latest_checks, read
from conformance.record import exit_code as exit_code_of
from conformance.redact import redact, redact_file, redact_text
from conformance.requirement import NEEDS, Case, Launch, Profile, catalogue
from conformance.selection import Selection, select
from conformance.session import Session
from conformance.system.scenarios import catalogue as scenarios
from conformance.targets import resolve
from conformance.targets.base import Options, Target

INI = Path(conformance.__file__).with_name("pytest.ini")
MODEL_S = {Profile.SMOKE: 10.0, Profile.CORE: 60.0, Profile.FULL: 300.0, Profile.CERTIFIED: 300.0}
"""Seconds that the model-based test may take."""
RERUN = {Outcome.FAILED, Outcome.ERROR, Outcome.BLOCKED, Outcome.STALE_EXPECTATION}


@dataclass(frozen=True)
class Plan:
    """What the command line asks of a run; ``model_s``: seconds for the model-based test, if not the profile's."""

    target: str
    options: Options
    profile: Profile
    areas: tuple[str, ...]
    only: tuple[str, ...]
    workers: int
    output: Path | None
    expected: tuple[expected.Expectation, ...]
    command: tuple[str, ...]
    model_s: float | None = None
    patience: float = 1.0


class Watcher:
    """What a run tells its audience; the terminal's version is in ``terminal.py``."""

    def say(self, line: str) -> None:
        """Say one line."""

    def event(self, event: str, fields: dict[str, Any]) -> None:
        """See one event of the record."""


def run(plan: Plan, watcher: Watcher) -> tuple[Path, Exit]:
    """Judge the target; the folder of the record, and the exit code.

    Raises ``UsageError`` or ``TargetError`` where it can't begin; afterwards everything ends in the record.
    """
    requirements = catalogue()
    select(requirements, profile=plan.profile, areas=plan.areas, only=plan.only, capabilities=NEEDS)
    target = resolve(plan.target, plan.options)
    target.export()
    blank = Session.blank(target.identity, target.config)
    observed = preflight.observe(target, blank)
    selection = select(
        requirements,
        profile=plan.profile,
        areas=plan.areas,
        only=plan.only,
        capabilities=observed.capabilities,
    )
    for run_id in cleanup.reap(target.identity):
        watcher.say(f"cleaned up after the run {run_id}, which was killed")
    launches = _launch_order(selection.launches)
    session = replace(
        blank,
        output=output_folder(plan.output, blank.run_id),
        cases=tuple(case.id for case in _case_order(selection.cases, launches)),
        launches=tuple((launch.scenario, launch.orchestrator) for launch in launches),
        capabilities=frozenset(observed.capabilities),
        simulated=target.simulated,
        model_s=MODEL_S[plan.profile] if plan.model_s is None else plan.model_s,
        patience=plan.patience,
    )
    session.save()
    cleanup.enter(session)
    record = Record(session.output)
    teller = _Teller(record, watcher)
    _begin(teller, plan, target, session, selection, observed.versions)
    broken_off = ""
    pad = LaunchPad(session, launches, teller)
    try:
        with interruptible() as interrupted:
            pad.start()
            broken_off = _judge(plan, session, selection, teller)
    except KeyboardInterrupt:
        broken_off = f"interrupted by {interrupted.signal}"
    except Exception as error:  # noqa: BLE001 - the record has to close, whatever broke
        broken_off = _broken(error, session)
    watcher.say("ending launches and cleaning up")
    _end(pad, session, teller, broken_off)
    return session.output, exit_code_of(read(session.output))


def output_folder(given: Path | None, run_id: str) -> Path:
    """The folder for a new record: ``given``, or ``results/<run_id>``. Raises ``UsageError`` where it can't be used."""
    folder = (given or Path("results") / run_id).resolve()
    if folder.exists() and any(folder.iterdir()):
        raise UsageError(f"--output {folder}: not empty; a record is never written over another")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"--output {folder}: {error.strerror}; choose a folder that can be written") from None
    return folder


def _launch_order(launches: Iterable[Launch]) -> list[Launch]:
    """Those first that wait most and compute least here: Argo's, then the cluster's; within, as in the catalogue."""
    orchestrators = ["argo", "kubernetes", "local"]
    names = list(scenarios())
    return sorted(launches, key=lambda launch: (orchestrators.index(launch.orchestrator), names.index(launch.scenario)))


def _case_order(cases: Iterable[Case], launches: list[Launch]) -> list[Case]:
    """Cases that need no launch first, then in the order of the launches."""
    return sorted(cases, key=lambda case: (launches.index(case.launch) + 1 if case.launch else 0, case.id))


class _Teller:
    """Writes each event to the record and shows it to the watcher; threads may share it."""

    def __init__(self, record: Record, watcher: Watcher) -> None:
        self.record = record
        self.watcher = watcher
        self._lock = threading.Lock()

    def __call__(self, event: str, **fields: Any) -> None:
        with self._lock:
            self.record.append(event, **fields)
            self.watcher.event(event, fields)


def _begin(  # noqa: PLR0913 - what a record begins with
    teller: _Teller,
    plan: Plan,
    target: Target,
    session: Session,
    selection: Selection,
    versions: dict[str, str],
) -> None:
    selected = [case.id for case in selection.cases] + [case.id for case, _ in selection.unsupported]
    teller(
        "run.started",
        run={"id": session.run_id, "command": shlex.join(plan.command)},
        suite=suite.identity(),
        target={"name": target.name, "kind": target.kind, "config": redact(target.config)},
        profiles=[plan.profile.value],
        selected=selected,
    )
    teller("target.observed", observed=versions, simulated=sorted(target.simulated))
    for case, reason in selection.unsupported:
        teller("check.finished", **_row(case, plan, session), **_blank(Outcome.NOT_SUPPORTED, reason))


def _row(case: Case, plan: Plan, session: Session) -> dict[str, Any]:
    requirement = case.requirement
    return {
        "id": case.id,
        "requirement": requirement.id,
        "area": requirement.area,
        "level": requirement.level.value,
        "title": requirement.title,
        "why": requirement.why,
        "profile": case.profile.value,
        "simulated": bool(case.needs & session.simulated),
        "reproduce": _reproduce(case, plan),
    }


def _reproduce(case: Case, plan: Plan) -> str:
    """The command that judges the case again on the same target; a header's value is left to whoever types it."""
    words = ["mfconf", "run", "--target", plan.target]
    if plan.options.context:
        words += ["--context", plan.options.context]
    if plan.options.profile:
        words += ["--metaflow-profile", plan.options.profile]
    for name, _ in plan.options.headers:
        words += ["--header", f"{name}:..."]
    return shlex.join([*words, "--only", case.id])


def _blank(outcome: Outcome, message: str) -> dict[str, Any]:
    return {"outcome": outcome.value, "message": message, "want": "", "got": "", "evidence": [], "duration_s": 0.0}


def _judge(plan: Plan, session: Session, selection: Selection, teller: _Teller) -> str:
    """Run the checks; how the judging was broken off, or nothing."""
    cases = {case.id: case for case in selection.cases}
    judged: set[str] = set()

    def finish(found: dict[str, Any]) -> None:
        case_id = found.pop("case")
        outcome, reason = expected.apply(Outcome(found["outcome"]), cases[case_id], plan.expected)
        found["outcome"] = outcome.value
        if reason:
            found["message"] = f"{found['message']}\nexpected: {reason}".strip()
        judged.add(case_id)
        teller("check.finished", **_row(cases[case_id], plan, session), **found)

    collector = Collector(finish)
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"  # what else is installed here has no say in the verdict
    for name in ("PYTEST_ADDOPTS", "PYTEST_PLUGINS"):  # nor has what the user asks of pytest elsewhere
        os.environ.pop(name, None)
    log = session.output / "pytest.log"
    with (
        log.open("w", encoding="utf-8") as stream,
        contextlib.redirect_stdout(stream),
        contextlib.redirect_stderr(stream),
    ):
        code = pytest.main(
            [
                f"-c={INI}",
                f"--rootdir={INI.parent}",
                "-pxdist.plugin",
                "-pconformance.plugin",
                "-pno:cacheprovider",
                f"-n{plan.workers}",
                "--dist=load",
                "--maxschedchunk=1",
                "--color=no",
                "--tb=short",
                "--pyargs",
                "conformance.suites",
            ],
            plugins=[collector],
        )
    if code == pytest.ExitCode.INTERRUPTED:
        raise KeyboardInterrupt
    unreported = sorted(set(cases) - judged)
    for case_id in unreported:
        teller(
            "check.finished",
            **_row(cases[case_id], plan, session),
            **_blank(Outcome.ERROR, f"the check was never judged: see {log.name}"),
        )
    if collector.problems:
        return f"pytest could not judge: {collector.problems[0]} (see {log.name})"
    if code not in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED):
        return f"pytest ended with {pytest.ExitCode(code).name} (see {log.name})"
    return ""


class Interrupt:
    """Which signal interrupted the run."""

    signal = "Ctrl-C"


@contextlib.contextmanager
def interruptible() -> Iterator[Interrupt]:
    """SIGTERM ends the run as Ctrl-C does."""
    import signal  # noqa: PLC0415

    told = Interrupt()

    def end(*_: object) -> None:
        told.signal = "SIGTERM"
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, end)
    try:
        yield told
    finally:
        signal.signal(signal.SIGTERM, before)


def _broken(error: Exception, session: Session) -> str:
    """How the harness broke, in words; the rest is kept in the run's folder, unless that is what is full."""
    if is_full(error):
        return f"the disk of {session.output} is full"
    (session.output / "traceback.txt").write_text(redact_text(traceback.format_exc()), encoding="utf-8")
    return f"the harness broke: {type(error).__name__}: {error} (see traceback.txt)"


def _end(pad: LaunchPad, session: Session, teller: _Teller, broken_off: str) -> None:
    pad.stop()
    done = cleanup.clean_up(session)
    if not done.leaked:
        cleanup.leave(session)
    try:
        for log in [session.output / "pytest.log", *(session.output / "launches").glob("*.log")]:
            redact_file(log)
        teller("cleanup.finished", created=done.created, removed=done.removed, leaked=done.leaked)
        teller("run.finished", broken_off=broken_off)
    finally:
        teller.record.close()


def to_rerun(folder: Path) -> tuple[str, ...]:
    """The IDs of the cases that did not pass in an earlier run, or were never judged in it as it was killed.

    Raises ``UsageError`` where there are none.
    """
    try:
        events = read(folder)
    except (OSError, ValueError) as error:
        raise UsageError(f"--rerun-failed {folder}: no record of a run: {error}") from None
    fine = {check["id"] for check in latest_checks(events) if Outcome(check["outcome"]) not in RERUN}
    selected = {name for event in events if event["type"] == "run.started" for name in event["selected"]}
    judged = {event["id"] for event in events if event["type"] == "check.finished"}
    found = tuple(sorted((selected | judged) - fine))
    if not found:
        raise UsageError(f"--rerun-failed {folder}: nothing failed there")
    return found
