"""The past of tasks, schedules and queues by hours, and what of it is not as usual.

A subject costs one range of its hourly roll-ups, at most 672 rows; a schedule also its last
occurrences, of which at most MOST_OCCURRENCES are read.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from statistics import median
from typing import Any, Final

import msgspec
from sqlalchemy import Connection, and_, cast, select

from onbeat.domain.anomalies import PAST, Hour, Measure, hour_of, moment
from onbeat.domain.health import SPANS, Kind, Subject, middle_of
from onbeat.domain.outlook import (
    FAILURE_LIMIT,
    LATENESS_LIMIT,
    Judged,
    JudgedPage,
    Limit,
    Limits,
    judged,
)
from onbeat.store import folding
from onbeat.store.schema import attempts, health, occurrences, queues, rollups, schedules

MOST_OCCURRENCES: Final = 2_000
"""Of a schedule: 28 days of one that runs three times an hour, 33 hours of one each minute."""

SETTLES: Final = timedelta(minutes=1)
"""So long after its end an hour is judged: by then all is folded."""

_buckets = msgspec.json.Decoder(dict[int, int]).decode


def judged_to(connection: Connection, now: datetime) -> datetime | None:
    """With which full hour all ends are counted; None where none ever were.

    While nothing ends nothing is folded: then it is the hour that is over.
    """
    front = folding.front(connection, now)
    if front.folded_to is None:
        return None
    return moment(hour_of(min(front.first_at or now, now - SETTLES)))


def page(
    connection: Connection,
    now: datetime,
    *,
    kind: Kind,
    only: str | None = None,
    after: str | None = None,
    limit: int = 50,
    longest: timedelta | None = None,
) -> JudgedPage:
    """Those of a kind by their names, or one alone; `longest` is a limit of how long runs take."""
    until = judged_to(connection, now)
    if until is None:
        return JudgedPage(None, [])
    rows = _named(connection, kind, only, after, limit)
    ids = [row.subject for row in rows]
    pasts = hours(connection, kind, ids, until)
    resting = _paused(connection, kind, ids)
    found = []
    for row in rows:
        past: Sequence[Hour] = pasts.get(row.subject, ())
        if kind is Kind.SCHEDULE:
            past = with_lateness(connection, row.subject, past, until)
        found.append(_judged(Subject(kind, row.subject), row, past, until, longest, resting))
    return JudgedPage(until, found)


def _judged(
    subject: Subject, row: Any, past: Sequence[Hour], until: datetime,
    longest: timedelta | None, resting: Collection[str],
) -> Judged:  # fmt: skip
    """Where it was told to rest, it is no news that nothing runs."""
    found = judged(subject, row.name, past, hour_of(until), _limits(subject.kind, row, longest))
    if subject.id not in resting:
        return found
    kept = [each for each in found.anomalies if each.measure is not Measure.VOLUME or each.is_more]
    return replace(found, anomalies=kept)


def _limits(kind: Kind, row: Any, longest: timedelta | None) -> Limits:
    limits = {Measure.FAILURES: FAILURE_LIMIT}
    if longest is not None:
        limits[Measure.DURATION] = Limit(longest.total_seconds(), "the limit that was given")
    if kind is Kind.SCHEDULE:
        limits[Measure.LATENESS] = LATENESS_LIMIT
        if longest is None and row.next_due_at is not None and row.last_due_at is not None:
            period = (row.next_due_at - row.last_due_at).total_seconds()
            limits[Measure.DURATION] = Limit(period, "when its next run is due")
    return limits


def _named(
    connection: Connection, kind: Kind, only: str | None, after: str | None, limit: int
) -> Sequence[Any]:
    name = schedules.c.name if kind is Kind.SCHEDULE else health.c.subject
    query = select(health.c.subject, name.label("name")).where(health.c.kind == kind)
    if kind is Kind.SCHEDULE:
        query = query.add_columns(schedules.c.next_due_at, schedules.c.last_due_at).join(
            schedules, schedules.c.id == cast(health.c.subject, schedules.c.id.type)
        )
    if only is not None:
        query = query.where(name == only)
    if after is not None:
        query = query.where(name > after)
    return connection.execute(query.order_by(name).limit(limit)).all()


def _paused(connection: Connection, kind: Kind, ids: Collection[str]) -> set[str]:
    """Those that somebody told to rest, or that will never be due again."""
    if kind is Kind.QUEUE:
        query = select(queues.c.name).where(
            queues.c.name.in_(list(ids)), queues.c.paused_at.is_not(None)
        )
        return set(connection.scalars(query))
    if kind is Kind.SCHEDULE:
        gone = schedules.c.paused_at.is_not(None) | schedules.c.next_due_at.is_(None)
        return set(connection.scalars(select(schedules.c.id).where(
            schedules.c.id.in_(list(ids)), gone
        )))  # fmt: skip
    return set()


def hours(
    connection: Connection, kind: Kind, subjects: Collection[str], until: datetime
) -> Mapping[str, Sequence[Hour]]:
    """The last 28 days of each by hours, the oldest first; those without ends are missing."""
    query = select(
        rollups.c.subject, rollups.c.begins_at, rollups.c.completed, rollups.c.failed,
        rollups.c.cancelled, rollups.c.took,
    ).where(
        rollups.c.kind == kind, rollups.c.subject.in_(list(subjects)),
        rollups.c.span == int(SPANS[1].total_seconds()),
        rollups.c.begins_at >= until - PAST, rollups.c.begins_at < until,
    ).order_by(rollups.c.subject, rollups.c.begins_at)  # fmt: skip
    found: defaultdict[str, list[Hour]] = defaultdict(list)
    for subject, begins_at, completed, failed, cancelled, took in connection.execute(query):
        found[subject].append(Hour(
            hour=hour_of(begins_at), ended=completed + failed + cancelled, completed=completed,
            failed=failed, took=middle_of(_buckets(took)),
        ))  # fmt: skip
    return found


def with_lateness(
    connection: Connection, schedule: str, past: Sequence[Hour], until: datetime
) -> list[Hour]:
    """The same hours, with how late runs of the schedule began that were due in them."""
    began = attempts.c.started_at
    query = (
        select(occurrences.c.due_at, began)
        .join(attempts, and_(attempts.c.job == occurrences.c.job, attempts.c.attempt == 1))
        .where(
            occurrences.c.schedule == schedule, occurrences.c.due_at >= until - PAST,
            occurrences.c.due_at < until, attempts.c.finished_at >= until - PAST,
        )
        .order_by(occurrences.c.due_at.desc())
        .limit(MOST_OCCURRENCES)
    )  # fmt: skip
    late: defaultdict[int, list[float]] = defaultdict(list)
    for due_at, began_at in connection.execute(query):
        late[hour_of(due_at)].append(max((began_at - due_at).total_seconds(), 0.0))
    known = {each.hour: each for each in past}
    return [
        replace(known.get(hour, Hour(hour)), late=median(late[hour]) if hour in late else None)
        for hour in sorted(known.keys() | late.keys())
    ]
