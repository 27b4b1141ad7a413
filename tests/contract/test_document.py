"""The document: valid, complete, true to the reference service, and called in all its parts."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import openapi_spec_validator
import pytest

from conformance import contract
from conformance.contract import FILE, document, operations, resolved
from conformance.reference.metadata_service.__main__ import CONTRACT, routes
from conformance.suites.metadata import test_contract as suite

NOT_IN_IT = {"/auth/token", "/openapi.yaml"}


def nodes(node: Any) -> list[dict[str, Any]]:
    """Every object in the document."""
    if isinstance(node, list):
        return [found for part in node for found in nodes(part)]
    if not isinstance(node, dict):
        return []
    return [node, *(found for part in node.values() for found in nodes(part))]


def test_it_is_an_openapi_document() -> None:
    openapi_spec_validator.validate(document())


def test_every_reference_leads_somewhere_and_every_component_is_used() -> None:
    used = {node["$ref"] for node in nodes(document()) if isinstance(node.get("$ref"), str)}
    parts = {f"#/components/{kind}/{name}" for kind, named in document()["components"].items() for name in named}

    assert all(resolved({"$ref": reference}) for reference in used)
    assert used == parts


def test_every_operation_is_described() -> None:
    for path, item in document()["paths"].items():
        for method in contract.METHODS:
            spec = item.get(method)
            if spec is None:
                continue
            assert spec["summary"].endswith("."), f"{method} {path}"
            assert len(spec["tags"]) == 1, f"{method} {path}"
            assert "200" in spec["responses"], f"{method} {path}"


def test_its_tags_are_those_of_its_operations() -> None:
    assert {tag["name"] for tag in document()["tags"]} == {operation.tag for operation in operations().values()}


def test_it_has_the_routes_of_the_reference_service() -> None:
    described = {(op.method, re.sub(r"\{\w+\}", "{}", op.path)) for op in operations().values()}
    served = {(route.method, re.sub(r"\{\w+\}", "{}", route.path)) for route in routes() if route.path not in NOT_IN_IT}

    assert described == served


def test_the_reference_service_serves_it() -> None:
    assert CONTRACT == FILE
    assert CONTRACT.is_file()


def test_the_suite_calls_every_operation() -> None:
    source = Path(suite.__file__).read_text(encoding="utf-8")

    assert {name for name in operations() if f'"{name}"' not in source} == set()


def test_examples_keep_their_schemas() -> None:
    schemas = document()["components"]["schemas"]
    shown = [(name, value) for name, schema in schemas.items() for value in examples(schema)]

    assert len(shown) > 5
    for name, value in shown:
        assert contract.faults({"$ref": f"#/components/schemas/{name}"}, value) == [], name


def examples(schema: Any) -> list[Any]:
    return [*schema.get("examples", []), *([schema["example"]] if "example" in schema else [])]


@pytest.mark.parametrize("path", list(document()["paths"]))
def test_every_part_of_a_path_is_a_parameter(path: str) -> None:
    item = document()["paths"][path]
    declared = {resolved(parameter)["name"] for parameter in item.get("parameters", [])}

    assert declared == set(re.findall(r"\{(\w+)\}", path))
