"""What images are built from: named by what went in, whole or not there; and the catalogue of images."""

from __future__ import annotations

import os
import socket
from pathlib import Path
from typing import Any

import pytest

from conformance.errors import TargetError, UsageError
from conformance.local import builds, cluster, images, packages, paths
from conformance.local.progress import Progress


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository with two files in a folder."""
    (tmp_path / "part" / "deep").mkdir(parents=True)
    (tmp_path / "part" / "one.txt").write_text("one", encoding="utf-8")
    (tmp_path / "part" / "deep" / "two.txt").write_text("two", encoding="utf-8")
    monkeypatch.setattr(builds, "repository", lambda: tmp_path)
    return tmp_path


def changed_content(tree: Path) -> None:
    (tree / "part" / "deep" / "two.txt").write_text("too", encoding="utf-8")


def changed_name(tree: Path) -> None:
    (tree / "part" / "one.txt").rename(tree / "part" / "uno.txt")


def added(tree: Path) -> None:
    (tree / "part" / "three.txt").touch()


def removed(tree: Path) -> None:
    (tree / "part" / "one.txt").unlink()


def moved_content(tree: Path) -> None:
    (tree / "part" / "one.txt").write_text("two", encoding="utf-8")
    (tree / "part" / "deep" / "two.txt").write_text("one", encoding="utf-8")


@pytest.mark.parametrize("change", [changed_content, changed_name, added, removed, moved_content])
def test_a_digest_changes_with_its_files(tree: Path, change: Any) -> None:
    before = builds.digest("x", files=[tree / "part"])
    change(tree)

    assert builds.digest("x", files=[tree / "part"]) != before


def test_a_digest_stays_where_nothing_changes_that_counts(tree: Path) -> None:
    before = builds.digest("x", files=[tree / "part"])
    (tree / "part" / "__pycache__").mkdir()
    (tree / "part" / "__pycache__" / "one.pyc").touch()
    (tree / "elsewhere.txt").touch()
    os.utime(tree / "part" / "one.txt", (1, 1))

    assert builds.digest("x", files=[tree / "part"]) == before
    assert builds.digest("x", files=[tree / "part" / "one.txt", tree / "part" / "deep"]) == before
    assert len(before) == 16


@pytest.mark.parametrize("parts", [("y",), ("x", "y"), ("xy",), (["x"],), ()])
def test_a_digest_changes_with_its_parts(parts: tuple[object, ...]) -> None:
    assert builds.digest(*parts) != builds.digest("x")


def test_a_digest_is_the_same_wherever_the_repository_lies(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = builds.digest(files=[tree / "part"])
    other = tree / "elsewhere"
    (other / "part" / "deep").mkdir(parents=True)
    for name in ("part/one.txt", "part/deep/two.txt"):
        (other / name).write_bytes((tree / name).read_bytes())
    monkeypatch.setattr(builds, "repository", lambda: other)

    assert builds.digest(files=[other / "part"]) == before


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(builds, "CACHE", tmp_path / "cache")
    return tmp_path / "cache"


def test_a_build_is_made_once(cache: Path) -> None:
    made: list[Path] = []

    def make(path: Path) -> None:
        made.append(path)
        path.write_text("built", encoding="utf-8")

    first, second = (builds.cached("go", "prog", "abc", make) for _ in range(2))
    assert first == second == cache / "go" / "prog-abc"
    assert first.read_text(encoding="utf-8") == "built"
    assert len(made) == 1
    assert builds.cached("go", "prog", "def", make) != first
    assert {path.name for path in (cache / "go").iterdir()} == {"prog-abc", "prog-def"}


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt, SystemExit])
def test_half_a_build_is_never_left(cache: Path, error: type[BaseException]) -> None:
    def break_off(path: Path) -> None:
        path.mkdir()
        (path / "half").touch()
        raise error

    with pytest.raises(error):
        builds.cached("wheels", "task", "abc", break_off)
    assert list((cache / "wheels").iterdir()) == []
    assert builds.cached("wheels", "task", "abc", Path.mkdir).is_dir()


def test_a_build_that_made_nothing_is_an_error(cache: Path) -> None:
    with pytest.raises(FileNotFoundError):
        builds.cached("go", "prog", "abc", lambda _: None)
    assert list((cache / "go").iterdir()) == []


@pytest.mark.parametrize(
    ("says", "fine"),
    [
        ("go1.25", True),
        ("go1.25.3", True),
        ("go1.30rc1", True),
        ("go2.0", True),
        ("go1.24.9", False),
        ("devel x", False),
    ],
)
def test_go_has_to_be_new_enough(monkeypatch: pytest.MonkeyPatch, says: str, *, fine: bool) -> None:
    monkeypatch.setattr("shutil.which", lambda _: "/usr/bin/go")
    monkeypatch.setattr(builds, "run", lambda *_, **__: f"{says}\n")

    if fine:
        assert builds._go() == says
    else:
        with pytest.raises(UsageError, match=r"is too old to build the images; install Go 1\.25 or later"):
            builds._go()


def test_without_go_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.which", lambda _: None)

    with pytest.raises(UsageError, match=r"no Go toolchain on the PATH, .*; install Go 1\.25 or later"):
        builds._go()


def test_only_kubernetes_is_told_its_version() -> None:
    assert builds._linker_flags("argo", "v3.7.3") == "-s -w"
    assert "-X k8s.io/component-base/version.gitMinor=34" in builds._linker_flags("kubernetes", "v1.34.4")


def test_the_catalogue_of_images_leads_somewhere() -> None:
    entries = images.catalogue()
    before: list[str] = []

    for name, entry in entries.items():
        assert (entry.folder / "Dockerfile").is_file(), f"{name} has no Dockerfile"
        assert set(entry.build) <= {"from", "debian", "go", "wheels", "source", "carries"}
        assert entry.build.get("from", "base") in [*before, "base"], f"{name} starts from an image built after it"
        for program in entry.build.get("go", {}).values():
            assert (paths.kind_config() / "build" / program["module"] / "go.mod").is_file()
        for path in [*entry.build.get("source", []), *[entry.build[k] for k in ("wheels",) if k in entry.build]]:
            assert (paths.repository() / path).exists(), f"{name}: {path}"
        assert set(entry.build.get("carries", [])) <= set(before)
        before.append(name)
    assert set(images.DEPLOYED) <= set(entries)
    assert before[-1] == "node"
    assert entries["postgres"].version == "15"
    assert entries["pause"].names == ("registry.k8s.io/pause:3.10", "registry.k8s.io/pause:3.10.1")
    assert {name for name, entry in entries.items() if entry.registry is None} >= {"task", "gpu"}


@pytest.mark.parametrize("source", ["auto", "pull", "build"])
def test_the_ways_to_an_image(source: str) -> None:
    assert images.check_source(source) == source


def test_another_way_to_an_image_is_refused() -> None:
    with pytest.raises(UsageError, match="--images guess: not one of auto, pull, build"):
        images.check_source("guess")


def test_a_node_that_was_pulled_needs_no_images_of_kubernetes() -> None:
    entries = images.catalogue()
    pulled = images.Images(references={"node": "docker.io/kindest/node:v1.34.0"})

    wanted = {name for name, entry in entries.items() if images._wanted(entry, pulled)}
    assert set(entries) - wanted == {"kubernetes", "coredns", "pause", "storage"}
    assert all(images._wanted(entry, images.Images()) for entry in entries.values())


SILENT = """#!/bin/sh
[ "$1 $2" = "manifest inspect" ] && exec sleep 60
exit 1
"""


@pytest.fixture
def silent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A Docker that has no image, and whose registries swallow every question."""
    (tmp_path / "docker").write_text(SILENT, encoding="utf-8")
    (tmp_path / "docker").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.setattr(images, "ANSWER_S", 0.2)
    monkeypatch.setattr(images, "_build", lambda entry, *_: f"mfconf/{entry.name}")


@pytest.mark.usefixtures("silent")
def test_where_a_registry_swallows_questions_all_is_built() -> None:
    provided = images.provide("auto", Progress(1))

    assert provided.built == set(images.catalogue())


@pytest.mark.usefixtures("silent")
def test_a_registry_that_swallows_questions_is_named_where_it_has_to_answer() -> None:
    with pytest.raises(TargetError, match=r"the registry gave no answer within 0.2 s; use --images build"):
        images.provide("pull", Progress(1))


def test_missing_programs_are_named_to_who_may_not_install_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", os.environ["PATH"])
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    monkeypatch.setattr("shutil.which", lambda program: None if program in ("dockerd", "docker") else f"/bin/{program}")

    with pytest.raises(UsageError) as raised:
        packages.ensure({"dockerd": "docker.io", "docker": "docker.io", "ip": "iproute2"}, Progress(1))
    assert str(raised.value) == "missing programs: install docker.io (Debian's names), then try again"


def test_programs_that_are_there_cost_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/somewhere")
    monkeypatch.setattr("shutil.which", lambda program: f"/bin/{program}")
    monkeypatch.setattr(packages, "run", lambda *_, **__: pytest.fail("nothing is to be installed"))

    packages.ensure({"ip": "iproute2"}, Progress(1))
    assert os.environ["PATH"] == "/somewhere:/usr/local/sbin:/usr/sbin:/sbin"
    packages.find_system_programs()
    assert os.environ["PATH"].count("/usr/sbin") == 1


def test_a_port_that_is_taken_is_named() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(cluster, "ports", lambda: {30080: port})
            with pytest.raises(UsageError, match=rf"port 127\.0\.0\.1:{port} is taken; .*hostPort in .*cluster\.yaml"):
                cluster.check_ports()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cluster, "ports", lambda: {30080: port})
        cluster.check_ports()


def test_the_ports_are_those_of_the_cluster_file() -> None:
    assert set(cluster.ports()) == {30080, 30070}
    assert len(cluster.configuration()["nodes"]) == 4
    assert cluster.configuration()["name"] == cluster.NAME
