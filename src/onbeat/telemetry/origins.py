"""Which schedule a run is of: read where somebody tells of it, since workers have no use for it."""

from __future__ import annotations

from onbeat.app.onbeat import Onbeat
from onbeat.domain.errors import NotFound, StoreError
from onbeat.domain.schedules import Schedule
from onbeat.runtime.run import Run


async def schedule_name_of(ob: Onbeat, run: Run) -> str | None:
    """Its name, in one read; None where it is of none, or the store does not say now."""
    try:
        return (await ob.jobs.find(run.job)).schedule
    except (StoreError, NotFound):
        return None


async def schedule_of(ob: Onbeat, run: Run) -> Schedule | None:
    """The schedule itself; None where it is gone meanwhile too."""
    name = await schedule_name_of(ob, run)
    try:
        return None if name is None else await ob.schedules.find(name)
    except (StoreError, NotFound):
        return None
