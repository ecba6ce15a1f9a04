"""Brings the schedules in the database to what the CSV says."""

from __future__ import annotations

import asyncio
import json
import zlib
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from examples.monitors.checks import check, ob
from examples.monitors.rows import Monitor, Reading
from onbeat import Call, Recurrence, Schedule, every

T = TypeVar("T")

PREFIX = "monitor:"
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
PAGE = 1_000
BATCH = 100

Told = Callable[[int, int], None]
"""Is told how many steps are done, and how many there are."""


@dataclass(frozen=True, slots=True)
class Changes:
    """What an import did to the schedules."""

    added: int
    changed: int
    removed: int
    unchanged: int

    @property
    def schedules(self) -> int:
        """How many there are now."""
        return self.added + self.changed + self.unchanged


async def import_monitors(reading: Reading, told: Told = lambda done, total: None) -> Changes:
    """Make, change and remove schedules; those of rows in doubt are left alone."""
    stored = {schedule.name: schedule for schedule in await stored_schedules()}
    wanted = {PREFIX + monitor.name: monitor for monitor in reading.active}
    new = [_row(name, wanted[name]) for name in wanted if name not in stored]
    changed = [
        altered
        for name, schedule in stored.items()
        if name in wanted and (altered := _altered(schedule, wanted[name])) is not None
    ]
    kept = {PREFIX + name for name in reading.in_doubt}
    gone = [name for name in stored if name not in wanted and name not in kept]
    total, done = len(new) + len(changed) + len(gone), 0
    steps = [
        *(_create(rows) for rows in batches(new)),
        *(_each(ob.schedules.change, some) for some in batches(changed)),
        *(_each(ob.schedules.remove, some) for some in batches(gone)),
    ]
    for step in steps:
        done += await step
        told(done, total)
    unchanged = len(stored) - len(changed) - len(gone)
    return Changes(len(new), len(changed), len(gone), unchanged)


async def stored_schedules() -> list[Schedule]:
    """All schedules that an import has made."""
    found: list[Schedule] = []
    last = ""
    while page := await ob.schedules.list(after=last, limit=PAGE):
        found += [each for each in page if each.name.startswith(PREFIX) and each.task == check.name]
        last = page[-1].name
    return found


def moments(monitor: Monitor) -> Recurrence:
    """When to look: every interval, from an anchor of the monitor's own.

    Anchors spread evenly by name, so that a thousand checks do not fall on the same second, and
    stay where they are, so that importing the same file again changes nothing.
    """
    plain = every(monitor.interval)
    length = (plain.next(EPOCH) or EPOCH) - EPOCH
    share = zlib.crc32(monitor.name.encode()) % 1_000 / 1_000
    return every(monitor.interval, anchor=EPOCH + timedelta(seconds=share * length.total_seconds()))


def _row(name: str, monitor: Monitor) -> tuple[str, Call[int], Recurrence]:
    return name, _call(monitor), moments(monitor)


def _call(monitor: Monitor) -> Call[int]:
    return check.opts(priority=monitor.priority).bind(monitor.name, monitor.url)


def _altered(schedule: Schedule, monitor: Monitor) -> Schedule | None:
    """The schedule as the monitor wants it now; None where it is so already."""
    args, recurrence = _call(monitor).args.decode(), moments(monitor)
    is_same = (
        schedule.recurrence.spec() == recurrence.spec()
        and schedule.priority == monitor.priority
        and json.loads(schedule.args) == json.loads(args)
    )
    if is_same:
        return None
    return replace(schedule, recurrence=recurrence, priority=monitor.priority, args=args)


async def _create(rows: Sequence[tuple[str, Call[int], Recurrence]]) -> int:
    # A moment missed while nobody ran is made up for once, if it is less than a minute old.
    return await ob.schedules.create_many(rows, overlap="skip", catch_up="latest within 1m")


async def _each(act: Callable[[T], Awaitable[Any]], things: Sequence[T]) -> int:
    await asyncio.gather(*(act(thing) for thing in things))
    return len(things)


def batches(things: Iterable[T]) -> Iterator[Sequence[T]]:
    """Cut into pieces that are stored at once."""
    listed = list(things)
    for start in range(0, len(listed), BATCH):
        yield listed[start : start + BATCH]
