"""Folding what has ended into how tasks, schedules and queues fare: a slice at a time, each once.

A slice is read grouped, so that a job costs little more than to look it up: 6 to 8 us. What it came
to and how far has been folded are written in one transaction, in which who was overtaken finds
out.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, TypeVar

import msgspec
from sqlalchemy import (
    ColumnElement,
    Connection,
    Float,
    Integer,
    Row,
    Select,
    Text,
    and_,
    case,
    cast,
    column,
    func,
    or_,
    select,
    text,
    type_coerce,
    update,
    values,
)
from sqlalchemy.dialects import postgresql, sqlite

from onbeat.domain.health import (
    KEPT,
    LEAST,
    PER_LOG,
    SPANS,
    Kind,
    Slice,
    Subject,
    Tally,
    Took,
    begins,
    total,
)
from onbeat.domain.states import FINAL_STATES, State
from onbeat.store import expectations
from onbeat.store.changes import writing
from onbeat.store.column_types import Moment
from onbeat.store.payloads import encode
from onbeat.store.schema import attempts, finished, folds, health, jobs, rollups

ENDS = "ends"
"""The name under which it is kept how far ends have been folded."""

ALL_SCHEDULES = "schedules"
"""The kind of roll-ups of all schedules together, of no subject: a month of 100,000 schedules is
read of them in milliseconds, where their own took seconds.
"""

LOOKED_UP = """
SELECT set_config('enable_hashjoin', 'off', true), set_config('enable_mergejoin', 'off', true),
       set_config('max_parallel_workers_per_gather', '0', true)
"""
"""Each job of a slice is looked up: joined otherwise, all jobs of a month are read for a second's.
Nor are other cores taken for it, on which workers wait for their claims.
"""

AT_ONCE = 500
"""Subjects that are read or written with one statement."""

read_buckets = msgspec.json.Decoder(dict[int, int]).decode

T = TypeVar("T")
Tallies = Mapping[Subject, Tally]


@dataclass(frozen=True, slots=True)
class Front:
    """How far ends have been folded, and what is there to go on with."""

    at: datetime
    writing: frozenset[int] | None
    """The transactions that write now; None where one alone writes at a time."""
    folded_to: datetime | None
    """None where nothing has ever been folded."""
    first_at: datetime | None
    """The first end that is not folded yet."""


def front(connection: Connection, now: datetime) -> Front:
    """Look how far it has come."""
    written = writing(connection)
    folded_to = connection.scalar(select(folds.c.folded_to).where(folds.c.name == ENDS))
    return Front(now, written, folded_to, _first_end(connection, folded_to))


def _first_end(connection: Connection, since: datetime | None) -> datetime | None:
    moments = []
    for outcome in sorted(FINAL_STATES):
        query = select(func.min(finished.c.finished_at, type_=finished.c.finished_at.type))
        query = query.where(finished.c.outcome == outcome)
        if since is not None:
            query = query.where(finished.c.finished_at >= since)
        moments.append(connection.scalar(query))
    return min(filter(None, moments), default=None)


def tallies(connection: Connection, now: datetime, wanted: Slice) -> Tallies:
    """What the slice has of each task, queue and schedule."""
    if connection.dialect.name == "postgresql":
        connection.execute(text(LOOKED_UP))
    found = _summed(connection.execute(_grouped(connection, wanted)).all())
    for kind in Kind:
        some = {each.id: tally for each, tally in found.items() if each.kind is kind}
        found |= {
            Subject(kind, name): tally
            for name, tally in _with_streaks(connection, wanted, kind, some).items()
        }
    return found


def _grouped(connection: Connection, wanted: Slice) -> Select[Any]:
    """Its ends by whatever tells them apart, how many of each there are."""
    seen = _seen(connection, wanted).subquery("seen")
    by = [*(seen.c[kind] for kind in Kind), seen.c.outcome, seen.c.bucket]
    return select(
        *by, func.count().label("number"), func.sum(seen.c.attempts).label("attempts"),
        func.max(seen.c.at, type_=finished.c.finished_at.type).label("last_at"),
    ).group_by(*by)  # fmt: skip


def _seen(connection: Connection, wanted: Slice) -> Any:
    """The ends of the slice, with the schedule that made the job and how long the run took."""
    its_last = and_(
        attempts.c.job == finished.c.job,
        attempts.c.finished_at == finished.c.finished_at,
        attempts.c.finished_at >= wanted.since, attempts.c.finished_at < wanted.until,
    )  # fmt: skip
    bucket = func.ceil(func.ln(_at_least(connection, _seconds(connection))) * PER_LOG)
    return (
        select(
            finished.c.task.label(Kind.TASK), finished.c.queue.label(Kind.QUEUE),
            jobs.c.schedule.label(Kind.SCHEDULE), finished.c.outcome,
            finished.c.finished_at.label("at"), finished.c.attempts,
            case((finished.c.outcome == State.COMPLETED, cast(bucket, Integer))).label("bucket"),
        )
        .select_from(
            finished.outerjoin(jobs, jobs.c.id == finished.c.job).outerjoin(attempts, its_last)
        )
        .where(finished.c.outcome.in_(sorted(FINAL_STATES)), *_within(wanted))
    )  # fmt: skip


def _seconds(connection: Connection) -> ColumnElement[Any]:
    if connection.dialect.name == "postgresql":
        return func.extract("epoch", attempts.c.finished_at - attempts.c.started_at)
    micros = type_coerce(attempts.c.finished_at, Integer) - type_coerce(
        attempts.c.started_at, Integer
    )
    return cast(micros, Float) / 1e6


def _at_least(connection: Connection, seconds: ColumnElement[Any]) -> ColumnElement[Any]:
    greatest = func.greatest if connection.dialect.name == "postgresql" else func.max
    return greatest(seconds, LEAST)


class _Sum:
    """What a subject comes to, as if all came at once; thousands of rows are added in a second."""

    __slots__ = ("attempts", "last_at", "numbers", "took")

    def __init__(self) -> None:
        self.numbers: dict[str, int] = {}
        self.attempts = 0
        self.took: dict[int, int] = {}
        self.last_at: dict[str, datetime] = {}

    def add(
        self, outcome: str, bucket: int | None, number: int, attempts: int, last_at: datetime
    ) -> None:
        """So many more, that came to the same."""
        self.numbers[outcome] = self.numbers.get(outcome, 0) + number
        self.attempts += attempts
        before = self.last_at.get(outcome)
        if before is None or before < last_at:
            self.last_at[outcome] = last_at
        if bucket is not None:
            self.took[bucket] = self.took.get(bucket, 0) + number

    @property
    def tally(self) -> Tally:
        """The same, in the words of the domain."""
        completed = self.numbers.get(State.COMPLETED, 0)
        failed = self.numbers.get(State.FAILED, 0)
        return Tally(
            completed=completed,
            failed=failed,
            cancelled=self.numbers.get(State.CANCELLED, 0),
            attempts=self.attempts,
            last_success_at=self.last_at.get(State.COMPLETED),
            last_failure_at=self.last_at.get(State.FAILED),
            failed_since=failed,
            completed_since=completed,
            took=Took(self.took),
        )


def _summed(rows: Iterable[Sequence[Any]]) -> dict[Subject, Tally]:
    """What `_grouped` gives, by subject."""
    sums: tuple[defaultdict[str, _Sum], ...] = tuple(defaultdict(_Sum) for _ in Kind)
    for row in rows:
        *names, outcome, bucket, number, attempts, last_at = row
        # PostgreSQL adds whole numbers up to decimal ones.
        its_attempts = int(attempts)
        for sum_of, name in zip(sums, names, strict=True):
            if name is not None:
                sum_of[name].add(outcome, bucket, number, its_attempts, last_at)
    return {
        Subject(kind, name): each.tally
        for kind, sum_of in zip(Kind, sums, strict=True)
        for name, each in sum_of.items()
    }


def _with_streaks(
    connection: Connection, wanted: Slice, kind: Kind, found: Mapping[str, Tally]
) -> dict[str, Tally]:
    """Those that both completed and failed in the slice, with what came last in a row.

    They are few, and cost another look at the slice.
    """
    after: dict[State, dict[str, datetime]] = {State.COMPLETED: {}, State.FAILED: {}}
    for name, tally in found.items():
        if tally.last_success_at is None or tally.last_failure_at is None:
            continue
        # Ends that were stored together have one moment: then the success counts as the later one.
        if tally.last_success_at >= tally.last_failure_at:
            after[State.COMPLETED][name] = tally.last_failure_at
        else:
            after[State.FAILED][name] = tally.last_success_at
    completed, failed = (
        _count_after(connection, wanted, kind, outcome, places) for outcome, places in after.items()
    )
    return {
        name: replace(
            found[name], completed_since=completed.get(name, 0), failed_since=failed.get(name, 0)
        )
        for name in {**after[State.COMPLETED], **after[State.FAILED]}
    }


def _count_after(
    connection: Connection, wanted: Slice, kind: Kind, outcome: State,
    places: Mapping[str, datetime],
) -> dict[str, int]:  # fmt: skip
    """How many of each came to that after its place in the slice."""
    counts: dict[str, int] = {}
    for some in _batches(sorted(places)):
        given = values(column("name", Text), column("place", Moment), name="given")
        after = given.data([(name, places[name]) for name in some]).cte("after")
        name: Any = jobs.c.schedule if kind is Kind.SCHEDULE else finished.c[kind]
        source: Any = finished
        if kind is Kind.SCHEDULE:
            source = source.join(jobs, jobs.c.id == finished.c.job)
        is_after = finished.c.finished_at > after.c.place
        if outcome is State.COMPLETED:
            is_after = finished.c.finished_at >= after.c.place
        query = (
            select(after.c.name, func.count())
            .select_from(source.join(after, cast(after.c.name, name.type) == name))
            .where(finished.c.outcome == outcome, *_within(wanted), is_after)
            .group_by(after.c.name)
        )
        counts |= {row[0]: row[1] for row in connection.execute(query)}
    return counts


def _within(wanted: Slice) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    moment = finished.c.finished_at
    return moment >= wanted.since, moment < wanted.until


def fold(
    connection: Connection, now: datetime, was: datetime | None, of: Slice, found: Tallies
) -> bool:
    """Add what the slice has, where all before `was` has been; False where another has done it."""
    if not move(connection, ENDS, was, of.until):
        return False
    # A first start reads a long record: what would be removed again at once is not written.
    spans = [span for span in SPANS if begins(of.since, span) >= now - KEPT[span]]
    for some in _batches(sorted(found)):
        some_found = {each: found[each] for each in some}
        _add_to_health(connection, some_found)
        expectations.succeeded(connection, [
            each.id for each in some if each.kind is Kind.SCHEDULE and found[each].completed
        ])  # fmt: skip
        for span in spans:
            _add_to_rollups(connection, some_found, span, begins(of.since, span))
            _add_to_all(connection, some_found, span, begins(of.since, span))
    return True


def move(connection: Connection, name: str, was: datetime | None, to: datetime) -> bool:
    """Note how far a fold has come from where it `was`; False where another has moved it."""
    if was is None:
        made = _own_insert(connection)(folds).values(name=name, folded_to=to)
        return connection.execute(made.on_conflict_do_nothing()).rowcount > 0
    its = (folds.c.name == name, folds.c.folded_to == was)
    return connection.execute(update(folds).where(*its).values(folded_to=to)).rowcount > 0


def _batches(each: Sequence[T]) -> Iterable[Sequence[T]]:
    return (each[at : at + AT_ONCE] for at in range(0, len(each), AT_ONCE))


def _add_to_health(connection: Connection, found: Tallies) -> None:
    before = {
        Subject(Kind(row.kind), row.subject): read_tally(row)
        for row in connection.execute(select(health).where(_are(health, found)))
    }
    rows = [
        _key(each) | _counts(tally) | {
            "last_success_at": tally.last_success_at, "last_failure_at": tally.last_failure_at,
            "failed_since": tally.failed_since, "completed_since": tally.completed_since,
        }
        for each, new in found.items()
        for tally in (total([before.get(each, Tally()), new]),)
    ]  # fmt: skip
    _put(connection, health, rows)


def _add_to_rollups(
    connection: Connection, found: Tallies, span: timedelta, begins_at: datetime
) -> None:
    seconds = int(span.total_seconds())
    of_it = (rollups.c.span == seconds, rollups.c.begins_at == begins_at)
    before = {
        Subject(Kind(row.kind), row.subject): read_tally(row)
        for row in connection.execute(select(rollups).where(_are(rollups, found), *of_it))
    }
    rows = [
        _key(each) | {"span": seconds, "begins_at": begins_at} | _counts(tally)
        | {"took": encode(dict(tally.took.buckets)).decode()}
        for each, new in found.items()
        for tally in (total([before.get(each, Tally()), new]),)
    ]  # fmt: skip
    _put(connection, rollups, rows)


def _add_to_all(
    connection: Connection, found: Tallies, span: timedelta, begins_at: datetime
) -> None:
    """Add what schedules have to what all of them have together."""
    its = [tally for subject, tally in found.items() if subject.kind is Kind.SCHEDULE]
    if not its:
        return
    counts = _counts(total(its))
    put = _own_insert(connection)(rollups).values(
        kind=ALL_SCHEDULES, subject="", span=int(span.total_seconds()), begins_at=begins_at,
        took="{}", **counts,
    )  # fmt: skip
    more = {name: rollups.c[name] + put.excluded[name] for name in counts}
    keys = [column.name for column in rollups.primary_key]
    connection.execute(put.on_conflict_do_update(index_elements=keys, set_=more))


def read_tally(row: Row[Any]) -> Tally:
    """What a row of either table says."""
    has = row._mapping
    return Tally(
        completed=row.completed, failed=row.failed, cancelled=row.cancelled, attempts=row.attempts,
        last_success_at=has.get("last_success_at"), last_failure_at=has.get("last_failure_at"),
        failed_since=has.get("failed_since", 0), completed_since=has.get("completed_since", 0),
        took=Took(read_buckets(row.took)) if "took" in has else Took(),
    )  # fmt: skip


def _are(table: Any, subjects: Iterable[Subject]) -> ColumnElement[bool]:
    names: defaultdict[Kind, list[str]] = defaultdict(list)
    for each in subjects:
        names[each.kind].append(each.id)
    return or_(
        *(and_(table.c.kind == kind, table.c.subject.in_(ids)) for kind, ids in names.items())
    )


def _key(subject: Subject) -> dict[str, Any]:
    return {"kind": subject.kind, "subject": subject.id}


def _counts(tally: Tally) -> dict[str, Any]:
    return {
        "completed": tally.completed, "failed": tally.failed, "cancelled": tally.cancelled,
        "attempts": tally.attempts,
    }  # fmt: skip


def _put(connection: Connection, table: Any, rows: Sequence[dict[str, Any]]) -> None:
    keys = [column.name for column in table.primary_key]
    put = _own_insert(connection)(table)
    changed = {name: put.excluded[name] for name in rows[0] if name not in keys}
    connection.execute(put.on_conflict_do_update(index_elements=keys, set_=changed), list(rows))


def _own_insert(connection: Connection) -> Any:
    return postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
