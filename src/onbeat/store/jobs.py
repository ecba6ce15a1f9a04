"""Jobs, cold: find them, list them, cancel, revive, and the moves an operator makes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import msgspec
from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    Select,
    Table,
    and_,
    delete,
    exists,
    insert,
    literal,
    null,
    or_,
    select,
    update,
)

from onbeat.domain.errors import Conflict, NotFound
from onbeat.domain.jobs import Job, JobId
from onbeat.domain.json_text import compact
from onbeat.domain.secrets import Path, mask
from onbeat.domain.states import FINAL_STATES, MOVES, Place, State
from onbeat.store import ends, keys, limits, revivals
from onbeat.store.column_types import to_micros
from onbeat.store.payloads import priority_of, secrets_in
from onbeat.store.schema import (
    blocked,
    deadlines,
    delayed,
    finished,
    jobs,
    leases,
    ready,
    schedules,
    tasks,
    uniques,
)
from onbeat.store.tasks import names_of, read_places

PLACES: dict[Place, Table] = {
    Place.DELAYED: delayed,
    Place.READY: ready,
    Place.BLOCKED: blocked,
    Place.LEASES: leases,
    Place.FINISHED: finished,
}


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


@dataclass(frozen=True, slots=True, kw_only=True)
class JobFilter:
    """Which jobs to list; None means any."""

    state: State | None = None
    task: str | None = None
    queue: str | None = None
    schedule: str | None = None
    before: JobId | None = None
    """Jobs made before this one: the last of the page before."""
    limit: int = 50


def _standing() -> Select[Any]:
    """Every job with the one place it stands in: five narrow tables, joined from the left."""
    joined = jobs
    for table in PLACES.values():
        joined = joined.outerjoin(table, table.c.job == jobs.c.id)  # type: ignore[assignment]
    return select(
        jobs,
        delayed.c.due_at,
        delayed.c.attempt.label("delayed_attempt"),
        delayed.c.reason.label("delayed_reason"),
        ready.c.attempt.label("ready_attempt"),
        blocked.c.attempt.label("blocked_attempt"),
        blocked.c.reason.label("blocked_reason"),
        leases.c.attempt.label("lease_attempt"),
        leases.c.started_at,
        leases.c.stop_asked,
        leases.c.progress,
        leases.c.note,
        finished.c.finished_at,
        finished.c.outcome,
        finished.c.attempts.label("finished_attempts"),
        finished.c.reason.label("finished_reason"),
        schedules.c.name.label("schedule_name"),
        tasks.c.runs_as,
        tasks.c.secrets.label("task_secrets"),
        deadlines.c.expires_at,
    ).select_from(
        joined.outerjoin(schedules, schedules.c.id == jobs.c.schedule)
        .outerjoin(tasks, tasks.c.name == jobs.c.task)
        .outerjoin(deadlines, deadlines.c.job == jobs.c.id)
    )


def find(connection: Connection, now: datetime, job: JobId) -> Job:
    """One job and where it stands. Raises NotFound."""
    row = connection.execute(_standing().where(jobs.c.id == job)).first()
    if row is None:
        raise NotFound(f"no job {job}; `onbeat jobs ls` lists them")
    return _job(row)


def standing_of(connection: Connection, wanted: Select[Any]) -> list[Job]:
    """The jobs whose ids are `wanted`, in the order of their ids."""
    query = _standing().where(jobs.c.id.in_(wanted)).order_by(jobs.c.id)
    return [_job(row) for row in connection.execute(query)]


def is_known(connection: Connection, job: JobId) -> bool:
    """Whether the job is in the book."""
    return connection.execute(select(jobs.c.id).where(jobs.c.id == job)).first() is not None


def list_jobs(connection: Connection, now: datetime, wanted: JobFilter) -> list[Job]:
    """The newest jobs first, a page at a time."""
    names = None if wanted.task is None else names_of(connection, wanted.task)
    page = _page(wanted, names)
    rows = connection.execute(_standing().where(jobs.c.id.in_(page)).order_by(jobs.c.id.desc()))
    return [_job(row) for row in rows]


def _page(wanted: JobFilter, names: Sequence[str] | None) -> Select[Any]:
    """The ids of a page: from the place the state lives in, so that rare states are found fast."""
    query = select(jobs.c.id)
    if wanted.state is not None:
        table, condition = _place_of(wanted.state)
        query = query.join(table, table.c.job == jobs.c.id).where(condition)
    if names is not None:
        is_of_it = jobs.c.task == names[0] if len(names) == 1 else jobs.c.task.in_(names)
        query = query.where(is_of_it)
    for column, value in (
        (jobs.c.queue, wanted.queue),
        (jobs.c.schedule, wanted.schedule),
    ):
        if value is not None:
            query = query.where(column == value)
    if wanted.before is not None:
        query = query.where(jobs.c.id < wanted.before)
    return query.order_by(jobs.c.id.desc()).limit(wanted.limit)


def _place_of(state: State) -> tuple[Table, ColumnElement[bool]]:
    match state:
        case State.SCHEDULED:
            return delayed, delayed.c.attempt == 0
        case State.RETRYING:
            return delayed, delayed.c.attempt > 0
        case State.PENDING:
            return ready, literal(1) == literal(1)
        case State.BLOCKED:
            return blocked, literal(1) == literal(1)
        case State.RUNNING:
            return leases, literal(1) == literal(1)
        case _:
            return finished, finished.c.outcome == state


def _job(row: Row[Any]) -> Job:
    found = row._mapping
    state, attempt, reason = _stand(found)
    return Job(
        id=JobId(found["id"]),
        task=found["task"],
        queue=found["queue"],
        priority=priority_of(found["lane"]),
        state=state,
        args=compact(mask(found["args"], _secrets(found))),
        attempt=attempt,
        max_attempts=found["max_attempts"],
        created_at=found["created_at"],
        due_at=found["due_at"],
        started_at=found["started_at"],
        finished_at=found["finished_at"],
        reason=reason,
        schedule=found["schedule_name"],
        occurrence_at=found["occurrence_at"],
        progress=found["progress"],
        note=found["note"],
        stop_asked=found["stop_asked"],
        runs_as=found["runs_as"],
        route=_route_of(found["options"]),
        expires_at=found["expires_at"],
    )


def _secrets(found: Any) -> Iterable[Path]:
    """Where its secrets are: what came with it, and what workers say of its task by now."""
    return dict.fromkeys((*secrets_in(found["options"]), *read_places(found["task_secrets"])))


def _route_of(options: str | None) -> str | None:
    """How the job was sent to its queue; None where nobody had to choose."""
    if options is None or '"route"' not in options:
        return None
    route = msgspec.json.decode(options).get("route")
    return None if route is None else msgspec.json.encode(route).decode()


def _stand(found: Any) -> tuple[State, int, str | None]:
    """State, attempts and reason, from whichever place has the job."""
    if found["outcome"] is not None:
        return State(found["outcome"]), found["finished_attempts"], found["finished_reason"]
    if found["lease_attempt"] is not None:
        return State.RUNNING, found["lease_attempt"], found["stop_asked"]
    if found["ready_attempt"] is not None:
        return State.PENDING, found["ready_attempt"], None
    if found["blocked_attempt"] is not None:
        return State.BLOCKED, found["blocked_attempt"], found["blocked_reason"]
    if found["delayed_attempt"] is not None:
        state = State.RETRYING if found["delayed_attempt"] else State.SCHEDULED
        return state, found["delayed_attempt"], found["delayed_reason"]
    return State.FAILED, 0, "the record is damaged: the job stands in no place"


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
