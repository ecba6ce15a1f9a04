"""The duty that folds what has ended into how tasks, schedules and queues fare.

It follows some 15 s behind: until then something that was committed late might be missing.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import partial
from typing import Any

from onbeat.domain.health import SPANS, Slice, next_slice
from onbeat.domain.lateness import Lateness
from onbeat.runtime.lease import Duty
from onbeat.store import enqueued, folding
from onbeat.store.folding import Front
from onbeat.store.store import Store

LOOK_EVERY = 5.0
"""Seconds between looks while jobs end."""

QUIET_EVERY = 15.0
"""Seconds between looks where none do: each is a write, of the duty's lease."""

SHORTEST = timedelta(milliseconds=100)
LONGEST = SPANS[0]

LONGEST_ASKED = timedelta(minutes=1)
"""What is counted at once of the jobs that were asked for. They are looked for in the ten minutes
around: 0.26 us for each job of these on SQLite, 0.16 on PostgreSQL (300,000 of them).
"""

REST = 3.0
"""How long it rests after a slice, as a multiple of what that took: a first start on a long record
folds for minutes, beside others that want to be answered.
"""

PACE = 0.8
"""Part of what a slice spans that folding it and the rest after it take at most, while there is
more behind it: where cores are busy, a quarter of the time may be too little for what ends in it.
"""

SOON = 0.01
"""Seconds that are always rested."""

LEAST_REST = 0.25
"""Seconds. A slice is two commits, however little is in it, and a record of a month is 8,640."""

AIM = 0.25
"""Seconds that a slice should take to read; its length follows from that."""


class Watcher(Duty):
    """Folds slice after slice, each once, whoever does it."""

    def __init__(self, store: Store, **options: Any) -> None:
        """Watch what ends in `store`."""
        super().__init__(store, id="watcher", term=timedelta(seconds=4 * QUIET_EVERY), **options)
        self._lateness: Lateness | None = None
        self._longest = timedelta(seconds=LOOK_EVERY)
        self._count_at = float("-inf")

    async def perform(self) -> float:
        """Fold what is over and has not been; rest when there is none."""
        front = await self.store.read(folding.front)
        lateness = self._look(front)
        if (left := self._count_at - self.timing.monotonic()) <= 0:
            left = await self._count_enqueued(lateness.complete_before)
            self._count_at = self.timing.monotonic() + left
        return min(await self._fold_next(front, lateness), max(left, SOON))

    async def _fold_next(self, front: Front, lateness: Lateness) -> float:
        if front.first_at is None:
            return QUIET_EVERY
        slice_ = next_slice(front.first_at, lateness.complete_before, self._longest)
        if slice_ is None:
            return LOOK_EVERY
        began = self.timing.monotonic()
        await self._fold(front, slice_)
        took = self.timing.monotonic() - began
        return rest(took, slice_, is_behind=slice_.until < lateness.complete_before)

    async def _count_enqueued(self, until: datetime) -> float:
        """Count jobs that were asked for before `until`, as many as one look is for; seconds until
        the next.
        """
        reach = await self.store.read(enqueued.reach)
        if reach.counted_to is None:
            await self.store.write(partial(enqueued.add, was=None, to=until, found=()))
        if reach.first_at is None or reach.first_at >= until:
            return QUIET_EVERY
        of = Slice(reach.first_at, min(until, reach.first_at + LONGEST_ASKED))
        is_behind = of.until < until
        began = self.timing.monotonic()
        found = await self.store.read(partial(enqueued.tallied, wanted=of))
        if found or is_behind:
            add = partial(enqueued.add, was=reach.counted_to, to=of.until, found=found)
            await self.store.write(add)
        rests = rest(self.timing.monotonic() - began, of, is_behind=is_behind)
        return rests if is_behind else max(QUIET_EVERY, rests)

    def _look(self, front: Front) -> Lateness:
        if self._lateness is None:
            self._lateness = Lateness.beginning(front.at, front.writing)
        else:
            self._lateness = self._lateness.after(front.at, front.writing, has_news=True)
        return self._lateness

    async def _fold(self, front: Front, slice_: Slice) -> None:
        began = self.timing.monotonic()
        found = await self.store.read(partial(folding.tallies, wanted=slice_))
        took = self.timing.monotonic() - began
        await self.store.write(partial(folding.fold, was=front.folded_to, of=slice_, found=found))
        if took > AIM:
            self._longest = max(self._longest / 2, SHORTEST)
        elif took < AIM / 4:
            self._longest = min(self._longest * 2, LONGEST)


def rest(took: float, of: Slice, *, is_behind: bool) -> float:
    """Seconds to rest after a slice that took so long, less where it would fall behind by it."""
    wanted = max(LEAST_REST, REST * took)
    if not is_behind:
        return wanted
    return max(0.0, min(wanted, PACE * (of.until - of.since).total_seconds() - took))
