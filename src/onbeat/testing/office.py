"""The kit's scheduler, with the watchdog and the rescuer: the real ones, a step at a time.

In life they look every second. Here the kit knows when something is due, moves its clock there,
and lets them look; only while a worker is to be rescued they look as often as in life, for the
rescuer believes that one is dead only if it has itself looked for a while.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from sqlalchemy import Connection

from onbeat.app.onbeat import Onbeat
from onbeat.crash_points import CrashPoint
from onbeat.runtime.boots import Boots
from onbeat.runtime.maintenance import Rescuer, make_partitions
from onbeat.runtime.scheduler import SHORTEST_REST, Scheduler
from onbeat.runtime.watchdog import Watchdog
from onbeat.store import workers
from onbeat.store.opening import open_store
from onbeat.store.store import Store
from onbeat.testing.clock import VirtualClock
from onbeat.testing.errors import Killed, KitError

MOST_TICKS = 1_000
"""Ticks at one moment that leave something due."""

MAKE_PARTITIONS_EVERY = timedelta(hours=12)


class Office:
    """One scheduler process, by the kit's clock."""

    def __init__(self, ob: Onbeat, clock: VirtualClock) -> None:
        """Schedule for `ob`."""
        self.is_down = False
        """Whether no scheduler runs. The rescuer does: every worker has one, too."""
        self.crashed: list[CrashPoint] = []
        """Where schedulers have died."""
        self._ob = ob
        self._clock = clock
        self._crash: CrashPoint | None = None
        self._is_at_work = False
        self._sweep_at: datetime | None = None
        self._partitions_at = clock.now()

    async def start(self) -> None:
        """Connect, bring the schedules in code into the store, see that the machine has started."""
        self._store: Store = open_store(self._ob.url, timing=self._clock)
        self._scheduler = Scheduler(self._store)
        self._watchdog = Watchdog(self._store)
        self._rescuer = Rescuer(self._store)
        try:
            await self._store.open()
            await self._make_partitions()
            await self._ob.schedules.reconcile()
            await Boots(self._store).step()
        except BaseException:
            await self._store.close()
            raise

    async def stop(self) -> None:
        """Let go of its duties, and disconnect."""
        await self._watchdog.clean_up()
        await self._rescuer.clean_up()
        await self._store.close()

    def is_here(self) -> bool:
        """Whether its code runs now; its store's does so in a thread."""
        return self._is_at_work

    def die(self, point: CrashPoint) -> None:
        """Die here and now: called at a crash point, by the scheduler's own code."""
        self._crash = point
        raise Killed(point)

    def alarm(self) -> None:
        """Look after workers until all that are dead were found so."""
        self._sweep_at = self._clock.now()

    async def settle(self) -> None:
        """Tick until nothing more is due; a scheduler that is killed is followed by another."""
        if not self.is_down:
            await self._survive(self._tick)

    async def sweep(self, session: str | None) -> None:
        """Look after workers if it is time; `session` is the one that is known to live."""
        while self._sweep_at is not None and self._sweep_at <= self._clock.now():
            await self._survive(partial(self._sweep, session))

    async def watch(self) -> None:
        """Compare once when schedules are due with when they should be."""
        if not self.is_down:
            await self._watchdog.step()
        if self._clock.now() >= self._partitions_at:
            await self._make_partitions()

    async def next_moment(self) -> datetime | None:
        """When there is something to do next."""
        due = await self._store.next_due()
        ticked = [] if self.is_down else [due.schedule_at, due.job_at, due.resume_at]
        return min((at for at in [*ticked, self._sweep_at] if at is not None), default=None)

    async def _tick(self) -> None:
        for _ in range(MOST_TICKS):
            if await self._scheduler.step() > SHORTEST_REST:
                return
        raise KitError(
            f"after {MOST_TICKS} ticks at {self._clock.now().isoformat()} something is still due"
        )

    async def _sweep(self, session: str | None) -> None:
        rest = await self._rescuer.step()
        await self.watch()
        is_over = await self._store.read(lambda connection, _: _all_live(connection, session))
        self._sweep_at = None if is_over else self._clock.now() + timedelta(seconds=rest)

    async def _survive(self, work: Callable[[], Awaitable[None]]) -> None:
        """Do `work`; again, by a process that starts anew, when this one dies of it."""
        while True:
            self._is_at_work = True
            try:
                return await work()
            except Killed:
                await self._replace()
            finally:
                self._is_at_work = False

    async def _replace(self) -> None:
        assert self._crash is not None  # noqa: S101 - that is why
        self.crashed.append(self._crash)
        await self._store.close()
        await self.start()
        self.alarm()

    async def _make_partitions(self) -> None:
        await make_partitions(self._store)
        self._partitions_at = self._clock.now() + MAKE_PARTITIONS_EVERY


def _all_live(connection: Connection, session: str | None) -> bool:
    """Whether there is no session but `session`, and no lease of one that has ended."""
    now: Any = None  # neither depends on it
    others = [each for each in workers.list_sessions(connection, now) if each.id != session]
    return not others and not workers.lost_leases(connection, now, 1)
