"""Stories as an SVG: a line of time for each, its moments and what came of them, its jobs below."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from html import escape

from onbeat.domain.schedules import Occurrence
from tests.docs.pictures.story import BEGIN, MINUTE, Bar, Told

LEFT, RIGHT, TOP = 236, 24, 52
BAR, LINE, DEED = 9, 22, 12
"""Pixels: the height of a job, of the line of moments above it, of deeds above that."""

COLOURS = {
    "ran": "#1b7f4b",
    "late": "#b86e00",
    "coalesced": "#66707c",
    "skipped": "#66707c",
    "missed": "#b3261e",
    "undecided": "#66707c",
}
MEANINGS = {
    "ran": "ran in time",
    "late": "ran late",
    "coalesced": "merged into another",
    "skipped": "skipped",
    "missed": "missed",
    "undecided": "waits",
}
STYLE = (
    "text{font:13px system-ui,'DejaVu Sans',sans-serif;fill:#1f2328}.q{fill:#59636e;font-size:12px}"
    ".b{font-weight:600}"
)


@dataclass(frozen=True)
class Axis:
    """How time lies on the page."""

    minutes: int
    per_minute: float = 8
    """Pixels."""
    step: int = 10
    """Minutes between two labels."""
    label: Callable[[int], str] = field(default=lambda minute: f"{BEGIN + minute * MINUTE:%H:%M}")

    def x(self, minute: float) -> float:
        """Where a minute lies."""
        return LEFT + minute * self.per_minute


def drawn(title: str, stories: Sequence[Told], axis: Axis) -> str:
    """All stories, one below the other, on one axis of time."""
    width = axis.x(axis.minutes) + RIGHT
    rows: list[str] = []
    y = TOP
    for story in stories:
        lanes = _lanes(story.bars)
        y += DEED if story.story.deeds else 0
        rows += _row(story, axis, y, lanes)
        y += LINE + (BAR + 18 + (max(lane for _, lane in lanes) + 1) * (BAR + 3) if lanes else 14)
    height = y + 44
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
        f'viewBox="0 0 {width} {height}" role="img" aria-label="{escape(title)}">',
        f"<style>{STYLE}</style>",
        f'<rect width="{width}" height="{height}" rx="8" fill="#ffffff"/>',
        f'<text x="16" y="24" class="b">{escape(title)}</text>',
        *_axis(axis, y),
        *rows,
        *_legend(stories, height - 16),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _axis(axis: Axis, bottom: int) -> Iterator[str]:
    for minute in range(0, axis.minutes + 1, axis.step):
        x = axis.x(minute)
        label = axis.label(minute)
        yield f'<text x="{x}" y="{TOP - 8}" text-anchor="middle" class="q">{label}</text>'
        yield f'<line x1="{x}" y1="{TOP}" x2="{x}" y2="{bottom - 8}" stroke="#e3e7eb"/>'


def _lanes(bars: Sequence[Bar]) -> list[tuple[Bar, int]]:
    """Jobs that run at one time lie in lanes below each other."""
    ends: list[int] = []
    lanes = []
    for bar in sorted(bars, key=lambda each: (each.begin, each.end)):
        lane = next((lane for lane, end in enumerate(ends) if end <= bar.begin), len(ends))
        ends[lane : lane + 1] = [bar.end]
        lanes.append((bar, lane))
    return lanes


def _row(told: Told, axis: Axis, y: int, lanes: Sequence[tuple[Bar, int]]) -> Iterator[str]:
    story = told.story
    line = y + LINE - 6
    yield f'<text x="16" y="{line + 4}">{escape(story.label)}</text>'
    if story.down is not None:
        begin, end = (axis.x(minute) for minute in story.down)
        width = end - begin
        yield f'<rect x="{begin}" y="{y}" width="{width}" height="{LINE + 10}" fill="#fdecea"/>'
    end = axis.x(axis.minutes)
    yield f'<line x1="{LEFT}" y1="{line}" x2="{end}" y2="{line}" stroke="#9aa4ae"/>'
    for entry in told.entries:
        yield from _entry(entry, axis, line)
    for minute, deed in story.deeds:
        x = axis.x(minute)
        yield f'<path d="M{x} {line - 8}l-4 -8h8z" fill="#3b5bdb"/>'
        yield f'<text x="{x + 8}" y="{line - 9}" class="q">{escape(deed)}</text>'
    for bar, lane in lanes:
        top = y + LINE + BAR + 4 + lane * (BAR + 3)
        width = max(2, (bar.end - bar.begin) * axis.per_minute - 1)
        colour = "#c9cfd6" if bar.is_stopped else "#74a9f7"
        yield (
            f'<rect x="{axis.x(bar.begin)}" y="{top}" width="{width}" height="{BAR}" rx="2" '
            f'fill="{colour}"/>'
        )
        if bar.is_stopped:
            end = axis.x(bar.end)
            yield f'<path d="M{end - 4} {top}v{BAR}" stroke="#b3261e" stroke-width="2"/>'


def _entry(entry: Occurrence, axis: Axis, y: int) -> Iterator[str]:
    first = (entry.due_at - BEGIN) / MINUTE
    last = ((entry.through_at or entry.due_at) - BEGIN) / MINUTE
    colour = COLOURS[entry.outcome]
    if last > first:
        yield (
            f'<line x1="{axis.x(first)}" y1="{y}" x2="{axis.x(last)}" y2="{y}" stroke="{colour}" '
            'stroke-width="5" stroke-linecap="round" opacity="0.45"/>'
        )
    for minute in sorted({first, last}):
        yield _mark(entry.outcome, axis.x(minute), y)
    if entry.reruns:
        yield f'<circle cx="{axis.x(first)}" cy="{y}" r="9" fill="none" stroke="#3b5bdb"/>'


def _mark(outcome: str, x: float, y: float) -> str:
    colour = COLOURS[outcome]
    match outcome:
        case "ran" | "late":
            return f'<circle cx="{x}" cy="{y}" r="6" fill="{colour}"/>'
        case "missed":
            return (
                f'<path d="M{x - 5} {y - 5}l10 10m0 -10l-10 10" stroke="{colour}" '
                'stroke-width="2.5"/>'
            )
        case "undecided":
            return f'<rect x="{x - 4}" y="{y - 4}" width="8" height="8" fill="{colour}"/>'
        case "skipped":
            return (
                f'<circle cx="{x}" cy="{y}" r="5" fill="#ffffff" stroke="{colour}" '
                'stroke-width="2"/>'
            )
        case _:
            return f'<path d="M{x - 5} {y - 4}l10 4l-10 4z" fill="{colour}"/>'


def _legend(stories: Sequence[Told], y: float) -> Iterator[str]:
    present = {entry.outcome for story in stories for entry in story.entries}
    x = 16.0
    for outcome, meaning in MEANINGS.items():
        if outcome in present:
            yield _mark(outcome, x + 6, y - 4)
            yield f'<text x="{x + 18}" y="{y}" class="q">{meaning}</text>'
            x += 34 + 7 * len(meaning)
    if any(story.bars for story in stories):
        yield f'<rect x="{x}" y="{y - 9}" width="20" height="{BAR}" rx="2" fill="#74a9f7"/>'
        yield f'<text x="{x + 26}" y="{y}" class="q">its job</text>'
        x += 78
    if any(bar.is_stopped for story in stories for bar in story.bars):
        yield f'<rect x="{x}" y="{y - 9}" width="20" height="{BAR}" rx="2" fill="#c9cfd6"/>'
        yield f'<text x="{x + 26}" y="{y}" class="q">a job that is stopped</text>'
        x += 160
    if any(story.story.down for story in stories):
        yield f'<rect x="{x}" y="{y - 12}" width="20" height="14" fill="#fdecea"/>'
        yield f'<text x="{x + 26}" y="{y}" class="q">no scheduler runs</text>'
        x += 150
    if any(entry.reruns for story in stories for entry in story.entries):
        yield f'<circle cx="{x + 9}" cy="{y - 4}" r="8" fill="none" stroke="#3b5bdb"/>'
        yield f'<text x="{x + 24}" y="{y}" class="q">made up for by hand</text>'
