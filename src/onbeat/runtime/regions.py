"""Sending jobs to where they can be run, and moving those that are stranded."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from functools import partial
from itertools import count
from random import randrange
from typing import Any

from onbeat.domain.events import JobsMoved
from onbeat.domain.regions import Regions, Route, Send, moves_at, refuge, route, way_out
from onbeat.runtime.lease import Duty
from onbeat.store import regions as stored
from onbeat.store.regions import Look, Wish
from onbeat.store.store import Store

FRESH = 1.0
"""Seconds for which a look at the queues is good."""

MOVES_EVERY = 5.0
"""Seconds between looks for stranded jobs; so exactly is it known when a queue was last served."""

MOST_BATCHES = 20
"""Batches moved from one queue to one place at one look; the next look goes on."""


class Router:
    """Sends the jobs of one process; looks at the queues at most about once a second."""

    def __init__(self, regions: Regions) -> None:
        """Send by what `regions` say."""
        self.regions = regions
        # Processes that make one job each would all begin with the first region.
        self._turns = count(randrange(len(regions.turns)))  # noqa: S311 - no secret
        self._look: Look | None = None
        self._looked: tuple[str, float] = ("", float("-inf"))

    async def look(self, store: Store) -> Look:
        """How the queues are; while one looks anew, the others go by what was seen before."""
        url, at = self._looked
        now = store.timing.monotonic()
        if self._look is not None and url == store.url and now - at < FRESH:
            return self._look
        if self._look is not None and url == store.url:
            self._looked = (url, now)
        self._look = await store.read(partial(stored.look, wanted=self.regions))
        self._looked = (store.url, now)
        return self._look

    def send(self, preferred: str | None, look: Look) -> Route:
        """Where a job goes that is wanted in `preferred`, or anywhere."""
        turn = 0 if preferred is not None else next(self._turns)
        return route(preferred, self.regions, look.health, turn, look.now)

    def send_from(self, queue: str, look: Look) -> tuple[str | None, Route] | None:
        """The same for a schedule's job, which is wanted where its queue says; None for a queue
        that has nothing to do with regions.
        """
        if queue == self.regions.default:
            return None, self.send(None, look)
        preferred = self.regions.by_queue.get(queue)
        return None if preferred is None else (preferred, self.send(preferred, look))


async def sending(router: Router | None, store: Store) -> Send | None:
    """How the jobs of schedules are sent now; None where there are no regions."""
    return None if router is None else partial(router.send_from, look=await router.look(store))


class Mover(Duty):
    """Notes which regions are served, and moves what is stranded in those that are not."""

    def __init__(self, store: Store, regions: Regions, **options: Any) -> None:
        """Look after `regions`."""
        super().__init__(store, id="mover", **options)
        self._regions = regions
        self._turns = count()

    async def perform(self) -> float:
        """Move what has been stranded for long enough, in batches."""
        seen = await self.store.write(partial(stored.see, wanted=self._regions))
        since = await self.store.read(stored.declared_at)
        for region, queue in self._regions.queues.items():
            if self._is_stranded(queue, seen, since):
                await self._empty(region, queue, seen)
        if self._is_stranded(self._regions.default, seen, since):
            await self._empty_default(seen)
        return MOVES_EVERY

    def _is_stranded(self, queue: str, seen: Look, since: Mapping[str, datetime]) -> bool:
        at = moves_at(self._regions, seen.health[queue], since.get(queue, seen.now))
        return at is not None and at <= seen.now

    async def _empty_default(self, seen: Look) -> None:
        """Move what no region could take to those that can, each job by where it was wanted."""
        queue, known = self._regions.default, tuple(self._regions.queues)
        why = f"no worker on {queue} since {_at(seen.health[queue].served_at)}"
        for asked in (*known, None):
            for _ in range(MOST_BATCHES):
                turn = next(self._turns)
                to = way_out(asked, self._regions, seen.health, turn, seen.now)
                if to is None or not await self._move(None, queue, to, why, Wish(asked, known)):
                    break

    async def _empty(self, region: str, queue: str, seen: Look) -> None:
        to = refuge(region, self._regions, seen.health, seen.now)
        if to is None:
            return
        why = f"no worker in {region} since {_at(seen.health[queue].served_at)}"
        for _ in range(MOST_BATCHES):
            if not await self._move(region, queue, to, why):
                return

    async def _move(
        self, region: str | None, queue: str, to: Route, why: str, wish: Wish | None = None
    ) -> bool:
        """Move a batch, and tell; False where there was nothing."""
        move = partial(stored.move, queue=queue, to=to, why=why, wish=wish)
        batch = await self.store.write(move)
        if batch:
            self.store.wakeups.send([to.queue])
            self.emit(JobsMoved(region, to.region, to.queue, len(batch), why))
        return bool(batch)


def _at(moment: datetime | None) -> str:
    return "it was declared" if moment is None else f"{moment:%Y-%m-%d %H:%M:%S} UTC"
