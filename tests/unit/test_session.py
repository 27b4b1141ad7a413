"""A session goes to other processes, whole, and its secrets do not go by the disk."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from conformance.requirement import Launch
from conformance.session import FILE, VARIABLE, Session, new_run_id

CONFIG = {
    "METAFLOW_SERVICE_URL": "https://me:s3cr3t-1@host/",
    "METAFLOW_SERVICE_AUTH_KEY": "s3cr3t-2",
    "METAFLOW_SERVICE_HEADERS": '{"x-api-key": "s3cr3t-3"}',
    "METAFLOW_KUBERNETES_SECRETS": "s3-credentials",
    "METAFLOW_KUBERNETES_NAMESPACE": "jobs",
    "METAFLOW_DATASTORE_SYSROOT_S3": "s3://bucket/metaflow",
}


def made(output: Path, config: dict[str, str]) -> Session:
    return Session(
        run_id="run0000001",
        output=output,
        target="profile:prod",
        cases=("META-001", "FLOW-001/linear@argo"),
        launches=(("linear", "argo"),),
        capabilities=frozenset({"metadata", "argo"}),
        simulated=frozenset({"gpu"}),
        config=config,
    )


@pytest.mark.usefixtures("own_environment")
def test_it_is_read_back_whole_by_a_child(tmp_path: Path) -> None:
    session = made(tmp_path / "output", CONFIG)
    session.save()

    assert Session.load() == session


@pytest.mark.usefixtures("own_environment")
def test_its_file_holds_no_secret(tmp_path: Path) -> None:
    replace(made(tmp_path / "output", CONFIG), target="service:http://me:s3cr3t-4@host").save()

    text = (tmp_path / "output" / FILE).read_text(encoding="utf-8")
    assert "s3cr3t" not in text
    assert "s3-credentials" in text


def test_a_later_start_reads_it_without_the_secrets(own_environment: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made(own_environment / "output", CONFIG).save()
    for name in CONFIG:
        monkeypatch.delenv(name, raising=False)

    found = Session.load(own_environment / "output" / FILE)
    assert (found.run_id, found.namespace) == ("run0000001", "jobs")
    assert set(found.config) == {
        *("METAFLOW_KUBERNETES_SECRETS", "METAFLOW_KUBERNETES_NAMESPACE", "METAFLOW_DATASTORE_SYSROOT_S3")
    }


@pytest.mark.usefixtures("own_environment")
def test_outside_of_a_run_there_is_none() -> None:
    with pytest.raises(KeyError, match=VARIABLE):
        Session.load()


def test_everything_that_is_made_bears_the_run(tmp_path: Path) -> None:
    session = made(tmp_path, {})

    assert session.namespace == "default"
    assert session.label == ("mfconf.dev/run", "run0000001")
    assert session.tag == "mfconf:run0000001"
    assert session.template("slow_step") == "mfconf-run0000001-slow-step"
    assert session.launch_file(Launch("linear", "argo")) == tmp_path / "launches" / "linear@argo.json"
    assert session.launch_file("linear@argo", "log") == tmp_path / "launches" / "linear@argo.log"


def test_run_ids_are_names_for_everything_and_never_the_same() -> None:
    names = {new_run_id() for _ in range(500)}

    assert len(names) == 500
    assert all(re.fullmatch(r"[a-z][a-z0-9]{9}", name) for name in names)
