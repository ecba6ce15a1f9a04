"""Draws a run: `plot.py RESULTS PICTURE`, in an environment with matplotlib and nothing of ours.

A panel for each workload, a bar for each subject: its figure in proportion to Onbeat on
PostgreSQL, on a logarithmic scale, with the figure itself written beside it.
"""

from __future__ import annotations

import json
import statistics
import sys
from pathlib import Path
from typing import Any

import matplotlib as mpl

mpl.use("Agg")

import matplotlib.pyplot as plt
from matplotlib.patches import Patch

REFERENCE = "Onbeat PostgreSQL"
PANELS = [
    ("drain", "Drain of no-op jobs", "jobs/s", "longer is better"),
    ("drain_1ms", "Drain of jobs of 1 ms", "jobs/s", "longer is better"),
    ("bulk_enqueue", "Bulk enqueue", "jobs/s", "longer is better"),
    ("single_enqueue", "Single enqueue, one client", "jobs/s", "longer is better"),
    ("cron_dispatch", "Cron dispatch", "schedules/s", "longer is better"),
    ("latency_idle_p50", "Latency when idle, median", "ms", "shorter is better"),
    ("latency_idle_p99", "Latency when idle, 99 %", "ms", "shorter is better"),
    ("memory_mb", "Peak of a worker, 100,000 pending", "MB", "shorter is better"),
    ("idle_cpu", "Idle worker, processor", "% of a core", "shorter is better"),
]
COLUMNS = 3
OURS = {"Onbeat PostgreSQL": "#d1495b", "Onbeat SQLite": "#edae49"}
PEERS = {"postgres": "#33658a", "sqlite": "#8e7dbe", "redis": "#6a994e"}
STORES = {"postgres": "PostgreSQL", "sqlite": "SQLite", "redis": "Redis"}
LEAST = 1e-3


def main(results_path: Path, picture: Path) -> None:
    """Draw the panels that have figures."""
    results = json.loads(results_path.read_text())
    figures = results["figures"]
    colours = {
        name: OURS.get(name, PEERS[about["place"]]) for name, about in results["subjects"].items()
    }
    panels = [panel for panel in PANELS if medians(figures, panel[0])]
    rows = -(-len(panels) // COLUMNS)
    canvas, axes = plt.subplots(rows, COLUMNS, figsize=(15, 3.6 * rows), squeeze=False)
    for place, panel in zip(axes.flat, panels, strict=False):
        draw(place, figures, colours, *panel)
    for place in axes.flat[len(panels) :]:
        place.set_visible(False)

    canvas.suptitle(
        "Onbeat beside its peers: median of the rounds, in proportion to Onbeat on PostgreSQL",
        fontsize=14,
        fontweight="bold",
    )
    shown = OURS | {f"peers on {STORES[store]}": colour for store, colour in PEERS.items()}
    patches = [Patch(color=colour, label=name) for name, colour in shown.items()]
    canvas.legend(
        handles=patches, loc="upper center", ncols=5, bbox_to_anchor=(0.5, 0.97), frameon=False
    )
    canvas.tight_layout(rect=(0, 0, 1, 0.95))
    canvas.savefig(picture, dpi=90)


def medians(figures: dict[str, Any], measure: str) -> dict[str, float]:
    """Each subject's median of one figure."""
    return {
        subject: statistics.median(present)
        for subject, by_measure in figures.items()
        if (present := [value for value in by_measure.get(measure, []) if value is not None])
    }


def draw(
    place: Any,
    figures: dict[str, Any],
    colours: dict[str, str],
    measure: str,
    title: str,
    unit: str,
    better: str,
) -> None:
    """One panel, the best bar on top."""
    values = medians(figures, measure)
    ordered = sorted(values, key=values.__getitem__, reverse=better.startswith("shorter"))
    reference = max(values.get(REFERENCE) or max(values.values()), LEAST)
    parts = [max(values[name], LEAST * reference * 10) / reference for name in ordered]
    low, high = min([*parts, 1.0]) / 2, max([*parts, 1.0])
    widths = [part - low for part in parts]
    shades = [colours[name] for name in ordered]
    bars = place.barh(ordered, widths, left=low, color=shades, height=0.72)
    on_white = {"facecolor": "white", "edgecolor": "none", "pad": 1}
    labels = [amount(values[name]) for name in ordered]
    place.bar_label(bars, labels, padding=4, fontsize=9, bbox=on_white)
    place.set_xscale("log")
    place.set_xlim(low, high * (high / low) ** 0.25)
    steps = (1.0, 2.0, 5.0) if high / low < 60 else (1.0,)
    place.xaxis.set_major_locator(mpl.ticker.LogLocator(subs=steps))
    place.axvline(1.0, color="#333333", linewidth=0.8, linestyle="--", zorder=0.5)
    place.xaxis.set_major_formatter(mpl.ticker.FuncFormatter(lambda part, _: f"{part:g} x"))
    place.xaxis.set_minor_formatter(mpl.ticker.NullFormatter())
    place.set_title(f"{title} ({unit}; {better})", fontsize=9)
    place.tick_params(labelsize=9)
    for side in ("top", "right"):
        place.spines[side].set_visible(False)


def amount(value: float) -> str:
    """A figure that fits beside its bar."""
    if value >= 10_000:
        return f"{value / 1000:.0f}k"
    if value >= 1_000:
        return f"{value / 1000:.1f}k"
    return f"{value:.0f}" if value >= 20 else f"{value:.1f}"


main(Path(sys.argv[1]), Path(sys.argv[2]))
