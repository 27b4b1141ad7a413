"""The images of the local deployment: pulled where a registry answers, else built. See ``kind-config/images.yaml``."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import yaml

from conformance.errors import TargetError, UsageError
from conformance.local import builds
from conformance.local.paths import kind_config, repository
from conformance.local.progress import Progress
from conformance.local.shell import run

Source = Literal["auto", "pull", "build"]
PULL_S = 900
ANSWER_S = 20
INSPECT_S = 60
DOCKER_S = 900


@dataclass(frozen=True)
class Image:
    """One entry of ``images.yaml``."""

    name: str
    version: str
    registry: str | None
    build: dict[str, Any]
    names: tuple[str, ...]

    @property
    def folder(self) -> Path:
        """Where its Dockerfile is."""
        return kind_config() / "build" / self.name


@dataclass
class Images:
    """Every image by name, as a reference that the engine has; ``built`` names those made here."""

    references: dict[str, str] = field(default_factory=dict)
    built: set[str] = field(default_factory=set)


def catalogue() -> dict[str, Image]:
    """The images of ``images.yaml``, in its order."""
    listed = yaml.safe_load((kind_config() / "images.yaml").read_text(encoding="utf-8"))
    return {
        name: Image(name, str(entry["version"]), entry.get("registry"), entry["build"], tuple(entry.get("names", ())))
        for name, entry in listed["images"].items()
    }


DEPLOYED = ("s3", "postgres", "metadata", "argo-controller", "argo-executor", "jobset", "task", "gpu")
"""The images that pods of the deployment use, besides Kubernetes' own."""


def provide(source: Source, progress: Progress) -> Images:
    """Make every image available to the engine and return their references.

    ``pull`` takes what a registry has (our own are always built), ``build`` builds all, ``auto`` pulls
    where a registry answers. Raises ``TargetError`` where ``pull`` finds no registry, ``UsageError`` where
    a build lacks its tools.
    """
    entries = catalogue()
    images = Images()
    if source != "build":
        _pull(entries, images, progress, strict=source == "pull")
    for entry in entries.values():
        if entry.name not in images.references and _wanted(entry, images):
            with progress.note(f"image {entry.name} {entry.version}"):
                images.references[entry.name] = _build(entry, images, progress)
                images.built.add(entry.name)
    return images


def _wanted(entry: Image, images: Images) -> bool:
    """What a node image brings along anyway is needed only by one that is built here."""
    return entry.name not in catalogue()["node"].build["carries"] or "node" not in images.references


def _pull(entries: dict[str, Image], images: Images, progress: Progress, *, strict: bool) -> None:
    silent: set[str] = set()
    for entry in entries.values():
        host = (entry.registry or "").split("/")[0]
        if entry.registry is None or host in silent:
            continue
        with progress.note(f"image {entry.name}: asking {host}"):
            try:
                _pull_one(entry.registry)
            except TargetError:
                if strict:
                    raise
                silent.add(host)
                continue
        images.references[entry.name] = entry.registry
        images.built.discard(entry.name)


def _pull_one(reference: str) -> None:
    if _exists(reference):
        return
    try:
        asked = subprocess.run(
            ["docker", "manifest", "inspect", reference],
            check=False,
            capture_output=True,
            timeout=ANSWER_S,
            text=True,
        )
    except subprocess.TimeoutExpired:
        raise TargetError(
            f"image {reference}: the registry gave no answer within {ANSWER_S} s; use --images build"
        ) from None
    if asked.returncode != 0:
        said = (asked.stderr.strip().splitlines() or ["no answer"])[-1]
        raise TargetError(f"image {reference}: the registry did not give it: {said}; use --images build")
    run(["docker", "pull", "--quiet", reference], doing=f"pulling {reference}", timeout=PULL_S)


def _exists(reference: str) -> bool:
    try:
        asked = subprocess.run(
            ["docker", "image", "inspect", reference], check=False, capture_output=True, timeout=INSPECT_S
        )
    except subprocess.TimeoutExpired:
        raise TargetError(
            f"image {reference}: the Docker engine gave no answer within {INSPECT_S} s; restart it"
        ) from None
    return asked.returncode == 0


def _build(entry: Image, images: Images, progress: Progress) -> str:
    start = _start(entry, images, progress)
    recipe = entry.build
    sources = [repository() / path for path in recipe.get("source", ())]
    programs = {
        name: builds.go_program(name, program["module"], program["package"], entry.version)
        for name, program in recipe.get("go", {}).items()
    }
    lock = repository() / recipe["wheels"] if "wheels" in recipe else None
    wheels = builds.wheels(entry.name, lock) if lock else None
    carried = [images.references[name] for name in _carried(entry, images)]
    key = builds.digest(
        entry,
        start,
        carried,
        sorted(path.name for path in programs.values()),
        files=[entry.folder, *sources, *([lock] if lock else [])],
    )
    reference = f"mfconf/{entry.name}:{entry.version}-{key}"
    if _exists(reference):
        return reference
    with _context(entry, programs, wheels, sources) as context:
        if entry.name == "node":
            shutil.copytree(builds.go_module("kind", "sigs.k8s.io/kind") / "images/base/files", context / "kind-files")
            _save(_carried(entry, images), images, context / "images.tar")
        run(
            ["docker", "build", "--quiet", "--tag", reference, "--build-arg", f"FROM={start}"]
            + (["--build-arg", f"VERSION={entry.version}"] if entry.name == "node" else [])
            + [str(context)],
            doing=f"building the image {entry.name}",
            timeout=DOCKER_S,
            env={"DOCKER_BUILDKIT": "0"},
        )
    for name in entry.names:
        run(["docker", "tag", reference, name], doing=f"naming {reference}", timeout=60)
    return reference


def _carried(entry: Image, images: Images) -> list[str]:
    """The images a node image of ours brings along, so that no node ever asks a registry."""
    if entry.name != "node":
        return []
    return [*entry.build["carries"], *(name for name in DEPLOYED if name in images.built)]


def _save(names: list[str], images: Images, path: Path) -> None:
    entries = catalogue()
    references = [reference for name in names for reference in entries[name].names or (images.references[name],)]
    run(
        ["docker", "save", "--output", path, *references],
        doing="saving the images for the nodes",
        timeout=DOCKER_S,
    )


def _start(entry: Image, images: Images, progress: Progress) -> str:
    """The image this one starts from: another of ours, an imported root file system, or nothing."""
    recipe = entry.build
    if "from" in recipe:
        return images.references[recipe["from"]]
    if "debian" not in recipe:
        return "scratch"
    wanted = recipe["debian"] if isinstance(recipe["debian"], list) else recipe["debian"].split()
    tar = builds.root_file_system(entry.name, wanted, progress)
    reference = f"mfconf/root-{entry.name}:{tar.name.rsplit('-', 1)[-1]}"
    if not _exists(reference):
        run(
            ["docker", "import", tar, reference],
            doing=f"importing the root of {entry.name}",
            timeout=DOCKER_S,
        )
    return reference


@contextmanager
def _context(entry: Image, programs: dict[str, Path], wheels: Path | None, sources: list[Path]) -> Iterator[Path]:
    """A folder with everything the Dockerfile copies."""
    with tempfile.TemporaryDirectory(prefix="mfconf-image-") as scratch:
        context = Path(scratch, "context")
        shutil.copytree(entry.folder, context, ignore=shutil.ignore_patterns("__pycache__"))
        for name, program in programs.items():
            os.link(program, context / name) if _same_disk(program, context) else shutil.copy2(program, context / name)
        if wheels:
            shutil.copytree(wheels, context / "wheels")
        for path in sources:
            target = context / "source" / path.relative_to(repository())
            target.parent.mkdir(parents=True, exist_ok=True)
            if path.is_dir():
                shutil.copytree(path, target, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy2(path, target)
        yield context


def _same_disk(one: Path, other: Path) -> bool:
    return one.stat().st_dev == other.stat().st_dev


def load(images: Images, cluster: str, kind: Path, env: dict[str, str]) -> None:
    """Bring the deployment's images onto the nodes, where the node image does not carry them."""
    if "node" in images.built:
        return
    references = [images.references[name] for name in DEPLOYED]
    run(
        [kind, "load", "docker-image", "--name", cluster, *references],
        doing="loading the images onto the nodes",
        timeout=DOCKER_S,
        env=env,
    )


def check_source(source: str) -> Source:
    """``source`` as one of the three ways. Raises ``UsageError`` for anything else."""
    if source in ("auto", "pull", "build"):
        return source  # type: ignore[return-value]
    raise UsageError(f"--images {source}: not one of auto, pull, build")
