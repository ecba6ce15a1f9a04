"""Backfills, cold: planned, begun, moved on a bounded number of jobs at a time, stopped."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    Select,
    and_,
    delete,
    func,
    insert,
    select,
    update,
)

from onbeat.domain.backfills import Backfill, Gaps, Wanted, check_range, moments_between
from onbeat.domain.errors import Conflict, InvalidInput, NotFound
from onbeat.domain.jobs import JobId
from onbeat.domain.recurrence import Unreadable
from onbeat.domain.regions import Send
from onbeat.domain.schedules import Schedule
from onbeat.store import clocks
from onbeat.store.jobs import stands
from onbeat.store.payloads import lane_of
from onbeat.store.schedules import find as find_schedule
from onbeat.store.schema import backfills, occurrences, reruns, schedules
from onbeat.store.triggers import ScheduledCall, book, call_of

NewId = Callable[[], JobId]


def gaps(connection: Connection, now: datetime, wanted: Wanted) -> tuple[Schedule, Gaps]:
    """Which moments `wanted` would make a job for. Raises NotFound and InvalidInput."""
    schedule = find_schedule(connection, now, wanted.schedule)
    check_range(wanted.begin, wanted.end, clocks.now_of(connection, now, schedule.clock))
    if isinstance(schedule.recurrence, Unreadable):
        reason = schedule.recurrence.reason
        raise InvalidInput("name", f"{schedule.name!r} cannot be read: {reason}")
    moments = moments_between(schedule.recurrence, wanted.begin, wanted.end)
    if not moments:
        raise InvalidInput("from", f"{schedule.name!r} has no moment from "
                           f"{wanted.begin.isoformat()} to {wanted.end.isoformat()}: "
                           f"{schedule.recurrence.describe()}")  # fmt: skip
    done = set() if wanted.again else _with_a_job(connection, schedule.id, wanted)
    left = [moment for moment in moments if moment not in done]
    return schedule, Gaps(left, len(moments) - len(left))


def _with_a_job(connection: Connection, schedule: str, wanted: Wanted) -> set[datetime]:
    """Moments that made a job, or are to have one by a backfill."""
    found: set[datetime] = set()
    for table in (occurrences, reruns):
        mine = and_(table.c.schedule == schedule, table.c.due_at.between(wanted.begin, wanted.end))
        query = select(table.c.due_at).where(mine)
        if table is occurrences:
            query = query.where(table.c.job.is_not(None))
        found.update(connection.scalars(query))
    return found


def begin(connection: Connection, now: datetime, identity: JobId, wanted: Wanted) -> Backfill:
    """Put a backfill on record, with each moment it makes a job for. Raises NotFound, InvalidInput,
    and Conflict when there is nothing to do.
    """
    schedule, found = gaps(connection, now, wanted)
    if not found.moments:
        raise Conflict(f"all {found.passed:,} moments of {schedule.name!r} there have had a job; "
                       "to run them again give --again, or again=True")  # fmt: skip
    priority = schedule.priority if wanted.priority is None else wanted.priority
    connection.execute(
        insert(backfills).values(
            id=identity, schedule=schedule.id, begin_at=wanted.begin, end_at=wanted.end,
            at_once=wanted.at_once, lane=lane_of(priority), total=len(found.moments),
            by=wanted.by, why=wanted.why, created_at=now,
        )
    )  # fmt: skip
    rows = [
        {"backfill": identity, "due_at": moment, "schedule": schedule.id}
        for moment in found.moments
    ]
    connection.execute(insert(reruns), rows)
    return find(connection, now, identity)


@dataclass(slots=True)
class Moved:
    """What one pass over the open backfills did."""

    jobs: int = 0
    queues: set[str] = field(default_factory=set)


def go_on(connection: Connection, now: datetime, new_id: NewId, send: Send | None = None) -> Moved:
    """Make jobs of every open backfill, as many as may be open at one time; `send` says where they
    go by regions.
    """
    moved = Moved()
    still_open = (
        select(backfills)
        .where(backfills.c.ended_at.is_(None))
        .order_by(backfills.c.id)
        .with_for_update(skip_locked=True)
    )
    for backfill in connection.execute(still_open).all():
        _count_ended(connection, backfill.id)
        room = backfill.at_once - _open(connection, backfill.id)
        schedule = call_of(connection, backfill.schedule)
        if schedule is None:
            _end(connection, now, backfill.id, "its schedule was removed")
            continue
        moments = _waiting(connection, backfill.id, room) if room > 0 else []
        for moment in moments:
            call = schedule.sent(send)
            if not _make(connection, now, backfill, call, moment, new_id()):
                break  # another job has the unique key: the moment waits for it
            moved.queues.add(call.queue)
            moved.jobs += 1
        if room == backfill.at_once and not moments:
            _end(connection, now, backfill.id, None)
    return moved


def _make(
    connection: Connection,
    now: datetime,
    backfill: Row[Any],
    call: ScheduledCall,
    moment: datetime,
    job: JobId,
) -> bool:
    """Make the job of one moment; whether its unique key was free."""
    if book(connection, now, job, call, lane=backfill.lane, occurrence_at=moment) is not None:
        return False
    connection.execute(
        update(reruns)
        .where(reruns.c.backfill == backfill.id, reruns.c.due_at == moment)
        .values(job=job)
    )
    return True


def _count_ended(connection: Connection, backfill: str) -> None:
    ended = _open_jobs(backfill) & ~stands(reruns.c.job)
    connection.execute(update(reruns).where(ended).values(ended=1))


def _made_jobs(backfill: Any) -> ColumnElement[bool]:
    return and_(reruns.c.backfill == backfill, reruns.c.job.is_not(None))


def _open_jobs(backfill: Any) -> ColumnElement[bool]:
    return _made_jobs(backfill) & (reruns.c.ended == 0)


def _open(connection: Connection, backfill: str) -> int:
    return connection.scalar(select(func.count()).where(_open_jobs(backfill))) or 0


def _waiting(connection: Connection, backfill: str, limit: int) -> Sequence[datetime]:
    query = (
        select(reruns.c.due_at)
        .where(reruns.c.backfill == backfill, reruns.c.job.is_(None))
        .order_by(reruns.c.due_at)
        .limit(limit)
    )
    return connection.scalars(query).all()


def _end(connection: Connection, now: datetime, backfill: str, stopped: str | None) -> None:
    connection.execute(
        update(backfills).where(backfills.c.id == backfill).values(ended_at=now, stopped=stopped)
    )


def stop(connection: Connection, now: datetime, identity: str, by: str) -> Backfill:
    """Make no more jobs of a backfill; those it has made go on. Raises NotFound, Conflict."""
    backfill = find(connection, now, identity)
    if backfill.ended_at is not None:
        raise Conflict(f"backfill {identity} has ended")
    connection.execute(delete(reruns).where(reruns.c.backfill == identity, reruns.c.job.is_(None)))
    _end(connection, now, identity, f"by {by}")
    return find(connection, now, identity)


def find(
    connection: Connection, now: datetime, identity: str, owner: str | None = None
) -> Backfill:
    """The backfill of that id; with `owner`, of a schedule of that one alone. Raises NotFound."""
    query = _told().where(backfills.c.id == identity)
    if owner is not None:
        query = query.where(schedules.c.owner == owner)
    row = connection.execute(query).first()
    if row is None:
        raise NotFound(f"no backfill {identity}", "backfills")
    return _backfill(row)


def list_backfills(
    connection: Connection,
    now: datetime,
    name: str | None,
    limit: int,
    before: str | None = None,
    owner: str | None = None,
) -> list[Backfill]:
    """The newest backfills first, of one schedule, of an owner's or of all; those older than the
    one of the id `before`. Raises NotFound.
    """
    query = _told().order_by(backfills.c.id.desc()).limit(limit)
    if owner is not None:
        query = query.where(schedules.c.owner == owner)
    if before is not None:
        query = query.where(backfills.c.id < before)
    if name is not None:
        query = query.where(backfills.c.schedule == find_schedule(connection, now, name).id)
    return [_backfill(row) for row in connection.execute(query)]


def _told() -> Select[Any]:
    made = select(func.count()).where(_made_jobs(backfills.c.id))
    still = select(func.count()).where(_open_jobs(backfills.c.id))
    return select(
        backfills,
        made.scalar_subquery().label("made"),
        still.scalar_subquery().label("open"),
        schedules.c.name.label("schedule_name"),
    ).select_from(backfills.outerjoin(schedules, schedules.c.id == backfills.c.schedule))


def _backfill(row: Row[Any]) -> Backfill:
    return Backfill(
        id=row.id,
        schedule=row.schedule_name or f"removed ({row.schedule})",
        begin_at=row.begin_at,
        end_at=row.end_at,
        at_once=row.at_once,
        total=row.total,
        made=row.made,
        open=row.open if row.ended_at is None else 0,
        by=row.by,
        why=row.why,
        created_at=row.created_at,
        ended_at=row.ended_at,
        stopped=row.stopped,
    )
