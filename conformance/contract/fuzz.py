"""A Schemathesis pass over the contract: input made from the document, and what the service makes of it.

Everything is written to one flow of the session, or to flows whose names begin with its name.
"""

from __future__ import annotations

import itertools
import json
import os
import shlex
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, unquote

import hypothesis
import requests
import schemathesis
from hypothesis import strategies as st
from hypothesis.configuration import set_hypothesis_home_dir
from hypothesis.errors import Flaky, Unsatisfiable
from schemathesis import GenerationMode

from conformance.contract import Operation, document, operations, problems
from conformance.contract.judge import own
from conformance.errors import TargetError
from conformance.exploring import silent
from conformance.system.metadata import Answer, MetadataService, Place

SEED = 20251
EXAMPLES = 20
PASS_S = 20.0
"""Seconds that one pass over all operations may take; each gets the same part, and ``FEWEST`` examples at least."""
FEWEST = 3
SHRINK_S = 3.0
NAME = 100
"""Characters of a made name that follow the name of the session's flow."""
SERVER_ERROR = 500

Judge = Callable[[Operation, Answer], str]


@dataclass(frozen=True)
class Call:
    """One request as it is sent."""

    method: str
    path: str
    options: Mapping[str, Any] = field(default_factory=dict)

    def curl(self, url: str) -> str:
        """The same request for a shell."""
        prepared = requests.Request(self.method, f"{url}{self.path}", **self.options).prepare()
        words = ["curl", "-X", self.method]
        if kind := prepared.headers.get("Content-Type"):
            words += ["-H", f"Content-Type: {kind}"]
        body = prepared.body.encode() if isinstance(prepared.body, str) else prepared.body
        piped = ""
        if body:
            octal = "".join(f"\\{byte:03o}" for byte in body)
            plain = body.isascii() and body.decode("ascii").isprintable()
            words += ["--data-binary", body.decode() if plain else "@-"]
            piped = "" if plain else f"printf '{octal}' | "
        return f"{piped}{shlex.join([*words, str(prepared.url)])}"


@dataclass(frozen=True)
class Fault:
    """What the service made of one input that it should not have."""

    operation: str
    what: str
    curl: str

    def __str__(self) -> str:
        return f"{self.operation}: {self.what}: {self.curl}"


class Fuzz:
    """Sends what Schemathesis makes of the document to a session's service."""

    def __init__(self, metadata: MetadataService) -> None:
        self.metadata = metadata

    def no_server_errors(self, *, allowed: bool) -> list[Fault]:
        """The operations that answer input that the contract allows (or does not) with 5xx, each with one such input.

        Raises ``TargetError`` where the service stops answering.
        """
        mode = GenerationMode.POSITIVE if allowed else GenerationMode.NEGATIVE
        return self._pass("Allowed" if allowed else "Malformed", mode, lambda _, answer: _server_error(answer))

    def schemas_kept(self) -> list[Fault]:
        """The operations whose answers to allowed input break the contract, 5xx apart. Raises ``TargetError``."""

        def broken(operation: Operation, answer: Answer) -> str:
            mine = answer if _server_error(answer) else own(operation, answer, self.metadata.run_id)
            return "" if _server_error(answer) else "; ".join(problems(operation, mine)[:1])

        return self._pass("Schemas", GenerationMode.POSITIVE, broken)

    def _pass(self, what: str, mode: GenerationMode, judge: Judge) -> list[Fault]:
        set_hypothesis_home_dir(os.devnull)  # it would keep notes in the working directory
        place = self.metadata.new_place(f"Contract{what}")
        found = []
        results: Iterable[Any] = schemathesis.openapi.from_dict(document()).get_all_operations()
        for result in results:
            api = result.ok()
            operation = operations()[api.definition.raw["operationId"]]
            found.append(self._operation(api.as_strategy(generation_mode=mode), operation, place, judge))
        return [fault for fault in found if fault]

    def _operation(self, cases: Any, operation: Operation, place: Place, judge: Judge) -> Fault | None:
        """The shortest input of one operation that ``judge`` finds fault with the answer to."""
        end = time.monotonic() + PASS_S / len(operations())
        found: list[Fault] = []
        broken: list[Exception] = []
        tried = itertools.count(1)

        @hypothesis.seed(SEED)
        @silent(EXAMPLES)
        @hypothesis.given(cases, st.booleans())
        def examples(case: Any, ours: bool) -> None:  # noqa: FBT001 - Hypothesis calls it
            late = next(tried) > FEWEST and time.monotonic() > end + (SHRINK_S if found else 0)
            if broken or late:
                return
            call = _call(case, operation, place, ours=ours)
            try:
                what = self._judged(call, operation, judge)
            except Exception as error:
                broken.append(error)
                raise
            if what:
                found.append(Fault(operation.id, what, call.curl(self.metadata.url)))
                raise _Faulty

        try:
            examples()
        except (_Faulty, Flaky, Unsatisfiable):
            pass
        except Exception:
            if not broken:
                raise
        if broken:
            raise broken[0]
        return min(found, key=lambda fault: len(fault.curl), default=None)

    def _judged(self, call: Call, operation: Operation, judge: Judge) -> str:
        """What is wrong with the answer. Raises ``TargetError`` where /ping is not answered either."""
        try:
            answer = self.metadata.call(call.method, call.path, as_is=True, **call.options)
        except TargetError:
            self.metadata.fresh().get("/ping")
            return "no answer: the connection was closed"
        return judge(operation, answer)


class _Faulty(Exception):
    """Tells Hypothesis that an example fails."""


def _server_error(answer: Answer) -> str:
    return f"status {answer.status}" if answer.status >= SERVER_ERROR else ""


def _call(case: Any, operation: Operation, place: Place, *, ours: bool) -> Call:
    """The request of a case; with ``ours`` to what the session has registered, and else to what was made up.

    Nothing that writes leaves the session's flows.
    """
    known = {"flow_id": place.flow, "run_number": place.run, "step_name": place.step, "task_id": place.task}
    names = {key: str(value) for key, value in (case.path_parameters or {}).items()}
    if operation.id == "registerFlow":
        names["flow_id"] = quote(f"{place.flow}_{unquote(names['flow_id'])[:NAME]}", safe="")
    else:
        names |= {key: str(known[key]) for key in names if key in known and (ours or key == "flow_id")}
    case.path_parameters = names
    made = case.as_transport_kwargs(base_url="http://service")
    path = operation.path.format_map(names)
    options = {key: made[key] for key in ("params", "data") if made.get(key) is not None}
    headers = {name: made["headers"][name] for name in ("Content-Type",) if name in made.get("headers", {})}
    if "json" in made:
        options["data"] = json.dumps(made["json"]).encode()
    return Call(case.method.upper(), path, options | ({"headers": headers} if headers else {}))
