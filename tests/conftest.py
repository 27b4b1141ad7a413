"""What all tests share."""

from __future__ import annotations

from hypothesis import settings

# the model-based test moves Hypothesis's folder to nowhere for its whole process, tests that come later included
settings.register_profile("without notes", database=None)
settings.load_profile("without notes")
