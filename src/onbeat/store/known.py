"""What a round of the judge begins with, and what it remembers between processes."""

from __future__ import annotations

from collections.abc import Sequence, Set
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Connection, select, update
from sqlalchemy.dialects import postgresql, sqlite

from onbeat.domain.incidents import Severity
from onbeat.domain.rules import CAUSES, Cause, Causes, Condition, Rule
from onbeat.domain.silences import Silence
from onbeat.store import incidents as stored
from onbeat.store import rules as stored_rules
from onbeat.store.schema import folds, incidents

JUDGED: Final = "judged"
"""The name under which it is kept when the last round was."""

LATELY: Final = timedelta(hours=2)


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What rules there are, and what stands."""

    rules: Sequence[Rule]
    """Those that are switched on."""
    stirred: Set[str]
    """Names of rules of which something is open or remembered; also of some that are off."""
    causes: Causes
    silences: Sequence[Silence]
    """Those that hold now."""
    absences: Sequence[tuple[datetime, datetime]]
    """From when to when lately no scheduler was at work."""
    has_slept_enough: bool
    """Whether the snooze of an incident is over."""


def known(connection: Connection, now: datetime) -> Known:
    """Read it."""
    rules = [rule for rule in stored_rules.list_rules(connection, now) if rule.enabled]
    return Known(
        rules=rules,
        stirred=stored.stirred(connection, now),
        causes=causes(connection, now, rules),
        silences=[each for each in stored_rules.list_silences(connection, now) if each.holds(now)],
        absences=_absences(connection, now, rules),
        has_slept_enough=stored.has_slept_enough(connection, now),
    )


def _absences(
    connection: Connection, now: datetime, rules: Sequence[Rule]
) -> list[tuple[datetime, datetime]]:
    names = [rule.name for rule in rules if rule.condition is Condition.NO_SCHEDULER]
    lately = stored.IS_OPEN | (incidents.c.resolved_at >= now - LATELY)
    rows = connection.execute(select(incidents).where(incidents.c.rule.in_(names), lately))
    return [(each.facts.since, each.resolved_at or now) for each in map(stored.read, rows)]


def causes(connection: Connection, now: datetime, rules: Sequence[Rule]) -> Causes:
    """The open incidents that hide others."""
    conditions = {rule.name: rule.condition for rule in rules if rule.condition in CAUSES}
    query = select(incidents.c.rule, incidents.c.kind, incidents.c.subject, incidents.c.severity)
    rows = connection.execute(query.where(incidents.c.rule.in_(sorted(conditions)), stored.IS_OPEN))
    return Causes(
        Cause(row.rule, conditions[row.rule], row.kind, row.subject, Severity(row.severity))
        for row in rows
    )


def judged(connection: Connection, now: datetime) -> datetime | None:
    """Note that a round begins; when the one before did, whoever went it."""
    before: datetime | None = connection.scalar(
        select(folds.c.folded_to).where(folds.c.name == JUDGED)
    )
    if before is None:
        own = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
        made = own(folds).values(name=JUDGED, folded_to=now)
        connection.execute(made.on_conflict_do_nothing())
    else:
        connection.execute(update(folds).where(folds.c.name == JUDGED).values(folded_to=now))
    return before
