"""Schedules that wait for a job that has ended, or are not due when they should be: mended."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, select

from onbeat.domain.expectation import wrong_with
from onbeat.domain.recurrence.recurrence import stamp
from onbeat.domain.schedules import Occurrence, OccurrenceOutcome, Schedule
from onbeat.store import jobs, last_jobs, ledger
from onbeat.store.schedule_rows import read_schedule, set_values
from onbeat.store.schedules import find
from onbeat.store.schema import schedules


def whose_job_has_ended(
    connection: Connection, now: datetime, among: Sequence[str]
) -> Sequence[str]:
    """Which of the schedules with those ids wait for a job that stands nowhere any more."""
    job = schedules.c.awaits_job
    ended = select(schedules.c.id).where(
        schedules.c.id.in_(among), job.is_not(None), ~jobs.stands(job)
    )
    return connection.scalars(ended).all()


def go_on_if_ended(connection: Connection, now: datetime, identity: str) -> bool:
    """Let a schedule that waits for a job go on, if that holds it no more; whether it did.

    A job may end just while its schedule begins to wait for it.
    """
    row = connection.execute(
        select(
            schedules.c.awaits_job,
            schedules.c.held_due_at,
            schedules.c.after_finish,
            schedules.c.task,
        )
        .where(schedules.c.id == identity)
        .with_for_update()
    ).first()
    if (
        row is None
        or row.awaits_job is None
        or last_jobs.holds(connection, row.awaits_job, row.task)
    ):
        return False
    if row.held_due_at is not None:
        due = row.held_due_at
    else:
        due = now + timedelta(microseconds=row.after_finish or 0)
    set_values(connection, identity, awaits_job=None, next_due_at=due)
    return True


@dataclass(frozen=True, slots=True)
class Repaired:
    """A schedule that was mended: what was wrong, and when it is due now."""

    name: str
    wrong: str
    next_due_at: datetime | None


def page(connection: Connection, now: datetime, after: str, limit: int) -> list[Schedule]:
    """Schedules in order of their ids, those after `after`."""
    query = select(schedules).order_by(schedules.c.id).limit(limit)
    if after:
        query = query.where(schedules.c.id > after)
    return [read_schedule(row) for row in connection.execute(query)]


def repair_all(connection: Connection, now: datetime, identities: Sequence[str]) -> list[Repaired]:
    """Mend those of the schedules with these ids that are not due when they should be."""
    found = [repair(connection, now, identity) for identity in sorted(identities)]
    return [each for each in found if each is not None]


def repair(connection: Connection, now: datetime, identity: str) -> Repaired | None:
    """Mend the schedule with that id if it is not due when it should be; None if it is."""
    row = connection.execute(
        select(schedules).where(schedules.c.id == identity).with_for_update()
    ).first()
    if row is None:
        return None
    schedule = read_schedule(row)
    if schedule.awaits_job is not None:
        if not go_on_if_ended(connection, now, identity):
            return None
        due = find(connection, now, schedule.name).next_due_at
        return Repaired(schedule.name, "it waited for a job that holds it no more", due)
    wrong = wrong_with(schedule, decided_at=decided_at(schedule), now=now)
    if wrong is None:
        return None
    set_values(connection, identity, next_due_at=wrong.next_due_at)
    if wrong.moved_at is not None:
        _leave_out_moved(connection, now, schedule, wrong.moved_at)
    return Repaired(schedule.name, wrong.what, wrong.next_due_at)


def _leave_out_moved(
    connection: Connection, now: datetime, schedule: Schedule, moved_at: datetime
) -> None:
    """Put on record that a moment is one that has been, moved by a change of its zone's rules."""
    last = schedule.last_due_at
    reason = f"it was due at {stamp(last)} already, by the zone's rules of then" if last else None
    ledger.record(
        connection, now, schedule.id,
        Occurrence(moved_at, OccurrenceOutcome.SKIPPED, None, reason),
    )  # fmt: skip
    set_values(connection, schedule.id, last_due_at=moved_at, skipped=schedule.totals.skipped + 1)


def decided_at(schedule: Schedule) -> datetime:
    """When its times were last decided upon."""
    found = schedule.changed_at or schedule.created_at
    assert found is not None  # noqa: S101 - every stored one has it
    return found
