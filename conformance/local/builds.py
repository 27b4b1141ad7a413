"""What images are built from: Go programs, Debian root file systems, Python wheels. Cached by what went in."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path

from conformance.errors import UsageError
from conformance.local import packages
from conformance.local.paths import CACHE, kind_config, repository
from conformance.local.progress import Progress
from conformance.local.shell import run

SUITE = "bookworm"
GO_NEEDED = (1, 25)
BUILD_S = 3600
DOWNLOAD_S = 900

LEAN = [
    "--variant=minbase",
    *(f"--dpkgopt=path-exclude=/usr/share/{folder}/*" for folder in ("man", "doc", "locale", "info")),
    # the just-in-time compiler of Postgres: 120 MB that a small database never calls
    "--dpkgopt=path-exclude=/usr/lib/*/libLLVM*",
    "--dpkgopt=path-exclude=/usr/lib/*/libz3*",
    "--dpkgopt=path-exclude=/usr/lib/postgresql/*/lib/bitcode/*",
]


def digest(*parts: object, files: Iterable[Path] = ()) -> str:
    """Sixteen hex digits that change whenever a part, a file's name or its content changes."""
    hashed = hashlib.sha256(repr(parts).encode())
    for path in sorted(_files(files)):
        hashed.update(str(path.relative_to(repository())).encode())
        hashed.update(path.read_bytes())
    return hashed.hexdigest()[:16]


def _files(paths: Iterable[Path]) -> Iterable[Path]:
    for path in paths:
        if path.is_dir():
            yield from (file for file in path.rglob("*") if file.is_file() and "__pycache__" not in file.parts)
        else:
            yield path


def cached(kind: str, name: str, key: str, make: Callable[[Path], None]) -> Path:
    """The path of a build, made by ``make(path)`` unless one with this key is there; never half a build."""
    final = CACHE / kind / f"{name}-{key}"
    if final.exists():
        return final
    final.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{name}-", dir=final.parent) as scratch:
        made = Path(scratch, name)
        make(made)
        made.rename(final)
    return final


def go_program(name: str, module: str, package: str, version: str) -> Path:
    """The program ``package`` of ``kind-config/build/<module>``, linked without cgo."""
    source = kind_config() / "build" / module
    go = _go()
    flags = _linker_flags(module, version)
    key = digest("go", go, package, flags, files=[source])

    def make(path: Path) -> None:
        with tempfile.TemporaryDirectory(prefix="mfconf-go-") as scratch:
            work = Path(scratch, module)
            shutil.copytree(source, work)
            env = {"CGO_ENABLED": "0", "GOFLAGS": "-buildvcs=false", "GOOS": "linux"}
            if (work / "supply").exists():
                run(
                    ["go", "mod", "vendor"],
                    doing=f"fetching the Go modules of {name}",
                    timeout=DOWNLOAD_S,
                    env=env,
                    cwd=work,
                )
                shutil.copytree(work / "supply", work / "vendor" / _module_of(package), dirs_exist_ok=True)
            run(
                ["go", "build", "-trimpath", "-ldflags", flags, "-o", path, package],
                doing=f"building {name}",
                timeout=BUILD_S,
                env=env,
                cwd=work,
            )

    return cached("go", name, key, make)


def go_module(module: str, name: str) -> Path:
    """The source folder of the module ``name`` at the version that ``kind-config/build/<module>`` pins."""
    _go()
    listed = run(
        ["go", "mod", "download", "-json", name],
        doing=f"fetching {name}",
        timeout=DOWNLOAD_S,
        cwd=kind_config() / "build" / module,
    )
    found = re.search(r'"Dir": "([^"]+)"', listed)
    assert found, listed  # noqa: S101 - the documented output of go mod download
    return Path(found[1])


def _module_of(package: str) -> str:
    return package.split("/cmd/", maxsplit=1)[0]


def _linker_flags(module: str, version: str) -> str:
    if module != "kubernetes":
        return "-s -w"
    # kubeadm compares versions and refuses a node that does not know its own
    major, minor, _ = version.removeprefix("v").split(".")
    facts = {"gitVersion": version, "gitMajor": major, "gitMinor": minor, "gitTreeState": "clean"}
    packages_ = ("k8s.io/component-base/version", "k8s.io/client-go/pkg/version")
    return " ".join(
        ["-s -w", *(f"-X {package}.{fact}={value}" for package in packages_ for fact, value in facts.items())]
    )


def _go() -> str:
    """The Go version on the PATH, such as ``go1.26.8``."""
    wanted = ".".join(map(str, GO_NEEDED))
    if not shutil.which("go"):
        raise UsageError(f"go: no Go toolchain on the PATH, and images must be built; install Go {wanted} or later")
    version = run(["go", "env", "GOVERSION"], doing="asking for Go's version", timeout=30).strip()
    numbers = re.match(r"go(\d+)\.(\d+)", version)
    if not numbers or tuple(map(int, numbers.groups())) < GO_NEEDED:
        raise UsageError(f"go: {version} is too old to build the images; install Go {wanted} or later")
    return version


def root_file_system(name: str, wanted: list[str], progress: Progress) -> Path:
    """A tar of a minimal Debian with the packages ``wanted``."""
    packages.ensure({"mmdebstrap": "mmdebstrap"}, progress)

    def make(path: Path) -> None:
        tar = path.with_suffix(".tar")
        run(
            ["mmdebstrap", *LEAN, f"--include={','.join(wanted)}", SUITE, tar],
            doing=f"making the root file system of {name}",
            timeout=BUILD_S,
            env={"TMPDIR": str(path.parent)},
        )
        tar.rename(path)

    return cached("debian", name, digest("debian", SUITE, LEAN, sorted(wanted)), make)


def wheels(name: str, lock: Path) -> Path:
    """A folder with the Python packages of the lock file, for Debian's Python on this architecture."""

    def make(path: Path) -> None:
        run(
            [
                *(sys.executable, "-m", "pip", "install", "--quiet", "--no-compile", "--no-deps"),
                *("--only-binary=:all:", "--python-version=3.11", "--implementation=cp"),
                *(
                    "--platform",
                    f"manylinux2014_{os.uname().machine}",
                    "--platform",
                    f"manylinux_2_28_{os.uname().machine}",
                ),
                *("--target", str(path), "--requirement", str(lock)),
            ],
            doing=f"fetching the Python packages of {name}",
            timeout=DOWNLOAD_S,
        )

    return cached("wheels", name, digest("wheels", os.uname().machine, files=[lock]), make)
