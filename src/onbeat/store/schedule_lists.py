"""Lists of schedules, cold: a page of those that fit, how many stand how, how their jobs fared."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, String, cast, func, or_, select

from onbeat.domain.health import SPANS, Kind, begins
from onbeat.domain.schedule_filters import (
    LATE_AFTER,
    LATELY,
    Recent,
    ScheduleFilter,
    ScheduleStanding,
)
from onbeat.domain.schedules import Schedule
from onbeat.domain.ties import TieKind, tie
from onbeat.store import listing
from onbeat.store.last_moments import last_moments
from onbeat.store.payloads import encode
from onbeat.store.schedules import read_with_task, with_task
from onbeat.store.schema import rollups, schedules

SPAN = SPANS[1]
ALL = ScheduleFilter()


def page(
    connection: Connection, now: datetime, *, wanted: ScheduleFilter = ALL, after: str = "",
    limit: int = 100,
) -> list[Schedule]:  # fmt: skip
    """Schedules in order of name, a page at a time; not those gone from the code."""
    query = with_task().where(
        schedules.c.name > after, schedules.c.retired_at.is_(None), *_conditions(wanted, now)
    )
    rows = connection.execute(query.order_by(schedules.c.name).limit(limit))
    return [read_with_task(row) for row in rows]


def soonest(
    connection: Connection, now: datetime, *, wanted: ScheduleFilter = ALL, limit: int = 100
) -> list[Schedule]:
    """Those that are on and due by the wall clock, the soonest first: what is late leads."""
    query = with_task().where(
        schedules.c.next_due_at.is_not(None), schedules.c.clock.is_(None),
        schedules.c.retired_at.is_(None), *_stands(ScheduleStanding.ON, now),
        *_conditions(wanted, now),
    )  # fmt: skip
    order = (schedules.c.next_due_at, schedules.c.name)
    return [read_with_task(row) for row in connection.execute(query.order_by(*order).limit(limit))]


def standings(
    connection: Connection, now: datetime, owner: str | None = None
) -> Mapping[ScheduleStanding, int]:
    """How many there are in all, or of an owner, that stand so."""
    columns = [func.count().filter(*_stands(each, now)).label(each) for each in ScheduleStanding]
    query = (
        select(*columns)
        .select_from(schedules)
        .where(schedules.c.retired_at.is_(None), *_conditions(ScheduleFilter(owner=owner), now))
    )
    row = connection.execute(query).one()
    return {each: row._mapping[each] for each in ScheduleStanding}


def recent(
    connection: Connection, now: datetime, wanted: Sequence[Schedule]
) -> Mapping[str, Recent]:
    """What came of the jobs of each of late, by its id."""
    names = ("completed", "failed", "cancelled")
    query = (
        select(rollups.c.subject, *(func.sum(rollups.c[each]).label(each) for each in names))
        .where(rollups.c.kind == Kind.SCHEDULE, rollups.c.subject.in_([s.id for s in wanted]))
        .where(rollups.c.span == int(SPAN / timedelta(seconds=1)))
        .where(rollups.c.begins_at >= begins(now - LATELY, SPAN))
        .group_by(rollups.c.subject)
    )
    sums = {row.subject: row for row in connection.execute(query)}
    last = [each.last_job for each in wanted if each.last_job is not None]
    states = {job.id: job.state for job in listing.of_ids(connection, last)}
    moments = last_moments(connection, [each.id for each in wanted])
    return {
        each.id: Recent(
            **{name: int(sums[each.id]._mapping[name]) if each.id in sums else 0 for name in names},
            last_state=None if each.last_job is None else states.get(each.last_job),
            moments=moments.get(each.id, ()),
        )
        for each in wanted
    }


def _conditions(wanted: ScheduleFilter, now: datetime) -> Iterator[ColumnElement[bool]]:
    same: tuple[tuple[Any, str | None], ...] = (
        (schedules.c.task, wanted.task), (schedules.c.queue, wanted.queue),
        (schedules.c.clock, wanted.clock), (schedules.c.owner, wanted.owner),
    )  # fmt: skip
    yield from (column == value for column, value in same if value is not None)
    if wanted.search is not None:
        columns = (schedules.c.name, schedules.c.task)
        yield or_(*(each.icontains(wanted.search, autoescape=True) for each in columns))
    if wanted.standing is not None:
        yield from _stands(wanted.standing, now)
    if wanted.source is not None:
        yield or_(
            schedules.c.source == wanted.source,
            schedules.c.source.startswith(f"{wanted.source}:", autoescape=True),
        )
    if wanted.tag is not None:
        # As it stands in the array of ties, whose texts have no quotes within.
        text = encode(tie(TieKind.TAG, wanted.tag)).decode()
        yield cast(schedules.c.ties, String).contains(text, autoescape=True)


def _stands(standing: ScheduleStanding, now: datetime) -> Sequence[ColumnElement[bool]]:
    is_whole = schedules.c.broken.is_(None)
    is_on = (is_whole, schedules.c.paused_at.is_(None))
    return {
        ScheduleStanding.BROKEN: (schedules.c.broken.is_not(None),),
        ScheduleStanding.PAUSED: (is_whole, schedules.c.paused_at.is_not(None)),
        ScheduleStanding.ON: is_on,
        ScheduleStanding.LATE: (
            *is_on, schedules.c.clock.is_(None), schedules.c.next_due_at < now - LATE_AFTER,
        ),
    }[standing]  # fmt: skip
