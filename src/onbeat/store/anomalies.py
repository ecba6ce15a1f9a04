"""The past of tasks, schedules and queues by hours, and what of it is not as usual.

A subject costs one range of its hourly roll-ups, at most 672 rows; a schedule also its last
occurrences, of which at most MOST_OCCURRENCES are read.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import groupby
from statistics import median
from typing import Any, Final

import msgspec
from sqlalchemy import Connection, and_, cast, or_, select

from onbeat.domain.anomalies import PAST, RECENT, Hour, Measure, hour_of, moment
from onbeat.domain.health import SPANS, Kind, Subject, middle_of
from onbeat.domain.incidents import Kind as Whose
from onbeat.domain.outlook import Judged, JudgedPage, Limit, Outlook, judged, learn, look_again
from onbeat.domain.outlooks import MOST, Outlooks, limits_of
from onbeat.domain.rules import Finding, Rule
from onbeat.store import folding
from onbeat.store import rules as stored_rules
from onbeat.store.schema import attempts, finished, health, occurrences, queues, rollups, schedules
from onbeat.store.tasks import tags_by, told_tags

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
    resting = paused(connection, kind, ids)
    rules = stored_rules.list_rules(connection, now)
    found = []
    for row in rows:
        past: Sequence[Hour] = pasts.get(row.subject, ())
        if kind is Kind.SCHEDULE:
            past = with_lateness(connection, row.subject, past, until)
        outlook = learn(Subject(kind, row.subject), past, hour_of(until))
        found.append(_judged(outlook, row, rules, longest, resting))
    return JudgedPage(until, found)


def _judged(
    outlook: Outlook, row: Any, rules: Sequence[Rule], longest: timedelta | None,
    resting: Collection[str],
) -> Judged:  # fmt: skip
    """Where it was told to rest, it is no news that nothing runs."""
    kind = outlook.subject.kind
    limits = dict(limits_of(rules, _finding(kind, row, outlook), period_of(kind, row)))
    if longest is not None:
        limits[Measure.DURATION] = Limit(longest.total_seconds(), "the limit that was given")
    found = judged(outlook, row.name, limits)
    if outlook.subject.id not in resting:
        return found
    kept = [each for each in found.anomalies if each.measure is not Measure.VOLUME or each.is_more]
    return replace(found, anomalies=kept)


def _finding(kind: Kind, row: Any, outlook: Outlook) -> Finding:
    """As a rule would find it."""
    own: dict[str, Any] = {str(kind): row.subject}
    if kind is Kind.SCHEDULE:
        own = {"schedule": row.subject, "task": row.task, "queue": row.queue,
               "tags": tags_by(row)}  # fmt: skip
    elif kind is Kind.TASK:
        own["tags"] = tags_by(row)
    since = moment(outlook.until)
    return Finding(kind=Whose(kind), subject=row.subject, name=row.name, since=since, **own)


def period_of(kind: Kind, row: Any) -> float | None:
    """Seconds between two moments of a schedule, where that is known."""
    if kind is not Kind.SCHEDULE or row.next_due_at is None or row.last_due_at is None:
        return None
    seconds: float = (row.next_due_at - row.last_due_at).total_seconds()
    return seconds if seconds > 0 else None


def _named(
    connection: Connection, kind: Kind, only: str | None, after: str | None, limit: int
) -> Sequence[Any]:
    name = schedules.c.name if kind is Kind.SCHEDULE else health.c.subject
    query = select(health.c.subject, name.label("name")).where(health.c.kind == kind)
    if kind is Kind.TASK:
        query = query.add_columns(told_tags(health.c.subject))
    if kind is Kind.SCHEDULE:
        query = query.add_columns(
            told_tags(schedules.c.task),
            schedules.c.next_due_at,
            schedules.c.last_due_at,
            schedules.c.task,
            schedules.c.queue,
            schedules.c.ties,
        ).join(schedules, schedules.c.id == cast(health.c.subject, schedules.c.id.type))
    if only is not None:
        query = query.where(name == only)
    if after is not None:
        query = query.where(name > after)
    return connection.execute(query.order_by(name).limit(limit)).all()


def paused(connection: Connection, kind: Kind, ids: Collection[str]) -> set[str]:
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


def subjects(connection: Connection, now: datetime, until: datetime) -> list[Subject]:
    """Those of which something ended in 28 days: queues, tasks, schedules, MOST of them at most."""
    found: list[Subject] = []
    for kind in (Kind.QUEUE, Kind.TASK, Kind.SCHEDULE):
        since = until - PAST
        lately = or_(health.c.last_success_at >= since, health.c.last_failure_at >= since)
        query = select(health.c.subject).where(health.c.kind == kind, lately)
        names = connection.scalars(query.order_by(health.c.subject).limit(MOST - len(found)))
        found += [Subject(kind, name) for name in names]
    return found


def look(
    connection: Connection, now: datetime, some: Sequence[Subject], until: datetime,
    known: Outlooks,
) -> list[Outlook]:  # fmt: skip
    """The outlook of each: by 28 days where it is to be learnt, else by the last 7."""
    to = hour_of(until)

    def is_to_learn(subject: Subject) -> bool:
        return known.to_learn_from(subject, to) is None

    found = []
    ordered = sorted(some, key=lambda each: (each.kind, is_to_learn(each)))
    for (kind, is_learnt), alike in groupby(ordered, lambda each: (each.kind, is_to_learn(each))):
        back = PAST if is_learnt else RECENT
        for subject, past in _pasts(connection, kind, list(alike), until, back):
            was = known.to_learn_from(subject, to)
            outlook = learn(subject, past, to) if was is None else look_again(was, past, to)
            found.append(_with_queue(connection, outlook, until))
    return found


def _pasts(
    connection: Connection, kind: Kind, some: Iterable[Subject], until: datetime, back: timedelta
) -> list[tuple[Subject, Sequence[Hour]]]:
    some = list(some)
    pasts = hours(connection, kind, [each.id for each in some], until, back)
    found: list[tuple[Subject, Sequence[Hour]]] = []
    for each in some:
        past = pasts.get(each.id, ())
        if kind is Kind.SCHEDULE:
            past = with_lateness(connection, each.id, past, until, back)
        found.append((each, past))
    return found


def _with_queue(connection: Connection, outlook: Outlook, until: datetime) -> Outlook:
    """With the queue of a task, where there is something to tell of it."""
    if outlook.is_plain or outlook.subject.kind is not Kind.TASK:
        return outlook
    query = select(finished.c.queue).where(
        finished.c.task == outlook.subject.id, finished.c.finished_at >= until - RECENT
    )
    last = connection.scalar(query.order_by(finished.c.finished_at.desc()).limit(1))
    return replace(outlook, queue=last)


def hours(
    connection: Connection, kind: Kind, ids: Collection[str], until: datetime,
    back: timedelta = PAST,
) -> Mapping[str, Sequence[Hour]]:  # fmt: skip
    """The last days of each by hours, the oldest first; those without ends are missing."""
    query = select(
        rollups.c.subject, rollups.c.begins_at, rollups.c.completed, rollups.c.failed,
        rollups.c.cancelled, rollups.c.took,
    ).where(
        rollups.c.kind == kind, rollups.c.subject.in_(list(ids)),
        rollups.c.span == int(SPANS[1].total_seconds()),
        rollups.c.begins_at >= until - back, rollups.c.begins_at < until,
    ).order_by(rollups.c.subject, rollups.c.begins_at)  # fmt: skip
    found: defaultdict[str, list[Hour]] = defaultdict(list)
    for subject, begins_at, completed, failed, cancelled, took in connection.execute(query):
        found[subject].append(Hour(
            hour=hour_of(begins_at), ended=completed + failed + cancelled, completed=completed,
            failed=failed, took=middle_of(_buckets(took)),
        ))  # fmt: skip
    return found


def with_lateness(
    connection: Connection, schedule: str, past: Sequence[Hour], until: datetime,
    back: timedelta = PAST,
) -> list[Hour]:  # fmt: skip
    """The same hours, with how late runs of the schedule began that were due in them."""
    began = attempts.c.started_at
    query = (
        select(occurrences.c.due_at, began)
        .join(attempts, and_(attempts.c.job == occurrences.c.job, attempts.c.attempt == 1))
        .where(
            occurrences.c.schedule == schedule, occurrences.c.due_at >= until - back,
            occurrences.c.due_at < until, attempts.c.finished_at >= until - back,
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
