"""Where a list of jobs is read from: walks of one index each, and how many rows they have.

A walk is in the order of the list, or it is short enough to be read whole. It holds all jobs that a
field of the filter lets in, and perhaps others.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import msgspec
from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    func,
    literal,
    select,
    tuple_,
    union,
)

from onbeat.domain.job_cursors import Position
from onbeat.domain.job_filters import Field, Span, Wanted
from onbeat.domain.jobs import ID_DIGITS
from onbeat.domain.marks import marks as mark_texts
from onbeat.domain.marks import owner_texts
from onbeat.domain.states import FINAL_STATES, Place
from onbeat.store.job_rows import PLACES, place_of
from onbeat.store.schema import finished, jobs, marks, regions, schedules, versions
from onbeat.store.tasks import names_of

CLOCKS_DIFFER = timedelta(days=1)
"""By how much the moment in a job's id, which its caller made, may differ from the database's."""

MOST_VERSIONS = 1_000
"""Versions of a schedule that are asked which tasks it has had."""


@dataclass(frozen=True, slots=True)
class Leg:
    """Rows of a table that lie together in an index, ordered by the job, or by a moment first."""

    job: Any
    conditions: tuple[ColumnElement[bool], ...] = ()
    at: Any = None

    @property
    def place(self) -> tuple[Any, ...]:
        """What its rows are ordered by."""
        return (self.job,) if self.at is None else (self.at, self.job)


@dataclass(frozen=True, slots=True)
class Source:
    """Legs that hold together all jobs that some fields let in."""

    legs: tuple[Leg, ...]
    settles: frozenset[Field]
    """Fields that let in all it holds."""
    is_ordered: bool = True
    """Whether it is in the order of the list."""
    is_narrow: bool = True
    """Whether it leaves out any job."""


def resolved(connection: Connection, wanted: Wanted) -> Wanted | None:
    """The filter with all names of its tasks, and the queues of its regions; None where no job can
    fit.
    """
    wanted = replace(
        wanted,
        tasks=_all_names(connection, wanted.tasks),
        named_tasks=_all_names(connection, wanted.names),
    )
    if not wanted.regions:
        return wanted
    query = select(regions.c.queue).where(regions.c.region.in_(wanted.regions))
    there = connection.scalars(query).all()
    queues = [each for each in there if not wanted.queues or each in wanted.queues]
    return replace(wanted, queues=tuple(queues), regions=()) if queues else None


def _all_names(connection: Connection, tasks: Sequence[str]) -> tuple[str, ...]:
    found = (name for task in tasks for name in names_of(connection, task))
    return tuple(dict.fromkeys(found))


def sources(connection: Connection, wanted: Wanted) -> list[Source]:
    """All walks that hold what is wanted, the one to be preferred first."""
    return _by_end(wanted) if wanted.sort.is_by_end else list(_by_making(connection, wanted))


def _by_making(connection: Connection, wanted: Wanted) -> Iterator[Source]:
    """Those in the order of ids, and those that may be short."""
    yield from _by_marks(wanted)
    yield from _by_open_states(wanted)
    yield from _by_schedules(connection, wanted)
    yield from _by_names(connection, wanted)
    for field, column, values in (
        (Field.TASK, jobs.c.task, wanted.tasks),
        (Field.QUEUE, jobs.c.queue, wanted.queues),
    ):
        if values:
            legs = tuple(Leg(jobs.c.id, (column == value,)) for value in values)
            yield Source(legs, frozenset({field}))
    is_over = bool(wanted.states) and set(wanted.states) <= FINAL_STATES
    if is_over or wanted.finished != Span():
        yield replace(_by_outcome(wanted), is_ordered=False)
    yield Source((Leg(jobs.c.id),), frozenset(), is_narrow=False)


def _by_open_states(wanted: Wanted) -> Iterator[Source]:
    """The places of what has not ended, where nothing else is wanted."""
    if not wanted.states or FINAL_STATES & set(wanted.states):
        return
    places = sorted({place_of(state) for state in wanted.states})
    # A look at the row alone tells what is scheduled from what is retried.
    settles = frozenset() if Place.DELAYED in places else frozenset({Field.STATE})
    yield Source(tuple(Leg(PLACES[place].c.job) for place in places), settles)


def _by_end(wanted: Wanted) -> list[Source]:
    """Those in the order of ends, and those that may be short."""
    found = [replace(each, is_ordered=False) for each in _by_marks(wanted)]
    if wanted.tasks:
        is_all = frozenset(wanted.states) == FINAL_STATES
        legs = tuple(
            Leg(finished.c.job, (finished.c.task == task, *_within(wanted.finished)),
                finished.c.finished_at)
            for task in wanted.tasks
        )  # fmt: skip
        found.append(Source(legs, frozenset({Field.TASK, Field.FINISHED})
                            | ({Field.STATE} if is_all else frozenset())))  # fmt: skip
    if wanted.queues:
        legs = tuple(Leg(jobs.c.id, (jobs.c.queue == queue,)) for queue in wanted.queues)
        found.append(Source(legs, frozenset({Field.QUEUE}), is_ordered=False))
    if wanted.id_prefix or wanted.created != Span():
        found.append(Source((Leg(jobs.c.id),), frozenset(), is_ordered=False))
    return [*found, _by_outcome(wanted)]


def _by_marks(wanted: Wanted) -> Iterator[Source]:
    for field, texts in (
        (Field.OWNER, owner_texts(wanted.owners)),
        (Field.TAG, mark_texts(wanted.tags, None)),
    ):
        if texts:
            legs = tuple(Leg(marks.c.job, (marks.c.mark == text,)) for text in texts)
            yield Source(legs, frozenset({field}))


def _by_schedules(connection: Connection, wanted: Wanted) -> Iterator[Source]:
    """The jobs of all tasks the schedules have had: by schedule they have no index."""
    if not wanted.schedules:
        return
    of_them = schedules.c.id.in_(wanted.schedules)
    known = connection.scalars(select(schedules.c.id).where(of_them)).all()
    if set(known) != set(wanted.schedules):
        return  # one that was removed: which tasks it had nobody knows
    if (tasks := _tasks_of(connection, known)) is not None:
        yield _of_tasks(tasks)


def _by_names(connection: Connection, wanted: Wanted) -> Iterator[Source]:
    """The same of what goes by a name, and the jobs of the tasks that have it."""
    if not wanted.names:
        return
    of_them = schedules.c.name.in_(wanted.names)
    known = connection.scalars(select(schedules.c.id).where(of_them)).all()
    if (tasks := _tasks_of(connection, known)) is not None:
        yield _of_tasks([*tasks, *wanted.named_tasks])


def _of_tasks(tasks: Sequence[str]) -> Source:
    legs = tuple(Leg(jobs.c.id, (jobs.c.task == task,)) for task in dict.fromkeys(tasks))
    return Source(legs, frozenset())


def _tasks_of(connection: Connection, of: Sequence[str]) -> list[str] | None:
    """The tasks that schedules have and have had; None where they were changed too often."""
    if not of:
        return []
    now = connection.scalars(select(schedules.c.task).where(schedules.c.id.in_(of))).all()
    earlier = select(versions.c.said).where(versions.c.schedule.in_(of)).limit(MOST_VERSIONS + 1)
    said = connection.scalars(earlier).all()
    if len(said) > MOST_VERSIONS:
        return None
    return [*now, *(msgspec.json.decode(each).get("task") for each in said)]


def _by_outcome(wanted: Wanted) -> Source:
    """What has ended as is wanted, or at all."""
    outcomes = [state for state in wanted.states if state in FINAL_STATES] or sorted(FINAL_STATES)
    legs = tuple(
        Leg(finished.c.job, (finished.c.outcome == outcome, *_within(wanted.finished)),
            finished.c.finished_at)
        for outcome in outcomes
    )  # fmt: skip
    return Source(legs, frozenset({Field.STATE, Field.FINISHED}))


def _within(span: Span) -> Iterator[ColumnElement[bool]]:
    if span.since is not None:
        yield finished.c.finished_at >= span.since
    if span.until is not None:
        yield finished.c.finished_at <= span.until


def bounded(source: Source, wanted: Wanted) -> Source:
    """The walk, no farther than the ids that can be wanted."""
    low, high = _ids(wanted)
    if (low, high) == (_FIRST, _LAST):
        return source
    legs = tuple(
        leg if leg.at is not None else replace(leg, conditions=(
            *leg.conditions, leg.job >= _id(leg, low), leg.job <= _id(leg, high)))
        for leg in source.legs
    )  # fmt: skip
    settles = source.settles if legs == source.legs else source.settles | {Field.ID}
    return replace(source, legs=legs, settles=settles, is_narrow=True)


_FIRST, _LAST = "0" * ID_DIGITS, "f" * ID_DIGITS
_TIME_DIGITS = 12
"""The first digits of an id: milliseconds since 1970."""


def _ids(wanted: Wanted) -> tuple[str, str]:
    """The first id and the last that can be wanted."""
    low, high = wanted.id_prefix.ljust(ID_DIGITS, "0"), wanted.id_prefix.ljust(ID_DIGITS, "f")
    if wanted.created.since is not None:
        low = max(low, _time_digits(wanted.created.since, -1).ljust(ID_DIGITS, "0"))
    if wanted.created.until is not None:
        high = min(high, _time_digits(wanted.created.until, 1).ljust(ID_DIGITS, "f"))
    return low, high


def _time_digits(moment: datetime, sign: int) -> str:
    differ = CLOCKS_DIFFER.total_seconds() * sign
    millis = int((moment.timestamp() + differ) * 1000)
    return f"{min(max(millis, 0), 16**_TIME_DIGITS - 1):0{_TIME_DIGITS}x}"


def _id(leg: Leg, value: str) -> ColumnElement[Any]:
    return literal(value, leg.job.type)


def rows(
    connection: Connection, source: Source, after: Position | None, *, descends: bool, limit: int
) -> list[Position]:
    """The next rows of a walk, in its order."""
    found = connection.execute(walk(source, after, descends=descends, limit=limit))
    return [Position(None, row[0]) if len(row) == 1 else Position(*row) for row in found]


def walk(source: Source, after: Position | None, *, descends: bool, limit: int) -> Select[Any]:
    """Asks for the next rows of a walk: one statement, for jobs move from leg to leg."""
    parts = [_leg_rows(leg, after, descends=descends, limit=limit) for leg in source.legs]
    if len(parts) == 1:
        return parts[0]
    each = union(*(select(part.subquery()) for part in parts)).subquery()
    columns = list(each.c)
    return select(*columns).order_by(*ordered(columns, descends=descends)).limit(limit)


def _leg_rows(leg: Leg, after: Position | None, *, descends: bool, limit: int) -> Select[Any]:
    names = ("job",) if leg.at is None else ("at", "job")
    columns = [each.label(name) for each, name in zip(leg.place, names, strict=True)]
    query = select(*columns).where(*leg.conditions)
    if after is not None:
        query = query.where(*_beyond(leg.place, after, descends=descends))
    return query.order_by(*ordered(leg.place, descends=descends)).limit(limit)


def ordered(columns: Sequence[Any], *, descends: bool) -> list[Any]:
    """What rows are ordered by that are told by these columns."""
    return [each.desc() if descends else each.asc() for each in columns]


def _beyond(
    place: Sequence[Any], after: Position, *, descends: bool
) -> Iterator[ColumnElement[bool]]:
    """What comes after a place; the moment alone too, which bounds the walk of an index."""
    values = (after.job,) if len(place) == 1 else (after.at, after.job)
    last = [literal(value, each.type) for value, each in zip(values, place, strict=True)]
    if len(place) == 1:
        yield place[0] < last[0] if descends else place[0] > last[0]
        return
    yield place[0] <= last[0] if descends else place[0] >= last[0]
    yield tuple_(*place) < tuple_(*last) if descends else tuple_(*place) > tuple_(*last)


def sizes(connection: Connection, all_of_them: Sequence[Source], most: int) -> list[int]:
    """How many rows each walk has, counted no farther than to one more than `most`."""
    counts = [
        sum(
            (_count(leg, most) for leg in source.legs),
            start=literal(0),
        )
        for source in all_of_them
    ]
    return list(connection.execute(select(*counts)).one())


def _count(leg: Leg, most: int) -> Any:
    some = select(literal(1)).select_from(leg.job.table).where(*leg.conditions).limit(most + 1)
    return select(func.count()).select_from(some.subquery()).scalar_subquery()


def whole(source: Source, most: int) -> Select[Any]:
    """Asks for the jobs of a short walk, in no order; some of them twice."""
    parts = [
        select(leg.job.label("job")).where(*leg.conditions).limit(most + 1) for leg in source.legs
    ]
    if len(parts) == 1:
        return parts[0]
    each = union(*(select(part.subquery()) for part in parts)).subquery()
    return select(each.c.job)
