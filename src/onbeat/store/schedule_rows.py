"""Schedules as rows: what a user decides as columns, and a row as a schedule."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import msgspec
from sqlalchemy import Connection, Row, update

from onbeat.domain.errors import InvalidInput
from onbeat.domain.recurrence import Recurrence, Unreadable
from onbeat.domain.schedules import CatchUp, Overlap, Schedule, Totals, parse_catch_up
from onbeat.store.due import damaged_args, read_recurrence, unknown_overlap
from onbeat.store.payloads import encode, lane_of, priority_of, secrets_in
from onbeat.store.schema import schedules
from onbeat.store.texts import refuse_unkept


def set_values(connection: Connection, identity: str, **values: Any) -> None:
    """Write columns of the schedule with that id."""
    connection.execute(update(schedules).where(schedules.c.id == identity).values(**values))


def columns_of(schedule: Schedule) -> dict[str, Any]:
    """What a user decides about a schedule, as columns."""
    refuse_unkept(schedule.args, f"schedule {schedule.name!r}")
    rest = schedule.recurrence.after_finish
    return {
        "name": schedule.name,
        "source": schedule.source,
        "task": schedule.task,
        "args": schedule.args,
        "recurrence": encode(schedule.recurrence.spec()).decode(),
        "queue": schedule.queue,
        "lane": lane_of(schedule.priority),
        "max_attempts": schedule.max_attempts,
        "options": schedule.options,
        "ties": schedule.ties,
        "owner": schedule.owner,
        "catch_up": str(schedule.catch_up),
        "overlap": schedule.overlap,
        "start_at": schedule.start_at,
        "end_at": schedule.end_at,
        "limit": schedule.limit,
        "jitter": schedule.jitter // timedelta(microseconds=1),
        "pause_after": schedule.pause_after,
        "after_finish": None if rest is None else rest // timedelta(microseconds=1),
    }


def decided(schedule: Schedule) -> dict[str, Any]:
    """What a user decides, so that two ways of writing the same JSON are the same."""
    columns = columns_of(schedule)
    for name in ("args", "options"):
        columns[name] = None if columns[name] is None else decoded(columns[name])
    return columns


def decoded(text: str) -> Any:
    """What JSON says; the text itself where it was damaged."""
    try:
        return msgspec.json.decode(text)
    except msgspec.DecodeError:
        return text


def differ(before: Schedule, after: Schedule) -> bool:
    """Whether the two say something different."""
    return decided(before) != decided(after)


def _read_or_say_why(text: str) -> Recurrence:
    try:
        return read_recurrence(text)
    except Exception as error:  # a zone that is gone, a newer Onbeat's kind, a damaged row
        return Unreadable(text, str(error)[:500])


def _catch_up(row: Row[Any]) -> tuple[CatchUp, str | None]:
    """The stored policy; the default, and why, where it cannot be read."""
    try:
        return parse_catch_up(row.catch_up), None
    except InvalidInput as error:
        return CatchUp(), str(error)


def _overlap(row: Row[Any]) -> tuple[Overlap, str | None]:
    try:
        return Overlap(row.overlap), None
    except ValueError:
        return Overlap.SKIP, str(unknown_overlap(row.overlap))


def _damage(row: Row[Any]) -> str | None:
    """Why its arguments cannot be read, if they cannot."""
    try:
        msgspec.json.decode(row.args)
    except msgspec.DecodeError:
        return str(damaged_args())
    return None


def _policies(row: Row[Any]) -> tuple[CatchUp, Overlap, dict[str, str]]:
    """The stored policies, and of those that cannot be read why."""
    (catch_up, no_catch_up), (overlap, no_overlap) = _catch_up(row), _overlap(row)
    told = {"catch_up": no_catch_up, "overlap": no_overlap}
    return catch_up, overlap, {name: why for name, why in told.items() if why is not None}


def _why_unread(recurrence: Recurrence, *reasons: str | None) -> str | None:
    """Why the recurrence or a policy cannot be read, if one cannot."""
    own = recurrence.reason if isinstance(recurrence, Unreadable) else None
    return next((reason for reason in (own, *reasons) if reason is not None), None)


def read_schedule(row: Row[Any]) -> Schedule:
    """The schedule of a row; one that cannot be read says why, and is not due."""
    recurrence = _read_or_say_why(row.recurrence)
    catch_up, overlap, unread = _policies(row)
    return Schedule(
        id=row.id,
        name=row.name,
        task=row.task,
        recurrence=recurrence,
        args=row.args,
        queue=row.queue,
        priority=priority_of(row.lane),
        max_attempts=row.max_attempts,
        options=row.options,
        ties=row.ties,
        catch_up=catch_up,
        overlap=overlap,
        start_at=row.start_at,
        end_at=row.end_at,
        limit=row.limit,
        made=row.made,
        clock=row.clock,
        source=row.source,
        version=row.version,
        created_at=row.created_at,
        next_due_at=row.next_due_at,
        last_due_at=row.last_due_at,
        last_job=row.last_job,
        paused_at=row.paused_at,
        paused_by=row.paused_by,
        paused_why=row.paused_why,
        paused_until=row.paused_until,
        jitter=timedelta(microseconds=row.jitter),
        pause_after=row.pause_after,
        totals=Totals(row.late, row.coalesced, row.skipped, row.missed),
        failures=row.failures,
        skips=row.skips,
        skips_by=row.skips_by,
        held_due_at=row.held_due_at,
        changed_at=row.changed_at,
        changed_by=row.changed_by,
        retired_at=row.retired_at,
        awaits_job=row.awaits_job,
        secrets=secrets_in(row.options),
        unread=frozenset(unread),
        broken=row.broken or _why_unread(recurrence, *unread.values()) or _damage(row),
    )
