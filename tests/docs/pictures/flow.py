"""Who reads and writes what: the database in the middle, and those who work on it around."""

from __future__ import annotations

from collections.abc import Iterator

from tests.docs.pictures.shapes import BLUE, QUIET, Box, arrow, page, text

SHELVES = (
    "schedules, ledger",
    "jobs that wait",
    "leases of jobs that run",
    "ends, attempts, logs",
    "health, roll-ups",
    "incidents",
    "notices",
)
"""What is kept, from top to bottom."""

LEFT = (
    ("your code, the API, the UI", "enqueue, look, steer", (3,), (1,)),
    ("scheduler", "tick: due moments become jobs", (0,), (0, 1)),
    ("rescuer", "jobs of the dead are given back", (2,), (1,)),
    ("watcher", "ends become figures", (3,), (4,)),
)
RIGHT = (
    ("worker", "claim, run, ack", (1,), (2, 3)),
    ("judge", "rules are held against what is", (4, 2), (5,)),
    ("dispatcher", "tells people: Slack, e-mail, …", (5,), (6,)),
)
"""Each: who, what it does, the shelves it reads and those it writes."""

TOP, STEP, MIDDLE, WIDTH = 48, 56, 400, 240


def flow() -> str:
    """The picture."""
    title = "Nobody talks to anybody: the database is all that processes share"
    return page(title, 1040, TOP + STEP * len(SHELVES) + 52, _parts())


def _parts() -> Iterator[str]:
    height = STEP * len(SHELVES)
    yield (
        f'<rect x="{MIDDLE}" y="{TOP}" width="{WIDTH}" height="{height}" rx="8" fill="#f3f5f8" '
        'stroke="#9aa4ae"/>'
    )
    for number, shelf in enumerate(SHELVES):
        y = TOP + STEP * number
        yield text(MIDDLE + WIDTH / 2, y + 33, shelf, anchor="middle")
        if number:
            yield f'<line x1="{MIDDLE}" y1="{y}" x2="{MIDDLE + WIDTH}" y2="{y}" stroke="#c9cfd6"/>'
    yield from _side(LEFT, 20, 240, MIDDLE)
    yield from _side(RIGHT, 780, 240, MIDDLE + WIDTH)
    y = TOP + height + 32
    yield arrow(f"M{MIDDLE - 60} {y - 4}h40", QUIET) + text(MIDDLE - 12, y, "reads", quiet=True)
    yield arrow(f"M{MIDDLE + 60} {y - 4}h40", BLUE) + text(MIDDLE + 108, y, "writes", quiet=True)


def _side(
    who: tuple[tuple[str, str, tuple[int, ...], tuple[int, ...]], ...],
    x: float,
    width: float,
    edge: float,
) -> Iterator[str]:
    gap = STEP * len(SHELVES) / len(who)
    near = x + width if x < edge else x
    for number, (name, does, reads, writes) in enumerate(who):
        top = TOP + gap * number + gap / 2 - 29
        yield Box(x, top, width, 58, name, (does,)).drawn()
        for shelf in reads:
            yield arrow(f"M{edge} {_shelf(shelf) - 9}L{near} {top + 20}", QUIET)
        for shelf in writes:
            # Where several write, their heads stand one below the other.
            others = [each for each, *_, into in who if shelf in into]
            place = 8 * (others.index(name) - (len(others) - 1) / 2)
            yield arrow(f"M{near} {top + 40}L{edge} {_shelf(shelf) + 8 + place}", BLUE)


def _shelf(number: int) -> float:
    return TOP + STEP * number + STEP / 2
