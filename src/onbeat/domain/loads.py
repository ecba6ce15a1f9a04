"""How many workers a queue needs: what an autoscaler asks. Pure.

By Little's law (Little 1961) the slots that are busy are the jobs that come in each second times
the seconds that one takes; to have a backlog begun within some time, its work is spread over it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from statistics import median_low
from typing import Final

from onbeat.domain.errors import InvalidInput
from onbeat.domain.queues import Queue
from onbeat.domain.workers import Session

WITHIN: Final = timedelta(minutes=1)
"""By when all that waits is to have begun, where nobody says."""

LEAST_WITHIN, MOST_WITHIN = timedelta(seconds=1), timedelta(days=1)

SLOTS: Final = 10
"""Of a worker, where none serves the queue: as ONBEAT_CONCURRENCY is by itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """What a queue has to do, what does it, and what it takes to have all begun in time."""

    queue: Queue
    workers: int
    """That serve it, and neither drain nor are paused."""
    slots: int
    """Jobs that those can run at once, of all their queues."""
    mean: timedelta | None
    """How long its jobs took on average of late; None where that is not known."""
    within: timedelta
    needed_slots: int
    needed_workers: int


def read_within(within: timedelta) -> timedelta:
    """Check it. Raises InvalidInput."""
    if not LEAST_WITHIN <= within <= MOST_WITHIN:
        raise InvalidInput("within", "it is out of range; give 1s to 1d")
    return within


def load_of(
    queue: Queue, sessions: Sequence[Session], mean: timedelta | None, within: timedelta
) -> Load:
    """How loaded a queue is; `sessions` are all there are."""
    serving = [
        each for each in sessions
        if queue.name in each.queues and not each.draining and not each.paused
    ]  # fmt: skip
    slots = sum(each.slots for each in serving)
    each_has = median_low([each.slots for each in serving]) if serving else SLOTS
    needed = _needed_slots(queue, mean, within, slots + each_has)
    return Load(
        queue=queue, workers=len(serving), slots=slots, mean=mean, within=within,
        needed_slots=needed, needed_workers=math.ceil(needed / each_has),
    )  # fmt: skip


def _needed_slots(queue: Queue, mean: timedelta | None, within: timedelta, one_more: int) -> int:
    """For what runs, and for what waits; nothing for the latter while the queue is paused."""
    if queue.paused_at is not None or not queue.pending:
        return queue.running
    if mean is None:
        # Nothing tells how long they take: one worker more at a time, until something does.
        return min(queue.running + queue.pending, one_more)
    waiting = math.ceil(queue.pending * mean / within)
    return queue.running + min(queue.pending, max(waiting, 1))
