"""Of which tasks, schedules and queues it holds that they fail, are slow, or hang."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Connection, Select, cast, func, select

from onbeat.domain.durations import format_duration
from onbeat.domain.health import SPANS, Tally, bucket_of, top_of, total
from onbeat.domain.incidents import Kind
from onbeat.domain.outlooks import Outlooks, has_unusual, is_own
from onbeat.domain.rules import Finding, Rule
from onbeat.store.folding import read_tally
from onbeat.store.schema import health, leases, rollups, schedules, sessions
from onbeat.store.tasks import tags_by, told_tags

MOST: Final = 20_000
"""Subjects of a rule that are followed at once."""
MOST_TASKS: Final = 2_000
"""Tasks whose run times are looked at."""
SPAN = SPANS[0]


def given(value: Any) -> Any:
    """A limit that the rule has: all of its condition are filled in when it is read."""
    if value is None:
        raise AssertionError("a rule that is read has all limits of its condition")
    return value


def _failing(kind: Kind, since: datetime) -> Select[Any]:
    """The health of those that failed since then."""
    return named(kind).where(health.c.last_failure_at >= since).limit(MOST)


def named(kind: Kind) -> Select[Any]:
    """The health of a kind, with what its schedules are called, and with tags."""
    query = select(health).where(health.c.kind == kind)
    if kind is Kind.TASK:
        return query.add_columns(told_tags(health.c.subject))
    if kind is not Kind.SCHEDULE:
        return query
    return query.add_columns(
        schedules.c.name,
        schedules.c.task,
        schedules.c.queue,
        schedules.c.ties,
        told_tags(schedules.c.task),
    ).join(schedules, schedules.c.id == cast(health.c.subject, schedules.c.id.type))


def found(kind: Kind, row: Any, since: datetime, **said: Any) -> Finding:
    """A subject of which there is health."""
    if kind is Kind.SCHEDULE:
        own: dict[str, Any] = {
            "task": row.task, "queue": row.queue, "schedule": row.subject,
            "tags": tags_by(row), "name": row.name,
        }  # fmt: skip
    elif kind is Kind.TASK:
        own = {"name": row.subject, "task": row.subject, "tags": tags_by(row)}
    else:
        own = {"name": row.subject, str(kind): row.subject}
    return Finding(kind=kind, subject=row.subject, since=since, **own, **said)


JUST_NOW = timedelta(minutes=2)
"""So long a single failure holds, also where others completed after it: it is told of."""


def failed(connection: Connection, now: datetime, rule: Rule) -> list[Finding]:
    """Those that failed of late, and have not completed since, or did a moment ago."""
    query = _failing(rule.kind, now - given(rule.limits.window))
    return [
        found(rule.kind, row, row.last_failure_at, news_at=row.last_failure_at,
               is_over=not row.failed_since,
               figures={"failed since the last success": f"{row.failed_since:,}"})
        for row in connection.execute(query)
        if row.failed_since or row.last_failure_at >= now - JUST_NOW
    ]  # fmt: skip


def in_a_row(connection: Connection, now: datetime, rule: Rule) -> list[Finding]:
    """Those of which so many failed, and none completed between."""
    query = _failing(rule.kind, now - given(rule.limits.window))
    query = query.where(health.c.failed_since >= given(rule.limits.times))
    return [
        found(rule.kind, row, row.last_failure_at, news_at=row.last_failure_at,
               figures={"failed in a row": f"{row.failed_since:,}"})
        for row in connection.execute(query)
    ]  # fmt: skip


def failure_rate(connection: Connection, now: datetime, rule: Rule) -> list[Finding]:
    """Those of whose jobs such a share failed."""
    window, limits = given(rule.limits.window), rule.limits
    rows = connection.execute(_failing(rule.kind, now - window)).all()
    lately = _lately(connection, rule.kind, (row.subject for row in rows), now - window)
    holds = []
    for row in rows:
        tally = lately.get(row.subject, Tally())
        decided = tally.completed + tally.failed
        if decided < given(limits.least) or tally.failed < given(limits.share) * decided:
            continue
        figures = {"failed": f"{tally.failed:,} of {decided:,} in {format_duration(window)}",
                   "failure rate": f"{tally.failed / decided:.0%}"}  # fmt: skip
        # What was told as failures in a row is over with a success, though the share of the window
        # is what it was: it is told once something fails again.
        holds.append(found(
            rule.kind, row, row.last_failure_at, news_at=row.last_failure_at, figures=figures,
            is_over=not row.failed_since and not rule.lasts,
        ))  # fmt: skip
    return holds


def slow(
    connection: Connection, now: datetime, rule: Rule, rules: Sequence[Rule], outlooks: Outlooks
) -> list[Finding]:
    """More than 1 in 20 runs over the limit is a 95th percentile over it.

    The limit that nobody gave is not that of what has a past of its own, or may have one yet.
    """
    window, limits = given(rule.limits.window), rule.limits
    query = named(rule.kind).where(health.c.last_success_at >= now - window).limit(MOST_TASKS)
    rows = connection.execute(query).all()
    lately = _lately(connection, rule.kind, (row.subject for row in rows), now - window)
    top, holds = bucket_of(given(limits.longer_than)), []
    for row in rows:
        took = lately.get(row.subject, Tally()).took
        over = sum(count for bucket, count in took.buckets.items() if bucket > top)
        if took.count < given(limits.least) or over * 20 <= took.count:
            continue
        figures = {"slower": f"{over:,} of {took.count:,} in {format_duration(window)}",
                   "limit": format_duration(given(limits.longer_than))}  # fmt: skip
        one = found(rule.kind, row, now, news_at=row.last_success_at, figures=figures)
        is_unsure = outlooks.is_unknown(one.key) or outlooks.knows_durations(one.key)
        if is_own(rule) or not is_unsure or not has_unusual(rules, one):
            holds.append(one)
    return holds


def _lately(
    connection: Connection, kind: Kind, subjects: Iterable[str], since: datetime
) -> Mapping[str, Tally]:
    """What roll-ups have of each since then: read by their key."""
    tallies: defaultdict[str, list[Tally]] = defaultdict(list)
    names = sorted(subjects)
    for at in range(0, len(names), 500):
        query = select(rollups).where(
            rollups.c.kind == kind, rollups.c.subject.in_(names[at : at + 500]),
            rollups.c.span == int(SPAN.total_seconds()), rollups.c.begins_at > since - SPAN,
        )  # fmt: skip
        for row in connection.execute(query.order_by(rollups.c.begins_at)):
            tallies[row.subject].append(read_tally(row))
    return {subject: total(each) for subject, each in tallies.items()}


def silent(connection: Connection, now: datetime, rule: Rule) -> list[Finding]:
    """The tasks whose jobs run where nobody has been heard of for so long."""
    silent = sessions.c.heartbeat_at < now - given(rule.limits.longer_than)
    query = (
        select(leases.c.task, func.count().label("jobs"), func.min(
            sessions.c.heartbeat_at, type_=sessions.c.heartbeat_at.type).label("since"),
            told_tags(leases.c.task))
        .join_from(sessions, leases, leases.c.session == sessions.c.id)
        .where(silent).group_by(leases.c.task).limit(MOST)
    )  # fmt: skip
    return [_of_task(row, row.since, "not heard of") for row in connection.execute(query)]


def _of_task(row: Any, since: datetime, word: str) -> Finding:
    figures = {f"jobs {word}": f"{row.jobs:,}"}
    return Finding(kind=Kind.TASK, subject=row.task, name=row.task, task=row.task, since=since,
                   figures=figures, tags=tags_by(row))  # fmt: skip


LONGEST_OF = timedelta(days=3)
TIMES_LONGER = 3


def stuck(connection: Connection, now: datetime, rule: Rule) -> list[Finding]:
    """The tasks whose jobs run for so long, and much longer than any of late."""
    longer_than: timedelta = given(rule.limits.longer_than)
    first = func.min(leases.c.started_at, type_=leases.c.started_at.type)
    query = (
        select(leases.c.task, func.count().label("jobs"), first.label("since"),
               told_tags(leases.c.task))
        .where(leases.c.started_at < now - longer_than)
        .group_by(leases.c.task).limit(MOST_TASKS)
    )  # fmt: skip
    rows = connection.execute(query).all()
    longest = _longest(connection, [row.task for row in rows], now)
    return [
        _of_task(row, row.since, "that run for too long")
        for row in rows
        if now - row.since > TIMES_LONGER * longest.get(row.task, timedelta())
    ]


def _longest(connection: Connection, tasks: list[str], now: datetime) -> dict[str, timedelta]:
    """The longest run of each in the last days, as far as its bucket tells."""
    query = select(rollups).where(
        rollups.c.kind == Kind.TASK, rollups.c.subject.in_(tasks),
        rollups.c.span == int(SPANS[1].total_seconds()), rollups.c.begins_at > now - LONGEST_OF,
    )  # fmt: skip
    tops: dict[str, int] = {}
    for row in connection.execute(query):
        buckets = read_tally(row).took.buckets
        if buckets:
            tops[row.subject] = max(tops.get(row.subject, -1_000), *buckets)
    return {task: top_of(top)
            for task, top in tops.items()}  # fmt: skip
