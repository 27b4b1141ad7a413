"""The contract of the metadata service: an OpenAPI 3.1 document, and whether an answer keeps it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Protocol

import yaml
from jsonschema import Draft202012Validator
from jsonschema.protocols import Validator
from referencing import Registry
from referencing.jsonschema import DRAFT202012

from conformance.status import meant

FILE = Path(__file__).with_name("openapi.yaml")
METHODS = ("get", "post", "patch")
ADDRESS = "urn:metadata-service"
JSON = "application/json"


class Answer(Protocol):
    """What came back: see ``conformance.system.metadata.Answer``."""

    @property
    def status(self) -> int:
        """The HTTP status."""

    @property
    def headers(self) -> Mapping[str, str]:
        """The headers, of any case."""

    @property
    def text(self) -> str:
        """The body."""


@dataclass(frozen=True)
class Operation:
    """One method of one path, by the document's ``operationId``."""

    id: str
    method: str
    path: str
    tag: str
    responses: Mapping[str, Any]


@cache
def document() -> dict[str, Any]:
    """The whole document."""
    found: dict[str, Any] = yaml.safe_load(FILE.read_text(encoding="utf-8"))
    return found


@cache
def operations() -> dict[str, Operation]:
    """Every operation of the document by its ID."""
    return {
        spec["operationId"]: Operation(spec["operationId"], method.upper(), path, spec["tags"][0], spec["responses"])
        for path, item in document()["paths"].items()
        for method, spec in item.items()
        if method in METHODS
    }


def resolved(node: Any) -> Any:
    """What a node of the document refers to, or the node itself."""
    while "$ref" in node:
        found: Any = document()
        for part in node["$ref"].removeprefix("#/").split("/"):
            found = found[part]
        node = found
    return node


def problems(operation: Operation, answer: Answer) -> list[str]:
    """Everything in which an answer does not keep the contract: status (200: any success), headers, body."""
    response = operation.responses.get(str(meant(answer.status)))
    if response is None:
        return [f"status {answer.status}, but the contract has {', '.join(operation.responses)}"]
    response = resolved(response)
    return [*_headers(response.get("headers", {}), answer), *_body(response.get("content", {}), answer)]


def _headers(declared: Mapping[str, Any], answer: Answer) -> list[str]:
    """In real answers header names are of any case; a mapping of another kind has them as declared."""
    found = []
    for name, declaration in declared.items():
        header = resolved(declaration)
        value = answer.headers.get(name)
        if value is None:
            found += [f"no header {name}"] if header.get("required") else []
            continue
        typed: Any = int(value) if resolved(header["schema"])["type"] == "integer" and value.isdigit() else value
        found += [f"header {name}: {message}" for message in faults(header["schema"], typed)]
    return found


def _body(content: Mapping[str, Any], answer: Answer) -> list[str]:
    if not content:
        return []
    schema = content.get(JSON, content.get("text/plain"))["schema"]
    body: Any = answer.text
    if JSON in content:
        try:
            body = json.loads(answer.text)
        except ValueError:
            return [f"the body is not JSON: {answer.text[:200]!r}"]
    return [f"body{message}" for message in faults(schema, body)]


def faults(schema: Any, value: Any) -> list[str]:
    """Where and how a value breaks a schema; a string that holds JSON is judged by its ``contentSchema`` too."""
    found = [
        f"{''.join(f'[{part!r}]' for part in error.absolute_path)}: {error.message[:300]}"
        for error in sorted(
            _validator(json.dumps(schema)).iter_errors(value), key=lambda error: list(map(str, error.path))
        )
    ]
    inner = next((part["contentSchema"] for part in _choices(schema) if "contentSchema" in part), None)
    if not found and isinstance(value, str) and inner:
        try:
            return [f" (decoded twice){message}" for message in faults(inner, json.loads(value))]
        except ValueError:
            return [f": a string that holds no JSON: {value[:200]!r}"]
    return found


def _choices(schema: Any) -> list[Any]:
    schema = resolved(schema)
    return [schema, *(resolved(choice) for choice in schema.get("oneOf", ()))]


@cache
def _validator(schema: str) -> Validator:
    """A validator for a schema of the document, whose references are to the document."""
    whole = DRAFT202012.create_resource(document())
    absolute = json.loads(schema.replace('"#/', f'"{ADDRESS}#/'))
    return Draft202012Validator(absolute, registry=Registry().with_resource(ADDRESS, whole))
