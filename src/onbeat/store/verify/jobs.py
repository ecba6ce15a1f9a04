"""The laws of jobs and their attempts, over one range of job ids.

A statement sees one state of the database, and a job moves in one statement: so each law is asked
in one. Every place and the attempts have an index that begins with the job: a range of ids is a
walk of each, however the rows lie in partitions.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import chain
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    Subquery,
    Text,
    and_,
    case,
    exists,
    func,
    literal,
    null,
    or_,
    select,
    true,
    union_all,
)

from onbeat.domain.states import State
from onbeat.domain.user_schedules import TASK as FIRING
from onbeat.store.job_rows import PLACES
from onbeat.store.schema import (
    attempts,
    finished,
    jobs,
    leases,
    occurrences,
    reruns,
    sessions,
)
from onbeat.store.verify import parents
from onbeat.store.verify.laws import MOST_OF_A_LAW, Breach, Law

_TEXT = Text()

Scope = Callable[[Any], ColumnElement[bool]]
"""Which jobs are looked at: a condition on a column of job ids."""

COUNTED = ("failed", "timed out")
"""Outcomes after which the next attempt has the next number; after others it has the same."""

ENDS = {State.COMPLETED: ("succeeded",), State.FAILED: ("failed", "timed out", "lost")}
"""What the last attempt says of a job that ended so. An operator may cancel after any."""


def between(after: str | None, through: str | None) -> Scope:
    """Ids greater than `after`, up to and with `through`; None for no bound."""

    def scope(column: Any) -> ColumnElement[bool]:
        bounds: list[ColumnElement[bool]] = [true()]
        if after is not None:
            bounds.append(column > after)
        if through is not None:
            bounds.append(column <= through)
        return and_(*bounds)

    return scope


def bound(connection: Connection, after: str | None, count: int) -> str | None:
    """The id that ends a range of `count` booked jobs after `after`; None when fewer are left."""
    query = select(jobs.c.id).where(between(after, None)(jobs.c.id)).order_by(jobs.c.id)
    found: str | None = connection.scalar(query.offset(count - 1).limit(1))
    return found


def count_jobs(connection: Connection, scope: Scope) -> int:
    """How many jobs are in the book."""
    return connection.scalar(select(func.count(jobs.c.id)).where(scope(jobs.c.id))) or 0


def breaches(connection: Connection, scope: Scope) -> Iterator[Breach]:
    """All breaches among the jobs in `scope`, but for those of tokens that jobs share."""
    return chain(
        _misplaced(connection, scope),
        _out_of_line(connection, scope),
        _unaccounted(connection, scope),
        _held_by_nobody(connection, scope),
        parents.breaches(connection, scope),
    )


def tokens(connection: Connection, scope: Scope) -> list[int]:
    """The tokens of all attempts, ended and under way; one as often as it was given out."""
    line = _under_way_and_ended(scope)
    text = connection.scalar(select(func.aggregate_strings(_as_text(line.c.token), ",")))
    return [int(token) for token in text.split(",")] if text else []


def holders(connection: Connection, shared: list[int]) -> Iterator[Breach]:
    """The jobs whose attempts share one of the tokens; reads all attempts, without an index."""
    line = _under_way_and_ended(lambda _: true())
    query = (
        select(line.c.token, func.count(), func.min(_as_text(line.c.job)),
               func.max(_as_text(line.c.job)))
        .where(line.c.token.in_(shared))
        .group_by(line.c.token)
        .having(func.count() > 1)
    )  # fmt: skip
    for token, count, first, last in connection.execute(query):
        detail = f"token {token} was given to {count} attempts, also of job {_id(last)}"
        yield Breach(Law.SHARED_TOKEN, _id(first), detail)


def _as_text(column: Any) -> Any:
    return column.cast(_TEXT)


def _id(value: str) -> str:
    return value.replace("-", "")


def _misplaced(connection: Connection, scope: Scope) -> Iterator[Breach]:
    booked = select(
        jobs.c.id.label("job"), literal(1).label("booked"), literal(0).label("placed"),
        literal(0).label("ended"), null().label("place"),
    ).where(scope(jobs.c.id))  # fmt: skip
    placed = [
        select(
            table.c.job, literal(0), literal(1), literal(int(table is finished)), literal(str(name))
        ).where(scope(table.c.job))
        for name, table in PLACES.items()
    ]
    rows = union_all(booked, *placed).subquery()
    query = (
        select(
            rows.c.job,
            func.sum(rows.c.booked).label("booked"),
            func.sum(rows.c.placed).label("placed"),
            func.sum(rows.c.ended).label("ended"),
            func.aggregate_strings(rows.c.place, ", ").label("places"),
        )
        .group_by(rows.c.job)
        .having(or_(func.sum(rows.c.booked) != 1, func.sum(rows.c.placed) != 1))
        .limit(MOST_OF_A_LAW)
    )
    for row in connection.execute(query):
        yield Breach(_law_of_place(row), row.job, f"it stands in {row.places or 'no place'}")


def _law_of_place(row: Row[Any]) -> Law:
    if row.booked == 0:
        return Law.NO_BOOK
    if row.placed == 0:
        return Law.NO_PLACE
    return Law.ENDED_TWICE if row.ended > 1 else Law.TWO_PLACES


def _under_way_and_ended(scope: Scope) -> Subquery:
    """Every attempt; one under way has no outcome."""
    ended = select(
        attempts.c.job, attempts.c.token, attempts.c.attempt, attempts.c.outcome,
        attempts.c.finished_at,
    ).where(scope(attempts.c.job))  # fmt: skip
    under_way = select(
        leases.c.job, leases.c.token, leases.c.attempt, null().label("outcome"),
        null().label("finished_at"),
    ).where(scope(leases.c.job))  # fmt: skip
    return union_all(ended, under_way).subquery()


def _in_line(scope: Scope) -> Subquery:
    """Every attempt with the one that followed it; last the job's end with the attempt before it.

    Ends stand in the same line, for a join of two ranges would be nested loops over both: 5,000
    jobs took 0.6 s, like this 0.003.
    """
    line = _under_way_and_ended(scope)
    attempted = select(line, literal(0).label("is_end"))
    ends = select(
        finished.c.job, null(), finished.c.attempts, finished.c.outcome, finished.c.finished_at,
        literal(1),
    ).where(scope(finished.c.job))  # fmt: skip
    every = union_all(attempted, ends).subquery()
    order: dict[str, Any] = {
        "partition_by": every.c.job,
        "order_by": (every.c.is_end, every.c.token),
    }
    neighbours = [
        look(every.c[name]).over(**order).label(f"{which}_{name}")
        for which, look in (("next", func.lead), ("last", func.lag))
        for name in ("token", "attempt", "outcome", "finished_at")
    ]
    return select(every, *neighbours).subquery()


def _out_of_line(connection: Connection, scope: Scope) -> Iterator[Breach]:
    """Attempts that were not followed by the next, and ends that are not the last attempt's.

    The next has the same number where the one before did not count, or the first where the job was
    revived.
    """
    line = _in_line(scope)
    expected = line.c.attempt + case((line.c.outcome.in_(COUNTED), 1), else_=0)
    is_disordered = and_(
        line.c.is_end == 0,
        line.c.next_token.is_not(None),
        or_(
            line.c.outcome.is_(None),
            line.c.next_token == line.c.token,
            line.c.next_attempt.not_in((1, expected)),
        ),
    )
    is_agreed = or_(
        *(
            and_(line.c.outcome == state, line.c.last_outcome.in_(said))
            for state, said in ENDS.items()
        )
    )
    is_wrong_end = and_(
        line.c.is_end == 1,
        line.c.outcome.in_(tuple(ENDS)),
        or_(
            line.c.last_outcome.is_(None),
            line.c.last_finished_at != line.c.finished_at,
            ~is_agreed,
        ),
    )
    query = select(line).where(or_(is_disordered, is_wrong_end)).limit(MOST_OF_A_LAW)
    for row in connection.execute(query):
        if row.is_end:
            said = _said(row)
            yield Breach(Law.WRONG_END, row.job, f"it is {row.outcome}, and {said}")
        else:
            yield Breach(Law.TOKEN_ORDER, row.job, _followed(row))


def _said(row: Row[Any]) -> str:
    if row.last_attempt is None:
        return "no attempt is on record"
    return f"attempt {row.last_attempt} before it {row.last_outcome or 'is under way'}"


def _followed(row: Row[Any]) -> str:
    return (
        f"attempt {row.attempt} with token {row.token} ({row.outcome or 'under way'}) is "
        f"followed by attempt {row.next_attempt} with token {row.next_token}"
    )


def _unaccounted(connection: Connection, scope: Scope) -> Iterator[Breach]:
    """Jobs of schedules that are not in the ledger, at the moment they were made for, nor were made
    for it again by hand. A firing has handed its moment over to the job that it made.
    """
    ledger = and_(
        occurrences.c.schedule == jobs.c.schedule, occurrences.c.due_at == jobs.c.occurrence_at
    )
    is_rerun = exists().where(
        reruns.c.schedule == jobs.c.schedule,
        reruns.c.due_at == jobs.c.occurrence_at,
        reruns.c.job == jobs.c.id,
    )
    query = (
        select(jobs.c.id, jobs.c.schedule, jobs.c.occurrence_at, occurrences.c.job)
        .select_from(jobs.outerjoin(occurrences, ledger))
        .where(
            scope(jobs.c.id),
            jobs.c.schedule.is_not(None),
            jobs.c.occurrence_at.is_not(None),
            jobs.c.task != FIRING,
            or_(occurrences.c.job.is_(None), occurrences.c.job != jobs.c.id),
            ~is_rerun,
        )
        .limit(MOST_OF_A_LAW)
    )
    for row in connection.execute(query):
        there = f"job {row.job}" if row.job else "no job"
        detail = f"schedule {row.schedule} made {there} for {row.occurrence_at:%Y-%m-%dT%H:%M:%SZ}"
        yield Breach(Law.JOB_WITHOUT_OCCURRENCE, row.id, detail)


def _held_by_nobody(connection: Connection, scope: Scope) -> Iterator[Breach]:
    """Leases of sessions that are not on record: a session stays there while it holds any."""
    query = (
        select(leases.c.job, leases.c.token, leases.c.session)
        .select_from(leases.outerjoin(sessions, sessions.c.id == leases.c.session))
        .where(scope(leases.c.job), sessions.c.id.is_(None))
        .limit(MOST_OF_A_LAW)
    )
    for row in connection.execute(query):
        detail = f"token {row.token}, of session {row.session}"
        yield Breach(Law.LEASE_WITHOUT_SESSION, row.job, detail)
