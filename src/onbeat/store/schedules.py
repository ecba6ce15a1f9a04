"""Schedules, cold: made, changed, paused, removed; and the ledger of their occurrences."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import msgspec
from sqlalchemy import Connection, Row, delete, insert, select, update

from onbeat.domain.errors import Conflict, InvalidInput, NotFound
from onbeat.domain.jobs import JobId
from onbeat.domain.planning import INSTANT, latest
from onbeat.domain.recurrence import Boot, Recurrence, Unreadable
from onbeat.domain.schedules import (
    CatchUp,
    Occurrence,
    OccurrenceOutcome,
    Overlap,
    Schedule,
    first_due,
    parse_catch_up,
)
from onbeat.store.due import read_recurrence
from onbeat.store.payloads import encode, lane_of, priority_of
from onbeat.store.schema import occurrences, schedules
from onbeat.store.texts import refuse_unkept


def create(connection: Connection, now: datetime, schedule: Schedule) -> Schedule:
    """Store a new schedule, due from now on. Raises Conflict and InvalidInput."""
    if not is_free(connection, schedule.name):
        raise Conflict(f"a schedule named {schedule.name!r} exists; remove or edit that one")
    connection.execute(insert(schedules).values(_new_row(schedule, now)))
    return find(connection, now, schedule.name)


def create_many(connection: Connection, now: datetime, wanted: Sequence[Schedule]) -> None:
    """Store new schedules in one go. Raises Conflict and InvalidInput."""
    names = [schedule.name for schedule in wanted]
    taken = connection.scalars(select(schedules.c.name).where(schedules.c.name.in_(names))).first()
    if taken is not None or len(set(names)) < len(names):
        raise Conflict(f"a schedule named {taken or 'twice'!r} exists; remove or edit that one")
    rows = [_new_row(schedule, now) for schedule in wanted]
    if rows:
        connection.execute(insert(schedules), rows)


def _new_row(schedule: Schedule, now: datetime) -> dict[str, Any]:
    due = first_due(schedule, now)
    if due is None and not isinstance(schedule.recurrence, Boot):
        raise InvalidInput(
            "end", f"the schedule {schedule.name!r} would never be due: its end comes first"
        )
    made = {"id": schedule.id, "made": 0, "version": 1, "created_at": now, "next_due_at": due}
    return {**_columns(schedule), **made}


def reconcile(
    connection: Connection,
    now: datetime,
    source: str,
    declared: Sequence[Schedule],
    new_id: Callable[[], JobId],
) -> tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]:
    """Bring the schedules of `source` to what is declared: names added, changed, retired.

    One whose name somebody made at run time is left alone: what an operator made wins.
    """
    stored = {schedule.name: schedule for schedule in from_source(connection, now, source)}
    added, changed = [], []
    for schedule in declared:
        before = stored.pop(schedule.name, None)
        if before is None:
            if is_free(connection, schedule.name):
                create(connection, now, replace(schedule, id=new_id()))
                added.append(schedule.name)
        elif _decided(before) != _decided(schedule):
            change(connection, now, schedule)
            changed.append(schedule.name)
    for name in stored:
        remove(connection, now, name)
    return tuple(added), tuple(changed), tuple(stored)


def _decided(schedule: Schedule) -> dict[str, Any]:
    """What a user decides, so that two ways of writing the same JSON are the same."""
    columns = _columns(schedule)
    for name in ("args", "options"):
        columns[name] = None if columns[name] is None else msgspec.json.decode(columns[name])
    return columns


def differ(before: Schedule, after: Schedule) -> bool:
    """Whether the two say something different."""
    return _decided(before) != _decided(after)


def is_free(connection: Connection, name: str) -> bool:
    """Whether no schedule has that name."""
    found = connection.execute(select(schedules.c.id).where(schedules.c.name == name)).first()
    return found is None


def change(connection: Connection, now: datetime, schedule: Schedule) -> Schedule:
    """Bring the schedule of that name to what `schedule` says; a pause stays. Raises NotFound.

    The next moment is computed from now on when anything that decides it has changed.
    """
    before = find(connection, now, schedule.name)
    values = _columns(schedule)
    if _timing(before) != _timing(schedule) or before.broken is not None:
        values |= {"next_due_at": first_due(schedule, now), "awaits_job": None}
    connection.execute(
        update(schedules)
        .where(schedules.c.id == before.id)
        .values(**values, version=before.version + 1, broken=None)
    )
    return find(connection, now, schedule.name)


def _timing(schedule: Schedule) -> tuple[Any, ...]:
    return (schedule.recurrence, schedule.start_at, schedule.end_at, schedule.limit)


def find(connection: Connection, now: datetime, name: str) -> Schedule:
    """The schedule of that name. Raises NotFound."""
    row = connection.execute(select(schedules).where(schedules.c.name == name)).first()
    if row is None:
        raise NotFound(f"no schedule named {name!r}; `onbeat schedules ls` lists them")
    return _schedule(row)


def list_schedules(
    connection: Connection, now: datetime, *, after: str = "", limit: int = 100
) -> list[Schedule]:
    """Schedules in order of name, a page at a time."""
    query = (
        select(schedules).where(schedules.c.name > after).order_by(schedules.c.name).limit(limit)
    )
    return [_schedule(row) for row in connection.execute(query)]


def from_source(connection: Connection, now: datetime, source: str) -> list[Schedule]:
    """All schedules that came from one source."""
    rows = connection.execute(select(schedules).where(schedules.c.source == source))
    return [_schedule(row) for row in rows]


def remove(connection: Connection, now: datetime, name: str) -> None:
    """Delete the schedule; its jobs and its ledger stay. Raises NotFound."""
    gone = connection.execute(delete(schedules).where(schedules.c.name == name))
    if gone.rowcount == 0:
        raise NotFound(f"no schedule named {name!r}; `onbeat schedules ls` lists them")


def pause(connection: Connection, now: datetime, name: str, by: str) -> None:
    """Make no more jobs until it is resumed. Raises NotFound."""
    schedule = find(connection, now, name)
    if schedule.paused_at is None:
        _set(connection, schedule.id, paused_at=now, paused_by=by)


def resume(connection: Connection, now: datetime, name: str) -> None:
    """Go on from now; what was due meanwhile is one skipped range in the ledger."""
    schedule = find(connection, now, name)
    if schedule.paused_at is None:
        return
    due = schedule.next_due_at
    if due is not None and due < now and schedule.recurrence.after_finish is None:
        _record_pause(connection, now, schedule, due)
        due = first_due(schedule, now)
    _set(connection, schedule.id, paused_at=None, paused_by=None, next_due_at=due)


def _record_pause(connection: Connection, now: datetime, schedule: Schedule, due: datetime) -> None:
    until = now - INSTANT if schedule.end_at is None else min(now - INSTANT, schedule.end_at)
    last = latest(schedule.recurrence, due, until)
    connection.execute(
        insert(occurrences).values(
            schedule=schedule.id,
            due_at=due,
            through_at=last if last > due else None,
            outcome=OccurrenceOutcome.SKIPPED,
            reason=f"paused by {schedule.paused_by}",
            decided_at=now,
        )
    )


def _set(connection: Connection, identity: str, **values: Any) -> None:
    connection.execute(update(schedules).where(schedules.c.id == identity).values(**values))


def list_occurrences(
    connection: Connection, now: datetime, name: str, *, limit: int = 100
) -> Sequence[tuple[Occurrence, JobId | None]]:
    """The newest of a schedule's occurrences, and the job of each that made one."""
    schedule = find(connection, now, name)
    query = (
        select(occurrences)
        .where(occurrences.c.schedule == schedule.id)
        .order_by(occurrences.c.due_at.desc())
        .limit(limit)
    )
    return [(_occurrence(row), row.job) for row in connection.execute(query)]


def _occurrence(row: Row[Any]) -> Occurrence:
    return Occurrence(row.due_at, OccurrenceOutcome(row.outcome), row.through_at, row.reason)


def _columns(schedule: Schedule) -> dict[str, Any]:
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
        "catch_up": str(schedule.catch_up),
        "overlap": schedule.overlap,
        "start_at": schedule.start_at,
        "end_at": schedule.end_at,
        "limit": schedule.limit,
        "after_finish": None if rest is None else rest // timedelta(microseconds=1),
    }


def _read_or_say_why(text: str) -> Recurrence:
    try:
        return read_recurrence(text)
    except Exception as error:  # a zone that is gone, a newer Onbeat's kind, a damaged row
        return Unreadable(text, str(error)[:500])


def _policies(row: Row[Any]) -> tuple[CatchUp, Overlap, str | None]:
    """The stored policies; defaults, and why, where they cannot be read."""
    try:
        return parse_catch_up(row.catch_up), Overlap(row.overlap), None
    except (ValueError, InvalidInput) as error:
        return CatchUp(), Overlap.SKIP, str(error)


def _schedule(row: Row[Any]) -> Schedule:
    recurrence = _read_or_say_why(row.recurrence)
    catch_up, overlap, why = _policies(row)
    if isinstance(recurrence, Unreadable):
        why = recurrence.reason
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
        catch_up=catch_up,
        overlap=overlap,
        start_at=row.start_at,
        end_at=row.end_at,
        limit=row.limit,
        made=row.made,
        source=row.source,
        version=row.version,
        created_at=row.created_at,
        next_due_at=row.next_due_at,
        last_due_at=row.last_due_at,
        last_job=row.last_job,
        paused_at=row.paused_at,
        paused_by=row.paused_by,
        broken=row.broken or why,
    )
