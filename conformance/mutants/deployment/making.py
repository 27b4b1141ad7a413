"""Makes a mutant of the local deployment, and takes it back whatever happens: what undoes it is on the disk before."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import yaml

from conformance import local
from conformance.errors import TargetError
from conformance.local import cluster, deployment
from conformance.local.paths import STATE
from conformance.local.shell import run
from conformance.mutants.deployment.bench import LABEL, LAUNCHER, STORE_KEY, Bench, Manifest, Patch
from conformance.mutants.deployment.standing import Standing
from conformance.waiting import Unsettled, wait

JOURNAL = STATE / "mutants"
PROFILE = "mutant"
COME_S = 90
"""Seconds in which a change has to come through."""

GONE_S = 120
SCRIPT_S = 120
KINDS = (
    *("namespaces", "mutatingadmissionpolicies", "mutatingadmissionpolicybindings", "priorityclasses"),
    *("clusterroles", "clusterrolebindings", "roles", "rolebindings", "serviceaccounts", "secrets", "configmaps"),
    *("resourcequotas", "limitranges", "poddisruptionbudgets"),
)
"""What a mutant may have made; the pods of the run that judged it are the run's to remove."""


class NotTakenBack(TargetError):
    """The deployment is still broken."""


@dataclass(frozen=True)
class Command:
    """One command: for kubectl, or a script on a node."""

    doing: str
    node: str
    words: tuple[str, ...]
    stdin: str = ""

    def run(self) -> str:
        """Do it. Raises ``TargetError``."""
        if not self.node:
            return cluster.kubectl(*self.words, doing=self.doing, stdin=self.stdin)
        words = ["docker", "exec", "--interactive", self.node, "sh", "-euc", *self.words]
        return run(words, doing=self.doing, timeout=SCRIPT_S, stdin=self.stdin)


@contextmanager
def made(bench: Bench, standing: Standing) -> Iterator[dict[str, str]]:
    """Make the mutant; the environment of a user of it. It is taken back at the end.

    Raises ``TargetError`` where it can't be made, and ``NotTakenBack``.
    """
    doing = f"making the mutant {bench.name}"
    objects = [*standing.namespace(bench), *standing.accounts(bench), *bench.objects]
    patches = [(patch, patch.content(former), former) for patch in bench.patches for former in [standing.former(patch)]]
    undo = [
        *([_kubectl("delete", "--ignore-not-found", "--wait=false", stdin=_named(objects))] if objects else []),
        *(_patch(patch, inverse(content, former)) for patch, content, former in patches),
        *(Command(f"taking back {bench.name} on {s.node}", s.node, (s.undo,), s.stdin) for s in bench.scripts),
    ]
    journal = JOURNAL / f"{bench.name}.json"
    _private(journal, json.dumps([asdict(command) for command in undo]))
    try:
        if objects:
            listed = json.dumps({"apiVersion": "v1", "kind": "List", "items": objects})
            if STORE_KEY in listed:
                listed = listed.replace(STORE_KEY, standing.store_key)
            cluster.kubectl("apply", "--server-side", "--filename=-", doing=doing, stdin=listed)
        for patch, content, _ in patches:
            _patch(patch, content).run()
        for script in bench.scripts:
            Command(doing, script.node, (script.do,), script.stdin).run()
        _come_through(bench)
        yield _user(bench, standing)
    finally:
        take_back(journal)
        if bench.breaks:
            _as_before(bench, patches, standing)


def take_back(journal: Path) -> None:
    """Undo what the journal of a mutant says. Raises ``NotTakenBack``, and leaves it to the next start."""
    failed = []
    for entry in reversed(json.loads(journal.read_text(encoding="utf-8"))):
        try:
            Command(**{**entry, "words": tuple(entry["words"])}).run()
        except TargetError as error:
            failed.append(str(error))
    if failed:
        raise NotTakenBack(
            f"the mutant {journal.stem} is not taken back: {'; '.join(failed)}; run mfconf mutants again"
        )
    shutil.rmtree(journal.with_suffix(""), ignore_errors=True)
    journal.unlink()


def reset() -> list[str]:
    """Take back what a killed trial left, and see that nothing of any mutant is there; the names of what was."""
    left = sorted(JOURNAL.glob("*.json"))
    for journal in left:
        take_back(journal)
    cluster.kubectl(
        *("delete", "jobs,pods", "--all-namespaces", f"--selector={LABEL}", "--wait=false", "--ignore-not-found"),
        doing="removing the pods of mutants",
    )
    gone()
    return [journal.stem for journal in left]


def gone() -> None:
    """Wait until nothing that a mutant made is left. Raises ``NotTakenBack``."""

    def left() -> str:
        words = ("get", ",".join(KINDS), "--all-namespaces", f"--selector={LABEL}", "--output=name")
        return cluster.kubectl(*words, doing="looking for what mutants left")

    try:
        wait(lambda: not left().strip(), "nothing of a mutant is left", GONE_S, left)
    except Unsettled as error:
        raise NotTakenBack(str(error)) from None


def inverse(content: Manifest, former: Any) -> Manifest:
    """The merge patch that undoes ``content`` on an object that was ``former``."""
    there = former if isinstance(former, dict) else {}
    return {
        key: inverse(value, there[key])
        if isinstance(value, dict) and isinstance(there.get(key), dict)
        else there.get(key)
        for key, value in content.items()
    }


def _kubectl(*words: str, stdin: str = "") -> Command:
    return Command("taking back a mutant", "", (*words, "--filename=-"), stdin)


def _patch(patch: Patch, content: Manifest) -> Command:
    where = (f"--namespace={patch.namespace}",) if patch.namespace else ()
    words = ("patch", patch.kind, patch.name, *where, "--type=merge", f"--patch={json.dumps(content)}")
    return Command(f"changing {patch.kind} {patch.name}", "", words)


def _named(objects: list[Manifest]) -> str:
    """The objects by kind and name alone: no secret gets into a journal."""
    kept = ("name", "namespace")
    items = [
        {
            **{key: one[key] for key in ("apiVersion", "kind")},
            "metadata": {k: v for k, v in one["metadata"].items() if k in kept},
        }
        for one in objects
    ]
    return json.dumps({"apiVersion": "v1", "kind": "List", "items": items})


def _come_through(bench: Bench) -> None:
    for words in bench.waits:
        cluster.kubectl(*words, f"--timeout={COME_S}s", doing=f"waiting for the mutant {bench.name}")
    if any(one["kind"] == "MutatingAdmissionPolicy" for one in bench.objects):
        wait(lambda: _changes_pods(bench), f"the API server heeds the policy {bench.made}", COME_S)


def _changes_pods(bench: Bench) -> bool:
    """Tell whether a pod that the run might make would be changed; one that can't be, as it is another, counts too."""
    marks = {"labels": {LABEL: bench.name}, "annotations": {"mfconf.dev/probe": ""}}
    meta = {"name": "mfconf-probe", "namespace": bench.namespace, **marks}
    container = {"name": "probe", "image": "none"}
    probe = {"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": {"containers": [container]}}
    words = ("create", "--dry-run=server", "--output=json", "--filename=-")
    try:
        said = cluster.kubectl(*words, doing="looking at the policy", stdin=json.dumps(probe))
    except TargetError as error:
        if bench.made in str(error):
            return True
        raise
    annotations: dict[str, str] = json.loads(said)["metadata"].get("annotations", {})
    return LABEL in annotations


def _as_before(bench: Bench, patches: list[tuple[Patch, Manifest, Manifest]], standing: Standing) -> None:
    """See that what is shared is as it was, and works. Raises ``NotTakenBack``."""
    for patch, content, former in patches:
        if inverse(content, standing.former(patch)) != inverse(content, former):
            raise NotTakenBack(
                f"the mutant {bench.name} is not taken back: {patch.kind} {patch.name} is as it was made"
            )
    try:
        deployment.wait()
    except TargetError as error:
        raise NotTakenBack(f"after the mutant {bench.name} the deployment does not come back: {error}") from None


def _user(bench: Bench, standing: Standing) -> dict[str, str]:
    """The environment of a user of the broken deployment: a Metaflow profile and a kubeconfig of the mutant's own."""
    home = JOURNAL / bench.name
    _private(home / f"config_{PROFILE}.json", json.dumps({**standing.config, **bench.config}))
    found = {**local.environment(), "METAFLOW_HOME": str(home), "METAFLOW_PROFILE": PROFILE}
    if any(rights.account == LAUNCHER for rights in bench.rights):
        kubeconfig = yaml.safe_load(Path(found["KUBECONFIG"]).read_text(encoding="utf-8"))
        kubeconfig["users"][0]["user"] = {"token": standing.token(bench.made)}
        _private(home / "kubeconfig", yaml.safe_dump(kubeconfig))
        found["KUBECONFIG"] = str(home / "kubeconfig")
    return found


def _private(path: Path, text: str) -> None:
    """Write a file that this user alone may read, as a whole, so that it is there when this returns."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    scratch = path.with_suffix(".tmp")
    scratch.touch(mode=0o600)
    with scratch.open("w", encoding="utf-8") as stream:
        stream.write(text)
        stream.flush()
        os.fsync(stream.fileno())
    scratch.rename(path)
