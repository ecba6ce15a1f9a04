"""Operations on schedules, cold: which are meant, and a batch of them at a time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Connection, Select, select

from onbeat.domain.errors import InvalidInput, OnbeatError
from onbeat.domain.jobs import JobId
from onbeat.domain.keeping import Edited
from onbeat.domain.operations import COUNTED, SHOWN, Failure, Matched
from onbeat.domain.schedule_operations import ScheduleAction, SchedulesMeant, ScheduleWhere
from onbeat.store import editions
from onbeat.store import schedules as stored
from onbeat.store.schema import schedules

AT_ONCE = 100
"""Schedules in one transaction: to resume one, what was due meanwhile is written down."""


class Said(ScheduleWhere, frozen=True, kw_only=True, omit_defaults=True):
    """What is kept of an operation: which schedules are meant, and until when they are paused."""

    until: datetime | None = None


_said = msgspec.json.Decoder(Said).decode


@dataclass(slots=True)
class Step:
    """What a batch did."""

    looked_at: int = 0
    count: int = 0
    failures: list[Failure] = field(default_factory=list)
    place: str | None = None
    """Where the next one begins; None at the end."""


def count(connection: Connection, now: datetime, meant: SchedulesMeant) -> Matched:
    """How many schedules fit now, counted no farther than to COUNTED, and the first names.

    Raises InvalidInput for a moment that is over.
    """
    if meant.until is not None and meant.until <= now:
        raise InvalidInput("until", f"{meant.until.isoformat()} is over; give a later moment")
    query = _meant(meant.where).order_by(schedules.c.id).limit(COUNTED + 1)
    names = [row.name for row in connection.execute(query)]
    return Matched(
        count=min(len(names), COUNTED), is_exact=len(names) <= COUNTED, ids=names[:SHOWN]
    )


def carry_out(
    connection: Connection, now: datetime, meant: SchedulesMeant, *, operation: str,
    after: str | None, by: str,
) -> Step:  # fmt: skip
    """Do it to the next schedules of those that were made before the operation began."""
    query = _meant(meant.where).where(schedules.c.id < operation)
    if after is not None:
        query = query.where(schedules.c.id > after)
    rows = connection.execute(query.order_by(schedules.c.id).limit(AT_ONCE)).all()
    step = Step(looked_at=len(rows), place=rows[-1].id if len(rows) == AT_ONCE else None)
    for row in rows:
        try:
            _act(connection, now, row.name, meant, by)
            step.count += 1
        except OnbeatError as error:
            step.failures.append(Failure(JobId(row.name), str(error)))
    if step.count:
        editions.edited(connection, now, Edited.SCHEDULE)
    return step


def _act(connection: Connection, now: datetime, name: str, meant: SchedulesMeant, by: str) -> None:
    match meant.action:
        case ScheduleAction.PAUSE:
            why = meant.reason or None
            stored.pause(connection, now, name, by, why=why, until=meant.until)
        case ScheduleAction.RESUME:
            stored.resume(connection, now, name)
        case ScheduleAction.REMOVE:
            stored.remove(connection, now, name)


def said_of(meant: SchedulesMeant) -> Said:
    """What is kept of it beside its action and reason."""
    return Said(**msgspec.structs.asdict(meant.where), until=meant.until)


def meant_by(said: str, *, action: str, reason: str, owner: str | None) -> SchedulesMeant:
    """What was meant by what was kept."""
    kept = msgspec.structs.asdict(_said(said))
    until = kept.pop("until")
    return SchedulesMeant(
        action=ScheduleAction(action), where=ScheduleWhere(**kept), reason=reason, until=until,
        owner=owner,
    )  # fmt: skip


def _meant(where: ScheduleWhere) -> Select[Any]:
    query = select(schedules.c.id, schedules.c.name).where(schedules.c.retired_at.is_(None))
    lists: tuple[tuple[Any, Sequence[str]], ...] = (
        (schedules.c.name, where.name), (schedules.c.task, where.task),
        (schedules.c.queue, where.queue), (schedules.c.owner, where.owner),
    )  # fmt: skip
    for column, wanted in lists:
        if wanted:
            query = query.where(column.in_(wanted))
    if where.prefix:
        query = query.where(schedules.c.name.startswith(where.prefix, autoescape=True))
    if where.paused is not None:
        paused = schedules.c.paused_at
        query = query.where(paused.is_not(None) if where.paused else paused.is_(None))
    return query
