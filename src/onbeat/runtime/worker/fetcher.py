"""Claims jobs for the worker's slots: as many as are free, and a few more when jobs are short."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from onbeat.crash_points import CrashPoint, reach
from onbeat.runtime.service import Service
from onbeat.runtime.worker.buffer import Buffer
from onbeat.runtime.worker.strays import Strays
from onbeat.store.store import Store

SHORTEST_REST = 0.002
LONGEST_REST = 1.0
"""Seconds between looks, from the one to the other the longer nothing comes."""

LONGEST_WITH_JOBS = 0.025
"""Seconds from a claim that brought something to the next look, at most."""

REST_SHARE = 4
"""A claim is followed by a rest of so many times what it took for each job it brought: looking for
work that is not there takes a fifth of the time at most, also where an old snapshot makes every
claim slow. One within limits brings many, and is slow for that alone."""

SLOW = 0.02
"""Seconds: after a claim that took longer for each job, not even a hint ends the rest."""

MOST_AT_ONCE = 1_000
"""Jobs in one claim. With 2,000 or 4,000, there and in an ack, no more are run in a second."""

MOST_PREFETCHED = 4_000
"""Jobs held beyond the slots. With 1,000 the next claim begins too late to be back in time, where
claims and runs share the processors: 54 to 68 thousand jobs a second on PostgreSQL."""

SHORT = 0.05
"""A job shorter than this (seconds, on average) is short: more are claimed than there are slots."""

SHORTEST_LOOK = 0.001
"""Seconds of work that say something about how fast jobs go."""

AHEAD = 0.1
"""Seconds of work to have at hand when jobs are short, so that no slot waits for a claim."""

MOST_AHEAD = 0.5
"""Seconds of work held at most, however few jobs that are: more would lie here for too long."""

FORGET_AFTER = 3.0
"""Seconds without a job's end after which nothing is known of the jobs any longer."""


class Demand:
    """How many jobs to ask for: free slots, plus a prefetch that follows how long jobs take."""

    def __init__(self, slots: int) -> None:
        """Begin without prefetch: nothing is known of the jobs yet."""
        self.slots = slots
        self.busy = 0
        self._per_second = 0.0
        self._mean = SHORT
        self._silence = 0.0

    def forget(self) -> None:
        """Know nothing of the jobs, as at the beginning: what was known was of others."""
        self._per_second = 0.0
        self._mean = SHORT
        self._silence = 0.0

    def observe(self, count: int, seconds: float, *, is_full: bool = True) -> None:
        """Learn that `count` jobs ended in the last `seconds`.

        When the worker was not full of work (`is_full`), it could have done more: an idle
        stretch says nothing against what is known, until it has lasted so long that the next
        jobs may be others; and none ended says that jobs are long only when there were jobs.
        """
        if seconds < SHORTEST_LOOK:
            return
        self._silence = 0.0 if count else self._silence + seconds
        if self._silence >= FORGET_AFTER:
            self.forget()
            return
        seen, known = count / seconds, self._per_second
        if is_full and known:
            self._per_second = 0.7 * known + 0.3 * seen
        else:
            self._per_second = max(known, seen)
        self._mean = self.slots / self._per_second if self._per_second else SHORT

    @property
    def prefetch(self) -> int:
        """How many jobs to hold beyond the slots; none when jobs are long."""
        if self._mean >= SHORT:
            return 0
        fewest = min(50, int(self._per_second * MOST_AHEAD))
        return min(MOST_PREFETCHED, max(fewest, int(self._per_second * AHEAD)))

    def wanted(self, buffered: int) -> int:
        """How many to claim now; 0 while there is enough at hand."""
        room = self.slots - self.busy + self.prefetch - buffered
        if room <= 0 or (self.prefetch and buffered > self.prefetch // 2):
            return 0
        return min(room, MOST_AT_ONCE)


class Fetcher(Service):
    """Keeps the buffer filled; woken by new jobs, by freed slots, and by the clock."""

    def __init__(
        self,
        store: Store,
        buffer: Buffer,
        demand: Demand,
        strays: Strays,
        queues: Sequence[str],
        **options: Any,
    ) -> None:
        """Claim from `queues` into `buffer`."""
        super().__init__(**{"id": "fetcher", "timing": store.timing, **options})
        self._store = store
        self._buffer = buffer
        self._demand = demand
        self._strays = strays
        self._queues = list(queues)
        self._rest = SHORTEST_REST
        self._brought_at = float("-inf")
        self._not_before = float("-inf")
        self._waits_for_room = False
        self.session: str | None = None
        """The session to claim for; none while it is being made or has been lost."""
        self.is_held = False
        """Whether nothing is to be claimed for now. What a claim under way brings is kept."""

    async def set_up(self) -> None:
        """Be woken when a job comes into one of the queues."""
        self._store.wakeups.subscribe(self.woken, self._queues)

    async def clean_up(self) -> None:
        """Be woken no more."""
        self._store.wakeups.unsubscribe(self.woken)

    def have_room(self) -> None:
        """Hear that a slot has become free: it matters only if there may be jobs for it."""
        if self._waits_for_room:
            self.wake()

    def hasten(self) -> None:
        """Hear that claims were slow for a reason that is over: the next may come at once."""
        self._not_before = float("-inf")
        self.wake()

    async def step(self) -> float:
        """Claim once if there is room; rest longer the longer nothing comes."""
        if self.session is not None:
            await self._strays.settle(self.session)
        wanted = self._demand.wanted(len(self._buffer))
        self._waits_for_room = wanted == 0
        if wanted == 0 or self.session is None or self.is_held:
            return LONGEST_REST
        began = self.timing.monotonic()
        if began < self._not_before:
            return self._not_before - began
        session = self.session
        try:
            jobs = await self._store.claim(session, self._queues, wanted, far=self._is_far)
        except BaseException:
            self._strays.suspect()
            raise
        self._queues.append(self._queues.pop(0))
        if session != self.session:
            return 0.0  # lost meanwhile: what was claimed in its name is others' by now
        if jobs:
            reach(CrashPoint.JOBS_CLAIMED)
            self._buffer.put(jobs)
        if len(jobs) == wanted:
            self._waits_for_room = True
            self._brought_at = began
            return 0.0
        return self._rest_after(len(jobs), began)

    @property
    def _is_far(self) -> bool:
        """Whether to look past jobs that lack a slot of a limit. While short jobs are at hand their
        ends will give slots back: with 1,000 keys of one at once all jobs of a long line made way
        for nobody, and were run at a quarter of the speed.
        """
        if self._demand.prefetch == 0:
            return True
        return not len(self._buffer) and not self._strays.holds_any

    def _rest_after(self, count: int, began: float) -> float:
        """How long to rest when the line was emptied by a claim that brought `count`.

        While jobs come, half as long as it takes for one to come; then half of how long none did.
        """
        ended = self.timing.monotonic()
        silence = began - self._brought_at
        if count:
            rest = min(silence / count / 2, LONGEST_WITH_JOBS)
            self._brought_at = began
        else:
            rest = max(self._rest, silence / 2)
        # At most: a claim that an outage held up says nothing about how long the next will take.
        least = min(REST_SHARE * (ended - began) / max(count, 1), LONGEST_REST)
        if ended - began > SLOW * max(count, 1):
            self._not_before = ended + least
        self._rest = min(max(rest, least, SHORTEST_REST), LONGEST_REST)
        opens_in = self._store.opens_in
        return self._rest if opens_in is None else min(self._rest, max(opens_in, least))
