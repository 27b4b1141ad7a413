"""What the front door tells without a target: the requirements, and the mutants where they can be made."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner, Result

from conformance import cli


def mfconf(*words: str) -> Result:
    """``mfconf("list", ...)`` as a user types it."""
    return CliRunner().invoke(cli.main, list(words), prog_name="mfconf")


def test_list_as_json() -> None:
    result = mfconf("list", "--json")

    rows = json.loads(result.stdout)
    assert result.exit_code == 0
    assert {row["id"] for row in rows} >= {"META-001", "FLOW-001", "ARGO-001", "GPU-001"}
    assert all(row["cases"] and row["why"] and row["title"] for row in rows)
    flow = next(row for row in rows if row["id"] == "FLOW-001")
    assert flow["cases"] == ["FLOW-001/linear@local", "FLOW-001/linear@kubernetes", "FLOW-001/linear@argo"]


def test_list_for_people() -> None:
    result = mfconf("list", "--area", "gpu")

    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert lines[0].split() == ["ID", "level", "profile", "cases", "title"]
    assert {line.split("-")[0] for line in lines[1:] if not line.startswith(" ")} == {"GPU"}


def test_explain() -> None:
    result = mfconf("explain", "meta-001")

    assert result.exit_code == 0
    assert result.stdout.startswith("META-001 (MUST, area metadata, profile smoke)")
    assert "needs:  metadata: a metadata service" in result.stdout
    assert "source: conformance/suites/metadata/test_service.py, test_ping" in result.stdout


def test_roles_for_kubectl() -> None:
    result = mfconf("rbac", "--profile", "smoke", "--namespace", "jobs", "--user", "group:data", "--task-account", "t")

    assert result.exit_code == 0
    found = list(yaml.safe_load_all(result.stdout))
    bound = {
        (d["metadata"]["name"], d["subjects"][0]["kind"], d["subjects"][0]["name"]) for d in found if "subjects" in d
    }
    assert bound >= {("metaflow-launcher", "Group", "data"), ("metaflow-task", "ServiceAccount", "t")}
    assert {d["metadata"].get("namespace") for d in found} == {"jobs", "argo", None}


def test_a_larger_profile_asks_more() -> None:
    smoke, certified = (mfconf("rbac", "--profile", profile).stdout for profile in ("smoke", "certified"))

    assert "jobs" in smoke
    assert set(smoke.splitlines()) < set(certified.splitlines())


@pytest.mark.parametrize("words", [("mutants",), ("mutants", "--list")], ids=" ".join)
def test_without_the_reference_service_mutants_say_what_to_install(
    monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...]
) -> None:
    monkeypatch.setattr(cli, "find_spec", lambda name: None if name == "orjson" else name)
    result = mfconf(*words)

    assert (result.exit_code, result.stdout) == (4, "")
    assert result.stderr == (
        "mfconf: mutants break our reference service, which lacks orjson here; "
        "pip install 'metaflow-conformance[reference]'\n"
    )


def test_what_the_reference_service_needs_is_what_its_extra_installs() -> None:
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    named = [re.split("[>=<]", line)[0] for line in project["optional-dependencies"]["reference"]]

    assert tuple(name.replace("-", "_") for name in named) == cli.REFERENCE
