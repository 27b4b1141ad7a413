"""A run as another process reads it: ``python -m conformance.system.elsewhere artifacts|tagged ...``."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from typing import Any

from conformance.system.flows import RunView

READ_S = 120


class Elsewhere:
    """Reads through Metaflow's client in a process with the user's configuration and login, and nothing read yet."""

    def artifacts(self, run: RunView) -> dict[str, dict[str, str]]:
        """Task pathspec -> artifact -> ``repr`` of its value."""
        found: dict[str, dict[str, str]] = self._ask("artifacts", run.pathspec)
        return found

    def tagged(self, run: RunView, tag: str) -> list[str]:
        """The pathspecs of the runs of the same flow that have a tag."""
        found: list[str] = self._ask("tagged", run.pathspec.split("/")[0], tag)
        return found

    def _ask(self, *words: str) -> Any:
        with tempfile.TemporaryDirectory() as folder:
            # HOME stays: the login to AWS is kept below it
            env = {**os.environ, "METAFLOW_CLIENT_CACHE_PATH": f"{folder}/cache"}
            done = subprocess.run(
                [sys.executable, "-m", "conformance.system.elsewhere", *words],
                check=False,
                capture_output=True,
                text=True,
                timeout=READ_S,
                env=env,
                cwd=folder,
            )
        if done.returncode:
            raise AssertionError(f"another process can't read {' '.join(words[1:])}: {done.stderr[-500:]}")
        return json.loads(done.stdout)


def read_artifacts(pathspec: str) -> dict[str, dict[str, str]]:
    """See ``Elsewhere.artifacts``."""
    from metaflow import Run, namespace  # noqa: PLC0415 - reads its configuration when imported

    namespace(None)
    return {task.pathspec: {a.id: repr(a.data) for a in task} for step in Run(pathspec) for task in step}


def read_tagged(flow: str, tag: str) -> list[str]:
    """See ``Elsewhere.tagged``."""
    from metaflow import Flow, namespace  # noqa: PLC0415 - reads its configuration when imported

    namespace(None)
    return [run.pathspec for run in Flow(flow).runs(tag)]


if __name__ == "__main__":
    what, *arguments = sys.argv[1:]
    reader: Any = {"artifacts": read_artifacts, "tagged": read_tagged}[what]
    json.dump(reader(*arguments), sys.stdout)
