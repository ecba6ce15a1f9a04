"""Jobs, cold: find them, cancel, revive, and the moves an operator makes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    Table,
    and_,
    bindparam,
    delete,
    exists,
    insert,
    literal,
    null,
    or_,
    select,
    update,
)

from onbeat.domain.errors import Conflict
from onbeat.domain.jobs import Job, JobId, no_job
from onbeat.domain.states import FINAL_STATES, MOVES, Place, State
from onbeat.store import ends, history, keys, limits, revivals
from onbeat.store.column_types import to_micros
from onbeat.store.job_rows import PLACES, read_job, standing
from onbeat.store.schema import (
    blocked,
    callbacks,
    delayed,
    finished,
    jobs,
    leases,
    ready,
    schedules,
    uniques,
)

OPEN_PLACES = tuple(table for name, table in PLACES.items() if name is not Place.FINISHED)


def stands(job: ColumnElement[Any]) -> ColumnElement[bool]:
    """Whether the job of that id has not ended, as one condition of a statement.

    It moves from place to place: who looks in one after the other may miss it.
    """
    return or_(*(exists().where(table.c.job == job) for table in OPEN_PLACES))


def is_open(connection: Connection, job: JobId) -> bool:
    """Whether the job has not ended."""
    return bool(connection.scalar(select(stands(literal(job, jobs.c.id.type)))))


LOOKS = 3
"""How often to look for a job in all its places: it may move to one that was looked at already."""


def find(connection: Connection, now: datetime, job: JobId) -> Job:
    """One job, where it stands, and when its last attempt began. Raises NotFound."""
    row = connection.execute(_one(), {"wanted": job}).first()
    if row is None:
        raise no_job(job)
    found = read_job(row)
    if found.state is State.RUNNING:
        return found
    return replace(found, started_at=history.last_began(connection, now, job, found.created_at))


@cache
def _one() -> Select[Any]:
    """Asks for the job that is `wanted`. Kept, for it takes as long to make as to run."""
    return standing().where(jobs.c.id == bindparam("wanted"))


def standing_of(connection: Connection, wanted: Select[Any]) -> list[Job]:
    """The jobs whose ids are `wanted`, in the order of their ids."""
    query = standing().where(jobs.c.id.in_(wanted)).order_by(jobs.c.id)
    return [read_job(row) for row in connection.execute(query)]


def is_known(connection: Connection, job: JobId) -> bool:
    """Whether the job is in the book."""
    return connection.execute(select(jobs.c.id).where(jobs.c.id == job)).first() is not None


def place(connection: Connection, job: JobId) -> Place:
    """Which table holds the job now."""
    for name, table in PLACES.items():
        if connection.execute(select(table.c.job).where(table.c.job == job)).first() is not None:
            return name
    return Place.NOWHERE


def cancel(connection: Connection, now: datetime, job: JobId, reason: str) -> State:
    """Call a waiting job off, or ask a running one to stop; the state it is in now.

    Raises NotFound, and Conflict when it has ended.
    """
    for _ in range(LOOKS):
        state = _cancel_where_it_stands(connection, now, job, reason)
        if state is not None:
            return state
        stands = find(connection, now, job)
        if stands.state.is_final:
            break
    raise Conflict(f"job {job} is {stands.state}; only one that waits or runs can be cancelled")


def _cancel_where_it_stands(
    connection: Connection, now: datetime, job: JobId, reason: str
) -> State | None:
    if call_off(connection, now, {job: reason}):
        return State.CANCELLED
    asked = connection.execute(update(leases).where(leases.c.job == job).values(stop_asked=reason))
    return State.RUNNING if asked.rowcount else None


def call_off(
    connection: Connection, now: datetime, reasons: Mapping[JobId, str], *, windows: bool = False
) -> list[JobId]:
    """Cancel those of the jobs that wait, each for its reason; which they were.

    They let go of what they have: their unique keys, with `windows` those too that they have for
    a time.
    """
    gone: dict[JobId, Any] = {}
    for table in (delayed, ready, blocked) if reasons else ():
        rows = connection.execute(
            delete(table)
            .where(table.c.job.in_(list(reasons)))
            .returning(table.c.job, table.c.queue, table.c.lane, table.c.attempt, _slot_in(table))
        )
        gone |= {JobId(row.job): row for row in rows}
    for slot, count in sorted(Counter(row.slot for row in gone.values() if row.slot).items()):
        limits.leave(connection, slot, count)
    if gone:
        _finish(connection, now, gone, reasons, windows=windows)
    return list(gone)


def _finish(
    connection: Connection,
    now: datetime,
    gone: Mapping[JobId, Any],
    reasons: Mapping[JobId, str],
    *,
    windows: bool,
) -> None:
    booked = select(jobs.c.id, jobs.c.task, jobs.c.ties).where(jobs.c.id.in_(list(gone)))
    book = {JobId(row.id): row for row in connection.execute(booked)}
    connection.execute(
        insert(finished),
        [
            {
                "job": job, "finished_at": now, "task": book[job].task, "queue": row.queue,
                "lane": row.lane, "outcome": MOVES["cancel"].state, "attempts": row.attempt,
                "reason": reasons[job],
            }
            for job, row in gone.items()
        ],
    )  # fmt: skip
    keys.let_go(connection, {job: book[job].ties for job in gone}, windows=windows)
    awaited = select(schedules.c.awaits_job).where(schedules.c.awaits_job.in_(list(gone)))
    for job in connection.scalars(awaited).all():
        release_schedule(connection, now, JobId(str(job)))
    ends.tell(connection, now, list(gone), MOVES["cancel"].state)


def free_keys_of_ended(connection: Connection, now: datetime, *, among: Sequence[JobId]) -> None:
    """Free the keys of those of the jobs that have ended.

    A job that is stored a second time takes its key again, and would have it for ever.
    """
    mine = uniques.c.job.in_(list(among)) & uniques.c.expires_at.is_(None)
    connection.execute(delete(uniques).where(mine, ~stands(uniques.c.job)))


def release_schedule(connection: Connection, now: datetime, job: JobId) -> None:
    """A schedule that waits for its job to end is due again: from its first moment that waited on,
    or after its rest.
    """
    waiting = connection.execute(
        select(schedules.c.id, schedules.c.after_finish, schedules.c.held_due_at).where(
            schedules.c.awaits_job == job
        )
    ).all()
    for row in waiting:
        rested_at = now + timedelta(microseconds=row.after_finish or 0)
        connection.execute(
            update(schedules)
            .where(and_(schedules.c.id == row.id, schedules.c.awaits_job == job))
            .values(awaits_job=None, next_due_at=row.held_due_at or rested_at)
        )


def revive(connection: Connection, now: datetime, job: JobId) -> None:
    """Run an ended job again, its attempts counted from one. Raises NotFound and Conflict."""
    ended = ", ".join(sorted(FINAL_STATES))
    refusal = f"only one that is {ended} can be run again"
    gone = _take_out(connection, now, finished, job, refusal)
    ties = connection.scalar(select(jobs.c.ties).where(jobs.c.id == job))
    holder = keys.take_again(connection, now, job, ties)
    if holder is not None:
        raise Conflict(
            f"job {holder} has the unique key of job {job}; run it again when that has ended, or "
            f"cancel that: onbeat jobs cancel {holder}"
        )
    connection.execute(delete(callbacks).where(callbacks.c.job == job))  # it asks its target anew
    make_ready(connection, now, job, gone.queue, gone.lane, 0, None)
    revivals.take_back(connection, now, job, State(gone.outcome))


def run_again(connection: Connection, now: datetime, job: JobId) -> str:
    """Revive an ended job, or hasten a waiting one; the queue it is pending in. Raises Conflict."""
    stands = place(connection, job)
    if stands is Place.DELAYED:
        hasten(connection, now, job)
    elif stands is Place.BLOCKED:
        unblock(connection, now, job)
    else:
        revive(connection, now, job)
    return str(connection.execute(select(jobs.c.queue).where(jobs.c.id == job)).scalar_one())


def hasten(connection: Connection, now: datetime, job: JobId) -> None:
    """Make a waiting job pending at once. Raises NotFound and Conflict."""
    refusal = "only one that waits for a time can be hastened"
    gone = _take_out(connection, now, delayed, job, refusal)
    make_ready(connection, now, job, gone.queue, gone.lane, gone.attempt, gone.losses)


def block(connection: Connection, now: datetime, job: JobId, reason: str) -> None:
    """Hold a pending job back for `reason`. Raises NotFound and Conflict."""
    gone = _take_out(connection, now, ready, job, "only a pending one can be blocked")
    held = {"job": job, "queue": gone.queue, "lane": gone.lane, "attempt": gone.attempt}
    connection.execute(
        insert(blocked).values(**held, reason=reason, since_at=now, losses=gone.losses)
    )


def unblock(connection: Connection, now: datetime, job: JobId) -> None:
    """Let a blocked job go. Raises NotFound and Conflict."""
    gone = _take_out(connection, now, blocked, job, "only a blocked one can be unblocked")
    make_ready(connection, now, job, gone.queue, gone.lane, gone.attempt, gone.losses)


def _take_out(connection: Connection, now: datetime, table: Table, job: JobId, refusal: str) -> Any:
    """Delete the job's row from `table`: whoever does makes the move. Else NotFound or Conflict."""
    is_over = table is finished
    kept = [table.c.outcome] if is_over else [table.c.attempt, table.c.losses]
    gone = connection.execute(
        delete(table)
        .where(table.c.job == job)
        .returning(table.c.queue, table.c.lane, _slot_in(table), *kept)
    ).first()
    if gone is None:
        stands = find(connection, now, job)
        raise Conflict(f"job {job} is {stands.state}; {refusal}")
    limits.leave(connection, gone.slot)
    return gone


def _slot_in(table: Table) -> ColumnElement[Any]:
    """The slot a job waits for in `table`; null in all but `blocked`."""
    return blocked.c.slot if table is blocked else null().label("slot")


def make_ready(
    connection: Connection,
    now: datetime,
    job: JobId,
    queue: str,
    lane: int,
    attempt: int,
    losses: int | None,
) -> None:
    """Place a job in its line; whoever does took it out of where it stood."""
    connection.execute(
        insert(ready).values(
            queue=queue, lane=lane, order_key=to_micros(now), job=job, attempt=attempt,
            losses=losses,
        )
    )  # fmt: skip


def ended(connection: Connection, now: datetime, wanted: Sequence[JobId]) -> set[JobId]:
    """Which of `wanted` have ended."""
    rows = connection.execute(select(finished.c.job).where(finished.c.job.in_(wanted)))
    return {JobId(row.job) for row in rows}
