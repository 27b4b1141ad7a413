"""Charts as inline SVG."""

from __future__ import annotations

import re
import sys
from typing import Any

import pygal
from pygal.style import Style

sys.meta_path[:] = [finder for finder in sys.meta_path if not type(finder).__module__.startswith("pygal")]
"""Pygal's plugins are not used here, and its finder for them makes Python warn of every later import."""

IDLE = re.compile(r"\s*<script.*?</script>|\s*<!--.*?-->", re.DOTALL)
"""Pygal's settings for scripts of its own, which a report has none of, and the day on which it drew."""

STYLE = Style(background="transparent", plot_background="transparent", colors=("#2364aa", "#e07a1f", "#a4243b"))


def latency(load: dict[str, Any]) -> str:
    """Percentiles of the answer time (ms) over the time of a load test (s)."""
    chart = pygal.XY(
        pygal.Config(js=[], no_prefix=True),
        style=STYLE,
        height=320,
        title=f"{load['profile']}: answer time",
        x_title="seconds",
        y_title="milliseconds",
        show_dots=False,
        disable_xml_declaration=True,
        pretty_print=True,
    )
    for name in ("p50", "p95", "p99"):
        chart.add(name, [(point["at_s"], point[f"{name}_ms"]) for point in load["timeline"]])
    drawn: str = chart.render(is_unicode=True)
    return IDLE.sub("", drawn)
