"""A world's clock that an application moves, and what became due on the way."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from onbeat import Onbeat, every
from onbeat.domain.schedules import Occurrence
from tests.docs.pictures.drawing import COLOURS
from tests.docs.pictures.shapes import BLUE, QUIET, arrow, page, text

DAWN = datetime(1204, 1, 1, tzinfo=UTC)
DAY = timedelta(days=1)
DEEDS = ((1, "13h"), (2, "4h"), (8, "2d"))
"""On which day of ours the application moves the world's clock, and by how much."""

OUR_DAYS, WORLD_DAYS = 10, 3


@dataclass(frozen=True)
class Leg:
    """One move of the clock: on which day of ours, by what, from where to where in the world."""

    day: int
    by: str
    begin: datetime
    end: datetime
    fired: int


async def _played(ob: Onbeat) -> tuple[list[Leg], list[Occurrence]]:
    @ob.task
    async def grow() -> None: ...

    await ob.clocks.create("world", at=DAWN)
    await ob.schedules.create("growth", grow.bind(), every("6h"), clock="world", overlap="allow")
    legs = []
    for day, by in DEEDS:
        begin = await ob.clocks.now("world")
        done = await ob.clocks.advance("world", by=by)
        legs.append(Leg(day, by, begin, done.now_at, done.fired))
    return legs, [entry for entry, _ in await ob.schedules.occurrences("growth")]


async def clocks() -> str:
    """The picture."""
    with TemporaryDirectory() as folder:
        async with Onbeat(f"sqlite:///{Path(folder) / 'world.db'}") as ob:
            legs, entries = await _played(ob)
    title = "A virtual clock: growth is due every 6 hours of the world, whenever we move it"
    return page(title, 1000, 230, _parts(legs, entries))


def _ours(day: float) -> float:
    return 150 + day * 82


def _worlds(moment: datetime) -> float:
    return 150 + (moment - DAWN) / DAY * 82 * OUR_DAYS / WORLD_DAYS


def _parts(legs: list[Leg], entries: list[Occurrence]) -> Iterator[str]:
    yield text(16, 74, "our time")
    yield text(16, 184, "the world's")
    for y in (70, 180):
        yield f'<line x1="150" y1="{y}" x2="{_ours(OUR_DAYS)}" y2="{y}" stroke="#9aa4ae"/>'
    for day in range(OUR_DAYS + 1):
        yield text(_ours(day), 92, f"day {day}" if day else "", anchor="middle", quiet=True)
        yield f'<line x1="{_ours(day)}" y1="66" x2="{_ours(day)}" y2="74" stroke="#9aa4ae"/>'
    for day in range(WORLD_DAYS + 1):
        x = _worlds(DAWN + day * DAY)
        yield text(x, 212, f"{DAWN + day * DAY:%-d %b}", anchor="middle", quiet=True)
    for leg in legs:
        yield from _leg(leg)
    for entry in entries:
        yield (
            f'<circle cx="{_worlds(entry.due_at)}" cy="180" r="6" fill="{COLOURS[entry.outcome]}"/>'
        )


def _leg(leg: Leg) -> Iterator[str]:
    x, begin, end = _ours(leg.day), _worlds(leg.begin), _worlds(leg.end)
    yield f'<circle cx="{x}" cy="70" r="6" fill="{BLUE}"/>'
    yield text(x, 52, f"+{leg.by}: {leg.fired} jobs", anchor="middle", quiet=True)
    yield f'<path d="M{x} 76L{begin} 172H{end}z" fill="{BLUE}" opacity="0.1"/>'
    yield arrow(f"M{begin + 2} 166H{end - 2}", QUIET)
