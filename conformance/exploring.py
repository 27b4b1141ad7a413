"""How Hypothesis explores a service here: within a budget of ours, without notes, and without a word."""

from __future__ import annotations

from hypothesis import HealthCheck, Phase, Verbosity, settings


def silent(examples: int) -> settings:
    """Settings for up to so many examples; what is found is told by whoever looks for it."""
    return settings(
        max_examples=examples,
        deadline=None,
        database=None,
        derandomize=False,
        phases=(Phase.generate, Phase.shrink),
        suppress_health_check=list(HealthCheck),
        report_multiple_bugs=False,
        verbosity=Verbosity.quiet,
        print_blob=False,
    )
