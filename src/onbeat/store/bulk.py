"""Many jobs at once, cold: dead letters run again, jobs called off, a bounded number at a time."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    and_,
    delete,
    exists,
    func,
    insert,
    literal,
    select,
    true,
    tuple_,
    update,
)

from onbeat.domain.jobs import JobId
from onbeat.domain.marks import marks as mark_texts
from onbeat.domain.states import State
from onbeat.domain.ties import TieKind, keys_of
from onbeat.store import keys, revivals
from onbeat.store.among import among
from onbeat.store.column_types import to_micros
from onbeat.store.jobs import LOOKS, call_off
from onbeat.store.schema import blocked, callbacks, delayed, finished, jobs, leases, marks, ready

AT_ONCE = 500
"""Jobs in one transaction."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """Which jobs are meant; None means any."""

    task: str | None = None
    queue: str | None = None
    tag: str | None = None
    owner: str | None = None
    error: str | None = None
    """What the reason holds for which they stand where they stand, in any case of letters."""
    since: datetime | None = None
    until: datetime | None = None
    """Dead letters that failed then, others that were asked for then."""


@dataclass(slots=True)
class Redriven:
    """What a pass over the dead letters did."""

    looked_at: int = 0
    count: int = 0
    queues: set[str] = field(default_factory=set)
    refused: dict[JobId, JobId] = field(default_factory=dict)
    """Of those whose unique key another job has, by id that job."""
    last: tuple[datetime, JobId] | None = None
    """Where the next pass goes on."""


def _marked(wanted: Selection, job: Any) -> Iterator[ColumnElement[bool]]:
    """That the job has the tag and the owner that are meant."""
    for text in mark_texts((wanted.tag,) if wanted.tag else (), wanted.owner):
        yield exists().where(marks.c.mark == text, marks.c.job == job)


def _is_dead(wanted: Selection) -> ColumnElement[bool]:
    conditions = [finished.c.outcome == State.FAILED, *_marked(wanted, finished.c.job)]
    for column, value in ((finished.c.task, wanted.task), (finished.c.queue, wanted.queue)):
        if value is not None:
            conditions.append(column == value)
    if wanted.error is not None:
        conditions.append(finished.c.reason.icontains(wanted.error, autoescape=True))
    if wanted.since is not None:
        conditions.append(finished.c.finished_at >= wanted.since)
    if wanted.until is not None:
        conditions.append(finished.c.finished_at <= wanted.until)
    return and_(*conditions)


def count_dead(connection: Connection, now: datetime, wanted: Selection) -> int:
    """How many dead letters are meant."""
    return connection.scalar(select(func.count()).where(_is_dead(wanted))) or 0


def redrive(
    connection: Connection,
    now: datetime,
    *,
    wanted: Selection,
    after: tuple[datetime, JobId] | None,
    limit: int,
) -> Redriven:
    """Run some dead letters again, those that failed first, from `after` on."""
    query = (
        select(finished.c.job, finished.c.finished_at, finished.c.outcome, jobs.c.ties)
        .select_from(finished.join(jobs, jobs.c.id == finished.c.job))
        .where(_is_dead(wanted))
        .order_by(finished.c.finished_at, finished.c.job)
        .limit(limit)
    )
    if after is not None:
        # Told its types: a bare moment is text on SQLite, and no number is greater than a text.
        place = (finished.c.finished_at, finished.c.job)
        last = (literal(value, column.type) for column, value in zip(place, after, strict=True))
        query = query.where(tuple_(*place) > tuple_(*last))
    found = connection.execute(query).all()
    done = Redriven(looked_at=len(found))
    if found:
        done.last = (found[-1].finished_at, JobId(found[-1].job))
        _run_again(connection, now, found, done)
    return done


def run_again(
    connection: Connection, now: datetime, ids: Sequence[JobId], outcomes: Collection[State]
) -> Redriven:
    """Run those of the jobs again that ended so, their attempts counted from one."""
    found = connection.execute(
        select(finished.c.job, finished.c.outcome, jobs.c.ties)
        .select_from(finished.join(jobs, jobs.c.id == finished.c.job))
        .where(among(connection, finished.c.job, ids), finished.c.outcome.in_(list(outcomes)))
        .order_by(finished.c.job)
    ).all()
    done = Redriven(looked_at=len(found))
    if found:
        _run_again(connection, now, found, done)
    return done


def _run_again(connection: Connection, now: datetime, found: Sequence[Any], done: Redriven) -> None:
    """Run ended jobs again but for those whose unique keys others have."""
    taken: dict[JobId, State] = {}
    for row in found:
        holder = keys.take_again(connection, now, JobId(row.job), row.ties) if row.ties else None
        if holder is None:
            taken[JobId(row.job)] = State(row.outcome)
        else:
            done.refused[JobId(row.job)] = holder
    again = _revive(connection, now, taken, done)
    for row in found:
        if row.job in again and keys_of(row.ties, TieKind.ENDS):
            revivals.take_back(connection, now, JobId(row.job), State(row.outcome))


def _revive(
    connection: Connection, now: datetime, wanted: Mapping[JobId, State], done: Redriven
) -> set[str]:
    """Move them to their lines; whoever deletes their end makes the move. Which they were."""
    gone = connection.execute(
        delete(finished)
        .where(
            among(connection, finished.c.job, list(wanted)),
            finished.c.outcome.in_(sorted(set(wanted.values()))),
        )
        .returning(finished.c.job, finished.c.queue, finished.c.lane)
    ).all()
    if gone:
        rows = [
            {"queue": row.queue, "lane": row.lane, "order_key": to_micros(now), "job": row.job,
             "attempt": 0}
            for row in gone
        ]  # fmt: skip
        connection.execute(insert(ready), rows)
        again = [row.job for row in gone]
        connection.execute(delete(callbacks).where(among(connection, callbacks.c.job, again)))
    done.count += len(gone)
    done.queues |= {row.queue for row in gone}
    return {row.job for row in gone}


@dataclass(slots=True)
class CalledOff:
    """What a pass over open jobs did."""

    looked_at: int = 0
    cancelled: int = 0
    asked: int = 0
    """How many run, and were asked to stop."""
    last: JobId | None = None
    """Where the next pass goes on."""


def _places(wanted: Selection) -> Mapping[Any, Any]:
    """Each place a job can be called off from, with the reason for which it stands there."""
    places: dict[Any, Any] = {delayed: delayed.c.reason, blocked: blocked.c.reason}
    if wanted.error is None:
        places |= {ready: None, leases: None}
    return places


def _in_place(table: Any, reason: Any, wanted: Selection) -> Select[Any]:
    conditions: list[ColumnElement[bool]] = [true(), *_marked(wanted, table.c.job)]
    for column, value in ((jobs.c.task, wanted.task), (jobs.c.queue, wanted.queue)):
        if value is not None:
            conditions.append(column == value)
    if wanted.error is not None:
        conditions.append(reason.icontains(wanted.error, autoescape=True))
    if wanted.since is not None:
        conditions.append(jobs.c.created_at >= wanted.since)
    if wanted.until is not None:
        conditions.append(jobs.c.created_at <= wanted.until)
    joined = table.join(jobs, jobs.c.id == table.c.job)
    return select(table.c.job).select_from(joined).where(*conditions)


def count_open(connection: Connection, now: datetime, wanted: Selection) -> tuple[int, int]:
    """How many waiting and how many running jobs are meant."""
    counts = {
        table: connection.scalar(
            select(func.count()).select_from(_in_place(table, reason, wanted).subquery())
        )
        or 0
        for table, reason in _places(wanted).items()
    }
    running = counts.pop(leases, 0)
    return sum(counts.values()), running


def cancel(
    connection: Connection,
    now: datetime,
    *,
    wanted: Selection,
    reason: str,
    after: JobId | None,
    limit: int,
) -> CalledOff:
    """Call some open jobs off, the oldest first, from `after` on; ask those that run to stop."""
    found: set[str] = set()
    for table, why in _places(wanted).items():
        query = _in_place(table, why, wanted).order_by(table.c.job).limit(limit)
        if after is not None:
            query = query.where(table.c.job > after)
        found.update(connection.scalars(query))
    ids = [JobId(job) for job in sorted(found)[:limit]]
    done = CalledOff(looked_at=len(ids))
    if not ids:
        return done
    done.last = ids[-1]
    call_off_many(connection, now, ids, reason, done)
    return done


def call_off_many(
    connection: Connection, now: datetime, ids: Sequence[JobId], reason: str, done: CalledOff
) -> None:
    """Call those of the jobs off that wait, ask those that run to stop; leave what has ended."""
    for _ in range(LOOKS):
        ids = _cancel_where_they_stand(connection, now, ids, reason, done)
        if not ids:
            break


def _cancel_where_they_stand(
    connection: Connection, now: datetime, wanted: Sequence[JobId], reason: str, done: CalledOff
) -> list[JobId]:
    """Call off those that wait, ask those that run; which are neither, for they move or ended."""
    gone = set(call_off(connection, now, dict.fromkeys(wanted, reason)))
    done.cancelled += len(gone)
    left = [job for job in wanted if job not in gone]
    if not left:
        return []
    is_new = leases.c.job.in_(left) & leases.c.stop_asked.is_(None)
    done.asked += connection.execute(
        update(leases).where(is_new).values(stop_asked=reason)
    ).rowcount
    running = set(connection.scalars(select(leases.c.job).where(leases.c.job.in_(left))))
    return [job for job in left if job not in running]
