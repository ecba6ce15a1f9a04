"""Which of some jobs a filter lets in: its conditions on their rows in the book."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    Select,
    Table,
    Text,
    and_,
    bindparam,
    case,
    cast,
    false,
    func,
    literal,
    null,
    or_,
    select,
    union_all,
)
from sqlalchemy.dialects import postgresql

from onbeat.domain.job_cursors import Position
from onbeat.domain.job_filters import ArgumentIs, Field, Scalar, Span, Wanted
from onbeat.domain.jobs import ID_DIGITS, JobId
from onbeat.domain.marks import marks as mark_texts
from onbeat.domain.marks import owner_texts
from onbeat.domain.states import FINAL_STATES
from onbeat.store.among import among, found_by
from onbeat.store.job_rows import PLACES, is_in, near_ends, place_of, shown_args
from onbeat.store.list_sources import ordered
from onbeat.store.schema import blocked, delayed, finished, jobs, marks, schedules, tasks

OF_ENDS = frozenset({Field.STATE, Field.FINISHED, Field.ERROR, Field.SEARCH})
"""What cannot be asked without a look at how a job ended."""


@dataclass(frozen=True, slots=True)
class Book:
    """What jobs are looked at in."""

    engine: str
    ends: Any
    """What tells how a job ended."""


def let_in(
    connection: Connection, ids: Collection[str], wanted: Wanted, fields: Collection[Field]
) -> dict[str, Position]:
    """Where in the list those of the jobs stand that `fields` of the filter let in."""
    query = _that_fit(connection.dialect.name, wanted, fields)
    found = connection.execute(query.where(among(connection, jobs.c.id, ids)))
    return _seen(found, wanted, fields)


def let_in_of(
    connection: Connection, all_of_them: Select[Any], wanted: Wanted, fields: Collection[Field]
) -> dict[str, Position]:
    """The same of the jobs that `all_of_them` selects: their ids do not leave the database."""
    query = _that_fit(connection.dialect.name, wanted, fields)
    found = connection.execute(query.where(found_by(connection, jobs.c.id, all_of_them)))
    return _seen(found, wanted, fields)


def let_in_of_piece(
    connection: Connection, piece: Select[Any], size: int, wanted: Wanted,
    fields: Collection[Field], *, descends: bool,
) -> tuple[dict[str, Position], Position | None]:  # fmt: skip
    """The same of a piece of a walk, and its last row where there are `size` of them; in one
    statement, for the piece may be another in the next.
    """
    rows = piece.cte("piece")
    fitting = _that_fit(connection.dialect.name, wanted, fields)
    fitting = fitting.where(found_by(connection, jobs.c.id, select(rows.c.job)))
    columns = list(rows.c)
    end = select(rows).order_by(*ordered(columns, descends=descends)).limit(1).offset(size - 1)
    last = end.subquery()
    moment = last.c.at if "at" in last.c else cast(null(), finished.c.finished_at.type)
    others = [
        cast(null(), each.type).label(each.name) for each in list(fitting.selected_columns)[3:]
    ]
    marker = select(last.c.job.label("id"), moment.label("at"), literal(1).label("ends"), *others)
    found = connection.execute(union_all(fitting, marker)).all()
    ends = [Position(row.at, JobId(row.id)) for row in found if row.ends]
    within = _seen((row for row in found if not row.ends), wanted, fields)
    return within, ends[0] if ends else None


def _that_fit(engine: str, wanted: Wanted, fields: Collection[Field]) -> Select[Any]:
    """Asks for the jobs that fit, and when they ended where the list is in that order."""
    is_by_end = wanted.sort.is_by_end
    ends, is_its = near_ends(engine)
    book = Book(engine, ends)
    joined: Any = jobs
    at: Any = cast(null(), finished.c.finished_at.type)
    if is_by_end or OF_ENDS & set(fields):
        joined = jobs.outerjoin(ends, is_its)
    if is_by_end:
        at = ends.c.finished_at
    conditions = [CONDITIONS[field](wanted, book) for field in fields]
    if is_by_end:
        conditions.append(at.is_not(None))
    columns: list[Any] = [jobs.c.id, at.label("at"), literal(0).label("ends")]
    if Field.ARGS in fields:
        joined = joined.outerjoin(tasks, tasks.c.name == jobs.c.task)
        columns += [jobs.c.args, jobs.c.options, tasks.c.secrets.label("task_secrets")]
    return select(*columns).select_from(joined).where(*conditions)


def _seen(
    found: Iterable[Row[Any]], wanted: Wanted, fields: Collection[Field]
) -> dict[str, Position]:
    return {
        row.id: Position(row.at, JobId(row.id))
        for row in found
        if Field.ARGS not in fields or _is_seen(row._mapping, wanted.args)
    }


def _is_seen(row: Mapping[Any, Any], args: Sequence[ArgumentIs]) -> bool:
    """Whether the arguments are so as they are shown: nobody learns a secret by asking for it."""
    shown = shown_args(row)
    return all(each.holds(shown) for each in args)


def _there(table: Table, *conditions: ColumnElement[bool]) -> ColumnElement[bool]:
    """Whether the job has a row in `table`, looked up for each by an index: as EXISTS it would be a
    hash of the whole table.
    """
    found = select(literal(1)).select_from(table).where(*conditions).limit(1)
    return found.correlate(jobs).scalar_subquery().is_not(None)


def _state(wanted: Wanted, book: Book) -> ColumnElement[bool]:
    conditions = [
        _there(PLACES[place_of(state)], PLACES[place_of(state)].c.job == jobs.c.id, is_in(state))
        for state in wanted.states
        if state not in FINAL_STATES
    ]
    final = [state for state in wanted.states if state in FINAL_STATES]
    if final:
        # Not the column alone: SQLite would begin with all that ended so.
        conditions.append(func.coalesce(book.ends.c.outcome, "").in_(final))
    return or_(*conditions)


def _marked(texts: Sequence[str]) -> ColumnElement[bool]:
    return _there(marks, marks.c.mark.in_(texts), marks.c.job == jobs.c.id)


def _id(wanted: Wanted, _: Book) -> ColumnElement[bool]:
    low, high = (wanted.id_prefix.ljust(ID_DIGITS, digit) for digit in "0f")
    return jobs.c.id.between(literal(low, jobs.c.id.type), literal(high, jobs.c.id.type))


def _within(column: Any, span: Span) -> ColumnElement[bool]:
    bounds: list[ColumnElement[bool]] = []
    if span.since is not None:
        bounds.append(column >= span.since)
    if span.until is not None:
        bounds.append(column <= span.until)
    return and_(*bounds)


def _error(wanted: Wanted, book: Book) -> ColumnElement[bool]:
    assert wanted.error is not None  # noqa: S101 - the field is given
    return _is_in_reason(wanted.error, book)


def _is_in_reason(text: str, book: Book) -> ColumnElement[bool]:
    waiting = (
        _there(table, table.c.job == jobs.c.id, _holds(table.c.reason, text))
        for table in (delayed, blocked)
    )
    return or_(*waiting, _holds(book.ends.c.reason, text))


def _holds(column: Any, text: str) -> ColumnElement[bool]:
    found: ColumnElement[bool] = column.icontains(text, autoescape=True)
    return found


def _named(wanted: Wanted, _: Book) -> ColumnElement[bool]:
    """By the schedule that made it, else by its task; so is what a removed schedule made."""
    has_schedule = _there(schedules, schedules.c.id == jobs.c.schedule)
    return or_(
        _of_schedules(schedules.c.name.in_(wanted.names)),
        and_(jobs.c.task.in_(wanted.named_tasks), ~has_schedule),
    )


def _of_schedules(condition: ColumnElement[bool]) -> ColumnElement[bool]:
    # Not the column alone: of no schedule is not the same as of none of these.
    found = jobs.c.schedule.in_(select(schedules.c.id).where(condition))
    return and_(jobs.c.schedule.is_not(None), found)


def _search(wanted: Wanted, book: Book) -> ColumnElement[bool]:
    assert wanted.search is not None  # noqa: S101 - the field is given
    found = [
        _holds(jobs.c.task, wanted.search),
        _of_schedules(_holds(schedules.c.name, wanted.search)),
    ]
    if wanted.search_reasons:
        found.append(_is_in_reason(wanted.search, book))
    return or_(*found)


def _args(wanted: Wanted, book: Book) -> ColumnElement[bool]:
    is_at = _is_at_on_postgres if book.engine == "postgresql" else _is_at_on_sqlite
    return and_(*(is_at(each) for each in wanted.args))


def _is_at_on_postgres(asked: ArgumentIs) -> ColumnElement[bool]:
    path = bindparam(None, list(asked.path), type_=postgresql.ARRAY(Text), unique=True)
    value = literal(msgspec.json.encode(asked.value).decode(), Text)
    found: ColumnElement[bool] = jobs.c.args.op("#>")(path) == cast(
        cast(value, Text), postgresql.JSONB
    )
    return found


def _is_at_on_sqlite(asked: ArgumentIs) -> ColumnElement[bool]:
    path = "$" + "".join(_step(name) for name in asked.path)
    is_it: list[ColumnElement[bool]] = [func.json_type(jobs.c.args, path).in_(_kinds(asked.value))]
    if asked.value is not None and not isinstance(asked.value, bool):
        is_it.append(func.json_extract(jobs.c.args, path) == literal(asked.value))
    return case((func.json_valid(jobs.c.args) == 1, and_(*is_it)), else_=false())


def _step(name: str) -> str:
    return f"[{name}]" if name.isdecimal() and name.isascii() else f'."{name}"'


def _kinds(value: Scalar) -> tuple[str, ...]:
    """What SQLite calls values that are the same."""
    if value is None:
        return ("null",)
    if isinstance(value, bool):
        return ("true",) if value else ("false",)
    return ("text",) if isinstance(value, str) else ("integer", "real")


CONDITIONS: Mapping[Field, Callable[[Wanted, Book], ColumnElement[bool]]] = {
    Field.STATE: _state,
    Field.TASK: lambda wanted, _: jobs.c.task.in_(wanted.tasks),
    Field.QUEUE: lambda wanted, _: jobs.c.queue.in_(wanted.queues),
    Field.SCHEDULE: lambda wanted, _: jobs.c.schedule.in_(wanted.schedules),
    Field.NAME: _named,
    Field.SEARCH: _search,
    Field.TAG: lambda wanted, _: _marked(mark_texts(wanted.tags, None)),
    Field.OWNER: lambda wanted, _: _marked(owner_texts(wanted.owners)),
    Field.ID: _id,
    Field.CREATED: lambda wanted, _: _within(jobs.c.created_at, wanted.created),
    Field.FINISHED: lambda wanted, book: _within(book.ends.c.finished_at, wanted.finished),
    Field.ERROR: _error,
    Field.ARGS: _args,
}
"""What each field asks of a job; regions are asked as their queues."""
