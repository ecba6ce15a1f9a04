"""A rule held against the roll-ups of the past."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime, timedelta

from sqlalchemy import Connection, select

from onbeat.domain.health import KEPT as KEPT_FOR
from onbeat.domain.health import SPANS
from onbeat.domain.past import Episode, Past, Slot, in_order, opened, why_not
from onbeat.domain.rules import Condition, Rule, chosen
from onbeat.store import rules as stored
from onbeat.store.failing import found, named
from onbeat.store.folding import read_tally
from onbeat.store.schema import health, rollups

MOST = 500
"""Subjects that are looked at."""


def past(connection: Connection, now: datetime, rule: Rule, since: datetime) -> Past:
    """When it would have been open since then."""
    reason = why_not(rule)
    if reason is not None:
        return Past(rule=rule.name, since=since, until=now, not_kept=reason)
    moment = health.c.last_success_at if rule.condition is Condition.SLOW else (
        health.c.last_failure_at
    )  # fmt: skip
    rows = connection.execute(named(rule.kind).where(moment >= since).limit(MOST + 1)).all()
    others = [
        *(each for each in stored.list_rules(connection, now) if each.name != rule.name),
        rule,
    ]
    subjects = {
        finding.subject: finding
        for finding in (found(rule.kind, row, now) for row in rows[:MOST])
        if chosen([*others, rule], rule, finding)
    }
    slots = _slots(connection, now, rule, list(subjects), since)
    episodes, are_all = in_order(
        Episode(
            kind=rule.kind, subject=subject, name=subjects[subject].name, opened_at=begins,
            closed_at=None if ends >= now else ends,
        )
        for subject, each in slots.items()
        for begins, ends in opened(rule, each, now)
        if ends >= since
    )  # fmt: skip
    return Past(rule=rule.name, since=since, until=now, episodes=episodes,
                is_whole=are_all and len(rows) <= MOST)  # fmt: skip


def _slots(
    connection: Connection, now: datetime, rule: Rule, subjects: list[str], since: datetime
) -> dict[str, list[Slot]]:
    """The roll-ups of each, with so much of before as its window needs: fine ones where they are
    kept for so long.
    """
    begin = since - (rule.limits.window or timedelta())
    if rule.condition in (Condition.FAILED, Condition.IN_A_ROW):
        begin = since
    span = SPANS[0] if now - begin <= KEPT_FOR[SPANS[0]] else SPANS[1]
    slots: defaultdict[str, list[Slot]] = defaultdict(list)
    for at in range(0, len(subjects), 100):
        query = select(rollups).where(
            rollups.c.kind == rule.kind, rollups.c.subject.in_(subjects[at : at + 100]),
            rollups.c.span == int(span.total_seconds()), rollups.c.begins_at > begin - span,
        )  # fmt: skip
        for row in connection.execute(query.order_by(rollups.c.begins_at)):
            slot = Slot(begins_at=row.begins_at, span=span, tally=read_tally(row))
            slots[row.subject].append(slot)
    return slots
