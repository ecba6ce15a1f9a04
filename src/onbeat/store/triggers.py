"""Jobs of a schedule that somebody wants by hand, beside its moments."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from datetime import datetime

from sqlalchemy import Connection, insert, select

from onbeat.domain.backfills import INSTANT
from onbeat.domain.errors import Conflict, InvalidInput
from onbeat.domain.jobs import JobId
from onbeat.domain.recurrence import Unreadable
from onbeat.domain.recurrence.recurrence import aware
from onbeat.domain.regions import Send, describe
from onbeat.domain.schedules import Schedule
from onbeat.store import clocks, deadlines, keys, marks
from onbeat.store import jobs as stored_jobs
from onbeat.store.payloads import lane_of, with_route
from onbeat.store.schedules import find as find_schedule
from onbeat.store.schema import backfills, jobs, occurrences, reruns, schedules
from onbeat.store.texts import refuse_unkept


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduledCall:
    """What a schedule runs."""

    id: str
    """The schedule's."""
    task: str
    queue: str
    lane: int
    max_attempts: int
    args: str
    options: str | None
    ties: str | None

    def sent(self, send: Send | None) -> ScheduledCall:
        """The same where it goes by regions."""
        way = None if send is None else send(self.queue)
        if way is None or way[1].queue == self.queue:
            return self
        asked, to = way
        options = with_route(self.options, describe(asked, to))
        return replace(self, queue=to.queue, options=options)

    def given(self, args: str | None) -> ScheduledCall:
        """The same with other arguments, JSON, if there are some. Raises InvalidArguments."""
        if args is None:
            return self
        refuse_unkept(args, f"job of task {self.task!r}")
        return replace(self, args=args)


Turned = Callable[[ScheduledCall], ScheduledCall]


def _as_it_is(call: ScheduledCall) -> ScheduledCall:
    return call


def trigger(
    connection: Connection,
    now: datetime,
    name: str,
    job: JobId,
    *,
    at: datetime | None,
    by: str,
    backfill: JobId,
    turned: Turned = _as_it_is,
) -> str:
    """Make one job of the schedule now, beside its moments; its queue.

    With `at` it is made for that moment, one of its own that is over, and on record as a backfill
    of this one. `turned` makes of what the schedule runs what this one job does. Raises NotFound,
    InvalidInput, and Conflict where another job has its unique key.
    """
    schedule = find_schedule(connection, now, name)
    if at is not None:
        _check_over(at, clocks.now_of(connection, now, schedule.clock))
        _check_moment(connection, schedule, at)
        connection.execute(
            insert(backfills).values(
                id=backfill, schedule=schedule.id, begin_at=at, end_at=at, at_once=1, total=1,
                by=by, created_at=now, lane=lane_of(schedule.priority),
            )
        )  # fmt: skip
        connection.execute(
            insert(reruns).values(backfill=backfill, due_at=at, schedule=schedule.id, job=job)
        )
    call = call_of(connection, schedule.id)
    assert call is not None  # noqa: S101 - it was found in this transaction
    call = turned(call)
    holder = book(connection, now, job, call, lane=call.lane, occurrence_at=at)
    if holder is not None:
        raise Conflict(
            f"job {holder} has the unique key that a job of {name!r} has; wait for its end, or "
            f"onbeat jobs cancel {holder}"
        )
    return call.queue


def _check_over(at: datetime, now: datetime) -> None:
    """Refuse a moment that is yet to come; `now` is the time of the schedule's clock."""
    if aware(at, "at") > now:
        raise InvalidInput(
            "at", f"{at.isoformat()} is yet to come; give {now.isoformat()} or sooner, or no moment"
        )


def _check_moment(connection: Connection, schedule: Schedule, at: datetime) -> None:
    """Refuse a moment that the schedule neither has nor ever had."""
    recurrence = schedule.recurrence
    on_record = select(occurrences.c.due_at).where(
        occurrences.c.schedule == schedule.id, occurrences.c.due_at == at
    )
    if connection.execute(on_record).first() is not None:
        return
    following = None if isinstance(recurrence, Unreadable) else recurrence.next(at - INSTANT)
    if following != at:
        hint = f"; the next after it is {following.isoformat()}" if following else ""
        raise InvalidInput("at", f"{at.isoformat()} is no moment of {schedule.name!r}{hint}")


def call_of(connection: Connection, schedule: str) -> ScheduledCall | None:
    """What the schedule with that id runs."""
    query = select(*(schedules.c[each.name] for each in fields(ScheduledCall)))
    row = connection.execute(query.where(schedules.c.id == schedule)).first()
    return None if row is None else ScheduledCall(**row._mapping)


def book(
    connection: Connection,
    now: datetime,
    job: JobId,
    call: ScheduledCall,
    *,
    lane: int,
    occurrence_at: datetime | None,
) -> JobId | None:
    """Make a pending job of what a schedule runs; the job that has its unique key, where one has:
    then none is made.
    """
    holder = keys.take_for_schedule(connection, now, job, call.ties)
    if holder is not None:
        return holder
    connection.execute(
        insert(jobs).values(
            id=job, task=call.task, queue=call.queue, lane=lane, max_attempts=call.max_attempts,
            args=call.args, options=call.options, schedule=call.id, occurrence_at=occurrence_at,
            created_at=now, ties=call.ties,
        )
    )  # fmt: skip
    stored_jobs.make_ready(connection, now, job, call.queue, lane, 0, None)
    deadlines.set_for_schedule(connection, now, job, call.ties)
    marks.write(connection, job, call.ties)
    return None
