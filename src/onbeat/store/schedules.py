"""Schedules, cold: made, changed, paused, removed; and the ledger of their occurrences."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, Select, delete, func, insert, select, update

from onbeat.domain.clocks import WALL
from onbeat.domain.errors import Conflict, InvalidInput, NotFound
from onbeat.domain.naming import named
from onbeat.domain.planning import INSTANT, latest
from onbeat.domain.recurrence import Boot, Unreadable
from onbeat.domain.schedule_warnings import MOST_RUNS, warnings_of
from onbeat.domain.schedules import (
    Occurrence,
    OccurrenceOutcome,
    Schedule,
    Version,
    first_due,
    planned_from,
    why_unreadable,
)
from onbeat.store import clocks, kept_calendars, last_jobs, ledger
from onbeat.store.payloads import encode
from onbeat.store.schedule_rows import columns_of, decided, decoded, read_schedule, set_values
from onbeat.store.schema import schedules, tasks, versions
from onbeat.store.tasks import read_places

MOST_SKIPS = 1_000
ALWAYS = datetime.min.replace(tzinfo=UTC)


def create(connection: Connection, now: datetime, schedule: Schedule) -> Schedule:
    """Store a new schedule, due from now on. Raises Conflict and InvalidInput."""
    if not is_free(connection, schedule.name):
        raise _taken(schedule.name)
    _forget_retired(connection, [schedule.name])
    [schedule] = kept_calendars.kept_to(connection, [schedule])
    time = clocks.now_of(connection, now, schedule.clock)
    connection.execute(insert(schedules).values(_new_row(schedule, now, time)))
    return find(connection, now, schedule.name)


def create_many(connection: Connection, now: datetime, wanted: Sequence[Schedule]) -> None:
    """Store new schedules in one go. Raises Conflict and InvalidInput."""
    names = [schedule.name for schedule in wanted]
    _forget_retired(connection, names)
    taken = connection.scalars(select(schedules.c.name).where(schedules.c.name.in_(names))).first()
    if taken is not None:
        raise _taken(taken)
    if twice := next((name for name, count in Counter(names).items() if count > 1), None):
        raise Conflict(f"the name {twice!r} is given to two schedules; give each its own")
    times = {
        clock: clocks.now_of(connection, now, clock) for clock in {each.clock for each in wanted}
    }
    kept = kept_calendars.kept_to(connection, wanted)
    rows = []
    for number, schedule in enumerate(kept):
        with named(f"{number}."):
            rows.append(_new_row(schedule, now, times[schedule.clock]))
    if rows:
        connection.execute(insert(schedules), rows)


def _taken(name: str) -> Conflict:
    return Conflict(f"a schedule named {name!r} exists; remove or edit that one")


def _never_due(schedule: Schedule, time: datetime) -> InvalidInput:
    """Why it is not: its end comes before its first moment, or its last moment is over."""
    never = f"the schedule {schedule.name!r} would never be due"
    if schedule.recurrence.next(time) is not None:
        return InvalidInput("end", f"{never}: its end comes first; give a later one")
    over = f"{schedule.recurrence.describe()} is over"
    return InvalidInput("when", f"{never}: {over}; give a moment to come")


def _new_row(schedule: Schedule, now: datetime, time: datetime) -> dict[str, Any]:
    """The row of a schedule made `now`, when it is `time` by its clock."""
    due = first_due(schedule, time)
    if due is None and not isinstance(schedule.recurrence, Boot):
        raise _never_due(schedule, time)
    made = {
        "id": schedule.id, "made": 0, "version": 1, "created_at": now, "next_due_at": due,
        "changed_at": now, "changed_by": schedule.changed_by, "clock": schedule.clock,
    }  # fmt: skip
    return {**columns_of(schedule), **made}


def is_free(connection: Connection, name: str) -> bool:
    """Whether no schedule has that name, but for one that is gone from the code."""
    is_taken = (schedules.c.name == name) & schedules.c.retired_at.is_(None)
    query = select(schedules.c.id).where(is_taken)
    return connection.execute(query).first() is None


def _forget_retired(connection: Connection, names: Sequence[str]) -> None:
    """Make room for new schedules of names that only retired ones have."""
    connection.execute(
        delete(schedules).where(schedules.c.name.in_(names), schedules.c.retired_at.is_not(None))
    )


def change(
    connection: Connection,
    now: datetime,
    schedule: Schedule,
    *,
    by: str | None = None,
    why: str | None = None,
) -> Schedule:
    """Bring the schedule of that name to what `schedule` says; a pause stays. Raises NotFound, and
    Conflict for one that is gone from the code.

    The next moment is computed from now on when anything that decides it has changed; moments of
    before that were not planned yet are then on record as missed. Jobs it has made, waiting or
    running, go on as they were asked for. What it said before is kept, with who and why.
    """
    [schedule] = kept_calendars.kept_to(connection, [schedule])
    before = locked(connection, schedule.name)
    if before.retired_at is not None:
        raise Conflict(f"{schedule.name!r} is gone from its application's code; declare it again, "
                       "or make a schedule of that name")  # fmt: skip
    if before.clock != schedule.clock:
        raise InvalidInput("clock", f"{schedule.name!r} lives by the clock {before.clock or WALL}; "
                           "make another schedule for another clock")  # fmt: skip
    time = clocks.now_of(connection, now, before.clock)
    values = columns_of(schedule)
    if _timing(before) != _timing(schedule) or before.broken is not None:
        record_undecided(
            connection, now, time, before, OccurrenceOutcome.MISSED,
            _why_missed(before),
        )  # fmt: skip
        values |= when_due(connection, schedule, before, time)
    elif before.held_due_at is not None and before.overlap != schedule.overlap:
        values |= {"next_due_at": before.held_due_at, **NOT_HELD}
    elif before.awaits_job and not last_jobs.holds(connection, before.awaits_job, schedule.task):
        rested_at = now + (schedule.recurrence.after_finish or timedelta())
        values |= {"next_due_at": before.held_due_at or rested_at, "awaits_job": None}
    _keep_version(connection, before)
    connection.execute(
        update(schedules)
        .where(schedules.c.id == before.id)
        .values(
            **values, version=before.version + 1, broken=why_unreadable(schedule),
            changed_by=by, changed_why=why,
            changed_at=max(now, before.changed_at or now),  # also where a clock was set back
        )
    )  # fmt: skip
    return find(connection, now, schedule.name)


def _why_missed(before: Schedule) -> str:
    if before.broken is not None:
        return f"it was set aside until it was changed: {before.broken}"
    return "the schedule was changed before it was planned"


def undecided_from(schedule: Schedule, time: datetime) -> datetime:
    """From when on nothing is on record of the schedule: now, unless its clock was set back."""
    last = schedule.last_due_at
    return time if last is None else max(time, last + INSTANT)


def when_due(
    connection: Connection, schedule: Schedule, before: Schedule, time: datetime
) -> dict[str, Any]:
    """When `schedule`, which was `before`, is due anew, as columns.

    One that rests after its job's end waits for the job that is under way.
    """
    rests, last = schedule.recurrence.after_finish is not None, before.last_job
    if rests and last is not None and last_jobs.holds(connection, last, schedule.task):
        return {"next_due_at": None, "held_due_at": None, "awaits_job": last}
    return {"next_due_at": planned_from(schedule, undecided_from(before, time)), **NOT_HELD}


NOT_HELD: dict[str, Any] = {"held_due_at": None, "awaits_job": None}


def _timing(schedule: Schedule) -> tuple[Any, ...]:
    return (schedule.recurrence, schedule.start_at, schedule.end_at, schedule.limit)


def _keep_version(connection: Connection, schedule: Schedule) -> None:
    """Put on record what the schedule says, before it says something else."""
    row = connection.execute(select(schedules).where(schedules.c.id == schedule.id)).one()
    connection.execute(
        insert(versions).values(
            schedule=row.id, version=row.version, at=row.changed_at or row.created_at,
            by=row.changed_by or row.source, why=row.changed_why, said=_said(schedule),
        )
    )  # fmt: skip


def _said(schedule: Schedule) -> str:
    columns = decided(schedule)
    columns["recurrence"] = schedule.recurrence.spec()
    columns["args"] = decoded(schedule.shown_args)
    return encode(columns).decode()


def list_versions(connection: Connection, now: datetime, name: str) -> list[Version]:
    """What the schedule has said, the newest first. Raises NotFound."""
    schedule = find(connection, now, name)
    current = connection.execute(select(schedules).where(schedules.c.id == schedule.id)).one()
    earlier = connection.execute(
        select(versions)
        .where(versions.c.schedule == schedule.id)
        .order_by(versions.c.version.desc())
    )
    latest_version = Version(
        current.version, current.changed_at or current.created_at,
        current.changed_by or current.source, current.changed_why, _said(schedule),
    )  # fmt: skip
    kept = [Version(row.version, row.at, row.by, row.why, row.said) for row in earlier]
    return [latest_version, *kept]


def find(connection: Connection, now: datetime, name: str) -> Schedule:
    """The schedule of that name. Raises NotFound."""
    return _found(connection, name, with_task())


def locked(connection: Connection, name: str) -> Schedule:
    """The schedule of that name, which nobody else changes until this transaction ends."""
    return _found(connection, name, with_task().with_for_update(of=schedules))


def _found(connection: Connection, name: str, query: Select[Any]) -> Schedule:
    row = connection.execute(query.where(schedules.c.name == name)).first()
    if row is None:
        raise NotFound(f"no schedule named {name!r}", "schedules")
    return read_with_task(row)


def with_task() -> Select[Any]:
    """Schedules, with what workers say of their tasks."""
    joined = schedules.outerjoin(tasks, tasks.c.name == schedules.c.task)
    return select(schedules, tasks.c.runs_as, tasks.c.secrets).select_from(joined)


def read_with_task(row: Row[Any]) -> Schedule:
    """The schedule of such a row, with the secrets of its task too."""
    schedule = read_schedule(row)
    places = tuple(dict.fromkeys((*schedule.secrets, *read_places(row.secrets))))
    return replace(schedule, secrets=places, runs_as=row.runs_as)


def set_aside(connection: Connection, now: datetime, *, limit: int = 3) -> tuple[list[str], int]:
    """The first names of the schedules that were set aside, and how many there are."""
    query = (
        select(schedules.c.name, func.count().over())
        .where(schedules.c.broken.is_not(None), schedules.c.retired_at.is_(None))
        .order_by(schedules.c.name)
        .limit(limit)
    )
    rows = connection.execute(query).all()
    return [name for name, _ in rows], rows[0][1] if rows else 0


def from_source(connection: Connection, now: datetime, source: str) -> list[Schedule]:
    """All schedules that came from one source, those with it that are gone from the code."""
    rows = connection.execute(select(schedules).where(schedules.c.source == source))
    return [read_schedule(row) for row in rows]


def remove(connection: Connection, now: datetime, name: str) -> None:
    """Delete the schedule; its jobs and its ledger stay. Raises NotFound."""
    gone = connection.execute(delete(schedules).where(schedules.c.name == name))
    if gone.rowcount == 0:
        raise NotFound(f"no schedule named {name!r}", "schedules")


def pause(
    connection: Connection, now: datetime, name: str, by: str, *, why: str | None = None,
    until: datetime | None = None,
) -> None:  # fmt: skip
    """Make no more jobs until it is resumed, or `until` then. Raises NotFound, InvalidInput.

    One that is paused already is paused by whom it was, until the moment given now.
    """
    schedule = find(connection, now, name)
    if until is not None and schedule.clock is not None:
        told = "which moves only when told to; leave it out, and resume it by hand"
        raise InvalidInput("until", f"{name!r} lives by the clock {schedule.clock}, {told}")
    if until is not None and until <= now:
        raise InvalidInput("until", f"{until.isoformat()} is over; give a later moment")
    if schedule.paused_at is None:
        set_values(
            connection, schedule.id, paused_at=now, paused_by=by, paused_why=why,
            paused_until=until,
        )  # fmt: skip
    else:
        set_values(
            connection, schedule.id, paused_until=until, paused_why=why or schedule.paused_why
        )


def resume(connection: Connection, now: datetime, name: str) -> None:
    """Go on from now; what was due meanwhile is one skipped range in the ledger.

    So is what waited for the last job to end. Failures are counted anew. One that can no longer
    be read is set aside.
    """
    _resume(connection, now, find(connection, now, name))


def resume_over(connection: Connection, now: datetime) -> list[str]:
    """Resume what was paused until a moment that has come; the names."""
    over = select(schedules).where(schedules.c.paused_until <= now).with_for_update()
    found = [read_schedule(row) for row in connection.execute(over)]
    for schedule in found:
        _resume(connection, now, schedule)
    return [schedule.name for schedule in found]


def _resume(connection: Connection, now: datetime, schedule: Schedule) -> None:
    if schedule.paused_at is None:
        return
    values: dict[str, Any] = {}
    time = clocks.now_of(connection, now, schedule.clock)
    reason = f"paused by {schedule.paused_by}"
    reason += f": {schedule.paused_why}" if schedule.paused_why else ""
    if record_undecided(connection, now, time, schedule, OccurrenceOutcome.SKIPPED, reason):
        values = {"next_due_at": planned_from(schedule, time), **NOT_HELD}
    set_values(
        connection, schedule.id, paused_at=None, paused_by=None, paused_why=None,
        paused_until=None, failures=0, broken=schedule.broken, **values,
    )  # fmt: skip


def record_undecided(
    connection: Connection,
    now: datetime,
    time: datetime,
    schedule: Schedule,
    outcome: OccurrenceOutcome,
    reason: str,
) -> bool:
    """Put on record what was due before `time` and is not planned yet; whether there was any."""
    due = schedule.next_due_at or schedule.held_due_at
    if due is None or due >= time or schedule.recurrence.after_finish is not None:
        return False
    if isinstance(schedule.recurrence, Unreadable):
        last = time - INSTANT  # which moments it had nobody knows any longer
    else:
        until = time - INSTANT if schedule.end_at is None else min(time - INSTANT, schedule.end_at)
        last = latest(schedule.recurrence, due, until)
    ledger.record(
        connection, now, schedule.id, Occurrence(due, outcome, last if last > due else None, reason)
    )
    total = getattr(schedules.c, outcome)
    set_values(connection, schedule.id, last_due_at=last, **{outcome: total + 1})
    return True


def skip_next(connection: Connection, now: datetime, name: str, by: str, count: int = 1) -> int:
    """Leave out the next `count` moments, instead of any number before; 0 leaves out none.

    Raises NotFound and InvalidInput.
    """
    if not 0 <= count <= MOST_SKIPS:
        raise InvalidInput("count", f"{count} is out of range; give 0 to {MOST_SKIPS:,}")
    set_values(
        connection, find(connection, now, name).id, skips=count, skips_by=by if count else None
    )
    return count


def list_occurrences(
    connection: Connection,
    now: datetime,
    name: str,
    *,
    limit: int = 100,
    begin: datetime | None = None,
    end: datetime | None = None,
) -> Sequence[ledger.Entry]:
    """What became of each moment of a schedule, the newest first. Raises NotFound.

    The newest `limit`; or all from `begin` to `end`, of which `limit` from the oldest on. What is
    due and not planned yet is one entry that says why.
    """
    schedule = find(connection, now, name)
    time = clocks.now_of(connection, now, schedule.clock)
    if begin is None and end is None:
        newest = ledger.newest(connection, schedule.id, limit)
        return [*_undecided(schedule, ALWAYS, time), *newest][:limit]
    begin, end = begin or ALWAYS, end or time
    entries = list(ledger.between(connection, schedule.id, begin, end, limit))
    if len(entries) < limit:
        entries += _undecided(schedule, begin, min(end, time))
    return entries[::-1]


def warnings(connection: Connection, now: datetime, name: str) -> tuple[Schedule, tuple[str, ...]]:
    """The schedule, and what its reader would want to know. Raises NotFound."""
    schedule = find(connection, now, name)
    return schedule, warnings_of(schedule, ledger.run_times(connection, schedule.id, MOST_RUNS))


def _undecided(schedule: Schedule, begin: datetime, end: datetime) -> list[ledger.Entry]:
    """The moments from `begin` to `end` that are due and not planned yet."""
    until = end if schedule.end_at is None else min(end, schedule.end_at)
    first = _first_undecided(schedule, begin, until)
    if first is None or first > until:
        return []
    last = first
    if schedule.recurrence.after_finish is None:
        last = latest(schedule.recurrence, first, until)
    through = last if last > first else None
    outcome = OccurrenceOutcome.UNDECIDED
    return [(Occurrence(first, outcome, through, _why_undecided(schedule)), None)]


def _first_undecided(schedule: Schedule, begin: datetime, until: datetime) -> datetime | None:
    """The first moment at or after `begin` that is due by `until` and not planned yet."""
    due = schedule.next_due_at or schedule.held_due_at
    if due is None or isinstance(schedule.recurrence, Unreadable):
        return None
    if begin <= due:
        return due
    if begin > until or schedule.recurrence.after_finish is not None:
        return None
    return schedule.recurrence.next(begin - INSTANT)


def _why_undecided(schedule: Schedule) -> str:
    if schedule.broken is not None:
        return f"set aside: {schedule.broken}"
    if schedule.paused_at is not None:
        return f"paused by {schedule.paused_by}"
    if schedule.next_due_at is None:
        return f"waits for job {schedule.last_job} to end"
    return "not planned yet"
