"""What a run made is removed, what could not be is told, and killed runs are reaped, only they."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psutil
import pytest
from kubernetes.client.exceptions import ApiException

from conformance import cleanup
from conformance.cleanup import Cleanup
from conformance.errors import TargetError
from conformance.session import FILE, VARIABLE, Session
from conformance.system import cluster


def session(output: Path, run_id: str = "run0000001", target: str = "kind", *needs: str) -> Session:
    return Session(run_id, output, target, (), (), frozenset(needs), frozenset(), {})


def answering(error: Exception | None) -> Callable[..., None]:
    def function(**_: object) -> None:
        if error:
            raise error

    return function


@pytest.mark.parametrize(
    ("error", "removed", "leaked"),
    [
        (None, ["job/a"], []),
        (ApiException(status=404, reason="Not Found"), ["job/a"], []),
        (ApiException(status=403, reason="Forbidden"), [], ["job/a: 403 Forbidden"]),
        (ApiException(status=500, reason="Oops"), [], ["job/a: 500 Oops"]),
        (TargetError("no answer"), [], ["job/a: no answer"]),
    ],
)
def test_what_became_of_one_thing(error: Exception | None, removed: list[str], leaked: list[str]) -> None:
    done = Cleanup()
    done.remove("job/a", answering(error), name="a")

    assert done == Cleanup(["job/a"], removed, leaked)


def test_a_removal_has_a_deadline_and_its_arguments() -> None:
    seen: dict[str, Any] = {}
    Cleanup().remove("job/a", lambda **arguments: seen.update(arguments), name="a", namespace="n")

    assert seen.pop("_request_timeout")
    assert seen == {"name": "a", "namespace": "n"}


def test_one_part_that_can_not_be_asked_does_not_keep_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuses(*_: object) -> None:
        raise ApiException(status=403, reason="Forbidden")

    def clears(_: Session, done: Cleanup) -> None:
        done.removed.append("objects")

    monkeypatch.setattr(cleanup, "_jobs", refuses)
    monkeypatch.setattr(cleanup, "_workflows", lambda *_: pytest.fail("the target has no Argo"))
    monkeypatch.setattr(cleanup, "_objects", clears)
    done = cleanup.clean_up(session(tmp_path, "run0000001", "kind", "kubernetes", "datastore"))

    assert done.removed == ["objects"]
    assert done.leaked == ["what kubernetes keeps of the run run0000001: (403)"]


class Workflows:
    """Argo's objects of two runs."""

    def __init__(self, _: object) -> None:
        self.deleted: list[str] = []
        Workflows.last = self

    last: Workflows

    def list_namespaced_custom_object(self, plural: str, **_: object) -> dict[str, Any]:
        names = ["mfconf-run0000001-linear", "mfconf-run0000001-linear-x7", "mfconf-run00000012-linear", "other"]
        return {"items": [{"metadata": {"name": name}} for name in names if plural == "workflows" or "x7" not in name]}

    def delete_namespaced_custom_object(self, plural: str, name: str, **_: object) -> None:
        self.deleted.append(f"{plural}/{name}")


def test_only_what_bears_the_run_is_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cleanup, "CustomObjectsApi", Workflows)
    monkeypatch.setattr(cluster, "connection", lambda: None)
    done = cleanup.clean_up(session(tmp_path, "run0000001", "kind", "argo"))

    assert done.leaked == []
    assert (
        Workflows.last.deleted
        == done.removed
        == [
            "workflowtemplates/mfconf-run0000001-linear",
            "workflows/mfconf-run0000001-linear",
            "workflows/mfconf-run0000001-linear-x7",
        ]
    )


def test_jobs_are_removed_with_their_pods(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[dict[str, Any]] = []
    view = SimpleNamespace(
        jobs=lambda: [SimpleNamespace(metadata=SimpleNamespace(name="t-1"))],
        batch=SimpleNamespace(delete_namespaced_job=lambda **arguments: calls.append(arguments)),
        namespace="jobs",
    )
    monkeypatch.setattr(cluster, "Cluster", lambda _: view)
    done = cleanup.clean_up(session(tmp_path, "run0000001", "kind", "kubernetes"))

    assert done.removed == ["job/t-1"]
    assert (calls[0]["name"], calls[0]["namespace"], calls[0]["propagation_policy"]) == ("t-1", "jobs", "Background")


@pytest.fixture
def journal(own_environment: Path) -> Path:
    """The folder of the runs that live."""
    return own_environment.parent / "journal"


@pytest.fixture
def cleaned(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The IDs of the runs that were cleaned up after."""
    found: list[str] = []

    def clean_up(session: Session) -> cleanup.Cleanup:
        found.append(session.run_id)
        return cleanup.Cleanup()

    monkeypatch.setattr(cleanup, "clean_up", clean_up)
    return found


@pytest.fixture
def gone() -> int:
    """The ID of a process that is over."""
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait()
    return child.pid


def noted(output: Path, target: str, pid: int, started: float = 0.0, **changes: Any) -> Path:
    """Note a run in the journal, as another process."""
    dead = session(output, "dead000001", target)
    dead.save()
    cleanup.enter(dead)
    path = cleanup.JOURNAL / "dead000001.json"
    entry = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps({**entry, "pid": pid, "started": started, **changes}), encoding="utf-8")
    return path


@pytest.mark.usefixtures("journal")
def test_a_killed_run_is_reaped(cleaned: list[str], gone: int, tmp_path: Path) -> None:
    path = noted(tmp_path / "output", "kind", gone)

    assert cleanup.reap("kind") == ["dead000001"]
    assert cleaned == ["dead000001"]
    assert not path.exists()
    assert cleanup.reap("kind") == []


def test_a_run_that_lives_is_left_alone(journal: Path, cleaned: list[str], tmp_path: Path) -> None:
    mine = session(tmp_path / "output")
    mine.save()
    cleanup.enter(mine)

    assert cleanup.reap("kind") == []
    assert cleaned == []
    assert [path.name for path in journal.iterdir()] == ["run0000001.json"]
    cleanup.leave(mine)
    assert list(journal.iterdir()) == []
    cleanup.leave(mine)


@pytest.mark.usefixtures("journal")
def test_a_process_id_used_again_is_not_the_run(cleaned: list[str], tmp_path: Path) -> None:
    noted(tmp_path / "output", "kind", os.getpid(), psutil.Process().create_time() - 60)

    assert cleanup.reap("kind") == ["dead000001"]
    assert cleaned == ["dead000001"]


@pytest.mark.usefixtures("journal")
def test_a_killed_run_on_another_target_waits_for_it(cleaned: list[str], gone: int, tmp_path: Path) -> None:
    path = noted(tmp_path / "output", "profile:prod", gone)

    assert cleanup.reap("kind") == []
    assert cleaned == []
    assert path.exists()
    assert cleanup.reap("profile:prod") == ["dead000001"]


@pytest.mark.usefixtures("journal")
def test_what_could_not_be_removed_is_tried_again(gone: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = noted(tmp_path / "output", "kind", gone)
    monkeypatch.setattr(cleanup, "clean_up", lambda _: cleanup.Cleanup(leaked=["job/t-1: 403 Forbidden"]))

    assert cleanup.reap("kind") == []
    assert path.exists()


@pytest.mark.usefixtures("journal")
def test_with_its_target_a_killed_run_is_abandoned(cleaned: list[str], gone: int, tmp_path: Path) -> None:
    path = noted(tmp_path / "output", "kind", gone)

    cleanup.abandon("profile:prod")
    assert path.exists()
    cleanup.abandon("kind")
    assert not path.exists()
    assert cleaned == []


@pytest.mark.usefixtures("journal")
def test_a_killed_run_whose_folder_is_gone_is_cleaned_up_after(
    gone: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("METAFLOW_SERVICE_AUTH_KEY", "s3cr3t")
    dead = replace(
        session(tmp_path / "output", "dead000001", "kind", "kubernetes"),
        config={"METAFLOW_KUBERNETES_NAMESPACE": "jobs", "METAFLOW_SERVICE_AUTH_KEY": "s3cr3t"},
    )
    dead.save()
    cleanup.enter(dead)
    path = cleanup.JOURNAL / "dead000001.json"
    text = path.read_text(encoding="utf-8")
    path.write_text(json.dumps({**json.loads(text), "pid": gone}), encoding="utf-8")
    shutil.rmtree(tmp_path / "output")
    cleaned: list[Session] = []

    def clean_up(found: Session) -> cleanup.Cleanup:
        cleaned.append(found)
        return cleanup.Cleanup()

    monkeypatch.setattr(cleanup, "clean_up", clean_up)

    assert cleanup.reap("kind") == ["dead000001"]
    assert cleaned == [dead]
    assert not path.exists()
    assert "s3cr3t" not in text


@pytest.mark.usefixtures("journal")
@pytest.mark.parametrize("changes", [{"session": {"run_id": "dead000001"}}, {"host": "another"}, {"host": None}])
def test_what_another_version_or_machine_noted_is_left_alone(
    cleaned: list[str], gone: int, tmp_path: Path, changes: dict[str, Any]
) -> None:
    path = noted(tmp_path / "output", "kind", gone, **changes)

    assert cleanup.reap("kind") == []
    cleanup.abandon("kind")
    assert cleaned == []
    assert path.exists()


@pytest.mark.usefixtures("journal")
def test_no_run_outlives_its_boot(cleaned: list[str], tmp_path: Path) -> None:
    noted(tmp_path / "output", "kind", os.getpid(), psutil.Process().create_time(), boot="an earlier one")

    assert cleanup.reap("kind") == ["dead000001"]
    assert cleaned == ["dead000001"]


@pytest.fixture
def sleeper(tmp_path: Path) -> Iterator[Callable[[str], subprocess.Popen[bytes]]]:
    """Starts a process that works on a session, until it is killed."""
    made: list[subprocess.Popen[bytes]] = []

    def start(named: str) -> subprocess.Popen[bytes]:
        child = subprocess.Popen(
            [sys.executable, "-c", "import sys; print(flush=True); sys.stdin.read()"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, VARIABLE: named},
            cwd=tmp_path,
        )
        assert child.stdout
        child.stdout.readline()
        made.append(child)
        return child

    yield start
    for child in made:
        child.kill()
        child.communicate()


def test_strays_of_a_killed_run_are_killed_and_nobody_else(
    tmp_path: Path, sleeper: Callable[[str], subprocess.Popen[bytes]]
) -> None:
    stray, other = sleeper(str(tmp_path / "output" / FILE)), sleeper(str(tmp_path / "other" / FILE))

    cleanup.kill_strays(tmp_path / "output")
    assert stray.wait(10) == -9
    assert other.poll() is None
