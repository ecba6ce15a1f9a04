"""Firings of users' schedules, cold: each makes the user's job, once, and hands its moment over.

From then on the schedule has made that job and not the firing: its overlap policy, its pause after
failures, what is kept of its jobs and its record all go by what the user asked for.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, select, update

from onbeat.domain.errors import NotFound
from onbeat.domain.jobs import JobId
from onbeat.domain.marks import owner_in
from onbeat.domain.user_schedules import fired_id
from onbeat.store.schema import jobs, occurrences, reruns, schedules
from onbeat.store.triggers import ScheduledCall, book


@dataclass(frozen=True, slots=True)
class Fired:
    """What a firing came to."""

    job: JobId
    """The user's job, or the one that has its unique key."""
    is_new: bool


CallFor = Callable[[str, str], ScheduledCall]
"""What is to be run, by the schedule's id and by whose it is."""


def fire(connection: Connection, now: datetime, firing: JobId, call_for: CallFor) -> Fired:
    """Make the user's job of a firing, if that has made none. Raises NotFound for a job that no
    user's schedule has made.
    """
    columns = (jobs.c.schedule, jobs.c.occurrence_at, jobs.c.ties, jobs.c.lane)
    row = connection.execute(select(*columns).where(jobs.c.id == firing)).first()
    owner = None if row is None else owner_in(row.ties)
    if row is None or row.schedule is None or owner is None:
        raise NotFound(f"job {firing} was made by no schedule of a user; nothing is to be fired")
    job = fired_id(firing)
    if _has_made(connection, job, row.schedule, row.occurrence_at):
        return Fired(job, is_new=False)
    call = call_for(row.schedule, owner)
    holder = book(connection, now, job, call, lane=call.lane, occurrence_at=row.occurrence_at)
    if holder is not None:
        return Fired(holder, is_new=False)
    _hand_over(connection, firing, job, row.schedule, row.occurrence_at)
    return Fired(job, is_new=True)


def _has_made(connection: Connection, job: JobId, schedule: str, moment: datetime | None) -> bool:
    """Whether the user's job is there, or was: the record of its moment still names it when it has
    been cleaned away.
    """
    if connection.scalar(select(jobs.c.id).where(jobs.c.id == job)) is not None:
        return True
    for made in (occurrences, reruns) if moment is not None else ():
        mine = (made.c.schedule == schedule) & (made.c.due_at == moment) & (made.c.job == job)
        if connection.execute(select(made.c.job).where(mine)).first() is not None:
            return True
    return False


def _hand_over(
    connection: Connection, firing: JobId, job: JobId, schedule: str, moment: datetime | None
) -> None:
    for column in (schedules.c.last_job, schedules.c.awaits_job):
        mine = (schedules.c.id == schedule) & (column == firing)
        connection.execute(update(schedules).where(mine).values({column: job}))
    if moment is None:  # it was triggered by hand, beside the schedule's moments
        return
    of_ledger = (occurrences.c.schedule == schedule) & (occurrences.c.due_at == moment)
    connection.execute(
        update(occurrences).where(of_ledger, occurrences.c.job == firing).values(job=job)
    )
    of_backfill = (reruns.c.schedule == schedule) & (reruns.c.due_at == moment)
    connection.execute(update(reruns).where(of_backfill, reruns.c.job == firing).values(job=job))
