"""Duties that keep the store in order: rescuing jobs of dead workers, making partitions."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import partial
from random import Random
from typing import Any

from sqlalchemy import Connection, ScalarSelect

from onbeat.crash_points import CrashPoint, reach
from onbeat.domain.events import NAMED, Emit, JobsRescued, discard
from onbeat.domain.meters import Meter
from onbeat.domain.outcomes import Ack, Lost, decide
from onbeat.domain.retries import Retry
from onbeat.domain.workers import DEFAULT_RESCUE_AFTER
from onbeat.runtime.follower import follow
from onbeat.runtime.leaps import Leaps
from onbeat.runtime.lease import JUST_AFTER, Duty
from onbeat.store import callbacks, deadlines, delays, ends, keys, limits, partitions, workers
from onbeat.store.store import Store
from onbeat.store.workers import LostLease

SWEEP_EVERY = 5.0
"""Longest rest in seconds between two sweeps. A session's end is swept when it comes."""

STOOD_STILL = 4.0
"""Seconds between two sweeps that are too many, however short the term is."""

PATIENCE = timedelta(seconds=1)
"""How long a rescue may be left lying by whoever is on duty before another takes the duty. Where
that died with the workers it should have rescued, they would wait for its term to end too: with 20
of 21 workers killed within 20 s, one in a hundred jobs came back after 25 s.
"""

LEASES_AT_ONCE = 500

OVERDUE_EVERY = 1.0
"""Longest rest in seconds where jobs have deadlines and no scheduler looks after them."""

ADOPT_EVERY = 600.0
"""Seconds between looks for leases whose session is off the record, which read all leases, for
slots that nobody needs, and for sessions that ended: a process that is there for a moment looks
once, and none of those expires any.
"""

PARTITIONS_EVERY = 3600.0


class Rescuer(Duty):
    """Gives back the jobs of workers that died, within seconds of their silence.

    A store that could not be reached is not a death: sessions are ended only after this process
    has itself reached the store for a full term, in which every live worker could say so too. A
    machine that slept, workers and all, is judged likewise, and so is a store whose clock was set.
    """

    patience = PATIENCE

    def __init__(
        self, store: Store, *, after: timedelta = DEFAULT_RESCUE_AFTER, emit: Emit = discard
    ) -> None:
        """End sessions that have been silent for longer than their own term."""
        # A rescuer that dies with its worker must not hold up that worker's rescue.
        super().__init__(store, id="rescuer", term=after, emit=emit)
        self._after = after
        # An outage that no sweep has met must leave a worker time to be heard after it: between
        # two beats may be half a term.
        self._every = min(SWEEP_EVERY, after.total_seconds() / 3)
        self._reached_since: float | None = None
        self._looked_at = (self.timing.monotonic(), self.timing.now())
        self._asked_at = self.timing.monotonic()
        self._leaps = Leaps()
        self._adopt_at = float("-inf")
        self._lost: Sequence[LostLease] = ()
        self._is_left = False
        """Whether jobs wait that are due, and no scheduler is there to make them pending."""
        self._has_ends = False
        """Whether jobs have ended that others wait for, and nobody has followed that yet."""
        self._first_end: timedelta | None = None
        self._overdue_in: timedelta | None = None
        """How long until a job should have begun, where no scheduler is there to call it off."""

    async def step(self) -> float:
        """Sweep, and note since when the store has been within reach."""
        if self._has_stood_still():
            self._reached_since = None
        self._asked_at = self.timing.monotonic()
        try:
            rest = await super().step()
        except Exception:
            # A full disk or a failover that takes no writes keeps hearts from being heard, too.
            self._reached_since = None
            raise
        if self._reached_since is None:
            self._reached_since = self.timing.monotonic()
        return min(rest, self._every)

    def look(self, connection: Connection, now: datetime) -> None:
        """End sessions past their term, and find what ended ones held."""
        if self._has_waited_long():
            self._reached_since = None
        if self._has_reached_for_a_term():
            workers.expire(connection, now)
        if self.timing.monotonic() >= self._adopt_at:
            workers.adopt(connection, now)
            limits.sweep(connection, now)
            workers.forget(connection, now)
            callbacks.sweep(connection, now)
            self._adopt_at = self.timing.monotonic() + ADOPT_EVERY
        self._lost = workers.lost_leases(connection, now, LEASES_AT_ONCE)
        self._is_left = delays.are_left(connection, now)
        self._has_ends = ends.are_left(connection, now)
        self._first_end = workers.first_to_expire(connection, now)
        self._overdue_in = delays.overdue_in(connection, now)
        keys.forget_expired(connection, now)

    def saw(self, now: datetime) -> None:
        """Give every worker a term to be heard after the store's clock was set."""
        leap = self._leaps.see(self.timing.boottime(), now)
        if abs(leap).total_seconds() > STOOD_STILL:
            self._reached_since = None

    def neglected_since(self) -> Sequence[ScalarSelect[Any]]:
        """Since when there is something to rescue.

        Only for one that may rescue it: others would take the duty and do no better.
        """
        return workers.first_left_lying() if self._has_reached_for_a_term() else ()

    async def perform(self) -> float:
        """Give back what was found; rest until the next session's time is over.

        Where workers run without any scheduler, retries and delayed jobs go on all the same.
        """
        if self._is_left:
            await promote(self.store)
        if self._has_ends:
            await follow(self.store)
        if self._overdue_in is not None and self._overdue_in <= timedelta():
            await call_off_overdue(self.store)
        if await give_back(self.store, self._lost, self.emit) == LEASES_AT_ONCE:
            return 0.0
        every = self._every if self._overdue_in is None else min(self._every, OVERDUE_EVERY)
        if self._first_end is None:
            return every
        return min(every, self._first_end.total_seconds() + JUST_AFTER)

    def _has_stood_still(self) -> bool:
        """Whether far more time has passed than between two sweeps, by either clock.

        The monotonic clock stands still while a machine sleeps, the wall clock does not.
        """
        before, self._looked_at = self._looked_at, (self.timing.monotonic(), self.timing.now())
        passed = max(
            self._looked_at[0] - before[0], (self._looked_at[1] - before[1]).total_seconds()
        )
        return passed > max(STOOD_STILL, self._after.total_seconds() / 2)

    def _has_waited_long(self) -> bool:
        """Whether the store took so long to answer that hearts may have gone unheard meanwhile.

        What waits for a lock or a network does not always fail: it goes on when that lets go, and
        so do the beats of all hearts, perhaps a moment later.
        """
        return self.timing.monotonic() - self._asked_at > self._after.total_seconds() / 4

    def _has_reached_for_a_term(self) -> bool:
        since = self._reached_since
        return since is not None and self.timing.monotonic() - since >= self._after.total_seconds()


async def promote(store: Store) -> None:
    """Make pending whatever waits and is due."""
    while True:
        promoted = await store.promote(LEASES_AT_ONCE)
        store.wakeups.send(promoted.queues)
        if promoted.count < LEASES_AT_ONCE:
            return


async def call_off_overdue(store: Store) -> None:
    """Call off every job that should have begun by now and has not."""
    while await store.write(deadlines.call_off) >= deadlines.AT_ONCE:
        pass


async def rescue(store: Store, emit: Emit = discard) -> int:
    """Give back every job whose worker session is gone; how many there were."""
    lost = await store.read(
        lambda connection, now: workers.lost_leases(connection, now, LEASES_AT_ONCE)
    )
    return await give_back(store, lost, emit)


async def give_back(store: Store, lost: Sequence[LostLease], emit: Emit = discard) -> int:
    """Give back the jobs of `lost` leases; how many were still theirs."""
    if not lost:
        return 0
    decided = [(lease, _decide(lease, store.randomness)) for lease in lost]
    reach(CrashPoint.RESCUE_FOUND)
    applied = await store.ack([ack for _, ack in decided])
    reach(CrashPoint.RESCUE_APPLIED)
    rescued = [(lease, ack) for lease, ack in decided if ack.token in applied]
    for lease, ack in rescued:
        store.counting.count(Meter.RAN, (lease.queue, lease.task, ack.outcome))
    _tell(emit, rescued)
    store.wakeups.deliver_all()
    return len(applied)


def _decide(lease: LostLease, randomness: Random) -> Ack:
    return decide(
        Lost(lease.losses + lease.may_have_begun, lease.stop_asked, lease.may_have_begun),
        token=lease.token,
        attempt=lease.attempt,
        max_attempts=lease.attempt,
        retry=Retry(),
        randomness=randomness,
    )


def _tell(emit: Emit, rescued: list[tuple[LostLease, Ack]]) -> None:
    back = ("release", "snooze")
    sessions = dict.fromkeys(lease.session for lease, _ in rescued)
    for session in sessions:
        mine = [(lease.job, ack.move in back) for lease, ack in rescued if lease.session == session]
        released = [job for job, is_back in mine if is_back]
        others = [job for job, is_back in mine if not is_back]
        named = tuple([*others, *released][:NAMED])
        emit(JobsRescued(session, len(released), len(others), named))


class Partitioner(Duty):
    """Makes PostgreSQL's partitions ahead of the rows that belong in them."""

    def __init__(self, store: Store, *, emit: Emit = discard) -> None:
        """Keep `store` supplied."""
        super().__init__(
            store, id="partitioner", term=timedelta(seconds=2 * PARTITIONS_EVERY), emit=emit
        )

    async def set_up(self) -> None:
        """Make what is missing before anything else of this process starts.

        After a long rest that is the partition of today; made later, it would have to take over
        rows, and who reads them in that moment would not see them.
        """
        await make_partitions(self.store)

    async def perform(self) -> float:
        """Make what is missing of the coming days and months."""
        await make_partitions(self.store)
        return PARTITIONS_EVERY


async def make_partitions(store: Store) -> list[str]:
    """Make the partitions that are missing, each in a transaction of its own; their names."""
    wanted = await store.read(partitions.missing)
    for partition in wanted:
        await store.write(partial(partitions.make, wanted=partition))
    return [partition.name for partition in wanted]
