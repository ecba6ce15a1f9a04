"""What schedules had ended, and which are to come, for an agenda; cold."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    Text,
    cast,
    func,
    literal_column,
    select,
)

from onbeat.domain.agenda import (
    FARTHEST,
    MOST_LAPSED,
    MOST_SCHEDULES,
    By,
    Ended,
    Lapsed,
    Material,
    Plan,
)
from onbeat.domain.health import KEPT, SPANS, Kind
from onbeat.domain.schedules import OccurrenceOutcome
from onbeat.store.folding import ALL_SCHEDULES, ENDS
from onbeat.store.schedule_rows import read_schedule
from onbeat.store.schema import folds, occurrences, rollups, schedules
from onbeat.store.schema.time import HAS_LAPSED

FINE, COARSE = SPANS
LAPSED = (OccurrenceOutcome.MISSED, OccurrenceOutcome.SKIPPED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What of all there is."""

    begin: datetime
    end: datetime
    by: By
    is_of_hours: bool
    """Whether all it is told by begins at full hours of UTC."""
    schedule: str | None = None
    """The name of one alone."""
    owner: str | None = None


def read(connection: Connection, now: datetime, asked: Asked) -> Material:
    """Read it: of what ended the roll-ups, of what is to come the schedules that are on."""
    plans, left_out = _plans(connection, now, asked)
    lapsed, lapsed_since = _lapsed(connection, now, asked)
    return Material(
        now=now,
        folded_to=connection.scalar(select(folds.c.folded_to).where(folds.c.name == ENDS)),
        ended=_ended(connection, now, asked) if asked.begin < now else (),
        plans=plans, left_out=left_out, lapsed=lapsed, lapsed_since=lapsed_since,
    )  # fmt: skip


def _ended(connection: Connection, now: datetime, asked: Asked) -> list[Ended]:
    """In short roll-ups where hours of the zone are no hours of UTC, as long as these are kept."""
    span = COARSE if asked.is_of_hours or asked.begin < now - KEPT[FINE] else FINE
    whose = schedules.c.name if asked.by is By.HOUR else None
    by: list[Any] = [rollups.c.begins_at] if whose is None else [rollups.c.begins_at, whose]
    sums = [func.sum(rollups.c[each]).label(each) for each in ("completed", "failed", "cancelled")]
    is_of_all = whose is None and not _mine(asked)
    kind = ALL_SCHEDULES if is_of_all else Kind.SCHEDULE
    query = (
        select(*by, *sums)
        .where(rollups.c.kind == kind, rollups.c.span == int(span / timedelta(seconds=1)))
        .where(rollups.c.begins_at >= asked.begin, rollups.c.begins_at < asked.end)
        .group_by(*by)
    )
    if is_of_all:
        query = query.where(rollups.c.subject == "")
    else:
        joined = rollups.join(schedules, _its(asked), isouter=not _mine(asked))
        query = query.select_from(joined).where(*_mine(asked))
    return [
        Ended(
            begins_at=row.begins_at, completed=int(row.completed), failed=int(row.failed),
            cancelled=int(row.cancelled), schedule=None if whose is None else row.name,
        )
        for row in connection.execute(query)
    ]  # fmt: skip


def _its(asked: Asked) -> ColumnElement[bool]:
    """Whether a roll-up is of a schedule: said so that those of the few that are asked for are
    looked up, and else the schedules of all.
    """
    if _mine(asked):
        return rollups.c.subject == func.replace(cast(schedules.c.id, Text), "-", "")
    return schedules.c.id == cast(rollups.c.subject, schedules.c.id.type)


def _lapsed(
    connection: Connection, now: datetime, asked: Asked
) -> tuple[list[Lapsed], datetime | None]:
    """What was missed and skipped, of either the newest; and from when on, where there are more."""
    found: list[Lapsed] = []
    since: list[datetime] = []
    if asked.begin >= now:
        return found, None
    for outcome in LAPSED:
        rows = connection.execute(lapsed_query(now, asked, outcome)).all()
        found += [
            Lapsed(outcome=outcome, due_at=row.due_at, through_at=row.through_at, schedule=row.name)
            for row in rows[:MOST_LAPSED]
            if row.clock is None
        ]
        if len(rows) > MOST_LAPSED:
            since.append(rows[MOST_LAPSED - 1].due_at)
    return found, max(since, default=None)


def lapsed_query(now: datetime, asked: Asked, outcome: OccurrenceOutcome) -> Select[Any]:
    """By the index of what has lapsed, with its own words: SQLite takes it for no others."""
    newest = (
        select(occurrences.c.schedule, occurrences.c.due_at, occurrences.c.through_at)
        .where(HAS_LAPSED, literal_column("outcome") == literal_column(f"'{outcome}'"))
        .where(occurrences.c.due_at >= asked.begin, occurrences.c.due_at < min(asked.end, now))
        .order_by(occurrences.c.due_at.desc())
        .limit(MOST_LAPSED + 1)
    )
    if mine := _mine(asked):
        newest = newest.where(occurrences.c.schedule.in_(select(schedules.c.id).where(*mine)))
    last = newest.subquery("last")
    return (
        select(last.c.due_at, last.c.through_at, schedules.c.name, schedules.c.clock)
        .select_from(last.outerjoin(schedules, schedules.c.id == last.c.schedule))
        .order_by(last.c.due_at.desc())
    )


def _mine(asked: Asked) -> list[ColumnElement[bool]]:
    wanted = ((schedules.c.name, asked.schedule), (schedules.c.owner, asked.owner))
    return [column == value for column, value in wanted if value is not None]


def _plans(connection: Connection, now: datetime, asked: Asked) -> tuple[list[Plan], int]:
    """Those that are on by the wall clock, or go on by themselves; the soonest first."""
    until = min(asked.end, now + FARTHEST)
    if until <= now:
        return [], 0
    is_there = (
        schedules.c.broken.is_(None), schedules.c.retired_at.is_(None), schedules.c.clock.is_(None),
        *_mine(asked),
    )  # fmt: skip
    kinds = (
        (schedules.c.next_due_at, schedules.c.paused_at.is_(None)),
        (schedules.c.paused_until, schedules.c.paused_at.is_not(None)),
    )
    found: list[Plan] = []
    left_out = 0
    for at, is_so in kinds:
        conditions = (at < until, is_so, *is_there)
        query = select(schedules).where(*conditions).order_by(at).limit(MOST_SCHEDULES + 1)
        rows = connection.execute(query).all()
        found += [_plan(row, now, asked) for row in rows[:MOST_SCHEDULES]]
        if len(rows) > MOST_SCHEDULES:
            number = connection.scalar(
                select(func.count()).select_from(schedules).where(*conditions)
            )
            left_out += (number or 0) - MOST_SCHEDULES
    waiting = select(schedules).where(
        schedules.c.awaits_job.is_not(None), schedules.c.next_due_at.is_(None),
        schedules.c.paused_at.is_(None), *is_there,
    )  # fmt: skip
    found += [_plan(row, now, asked) for row in connection.execute(waiting.limit(MOST_SCHEDULES))]
    return found, left_out


def _plan(row: Any, now: datetime, asked: Asked) -> Plan:
    schedule = read_schedule(row)
    starts = [now, asked.begin]
    if schedule.paused_until is not None:
        starts.append(schedule.paused_until)
        schedule = replace(schedule, skips=0)
    return Plan(schedule=schedule, from_at=max(starts))
