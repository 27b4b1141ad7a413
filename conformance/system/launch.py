"""One launch, in a process of its own: ``python -m conformance.system.launch SCENARIO ORCHESTRATOR``.

Uses Metaflow's Runner and Deployer as a user would, and writes what becomes of it to the session's launch
file. SIGTERM ends the run itself, then the process.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

import psutil
from kubernetes.client.exceptions import ApiException

from conformance.errors import HarnessError
from conformance.requirement import Launch
from conformance.session import Session
from conformance.system.configuring import extended
from conformance.system.flows import await_launch, session_environment
from conformance.system.scenarios import Scenario, catalogue
from conformance.waiting import DEADLINES

POLL_S = 2.0
END_S = 20.0
TAIL_LINES = 15


class State:
    """The launch file: written whole at each change, so that no reader sees half of it."""

    def __init__(self, path: Path, scenario: Scenario, launch: Launch) -> None:
        self.path = path
        self.data: dict[str, Any] = {
            "scenario": launch.scenario,
            "orchestrator": launch.orchestrator,
            "flow": scenario.flow,
            "state": "starting",
            "run_id": None,
            "template": None,
            "outcome": None,
            "message": "",
            "disturbed": None,
            "started_at": time.time(),
            "finished_at": None,
        }
        self.update()

    def update(self, **changes: Any) -> None:
        """Change fields and write."""
        self.data |= changes
        scratch = self.path.with_suffix(".tmp")
        scratch.write_text(json.dumps(self.data), encoding="utf-8")
        scratch.rename(self.path)

    def finish(self, outcome: str, message: str = "") -> None:
        """The launch is over."""
        self.update(state="finished", outcome=outcome, message=message, finished_at=time.time())


class Stopped(BaseException):
    """Somebody wants this launch to end."""


def await_others(session: Session, scenario: Scenario, launch: Launch) -> None:
    """Wait until the launches are over that this one would disturb. They were started before it, so they end."""
    for name in scenario.after:
        if (name, launch.orchestrator) in session.launches:
            await_launch(session, Launch(name, launch.orchestrator))


def prepare(session: Session, scenario: Scenario, launch: Launch) -> None:
    """Have everything that Metaflow makes for this launch bear the run's ID, and make the scenario's props."""
    prop = session.prop(launch)
    os.environ.update(session_environment(session), MFCONF_PROP=prop)
    given = {name: value.replace("{prop}", prop) for name, value in scenario.environment.items()}
    os.environ.update(extended({**session.config, **os.environ}, given))
    os.environ.setdefault("METAFLOW_S3_WORKER_COUNT", "4")
    if scenario.props:
        from conformance.system import props  # noqa: PLC0415 - Kubernetes only where it is needed

        props.make(session, prop, scenario.props)


async def run_flow(session: Session, scenario: Scenario, launch: Launch, state: State) -> None:
    """Run it with Metaflow's Runner, tasks as local processes or as pods."""
    from metaflow import Runner  # noqa: PLC0415 - reads its configuration when imported

    task: Any = asyncio.current_task()
    # a signal's exception would surface in the event loop, not here, and leave the flow running
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    remote = launch.orchestrator == "kubernetes" and scenario.pods == "all"
    specs = [f"kubernetes:{scenario.resources}"] if remote else []
    runner = Runner(str(scenario.file), show_output=False, decospecs=specs, pylint=False)
    limit = scenario.deadline_s * session.patience
    executing = None
    over = threading.Event()
    try:
        executing = await runner.async_run(tags=[session.tag], **scenario.parameters)
        state.update(state="running", run_id=executing.run.id)
        disturbing = asyncio.create_task(disturb(session, scenario, executing, state, over))
        try:
            await asyncio.wait_for(executing.command_obj.process.wait(), limit)
        finally:
            over.set()
            await disturbing
        state.finish(executing.status, described(session, executing) if executing.returncode else "")
    except TimeoutError:
        message = described(session, executing)
        end_children()
        state.finish("timeout", f"no end after {limit:.0f} s\n{message}")
    except asyncio.CancelledError:
        end_children()
        raise Stopped from None
    finally:
        if executing:
            print(executing.stdout, executing.stderr, sep="\n")  # noqa: T201 - the launch's log
        runner.cleanup()


def deploy_flow(session: Session, scenario: Scenario, launch: Launch, state: State) -> None:
    """Create its Argo workflow template with Metaflow's Deployer, trigger it, and follow the workflow."""
    from metaflow import Deployer  # noqa: PLC0415 - reads its configuration when imported

    from conformance.system.argo import Argo  # noqa: PLC0415

    argo = Argo(session)
    name = session.template(launch.scenario)
    deployer = Deployer(
        str(scenario.file), show_output=False, decospecs=[f"kubernetes:{scenario.resources}"], pylint=False
    )
    deployed = deployer.argo_workflows(name=name).create(tags=[session.tag])
    state.update(template=name)
    triggered = deployed.trigger(**scenario.parameters)
    workflow = triggered.pathspec.split("/")[1].removeprefix("argo-")
    state.update(state="running", run_id=f"argo-{workflow}")
    try:
        began = time.monotonic()
        while not argo.is_over(phase := argo.phase(workflow)):
            limit = session.patience * (scenario.deadline_s if phase else DEADLINES["workflow_picked_up"])
            if time.monotonic() - began > limit:
                state.finish("timeout", f"no end after {limit:.0f} s: {asked(lambda: argo.explain(workflow))}")
                argo.terminate(workflow)
                return
            time.sleep(POLL_S)
    except Stopped:
        argo.terminate(workflow)
        raise
    if phase == "Succeeded":
        state.finish("successful")
    else:
        state.finish("failed", asked(lambda: argo.explain(workflow)))


async def disturb(session: Session, scenario: Scenario, executing: Any, state: State, over: threading.Event) -> None:
    """Do to the run what its scenario says, once everything that it waits for was told; note what was done.

    ``over``: set when the run has ended: no more is waited for, and what is undone afterwards is undone now.
    """
    disturbance = scenario.disturb
    if disturbance is None:
        return
    from conformance.system.disturbing import disturbed  # noqa: PLC0415 - Kubernetes only where it is needed

    told = ""
    while not all(re.search(pattern, told) for pattern in disturbance.when):
        if over.is_set():
            return
        await asyncio.sleep(POLL_S)
        told = await asyncio.to_thread(
            lambda: f"{executing.stdout}\n{executing.stderr}\n{described(session, executing)}"
        )
    try:
        done = await asyncio.to_thread(disturbed, session, disturbance, executing.run.id, over)
    except (HarnessError, ApiException) as error:
        state.update(message=f"{disturbance.how}: {error}")
        return
    state.update(disturbed={**done, "how": disturbance.how, "told": told})


def end_children() -> None:
    """Interrupt the flow as a user's Ctrl-C does, so that Metaflow ends its pods; kill what stays."""
    flows = psutil.Process().children()
    family = psutil.Process().children(recursive=True)
    for process in flows:
        process.send_signal(signal.SIGINT)
    psutil.wait_procs(flows, timeout=END_S)
    for process in family:  # psutil knows a process ID that was used again
        try:
            process.kill()
        except psutil.NoSuchProcess:
            continue


def described(session: Session, executing: Any) -> str:
    """What the cluster and Metaflow say of a run that does not end, or did not end well."""
    said = tail(executing.stdout + executing.stderr)
    if "kubernetes" not in session.capabilities:
        return said
    from conformance.system.cluster import Cluster  # noqa: PLC0415

    return f"{asked(lambda: Cluster(session).explain(executing.run.pathspec))}\n{said}".strip()


def asked(explain: Callable[[], str]) -> str:
    """What an explanation says, or why there is none: how a run ended does not hang on it."""
    try:
        return explain()
    except (HarnessError, ApiException) as error:
        return f"the cluster can't be asked why: {error}"


def tail(text: str) -> str:
    """The last lines of what Metaflow said."""
    return "\n".join([line for line in text.splitlines() if line.strip()][-TAIL_LINES:])


def stop(*_: object) -> NoReturn:
    """End the launch, whatever it is doing."""
    raise Stopped


def main(arguments: list[str]) -> None:
    """Launch, follow, report."""
    session = Session.load()
    launch = Launch(*arguments)
    scenario = catalogue()[launch.scenario]
    state = State(session.launch_file(launch), scenario, launch)
    signal.signal(signal.SIGTERM, stop)
    try:
        await_others(session, scenario, launch)
        prepare(session, scenario, launch)
        if launch.orchestrator == "argo":
            deploy_flow(session, scenario, launch, state)
        else:
            asyncio.run(run_flow(session, scenario, launch, state))
    except Stopped:
        end_children()
        state.finish("stopped")
    except HarnessError as error:
        state.finish("error", str(error))
        raise
    except Exception as error:  # whatever Metaflow raised is the launch's outcome
        state.finish("refused", tail(f"{type(error).__name__}: {error}"))
        raise


if __name__ == "__main__":
    main(sys.argv[1:])
