"""Objectives, cold: what somebody set, and what is left of their budgets."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, cast, delete, func, select
from sqlalchemy.dialects import postgresql, sqlite

from onbeat.domain.errors import NotFound
from onbeat.domain.health import Kind
from onbeat.domain.objectives import (
    NONE,
    RECENT,
    Budget,
    Decided,
    Objective,
    Whose,
    begin_of,
)
from onbeat.store.declaring import be_alone
from onbeat.store.schema import objectives, rollups, schedules

Set = Mapping[Whose, Objective]


def all_set(connection: Connection, kind: Kind | None = None) -> Set:
    """What somebody set, by kind and name."""
    query = select(objectives).order_by(objectives.c.kind, objectives.c.name)
    if kind is not None:
        query = query.where(objectives.c.kind == kind)
    return {
        Whose(Kind(row.kind), row.name): Objective(
            target=row.target, window=timedelta(seconds=row.window), changed_at=row.changed_at,
            changed_by=row.changed_by,
        )
        for row in connection.execute(query)
    }  # fmt: skip


def find(connection: Connection, now: datetime, whose: Whose) -> Budget:
    """One that is set. Raises NotFound."""
    found = all_set(connection, whose.kind)
    if whose not in found:
        raise NotFound(f"{whose} has no objective of its own", "objectives")
    return budgets(connection, now, whose.kind, [whose.name], found)[0]


def put(connection: Connection, now: datetime, whose: Whose, wanted: Objective, by: str) -> Budget:
    """Set it; what was set before holds no more."""
    said = {
        "target": wanted.target, "window": int(wanted.window.total_seconds()), "changed_at": now,
        "changed_by": by,
    }  # fmt: skip
    own = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    made = own(objectives).values(kind=whose.kind, name=whose.name, **said)
    keys = ["kind", "name"]
    connection.execute(made.on_conflict_do_update(index_elements=keys, set_=said))
    return find(connection, now, whose)


BY_CODE = "code:"
"""How whoever set it begins, where that is what the code of an application says."""


def declare(
    connection: Connection, now: datetime, wanted: Mapping[Whose, Objective], by: str
) -> None:
    """Bring objectives to what code says; what somebody set at run time stays as it is."""
    be_alone(connection)
    before = all_set(connection)
    for whose, objective in wanted.items():
        known = before.get(whose)
        if known is None or (_is_by_code(known) and not _say_the_same(known, objective)):
            put(connection, now, whose, objective, by)
    for whose, known in before.items():
        if whose not in wanted and known.changed_by == by:
            remove(connection, now, whose)


def _is_by_code(known: Objective) -> bool:
    return known.changed_by is not None and known.changed_by.startswith(BY_CODE)


def _say_the_same(one: Objective, other: Objective) -> bool:
    return (one.target, one.window) == (other.target, other.window)


def remove(connection: Connection, now: datetime, whose: Whose) -> None:
    """Take it away; the default holds. Raises NotFound."""
    gone = connection.execute(delete(objectives).where(_is(whose)))
    if not gone.rowcount:
        raise NotFound(f"{whose} has no objective of its own", "objectives")


def _is(whose: Whose) -> ColumnElement[bool]:
    return and_(objectives.c.kind == whose.kind, objectives.c.name == whose.name)


def list_budgets(connection: Connection, now: datetime) -> Sequence[Budget]:
    """All that are set, with what is left of each."""
    found = all_set(connection)
    return [
        budget
        for kind in Kind
        for budget in budgets(
            connection, now, kind, [each.name for each in found if each.kind is kind], found
        )
    ]


def budgets(
    connection: Connection, now: datetime, kind: Kind, names: Sequence[str], found: Set
) -> list[Budget]:
    """What is left to each of these by their objectives, or by the default."""
    if not names:
        return []
    ids = _ids(connection, kind, names)
    holds = {name: found.get(Whose(kind, name), Objective()) for name in names}
    by_window: defaultdict[timedelta, list[str]] = defaultdict(list)
    for name, objective in holds.items():
        by_window[objective.window].append(ids.get(name, name))
    decided: dict[str, Decided] = {}
    for window, subjects in by_window.items():
        decided |= _decided(connection, now, kind, subjects, window)
    recent = [_decided(connection, now, kind, list(ids.values()), each) for each in RECENT]
    return [
        Budget(
            kind=kind, name=name, objective=objective, since=begin_of(now, objective.window)[0],
            decided=decided.get(ids.get(name, name), NONE),
            recent=tuple(each.get(ids.get(name, name), NONE) for each in recent),
        )
        for name, objective in holds.items()
    ]  # fmt: skip


def _ids(connection: Connection, kind: Kind, names: Iterable[str]) -> dict[str, str]:
    """What roll-ups are kept under, by the names that people use."""
    if kind is not Kind.SCHEDULE:
        return {name: name for name in names}
    query = select(schedules.c.name, schedules.c.id).where(schedules.c.name.in_(list(names)))
    return {row.name: row.id for row in connection.execute(query)}


def _decided(
    connection: Connection, now: datetime, kind: Kind, subjects: Collection[str], window: timedelta
) -> dict[str, Decided]:
    since, span = begin_of(now, window)
    sums: list[Any] = [cast(func.sum(rollups.c[each]), rollups.c[each].type).label(each)
                       for each in ("completed", "failed")]  # fmt: skip
    query = select(rollups.c.subject, *sums).where(
        rollups.c.kind == kind, rollups.c.subject.in_(list(subjects)),
        rollups.c.span == int(span.total_seconds()), rollups.c.begins_at >= since,
    ).group_by(rollups.c.subject)  # fmt: skip
    return {row.subject: Decided(row.completed, row.failed) for row in connection.execute(query)}
