"""Retention, cold: what is kept of whose ended jobs, by code and by hand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    and_,
    delete,
    insert,
    literal,
    select,
    update,
)

from onbeat.domain.errors import NotFound
from onbeat.domain.retention import Rule, RuleState, Subject
from onbeat.store.declaring import be_alone
from onbeat.store.payloads import encode
from onbeat.store.schema import jobs, retention, schedules, tasks


def declare(connection: Connection, now: datetime, wanted: Mapping[Subject, Rule], by: str) -> None:
    """Bring rules to what code says; what somebody set at run time stays as it is."""
    be_alone(connection)
    before = {each.subject: each for each in list_rules(connection, now)}
    for subject, rule in wanted.items():
        known = before.get(subject)
        if known is None:
            _put(connection, now, subject, rule, by, declared=rule, by_hand=False)
        elif known.by_hand:
            said = encode(rule).decode()
            connection.execute(update(retention).where(_is(subject)).values(declared=said))
        elif known.rule != rule or known.declared != rule:
            _put(connection, now, subject, rule, by, declared=rule, by_hand=False)
    for subject, known in before.items():
        if subject not in wanted and not known.by_hand and known.changed_by == by:
            connection.execute(delete(retention).where(_is(subject)))


def set_rule(
    connection: Connection, now: datetime, subject: Subject, rule: Rule, by: str
) -> RuleState:
    """Keep so much from now on; a deploy does not undo it. One by hand that says the same stays."""
    known = next((e for e in list_rules(connection, now) if e.subject == subject), None)
    if known is not None and known.by_hand and known.rule == rule:
        return known
    declared = None if known is None else known.declared
    _put(connection, now, subject, rule, by, declared=declared, by_hand=True)
    return next(each for each in list_rules(connection, now) if each.subject == subject)


def find(connection: Connection, now: datetime, subject: Subject) -> RuleState | None:
    """What is on record of a subject."""
    row = connection.execute(select(retention).where(_is(subject))).first()
    return None if row is None else _state(row)


def is_by_hand(connection: Connection, now: datetime, subject: Subject) -> bool:
    """Whether somebody has set it at run time."""
    found = find(connection, now, subject)
    return found is not None and found.by_hand


def is_known(connection: Connection, now: datetime, subject: Subject) -> bool:
    """Whether there is anything it is about: a job, a schedule, a rule in the code."""
    found = next((e for e in list_rules(connection, now) if e.subject == subject), None)
    if found is not None and found.declared is not None:
        return True
    where = [schedules.c.name == subject.name]
    if subject.scope != "schedule":
        where = [table.c[subject.scope] == subject.name for table in (schedules, jobs)]
    if subject.scope == "task":
        where.append(tasks.c.name == subject.name)
    looks = (select(literal(1)).where(each).limit(1) for each in where)
    return any(connection.scalar(look) is not None for look in looks)


def remove(connection: Connection, now: datetime, subject: Subject, by: str) -> RuleState | None:
    """Take a rule away; where code has one, that holds again, and is returned. Raises NotFound."""
    known = next((e for e in list_rules(connection, now) if e.subject == subject), None)
    if known is None:
        raise NotFound(f"no retention for {subject}", "retention")
    if known.declared is None or not known.by_hand:
        connection.execute(delete(retention).where(_is(subject)))
        return None
    _put(connection, now, subject, known.declared, by, declared=known.declared, by_hand=False)
    return next(each for each in list_rules(connection, now) if each.subject == subject)


def _put(
    connection: Connection,
    now: datetime,
    subject: Subject,
    rule: Rule,
    by: str,
    *,
    declared: Rule | None,
    by_hand: bool,
) -> None:
    connection.execute(delete(retention).where(_is(subject)))
    connection.execute(
        insert(retention).values(
            scope=subject.scope, name=subject.name, **msgspec.structs.asdict(rule),
            declared=None if declared is None else encode(declared).decode(),
            by_hand=int(by_hand), changed_at=now, changed_by=by,
        )
    )  # fmt: skip


def of_schedules(connection: Connection, names: Sequence[str]) -> dict[str, Rule]:
    """What is kept of the ended jobs of those of the schedules that say so, by name."""
    theirs = and_(retention.c.scope == "schedule", retention.c.name.in_(names))
    found = (_state(row) for row in connection.execute(select(retention).where(theirs)))
    return {each.subject.name: each.rule for each in found}


def in_force(connection: Connection, subject: Subject) -> Rule | None:
    """A subject's rule, which nobody changes or takes away before this transaction ends."""
    row = connection.execute(select(retention).where(_is(subject)).with_for_update(read=True))
    found = row.first()
    return None if found is None else _state(found).rule


def _is(subject: Subject) -> ColumnElement[bool]:
    return and_(retention.c.scope == subject.scope, retention.c.name == subject.name)


def list_rules(connection: Connection, now: datetime) -> list[RuleState]:
    """All rules, in order of what they are about."""
    rows = connection.execute(select(retention).order_by(retention.c.scope, retention.c.name))
    return [_state(row) for row in rows]


def _state(row: Row[Any]) -> RuleState:
    return RuleState(
        subject=Subject(row.scope, row.name),
        rule=Rule(row.completed_for, row.completed_last, row.failed_for, row.failed_last),
        declared=None if row.declared is None else msgspec.json.decode(row.declared, type=Rule),
        by_hand=bool(row.by_hand),
        changed_at=row.changed_at,
        changed_by=row.changed_by,
    )
