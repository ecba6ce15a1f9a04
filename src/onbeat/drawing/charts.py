"""Plots as SVG in the page: no script, no style in an attribute, colours by class.

They are drawn as wide as a column is, so that letters have the size of those beside them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from xml.etree.ElementTree import Element

from onbeat.domain.health import LEAST, begins
from onbeat.domain.reports import Point, Span
from onbeat.drawing.elements import el
from onbeat.drawing.words import lasting, share, short

WIDTH, HEIGHT = 380.0, 190.0
LEFT, RIGHT, TOP, BOTTOM = 46.0, 8.0, 10.0, 24.0

MOST_TICKS = 4
"""Steps of an axis of powers of ten."""

OUTCOMES = ("completed", "failed", "cancelled")


@dataclass(frozen=True, slots=True)
class Axes:
    """Where what lies."""

    first: datetime
    steps: int
    step: timedelta
    low: float
    high: float

    def x(self, at: datetime) -> float:
        """The left of a step."""
        return LEFT + (at - self.first) / self.step * self.width

    @property
    def width(self) -> float:
        """Of a step."""
        return (WIDTH - LEFT - RIGHT) / self.steps

    def y(self, value: float) -> float:
        """How far down a value lies."""
        part = (value - self.low) / (self.high - self.low)
        return HEIGHT - BOTTOM - part * (HEIGHT - TOP - BOTTOM)


def rates(points: Sequence[Point], span: Span, target: float) -> Element:
    """The success rate over time, and a line at what is aimed at."""
    found = {each.at: each.tally.success_rate for each in points}
    least = min([target, *(each for each in found.values() if each is not None)])
    # What is aimed at lies high: more than 0.9 of it would be a flat line at the top.
    low = next(each for each in (0.98, 0.95, 0.9, 0.75, 0.5, 0.0) if each < least or each == 0)
    axes = _axes(span, low, 1.0)
    aim = el("line", class_="aim", x1=LEFT, x2=WIDTH - RIGHT, y1=axes.y(target), y2=axes.y(target))
    return _chart(
        "Success rate over time", axes, [low, (low + 1) / 2, 1.0], share, aim,
        *_line(axes, found, "rate"),
    )  # fmt: skip


def volumes(points: Sequence[Point], span: Span) -> Element:
    """How many jobs ended as what, one above the other."""
    most = max((each.tally.ended for each in points), default=0)
    axes = _axes(span, 0.0, _nice(most))
    bars: list[Element] = []
    for each in points:
        base = 0
        for outcome in OUTCOMES:
            count = getattr(each.tally, outcome)
            if count:
                bars.append(_bar(axes, each.at, base, base + count, outcome))
            base += count
    return _chart("Jobs that ended over time", axes, _halves(axes), short, *bars)


def durations(points: Sequence[Point], span: Span) -> Element:
    """How long runs took, half of them, and 95 of 100; by powers of ten, or the first would often
    lie on the ground.
    """
    series = {
        name: {each.at: _power(each.tally.took.quantile(part)) for each in points}
        for name, part in (("p95", 0.95), ("p50", 0.5))
    }
    powers = [each for found in series.values() for each in found.values() if each is not None]
    low = math.floor(min(powers, default=-1.0))
    axes = _axes(span, low, max(low + 1, math.ceil(max(powers, default=0.0))))
    lines = [line for name, found in series.items() for line in _line(axes, found, name)]
    every = math.ceil((axes.high - axes.low) / MOST_TICKS)
    ticks = [float(each) for each in range(low, int(axes.high) + 1, every)]
    return _chart(
        "Run time over time", axes, ticks,
        lambda power: lasting(timedelta(seconds=10.0**power)), *lines,
    )  # fmt: skip


def _power(duration: timedelta | None) -> float | None:
    return None if duration is None else math.log10(max(duration.total_seconds(), LEAST))


def _axes(span: Span, low: float, high: float) -> Axes:
    first = begins(span.since, span.step)
    steps = max(1, math.ceil((span.until - first) / span.step))
    return Axes(first, steps, span.step, low, high)


def _nice(most: float) -> float:
    """The next of 1, 2, 4, 5, 10 and their tens, at which an axis may end."""
    if most <= 0:
        return 1.0
    size = 10.0 ** math.floor(math.log10(most))
    return next(size * each for each in (1, 2, 4, 5, 10) if size * each >= most)


def _halves(axes: Axes) -> list[float]:
    return [0.0, axes.high / 2, axes.high]


def _bar(axes: Axes, at: datetime, base: float, top: float, outcome: str) -> Element:
    gap = min(1.0, axes.width / 5)
    return el(
        "rect", class_=outcome, x=axes.x(at) + gap / 2, width=axes.width - gap, y=axes.y(top),
        height=max(1.0, axes.y(base) - axes.y(top)),
    )  # fmt: skip


def _line(axes: Axes, found: dict[datetime, float | None], name: str) -> list[Element]:
    """Lines through the middles of steps, apart where steps have none; a step alone is a dot."""
    runs: list[list[str]] = [[]]
    for number in range(axes.steps):
        at = axes.first + number * axes.step
        value = found.get(at)
        if value is None:
            runs.append([])
        else:
            runs[-1].append(f"{axes.x(at) + axes.width / 2:.1f},{axes.y(value):.1f}")
    return [_run(run, name) for run in runs if run]


def _run(run: Sequence[str], name: str) -> Element:
    if len(run) > 1:
        return el("polyline", class_=f"line {name}", points=" ".join(run))
    x, y = run[0].split(",")
    return el("circle", class_=f"dot {name}", cx=x, cy=y, r=2.0)


def _chart(
    title: str, axes: Axes, ticks: Sequence[float], shown: Callable[[float], str],
    *drawn: Element,
) -> Element:  # fmt: skip
    lines = [
        each
        for value in ticks
        for each in (
            el(
                "line", class_="grid", x1=LEFT, x2=WIDTH - RIGHT, y1=axes.y(value), y2=axes.y(value)
            ),
            el("text", shown(value), x=LEFT - 6, y=axes.y(value) + 4, text_anchor="end"),
        )
    ]
    return el(
        "svg", el("title", title), *lines, *drawn, *_dates(axes), role="img",
        viewBox=f"0 0 {WIDTH:.0f} {HEIGHT:.0f}",
    )  # fmt: skip


def _dates(axes: Axes) -> list[Element]:
    last = axes.first + axes.steps * axes.step
    middle = axes.first + (last - axes.first) / 2
    form = "%H:%M" if last - axes.first <= timedelta(days=2) else "%b %-d"
    places = ((axes.first, "start"), (middle, "middle"), (last, "end"))
    return [
        el("text", f"{at:{form}}", x=axes.x(at), y=HEIGHT - 8, text_anchor=anchor)
        for at, anchor in places
    ]
