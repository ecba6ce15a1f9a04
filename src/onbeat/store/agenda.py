"""What schedules had ended, and which are to come, for an agenda; cold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, cast, func, select

from onbeat.domain.agenda import FARTHEST, MOST_SCHEDULES, By, Ended, Plan
from onbeat.domain.health import KEPT, SPANS, Kind
from onbeat.store.folding import ENDS
from onbeat.store.schedule_rows import read_schedule
from onbeat.store.schema import folds, rollups, schedules

FINE, COARSE = SPANS


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Material:
    """What an agenda is made of."""

    now: datetime
    folded_to: datetime | None
    ended: Sequence[Ended]
    plans: Sequence[Plan]
    left_out: int


def read(connection: Connection, now: datetime, asked: Asked) -> Material:
    """Read it: of what ended the roll-ups, of what is to come the schedules that are on."""
    plans, left_out = _plans(connection, now, asked)
    return Material(
        now=now,
        folded_to=connection.scalar(select(folds.c.folded_to).where(folds.c.name == ENDS)),
        ended=_ended(connection, now, asked) if asked.begin < now else (),
        plans=plans, left_out=left_out,
    )  # fmt: skip


def _ended(connection: Connection, now: datetime, asked: Asked) -> list[Ended]:
    """In short roll-ups where hours of the zone are no hours of UTC, as long as these are kept."""
    span = COARSE if asked.is_of_hours or asked.begin < now - KEPT[FINE] else FINE
    whose = schedules.c.name if asked.by is By.HOUR else None
    by: list[Any] = [rollups.c.begins_at] if whose is None else [rollups.c.begins_at, whose]
    sums = [func.sum(rollups.c[each]).label(each) for each in ("completed", "failed", "cancelled")]
    query = (
        select(*by, *sums)
        .where(rollups.c.kind == Kind.SCHEDULE, rollups.c.span == int(span / timedelta(seconds=1)))
        .where(rollups.c.begins_at >= asked.begin, rollups.c.begins_at < asked.end)
        .group_by(*by)
    )
    if whose is not None or _mine(asked):
        its = schedules.c.id == cast(rollups.c.subject, schedules.c.id.type)
        joined = rollups.join(schedules, its, isouter=not _mine(asked))
        query = query.select_from(joined).where(*_mine(asked))
    return [
        Ended(
            begins_at=row.begins_at, completed=int(row.completed), failed=int(row.failed),
            cancelled=int(row.cancelled), schedule=None if whose is None else row.name,
        )
        for row in connection.execute(query)
    ]  # fmt: skip


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
