"""Calls of a session's metadata service by the contract's operations: each answer has to keep the contract."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any
from urllib.parse import quote

from conformance.contract import Operation, operations, problems
from conformance.requirement import equal
from conformance.status import OK
from conformance.system.metadata import Answer, MetadataService


def own(operation: Operation, answer: Answer, run_id: str) -> Answer:
    """The answer; of a list of all flows, whoever registered them, only those of this session."""
    try:
        listed = json.loads(answer.text) if operation.id == "listFlows" and answer.ok else None
    except ValueError:
        return answer
    if not isinstance(listed, list):
        return answer
    mine = [row for row in listed if not isinstance(row, dict) or run_id in str(row.get("flow_id"))]
    return replace(answer, text=json.dumps(mine))


class Contract:
    """The service as the document has it."""

    def __init__(self, metadata: MetadataService) -> None:
        self.metadata = metadata

    def call(self, operation: str, where: str | None = None, body: Any = None, *, status: int = OK, **path: Any) -> Any:
        """The decoded body of one call; ``path`` fills the operation's path, ``where`` is the query.

        Raises ``AssertionError`` where the status is not ``status`` (200 stands for every success), or the answer
        does not keep the contract.
        """
        answer = self.answer(operation, where, body, **path)
        equal(answer.meant, status, f"{answer.request}: status")
        return answer.text if operation in {"ping", "version"} else answer.json

    def answer(self, operation: str, where: str | None = None, body: Any = None, **path: Any) -> Answer:
        """The answer of one call. Raises ``AssertionError`` where it does not keep the contract."""
        called = operations()[operation]
        target = called.path.format_map({name: quote(str(value), safe="") for name, value in path.items()})
        as_is = operation == "healthcheck"  # its 503 is an answer, not a fault that passes
        answer = self.metadata.call(called.method, f"{target}?{where}" if where else target, body, as_is=as_is)
        answer = own(called, answer, self.metadata.run_id)
        found = problems(called, answer)
        more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
        assert not found, f"{answer.request}: breaks the contract of {operation}: {found[0]}{more}"  # noqa: S101 - a finding
        return answer
