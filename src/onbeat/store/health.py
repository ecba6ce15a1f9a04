"""How tasks, schedules and queues fare, cold: read, and taken off the record when it is old."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from datetime import datetime, timedelta

from sqlalchemy import Connection, cast, delete, select, tuple_

from onbeat.domain.health import KEPT, SPANS, Health, HealthPage, Kind, Subject, Tally, total
from onbeat.store.cleaning import AT_ONCE, Walk
from onbeat.store.folding import ENDS, read_tally
from onbeat.store.schema import folds, health, rollups, schedules

LONG = SPANS[1]


def page(
    connection: Connection,
    now: datetime,
    *,
    kind: Kind,
    since: datetime,
    span: timedelta,
    only: str | None = None,
    after: str | None = None,
    limit: int = 50,
) -> HealthPage:
    """Those of a kind by their names, in a window made of such roll-ups; or one alone."""
    name = schedules.c.name if kind is Kind.SCHEDULE else health.c.subject
    query = select(health, name.label("name")).where(health.c.kind == kind)
    if kind is Kind.SCHEDULE:
        query = query.join(schedules, schedules.c.id == cast(health.c.subject, schedules.c.id.type))
    if only is not None:
        query = query.where(name == only)
    if after is not None:
        query = query.where(name > after)
    rows = connection.execute(query.order_by(name).limit(limit)).all()
    recent = lately(connection, kind, [row.subject for row in rows], since, span)
    folded_to = connection.scalar(select(folds.c.folded_to).where(folds.c.name == ENDS))
    return HealthPage(since=since, folded_to=folded_to, rows=[
        Health(
            subject=Subject(kind, row.subject), name=row.name, ever=read_tally(row),
            lately=recent.get(row.subject, Tally()),
        )
        for row in rows
    ])  # fmt: skip


def lately(
    connection: Connection, kind: Kind, subjects: Collection[str], since: datetime, span: timedelta
) -> dict[str, Tally]:
    """What these come to of late, in roll-ups of that span; nothing of those that have none."""
    query = select(rollups).where(
        rollups.c.kind == kind, rollups.c.subject.in_(list(subjects)),
        rollups.c.span == int(span.total_seconds()), rollups.c.begins_at >= since,
    ).order_by(rollups.c.begins_at)  # fmt: skip
    found: defaultdict[str, list[Tally]] = defaultdict(list)
    for row in connection.execute(query):
        found[row.subject].append(read_tally(row))
    return {subject: total(each) for subject, each in found.items()}


def clean(connection: Connection, now: datetime, walk: Walk) -> Walk:
    """Remove roll-ups that are older than those of their span are kept."""
    at_once = AT_ONCE[connection.dialect.name]
    removed = 0
    for span, kept in KEPT.items():
        removed += _clean(connection, int(span.total_seconds()), now - kept, at_once - removed)
    return Walk(None, walk.seen, walk.removed + removed, removed < at_once)


def _clean(connection: Connection, span: int, before: datetime, limit: int) -> int:
    keys = list(rollups.primary_key)
    old = (
        select(*keys)
        .where(rollups.c.span == span, rollups.c.begins_at < before)
        .order_by(rollups.c.begins_at)
        .limit(limit)
    )
    return connection.execute(delete(rollups).where(tuple_(*keys).in_(old))).rowcount
