"""Claims jobs for the worker's slots, and looks for more as often as is worth it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from onbeat.crash_points import CrashPoint, reach
from onbeat.runtime.service import Service
from onbeat.runtime.worker.buffer import Buffer
from onbeat.runtime.worker.demand import Demand
from onbeat.runtime.worker.share import Share
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


class Fetcher(Service):
    """Keeps the buffer filled; woken by new jobs, by freed slots, and by the clock."""

    def __init__(
        self,
        store: Store,
        buffer: Buffer,
        demand: Demand,
        strays: Strays,
        queues: Sequence[str],
        *,
        unstored: Callable[[], int],
        is_paused: Callable[[], bool] = lambda: False,
        **options: Any,
    ) -> None:
        """Claim from `queues` into `buffer`, with so many ends `unstored` at a time, while nobody
        has paused it.
        """
        super().__init__(**{"id": "fetcher", "timing": store.timing, **options})
        self._store = store
        self._buffer = buffer
        self._demand = demand
        self._strays = strays
        self._queues = list(queues)
        self._unstored = unstored
        self._is_paused = is_paused
        self._share = Share()
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
        """Hear that a slot is free, or ends are stored: it matters if there may be jobs for it."""
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
        wanted = self._wanted()
        self._waits_for_room = wanted == 0
        if wanted == 0 or self.session is None or self.is_held or self._is_paused():
            return LONGEST_REST
        began = self.timing.monotonic()
        if began < self._not_before:
            return self._not_before - began
        session, before = self.session, self._held()
        try:
            jobs = await self._store.claim(session, self._queues, wanted, far=self._is_far)
        except BaseException:
            self._strays.suspect()
            raise
        self._queues.append(self._queues.pop(0))
        self._share.learn(wanted, len(jobs), (before, self._held()), self._store.sight)
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

    def _held(self) -> int:
        """How many jobs are here; their slots come back once their ends are stored."""
        return self._demand.busy + len(self._buffer) + self._unstored()

    def _wanted(self) -> int:
        """How many to claim now."""
        buffered = len(self._buffer)
        wanted = self._demand.wanted(buffered)
        if self._demand.prefetch == 0:
            self._share.forget()
        return self._share.wanted(wanted, self._demand.busy, buffered + self._unstored())

    @property
    def _is_far(self) -> bool:
        """Whether to look past jobs that lack a slot of a limit. While short jobs are at hand their
        ends will give slots back: with 1,000 keys of one at once all jobs of a long line made way
        for nobody, and were run at a quarter of the speed.
        """
        if self._demand.prefetch == 0:
            return True
        return self._held() == 0

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
        opens_in = self._store.sight.opens_in
        return self._rest if opens_in is None else min(self._rest, max(opens_in, least))
