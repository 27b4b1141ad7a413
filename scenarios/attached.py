"""A step with a secret and a volume of its own, and one that has the volume by configuration alone."""

import hashlib
import os
from pathlib import Path

from metaflow import FlowSpec, kubernetes, step

PROP = os.environ.get("MFCONF_PROP", "none")
"""The name of the secret and of the claim; inside the pod nobody asks for it."""

ASKED, CONFIGURED = Path("/mfconf-asked"), Path("/mfconf-configured")


def given():
    """Whether this process has the secret (its digest, as artifacts are no place for secrets) and which volumes."""
    secret = os.environ.get("MFCONF_SECRET")
    return {
        "secret": secret and hashlib.sha256(secret.encode()).hexdigest(),
        "volumes": [str(path) for path in (ASKED, CONFIGURED) if path.is_mount()],
    }


class MfconfAttached(FlowSpec):
    @kubernetes(cpu=0.1, memory=256, disk=1024, secrets=[PROP], persistent_volume_claims={PROP: str(ASKED)})
    @step
    def start(self):
        self.given = given()
        (ASKED / "note").write_text("from start", encoding="utf-8")
        self.next(self.end)

    @step
    def end(self):
        self.given = given()
        note = CONFIGURED / "note"
        self.note = note.read_text(encoding="utf-8") if note.exists() else None


if __name__ == "__main__":
    MfconfAttached()
