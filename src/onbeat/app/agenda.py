"""The command on what was and what is to come."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from functools import partial

from onbeat.app.context import Context
from onbeat.domain.agenda import HOUR, Agenda, Bucket, By, buckets, put_together
from onbeat.domain.health import begins
from onbeat.domain.jobs import check_page
from onbeat.domain.recurrence.zones import known_zone
from onbeat.domain.schedule_filters import Recent, ScheduleFilter, ScheduleStanding
from onbeat.domain.schedules import Schedule
from onbeat.store import agenda, schedule_lists
from onbeat.store.schedule_lists import ALL


class Agendas:
    """`ob.agendas`: what schedules had ended and what they will be due, by the clock of a zone; how
    many stand how, and how their jobs fared of late.
    """

    def __init__(self, context: Context) -> None:
        """Made by the application."""
        self._context = context

    async def read(
        self,
        first: date,
        last: date,
        *,
        zone: str = "UTC",
        by: By = By.DAY,
        schedule: str | None = None,
        owner: str | None = None,
    ) -> Agenda:
        """The days from `first` to `last`, both included, or their hours. Raises InvalidInput."""
        wanted = buckets(known_zone(zone), first, last, by)
        asked = agenda.Asked(
            begin=wanted[0].begins_at, end=wanted[-1].ends_at, by=by,
            is_of_hours=all(map(_is_of_hours, wanted)), schedule=schedule, owner=owner,
        )  # fmt: skip
        found = await self._context.read(partial(agenda.read, asked=asked))
        # Ten thousand moments take a few tenths of a second: not on the loop that answers others.
        return await asyncio.to_thread(put_together, zone, wanted, by, found)

    async def soonest(
        self, *, limit: int = 100, owner: str | None = None, wanted: ScheduleFilter = ALL
    ) -> Sequence[Schedule]:
        """Those that are on and due by the wall clock, the soonest first: what is late leads; of
        one owner alone where one is given. Raises InvalidInput.
        """
        check_page(limit)
        if owner is not None:
            wanted = replace(wanted, owner=owner)
        found = partial(schedule_lists.soonest, wanted=wanted, limit=limit)
        return await self._context.read(found)

    async def standings(self, *, owner: str | None = None) -> Mapping[ScheduleStanding, int]:
        """How many there are that stand so; those of one owner alone where one is given."""
        return await self._context.read(partial(schedule_lists.standings, owner=owner))

    async def recent(self, wanted: Sequence[Schedule]) -> Mapping[str, Recent]:
        """What came of the jobs of each in seven days, and of its last one, by its id."""
        return await self._context.read(partial(schedule_lists.recent, wanted=wanted))


def _is_of_hours(bucket: Bucket) -> bool:
    return begins(bucket.begins_at, HOUR) == bucket.begins_at
