"""Incidents, cold: found, listed, changed by hand; every change beside the incident it is of.

An incident and its change are written in one transaction, so that none is told that did not happen,
and none happens that is not told.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Connection, Row, and_, bindparam, delete, func, insert, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite

from onbeat.domain.errors import NotFound
from onbeat.domain.incidents import (
    JUDGE,
    Change,
    Facts,
    Incident,
    IncidentChange,
    Kind,
    Moved,
    Severity,
    State,
    Wanted,
    wake,
)
from onbeat.domain.rules import Memory, Subject, dismissed
from onbeat.store.among import among
from onbeat.store.cleaning import AT_ONCE, Walk
from onbeat.store.payloads import encode
from onbeat.store.schema import conditions, incident_changes, incidents
from onbeat.store.texts import storable_json

IS_OPEN = incidents.c.state != State.RESOLVED
SHOWN_CHANGES = 200
"""Changes of an incident that are shown: the last."""

ALL = Wanted()

_facts = msgspec.json.Decoder(Facts).decode


def find(connection: Connection, now: datetime, identity: str) -> Incident:
    """The incident. Raises NotFound."""
    row = connection.execute(select(incidents).where(incidents.c.id == identity)).first()
    if row is None:
        raise NotFound(f"no incident {identity}", "incidents")
    return read(row)


def list_incidents(
    connection: Connection,
    now: datetime,
    wanted: Wanted = ALL,
    before: str | None = None,
    limit: int = 50,
) -> list[Incident]:
    """Those that are wanted, the newest first."""
    query = select(incidents).order_by(incidents.c.id.desc()).limit(limit)
    if wanted.states:
        query = query.where(incidents.c.state.in_(sorted(wanted.states)))
    if before is not None:
        query = query.where(incidents.c.id < before)
    for name in ("severity", "rule", "kind"):
        value = getattr(wanted, name)
        if value is not None:
            query = query.where(incidents.c[name] == value)
    if wanted.subject is not None:
        named = (incidents.c.subject == wanted.subject, incidents.c.name == wanted.subject)
        query = query.where(or_(*named))
    return [read(row) for row in connection.execute(query)]


def count_open(connection: Connection, now: datetime) -> dict[Severity, int]:
    """How many are not resolved, of each severity."""
    query = select(incidents.c.severity, func.count()).where(IS_OPEN)
    rows = connection.execute(query.group_by(incidents.c.severity))
    return {Severity(row[0]): row[1] for row in rows}


def changes(connection: Connection, now: datetime, identity: str) -> list[IncidentChange]:
    """What happened to it, the oldest first; of very many the last."""
    query = select(incident_changes).where(incident_changes.c.incident == identity)
    rows = connection.execute(
        query.order_by(incident_changes.c.number.desc()).limit(SHOWN_CHANGES)
    ).all()
    return [
        IncidentChange(
            incident=row.incident, number=row.number, at=row.at, what=Change(row.what), by=row.by,
            note=row.note,
        )
        for row in reversed(rows)
    ]  # fmt: skip


def standing(connection: Connection, now: datetime, rule: str) -> dict[Subject, Incident]:
    """The incidents of a rule that are not resolved, by their subjects."""
    rows = connection.execute(select(incidents).where(incidents.c.rule == rule, IS_OPEN))
    return {(each.kind, each.subject): each for each in map(read, rows)}


def open_of(connection: Connection, now: datetime, rules: Collection[str]) -> set[Subject]:
    """Of what any of these rules has an open incident."""
    query = select(incidents.c.kind, incidents.c.subject).where(
        incidents.c.rule.in_(sorted(rules)), IS_OPEN
    )
    return {(Kind(row.kind), row.subject) for row in connection.execute(query)}


def move(
    connection: Connection,
    now: datetime,
    identity: str,
    step: Callable[[Incident], Moved],
    by: str,
    note: str | None = None,
) -> Incident:
    """Let somebody change it. Raises NotFound, and what the step raises."""
    locked = select(incidents).where(incidents.c.id == identity).with_for_update()
    row = connection.execute(locked).first()
    if row is None:
        raise NotFound(f"no incident {identity}", "incidents")
    moved, what = step(read(row))
    put(connection, [moved])
    record(connection, now, [(moved.id, what, by, note)])
    if what is Change.RESOLVED:
        _dismiss(connection, now, moved)
    return moved


def annotate(connection: Connection, now: datetime, identity: str, by: str, note: str) -> Incident:
    """Put a note beside it. Raises NotFound."""
    return move(connection, now, identity, lambda was: (was, Change.NOTED), by, note)


def _dismiss(connection: Connection, now: datetime, incident: Incident) -> None:
    """Remember that somebody resolved it, though its condition may still hold."""
    remember(connection, incident.rule, {(incident.kind, incident.subject): dismissed(now)})


def awaken(connection: Connection, now: datetime, limit: int = 500) -> int:
    """Open those again whose snooze is over; how many were."""
    query = select(incidents).where(_has_slept(now)).order_by(incidents.c.id).limit(limit)
    moved = [wake(read(row), now) for row in connection.execute(query.with_for_update())]
    put(connection, [incident for incident, _ in moved])
    record(connection, now, [(each.id, what, JUDGE, "the snooze is over") for each, what in moved])
    return len(moved)


def has_slept_enough(connection: Connection, now: datetime) -> bool:
    """Whether there are some whose snooze is over."""
    return (
        connection.execute(select(incidents.c.id).where(_has_slept(now)).limit(1)).first()
        is not None
    )


def _has_slept(now: datetime) -> Any:
    return (incidents.c.state == State.SNOOZED) & (incidents.c.snoozed_until <= now)


def put(connection: Connection, changed: Sequence[Incident]) -> None:
    """Write how incidents stand that are there."""
    if changed:
        given: Any = {name: bindparam(f"its_{name}") for name in COLUMNS if name != "id"}
        stored = update(incidents).where(incidents.c.id == bindparam("its_id")).values(**given)
        rows = [{f"its_{name}": value for name, value in _values(each).items()} for each in changed]
        connection.execute(stored, rows)


def add(connection: Connection, made: Sequence[Incident]) -> set[str]:
    """Write new ones; the ids of those of whose subject none of the rule was open."""
    if not made:
        return set()
    own = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    connection.execute(own(incidents).on_conflict_do_nothing(), [_values(each) for each in made])
    ids = among(connection, incidents.c.id, [each.id for each in made])
    return set(connection.scalars(select(incidents.c.id).where(ids)))


def record(
    connection: Connection, now: datetime, what: Sequence[tuple[str, Change, str, str | None]]
) -> None:
    """Write down what happened to incidents, each beside those before it; all are yet to be told.

    Notes are told to nobody.
    """
    if not what:
        return
    ids = sorted({each[0] for each in what})
    last = select(incident_changes.c.incident, func.max(incident_changes.c.number).label("last"))
    last = last.where(among(connection, incident_changes.c.incident, ids))
    numbers: dict[str, int] = {
        row.incident: row.last
        for row in connection.execute(last.group_by(incident_changes.c.incident))
    }
    rows = []
    for incident, change, by, note in what:
        numbers[incident] = numbers.get(incident, 0) + 1
        rows.append({
            "incident": incident, "number": numbers[incident], "at": now, "what": change,
            "by": by, "note": note, "routed": int(change is Change.NOTED),
        })  # fmt: skip
    connection.execute(insert(incident_changes), rows)


def openings(
    connection: Connection, ids: Collection[str], since: datetime
) -> dict[str, list[datetime]]:
    """When each was opened since then."""
    query = select(incident_changes.c.incident, incident_changes.c.at).where(
        among(connection, incident_changes.c.incident, ids), incident_changes.c.at >= since,
        incident_changes.c.what.in_([Change.OPENED, Change.REOPENED]),
    )  # fmt: skip
    found: dict[str, list[datetime]] = {}
    for row in connection.execute(query):
        found.setdefault(row.incident, []).append(row.at)
    return found


def remembered(connection: Connection, now: datetime, rule: str) -> dict[Subject, Memory]:
    """What is remembered of the subjects of a rule."""
    rows = connection.execute(select(conditions).where(conditions.c.rule == rule))
    return {
        (Kind(row.kind), row.subject): Memory(
            bad=row.bad, good=row.good, since=row.since_at, is_open=bool(row.is_open),
            dismissed_at=row.dismissed_at,
        )
        for row in rows
    }  # fmt: skip


def remember(connection: Connection, rule: str, memories: Mapping[Subject, Memory]) -> None:
    """Keep what changed of it; what says nothing is taken off."""
    own = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    rows, blank = [], []
    for (kind, subject), memory in sorted(memories.items()):
        if memory == Memory():
            blank.append((kind, subject))
            continue
        rows.append({
            "rule": rule, "kind": kind, "subject": subject, "bad": memory.bad, "good": memory.good,
            "since_at": memory.since, "is_open": int(memory.is_open),
            "dismissed_at": memory.dismissed_at,
        })  # fmt: skip
    if rows:
        stored = own(conditions)
        changed = ("bad", "good", "since_at", "is_open", "dismissed_at")
        connection.execute(
            stored.on_conflict_do_update(
                index_elements=list(conditions.primary_key),
                set_={name: stored.excluded[name] for name in changed},
            ),
            rows,
        )
    _forget(connection, rule, blank)


def _forget(connection: Connection, rule: str, subjects: Iterable[Subject]) -> None:
    of_kind: dict[Kind, list[str]] = {}
    for kind, subject in subjects:
        of_kind.setdefault(kind, []).append(subject)
    for kind, names in of_kind.items():
        connection.execute(delete(conditions).where(
            conditions.c.rule == rule, conditions.c.kind == kind, conditions.c.subject.in_(names)
        ))  # fmt: skip


def stirred(connection: Connection, now: datetime) -> set[str]:
    """The names of the rules of which something is open or remembered."""
    named = set(connection.scalars(select(incidents.c.rule).where(IS_OPEN).distinct()))
    return named | set(connection.scalars(select(conditions.c.rule).distinct()))


def clean(connection: Connection, now: datetime, before: datetime, walk: Walk) -> Walk:
    """Remove what was resolved before then, with all that happened to it."""
    at_once = AT_ONCE[connection.dialect.name]
    query = select(incidents.c.id).where(incidents.c.resolved_at < before)
    old = list(connection.scalars(query.order_by(incidents.c.resolved_at).limit(at_once)))
    for table, column in ((incident_changes, incident_changes.c.incident),
                          (incidents, incidents.c.id)):  # fmt: skip
        if old:
            connection.execute(delete(table).where(among(connection, column, old)))
    return Walk(None, walk.seen, walk.removed + len(old), len(old) < at_once)


def read(row: Row[Any]) -> Incident:
    """What a row says."""
    return Incident(
        id=row.id, rule=row.rule, kind=Kind(row.kind), subject=row.subject, name=row.name,
        severity=Severity(row.severity), state=State(row.state), opened_at=row.opened_at,
        seen_at=row.seen_at, seen=row.seen, reopened=row.reopened, flapping=bool(row.flapping),
        state_at=row.state_at, state_by=row.state_by, facts=_facts(row.facts),
        snoozed_until=row.snoozed_until, resolved_at=row.resolved_at,
        inhibited_by=row.inhibited_by, silenced_by=row.silenced_by,
    )  # fmt: skip


def _values(incident: Incident) -> dict[str, Any]:
    values = {name: getattr(incident, name) for name in COLUMNS}
    return values | {
        "flapping": int(incident.flapping), "facts": storable_json(encode(incident.facts).decode()),
    }  # fmt: skip


COLUMNS = tuple(column.name for column in incidents.columns)


def of_subjects(subjects: Iterable[Subject]) -> Any:
    """The condition that an incident is of one of these."""
    of_kind: dict[Kind, list[str]] = {}
    for kind, subject in subjects:
        of_kind.setdefault(kind, []).append(subject)
    return or_(*(
        and_(incidents.c.kind == kind, incidents.c.subject.in_(names))
        for kind, names in of_kind.items()
    ))  # fmt: skip
