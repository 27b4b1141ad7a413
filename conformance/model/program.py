"""Programs: requests that a history is made of, from small numbers that Hypothesis draws and shrinks.

A path names what the service numbers by symbols: ``${F}`` begins the names of the program's flows, ``${r1}`` is
its first numbered run, ``${t1}`` its first numbered task: the syntax of a shell, in which it is printed too.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from string import Template
from typing import Any
from urllib.parse import quote

from conformance.model.model import Model

FLOWS = ("", "_", "x", "_x", ".a")
STEPS = ("start", "star", "Start", "start_", "s_art")
NAMES = ("argo-a", "argo-a-1", "Argo-a", "argo_a", "argo-%C3%BC")
TASK_NAMES = ("t-a", "t-a-1", "T-a", "t_a", "t-1a")
TAGS = ("a", "A", "a:b", "two words", "ü", '"quoted"')
SYSTEM = ("runtime:dev", "user:mfconf")
VERSION = "metaflow_version:2.19.39"
ARTIFACTS = ("x", "X", "x_", "_x", "xx", "ü", "a.b")
FIELDS = ("attempt", "attempt_ok", "attempt-ok", "Attempt")
VALUES = ("0", "1", "10", "True", 'ü "q" \\ \n', "x" * 3000)
PATTERNS = ("0", "%5E0%24", "%5E1%24", "True")
"""Regular expressions as a query has them: 0, ^0$, ^1$, True."""
CROWDS = (52, 103, 60, 120, 203, 505)
USER = "mfconf"
MOST_PAGES = 20
"""Pages that a listing is read in."""


@dataclass(frozen=True)
class Request:
    """One call. ``binds``: the symbol for the number that its answer gives; ``pages``: rows a page, to walk through."""

    method: str
    path: str
    body: Any = None
    binds: str = ""
    pages: int = 0
    client: int = 0

    def __str__(self) -> str:
        return f"{self.method} {self.path}"

    @property
    def symbols(self) -> set[str]:
        """The symbols in the path."""
        return set(Template(self.path).get_identifiers())

    def target(self, values: dict[str, str]) -> str:
        """The path with its symbols replaced. Raises ``KeyError`` where one has no value."""
        return Template(self.path).substitute(values)

    def bind(self, values: dict[str, str], body: Any) -> None:
        """Give the symbol the number that the answer ``body`` has."""
        if self.binds:
            values[self.binds] = str(body["run_number" if self.binds.startswith("r") else "task_id"])


Draw = tuple[str, int, int, int]


def build(draws: Iterable[Draw]) -> list[Request]:
    """The program that the draws stand for, with its final reading of everything."""
    builder = Builder()
    for kind, *numbers in draws:
        builder.client = sum(numbers) % 3
        getattr(builder, kind)(*numbers)
    builder.read_all()
    return builder.requests


def tags_of(number: int) -> dict[str, Any]:
    """The part of a registration that says who and which tags; every third client sends heartbeats."""
    tags = [TAGS[number % len(TAGS)], TAGS[(number + 2) % len(TAGS)]][: number % 3]
    system = list(SYSTEM[: number % 2 + 1]) + ([VERSION] if number % 3 == 1 else [])
    return {"user_name": USER, "tags": tags, "system_tags": system}


def artifact(name: str, attempt: int, sha: str) -> dict[str, Any]:
    """An artifact as Metaflow registers it."""
    return {
        "name": name,
        "attempt_id": attempt,
        "location": f"s3://bucket/{sha}",
        "ds_type": "s3",
        "sha": sha,
        "type": "metaflow.artifact",
        "content_type": "gzip+pickle-v4",
        "user_name": USER,
        "tags": [],
        "system_tags": [],
    }


def metadatum(name: str, value: str, attempt: int = 0) -> dict[str, Any]:
    """A metadatum as Metaflow registers it."""
    return {
        "field_name": name,
        "value": value,
        "type": name,
        "user_name": USER,
        "tags": [f"attempt_id:{attempt}"],
        "system_tags": [],
    }


class Builder:
    """Makes requests; keeps a model to know what is there. What a request needs is registered before it."""

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self.client = 0
        self.model = Model()
        self.values = {"F": "F"}
        self.flows: list[str] = []
        self.runs: list[str] = []
        self.steps: list[str] = []
        self.tasks: list[str] = []
        self.stored: set[tuple[str, int]] = set()

    def send(self, method: str, path: str, body: Any = None, binds: str = "", pages: int = 0) -> bool:
        """Add a request; whether a sound service answers 200."""
        request = Request(method, path, body, binds, pages, self.client)
        reply = self.model.handle(method, request.target(self.values), body)
        if reply.status != 200:  # noqa: PLR2004
            self.requests.append(Request(method, path, body, client=self.client))
            return False
        request.bind(self.values, reply.body)
        self.requests.append(request)
        return True

    def a_flow(self, number: int) -> str:
        """The path of a flow."""
        if not self.flows:
            self.flow(0, 0, 0)
        return self.flows[number % len(self.flows)]

    def a_run(self, number: int) -> str:
        """The path of a run."""
        if not self.runs:
            self.run(0, 0, number)
        return self.runs[number % len(self.runs)]

    def a_step(self, number: int) -> str:
        """The path of a step."""
        if not self.steps:
            self.step(0, 0, number)
        return self.steps[number % len(self.steps)]

    def a_task(self, number: int) -> str:
        """The path of a task."""
        if not self.tasks:
            self.task(0, 0, number)
        return self.tasks[number % len(self.tasks)]

    def flow(self, a: int, _b: int, c: int) -> None:
        """Register a flow, perhaps again."""
        path = f"/flows/${{F}}{FLOWS[a % len(FLOWS)]}"
        if self.send("POST", path, tags_of(c)):
            self.flows.append(path)

    def run(self, a: int, b: int, c: int) -> None:
        """Register a run: numbered, or by a name that may be taken."""
        flow = self.a_flow(a)
        if b % 2 == 0:
            symbol = f"r{len(self.values)}"
            self.send("POST", f"{flow}/run", tags_of(c), symbol)
            self.runs.append(f"{flow}/runs/${{{symbol}}}")
        else:
            name = NAMES[b // 2 % len(NAMES)]
            if self.send("POST", f"{flow}/run", {**tags_of(c), "run_number": _plain(name)}):
                self.runs.append(f"{flow}/runs/{name}")

    def step(self, a: int, b: int, c: int) -> None:
        """Register a step, perhaps again."""
        path = f"{self.a_run(a)}/steps/{STEPS[b % len(STEPS)]}"
        if self.send("POST", f"{path}/step", tags_of(c)):
            self.steps.append(path)

    def task(self, a: int, b: int, c: int) -> None:
        """Register a task: numbered, or by a name that may be taken."""
        step = self.a_step(a)
        if b % 2 == 0:
            symbol = f"t{len(self.values)}"
            self.send("POST", f"{step}/task", tags_of(c), symbol)
            self.tasks.append(f"{step}/tasks/${{{symbol}}}")
        else:
            name = TASK_NAMES[b // 2 % len(TASK_NAMES)]
            if self.send("POST", f"{step}/task", {**tags_of(c), "task_id": name}):
                self.tasks.append(f"{step}/tasks/{name}")

    def artifacts(self, a: int, b: int, c: int) -> None:
        """Register artifacts of an attempt, once; the one that is called name comes with each, as Metaflow has it."""
        attempt = b % 3
        names = ["name", *(ARTIFACTS[(b + i) % len(ARTIFACTS)] for i in range(c % 4))]
        body = [artifact(name, attempt, f"{a}{b}{c}{i:037}") for i, name in enumerate(names)]
        self.store(self.a_task(a), attempt, body)

    def store(self, task: str, attempt: int, body: list[dict[str, Any]]) -> None:
        """Register the artifacts of an attempt unless it has some: the client registers them once."""
        if (task, attempt) not in self.stored:
            self.stored.add((task, attempt))
            self.send("POST", f"{task}/artifact", body)

    def metadata(self, a: int, b: int, c: int) -> None:
        """Register metadata, perhaps the same again."""
        body = [
            metadatum(FIELDS[(b + i) % len(FIELDS)], VALUES[(c + i) % len(VALUES)], a % 2) for i in range(b % 3 + 1)
        ]
        self.send("POST", f"{self.a_task(a)}/metadata", body)

    def mutate(self, a: int, b: int, c: int) -> None:
        """Change tags: also one in both lists, a system tag, of a run that is not there."""
        add, remove = TAGS[b % len(TAGS)], TAGS[c % len(TAGS)]
        body = (
            {"tags_to_add": [add]},
            {"tags_to_remove": [remove]},
            {"tags_to_add": [add], "tags_to_remove": [add, remove]},
            {"tags_to_add": [add, "new", add], "tags_to_remove": [remove]},
            {"tags_to_add": [], "tags_to_remove": [remove]},
            {"tags_to_add": ["lost"], "tags_to_remove": [SYSTEM[0]]},
            {"tags_to_add": add},
        )[(b + c) % 7]
        self.send("PATCH", f"{self.a_run(a)}/tag/mutate", body)

    def beat(self, a: int, b: int, _c: int) -> None:
        """A heartbeat of a run or a task."""
        self.send("POST", f"{self.a_run(a) if b % 2 else self.a_task(a)}/heartbeat", {})

    def read(self, a: int, b: int, c: int) -> None:
        """Read one thing."""
        task = self.a_task(a)
        name = quote(("name", *ARTIFACTS)[c % (len(ARTIFACTS) + 1)])
        path = (
            self.a_run(a),
            self.a_step(a),
            task,
            f"{task}/artifacts/{name}",
            f"{task}/artifacts/{name}/attempt/{c % 3}",
            f"{task}/artifacts/name",
            self.a_flow(a),
        )[b % 7]
        self.send("GET", path)

    def listing(self, a: int, b: int, c: int) -> None:
        """List what is below one thing."""
        run, step, task = self.a_run(a), self.a_step(a), self.a_task(a)
        path = (
            f"{self.a_flow(a)}/runs",
            f"{run}/steps",
            f"{step}/tasks",
            f"{task}/metadata",
            f"{task}/artifacts",
            f"{run}/metadata",
            f"{step}/artifacts",
            f"{run}/artifacts",
            f"{task}/attempt/{c % 3}/artifacts",
            f"{step}/filtered_tasks?metadata_field_name={FIELDS[a % 4]}&pattern={PATTERNS[c % len(PATTERNS)]}",
        )[b % 10]
        if not (path.endswith(f"{run}/artifacts") and self.ambiguous(run)):
            self.send("GET", path)

    def elsewhere(self, a: int, b: int, c: int) -> None:
        """Look for something below a parent that is not its own, or for what is nowhere."""
        if len(self.flows) < 2:  # noqa: PLR2004
            self.flow(0, 0, 0)
            self.flow(1 + a, 0, 0)
        run, task = self.a_run(a), self.a_task(a)
        step = self.a_step(b)
        own = task.rsplit("/", 1)[1]
        path = (
            f"{self.a_flow(b)}/runs/{run.rsplit('/', 1)[1]}",
            f"{self.a_run(b)}/steps/{STEPS[c % len(STEPS)]}",
            f"{step}/tasks/{own}",
            f"{step}/tasks/{own}/metadata",
            f"{step}/tasks/{own}/artifacts",
            f"{self.a_flow(b)}/runs/{NAMES[c % len(NAMES)]}",
            f"{step}/tasks/{TASK_NAMES[c % len(TASK_NAMES)]}",
            f"{self.a_run(b)}/steps/{STEPS[c % len(STEPS)]}/tasks",
        )[c % 8]
        self.send("GET", path)

    def crowd(self, a: int, b: int, c: int) -> None:
        """Many of one kind, more than any page should hold back from a listing."""
        many = CROWDS[c % len(CROWDS)]
        if b % 4 == 0:
            step = self.a_step(a)
            for _ in range(min(many, 120)):
                self.task(self.steps.index(step), 0, 0)
        elif b % 4 == 1:
            flow = self.a_flow(a)
            for _ in range(min(many, 60)):
                self.run(self.flows.index(flow), 0, 0)
        elif b % 4 == 2:  # noqa: PLR2004
            body = [metadatum(FIELDS[0], str(number)) for number in range(many)]
            self.send("POST", f"{self.a_task(a)}/metadata", body)
        else:
            body = [artifact("name" if number == 0 else f"n{number}", 0, f"{number:040}") for number in range(many)]
            self.store(self.a_task(a), 0, body)

    def page(self, a: int, b: int, c: int) -> None:
        """Walk through a listing page by page; a service without pages shows all of it at once."""
        path = (
            f"{self.a_flow(a)}/runs",
            f"{self.a_step(a)}/tasks",
            f"{self.a_task(a)}/metadata",
            f"{self.a_run(a)}/metadata",
        )[b % 4]
        rows = self.model.handle("GET", Request("GET", path).target(self.values)).body
        self.send("GET", path, pages=max((1, 2, 3, 7, 50, 500)[c % 6], len(rows) // MOST_PAGES))

    def ambiguous(self, run: str) -> bool:
        """Whether two steps of the run have a task of one name: the Netflix service then mixes their attempts."""
        names = [task.rsplit("/", 1)[1] for task in self.tasks if task.startswith(f"{run}/")]
        return len(set(names)) < len(names)

    def read_all(self) -> None:
        """What was acknowledged is there, by a client that wrote none of it."""
        self.client = 3
        for flow in self.flows:
            self.send("GET", f"{flow}/runs")
        for run in self.runs[:8]:
            for below in ("steps", "metadata") if self.ambiguous(run) else ("steps", "metadata", "artifacts"):
                self.send("GET", f"{run}/{below}")
        for step in self.steps[:8]:
            self.send("GET", f"{step}/tasks")
        for task in self.tasks[:8]:
            self.send("GET", f"{task}/metadata")
            self.send("GET", f"{task}/artifacts")
            self.send("GET", f"{task}/artifacts/name")
        for parents, children in ((self.flows, self.runs), (self.runs, self.steps), (self.steps, self.tasks)):
            self.read_crosswise(parents[:3], children[:3])

    def read_crosswise(self, parents: list[str], children: list[str]) -> None:
        """Each child is found below its parent, and below no other one."""
        for parent in parents:
            for child in children:
                self.send("GET", f"{parent}/{'/'.join(child.split('/')[-2:])}")


def _plain(name: str) -> str:
    """A name of ``NAMES`` as a body has it."""
    return name.replace("%C3%BC", "ü")
