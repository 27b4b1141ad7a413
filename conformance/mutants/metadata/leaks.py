"""Rows of another flow, run, step or task: a forgotten or a sloppy condition."""

from __future__ import annotations

from aiohttp import web

from conformance.mutants.bench import Bench, Handler
from conformance.mutants.catalogue import mutant

OK = 200

TASKS_OF_STEP = 'f"{TASKS} WHERE flow_id = $1 AND {RUN} AND step_name = $4"'
ARTIFACTS_OF_STEP = '"AND step_name = $4"'
METADATA_OF_TASK = 'f"{METADATA} WHERE flow_id = $1 AND {RUN} AND {TASK}"'
ANY_RUN = "($2::bigint IS NOT NULL OR $3::text IS NOT NULL)"
ANY_STEP = "$4::text IS NOT NULL"
ANY_TASK = "($5::bigint IS NOT NULL OR $6::text IS NOT NULL)"
"""In place of a condition that is missing: the statement keeps its parameters."""


@mutant("names-case-insensitive")
def names_case_insensitive(bench: Bench) -> None:
    """Flow names are compared without case, as MySQL does: Train shows the runs of train."""
    bench.edit("entities", "FROM flows WHERE flow_id = $1", "FROM flows WHERE lower(flow_id) = lower($1)", times=2)
    bench.edit("entities", "{source} WHERE flow_id = $1", "{source} WHERE lower(flow_id) = lower($1)")
    bench.edit("entities", "{RUNS} WHERE flow_id = $1", "{RUNS} WHERE lower(flow_id) = lower($1)", times=2)


@mutant("steps-case-insensitive")
def steps_case_insensitive(bench: Bench) -> None:
    """Step names are compared without case: join shows the tasks and artifacts of Join too."""
    bench.edit("entities", TASKS_OF_STEP, TASKS_OF_STEP.replace("step_name = $4", "lower(step_name) = lower($4)"))
    bench.edit("records", ARTIFACTS_OF_STEP, '"AND lower(step_name) = lower($4)"')


@mutant("step-name-as-pattern")
def step_name_as_pattern(bench: Bench) -> None:
    """Step names are compared with LIKE: a_b shows the tasks and artifacts of axb too."""
    bench.edit("entities", TASKS_OF_STEP, TASKS_OF_STEP.replace("step_name =", "step_name LIKE"))
    bench.edit("records", ARTIFACTS_OF_STEP, '"AND step_name LIKE $4"')


@mutant("run-name-by-prefix")
def run_name_by_prefix(bench: Bench) -> None:
    """A run is found by the beginning of its name: argo-a shows the tasks of argo-abc too."""
    bench.edit(
        "entities",
        "named.run_id = $3), $2)",
        "$3 <> '' AND starts_with(named.run_id, $3) ORDER BY named.run_id DESC LIMIT 1), $2)",
    )


@mutant("flow-name-as-pattern")
def flow_name_as_pattern(bench: Bench) -> None:
    """Runs are listed for every flow whose name matches when _ stands for any character."""
    bench.edit("entities", "{source} WHERE flow_id = $1", "{source} WHERE flow_id LIKE $1")


@mutant("runs-of-all-flows")
def runs_of_all_flows(bench: Bench) -> None:
    """The runs of all flows are listed for each."""
    bench.edit("entities", "{source} WHERE flow_id = $1", "{source} WHERE $1::text IS NOT NULL")


@mutant("run-of-any-flow")
def run_of_any_flow(bench: Bench) -> None:
    """A run is found under any flow: its number is thought to be enough."""
    bench.edit("entities", "{RUNS} WHERE flow_id = $1", "{RUNS} WHERE $1::text IS NOT NULL", times=2)


@mutant("run-name-of-any-flow")
def run_name_of_any_flow(bench: Bench) -> None:
    """The number that belongs to a run's name is cached without its flow: the same name elsewhere is that run."""
    known: dict[str, str] = {}

    @bench.around("GET R/steps", "GET S", "GET S/tasks", "GET R/metadata", "GET R/artifacts")
    async def cached(request: web.Request, handler: Handler) -> web.StreamResponse:
        name = request.match_info["run"]
        if name.isdigit():
            return await handler(request)
        flow = known.setdefault(name, request.match_info["flow"])
        request.match_info["flow"] = flow
        return await handler(request)


@mutant("steps-of-all-runs")
def steps_of_all_runs(bench: Bench) -> None:
    """The steps of all runs of a flow are listed for each run."""
    bench.edit(
        "entities",
        "{RUN} ORDER BY steps.ts_epoch",
        "($2::bigint IS NOT NULL OR $3::text IS NOT NULL) ORDER BY steps.ts_epoch",
    )


@mutant("tasks-of-all-steps")
def tasks_of_all_steps(bench: Bench) -> None:
    """The tasks of all steps are listed for each step: the condition on the step is missing."""
    bench.edit("entities", TASKS_OF_STEP, TASKS_OF_STEP.replace("step_name = $4", ANY_STEP))


@mutant("tasks-of-all-runs")
def tasks_of_all_runs(bench: Bench) -> None:
    """The tasks of a step are listed from every run of the flow."""
    bench.edit("entities", TASKS_OF_STEP, TASKS_OF_STEP.replace("{RUN}", ANY_RUN))


@mutant("task-of-any-step")
def task_of_any_step(bench: Bench) -> None:
    """A task is found by its number under any step of its run."""
    bench.edit("entities", "tasks.step_name = $4 AND tasks.task_id = coalesce", "tasks.task_id = coalesce")


@mutant("metadata-of-all-tasks")
def metadata_of_all_tasks(bench: Bench) -> None:
    """The metadata of a step's tasks are listed for each of them."""
    bench.edit("records", METADATA_OF_TASK, METADATA_OF_TASK.replace("{TASK}", f"step_name = $4 AND {ANY_TASK}"))


@mutant("metadata-of-all-runs")
def metadata_of_all_runs(bench: Bench) -> None:
    """The metadata of all runs of a flow are listed for each."""
    bench.edit(
        "records", 'f"{METADATA} WHERE flow_id = $1 AND {RUN}"', f'f"{{METADATA}} WHERE flow_id = $1 AND {ANY_RUN}"'
    )


@mutant("metadata-of-name-in-all-steps")
def metadata_of_name_in_all_steps(bench: Bench) -> None:
    """A named task shows the metadata of the tasks of that name in every step."""
    named = f"{ANY_STEP} AND (task_id = $5 OR tasks.task_name = $6)"
    bench.edit("records", METADATA_OF_TASK, METADATA_OF_TASK.replace("{TASK}", named))


@mutant("artifacts-of-all-steps")
def artifacts_of_all_steps(bench: Bench) -> None:
    """The artifacts of all steps are listed for each step."""
    bench.edit("records", ARTIFACTS_OF_STEP, '"AND $4::text IS NOT NULL"')


@mutant("artifacts-of-all-tasks")
def artifacts_of_all_tasks(bench: Bench) -> None:
    """The artifacts of a step's tasks are listed for each of them."""
    bench.edit(
        "records",
        'f"AND {TASK}", task_key(request))',
        '"AND step_name = $4 AND ($5::bigint IS NOT NULL OR $6::text IS NOT NULL)", task_key(request))',
    )


@mutant("artifact-of-any-task")
def artifact_of_any_task(bench: Bench) -> None:
    """An artifact read by its name may be that of another task of the step: the newest of that name."""
    bench.edit(
        "records",
        "WHERE flow_id = $1 AND {RUN} AND {TASK}) AS found",
        "WHERE flow_id = $1 AND {RUN} AND step_name = $4 AND " + ANY_TASK + ") AS found",
    )
    bench.edit(
        "records", "attempt_id = {among} AND name = $7", "attempt_id = {among} AND name = $7 ORDER BY task_id DESC"
    )


@mutant("artifact-name-insensitive")
def artifact_name_insensitive(bench: Bench) -> None:
    """Names of artifacts are compared without case: x and X are one."""
    bench.edit(
        "records",
        "attempt_id = {among} AND name = $7",
        "attempt_id = {among} AND lower(name) = lower($7) ORDER BY name",
    )


@mutant("artifact-name-as-pattern")
def artifact_name_as_pattern(bench: Bench) -> None:
    """Names of artifacts are compared with LIKE: a_b may show axb."""
    bench.edit(
        "records", "attempt_id = {among} AND name = $7", "attempt_id = {among} AND name LIKE $7 ORDER BY name DESC"
    )


@mutant("writes-to-first-run")
def writes_to_first_run(bench: Bench) -> None:
    """A step name seen before is taken for the same step of the first run: its tasks are registered there."""
    known: dict[tuple[str, str], str] = {}

    @bench.around("POST S/task")
    async def first(request: web.Request, handler: Handler) -> web.StreamResponse:
        info = request.match_info
        info["run"] = known.setdefault((info["flow"], info["step"]), info["run"])
        return await handler(request)
