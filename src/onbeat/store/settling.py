"""What the judge decided of a rule, written in bounded batches: incidents, their changes, and what
is remembered of their subjects, in one transaction each.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TypeVar

from sqlalchemy import Connection, select

from onbeat.domain.incidents import (
    FLAPS_WITHIN,
    JUDGE,
    REOPENED_WITHIN,
    Change,
    Facts,
    Incident,
    State,
    flaps,
    reopen,
    resolve,
)
from onbeat.domain.judging import Keeping, Opening, Verdict
from onbeat.domain.rules import Memory, Rule, Subject
from onbeat.store import incidents as stored
from onbeat.store.schema import incidents

T = TypeVar("T")

AT_ONCE = 500
"""Subjects that are written in one transaction."""


@dataclass(slots=True)
class Batch:
    """A part of a verdict."""

    opening: Sequence[Opening] = ()
    keeping: Sequence[Keeping] = ()
    closing: Sequence[Incident] = ()
    remembered: Mapping[Subject, Memory] = field(default_factory=dict)

    @property
    def size(self) -> int:
        """How many subjects it is of, some twice."""
        return len(self.opening) + len(self.keeping) + len(self.closing) + len(self.remembered)


def batches(verdict: Verdict) -> Iterator[Batch]:
    """The verdict in parts: with an incident goes what is remembered of its subject."""
    left = dict(verdict.remembered)

    def memories(keys: Sequence[Subject]) -> dict[Subject, Memory]:
        return {key: left.pop(key) for key in keys if key in left}

    for some in _parts(verdict.opening):
        yield Batch(opening=some, remembered=memories([each.finding.key for each in some]))
    for kept in _parts(verdict.keeping):
        yield Batch(keeping=kept, remembered=memories([each.finding.key for each in kept]))
    for closed in _parts(verdict.closing):
        keys = [(each.kind, each.subject) for each in closed]
        yield Batch(closing=closed, remembered=memories(keys))
    for rest in _parts(list(left)):
        yield Batch(remembered={key: left[key] for key in rest})


def _parts(each: Sequence[T]) -> Iterator[Sequence[T]]:
    return (each[at : at + AT_ONCE] for at in range(0, len(each), AT_ONCE))


def settle(
    connection: Connection,
    now: datetime,
    rule: Rule,
    batch: Batch,
    facts: Mapping[Subject, Facts],
    new_id: Callable[[], str],
) -> None:
    """Write it, all of it or nothing."""
    told: list[tuple[str, Change, str, str | None]] = []
    told += _open(connection, now, rule, batch.opening, facts, new_id)
    locked = _locked(
        connection, [each.was.id for each in batch.keeping] + [each.id for each in batch.closing]
    )
    changed: list[Incident] = []
    for each in batch.keeping:
        if each.was.id in locked:
            incident, whats = _kept(locked[each.was.id], each, rule, facts, now)
            changed.append(incident)
            told += [(incident.id, what, JUDGE, note) for what, note in whats]
    for was in batch.closing:
        if was.id in locked:
            over, what = resolve(locked[was.id], now, JUDGE)
            changed.append(over)
            told.append((over.id, what, JUDGE, None))
    stored.put(connection, changed)
    stored.record(connection, now, told)
    stored.remember(connection, rule.name, batch.remembered)


def _locked(connection: Connection, ids: Sequence[str]) -> dict[str, Incident]:
    """Those of them that are not resolved meanwhile, as they stand; they stand so until the end."""
    if not ids:
        return {}
    query = select(incidents).where(incidents.c.id.in_(ids), stored.IS_OPEN)
    rows = connection.execute(query.order_by(incidents.c.id).with_for_update())
    return {each.id: each for each in map(stored.read, rows)}


def _kept(
    was: Incident, kept: Keeping, rule: Rule, facts: Mapping[Subject, Facts], now: datetime
) -> tuple[Incident, list[tuple[Change, str | None]]]:
    """An open incident after a look, and what happened to it."""
    incident = replace(
        was, seen_at=now, seen=was.seen + 1, facts=facts.get(kept.finding.key, was.facts),
        inhibited_by=kept.inhibited_by, silenced_by=kept.silenced_by,
    )  # fmt: skip
    whats: list[tuple[Change, str | None]] = []
    if rule.severity.rank > was.severity.rank:
        incident = replace(incident, severity=rule.severity)
        whats.append((Change.WORSENED, f"from {was.severity} to {rule.severity}"))
    if was.is_hushed and not incident.is_hushed:
        over = "the silence is over" if was.silenced_by else f"{was.inhibited_by} is over"
        whats.append((Change.WOKEN, f"{over}, and it still is so"))
    if incident.flapping and now - incident.opened_at > FLAPS_WITHIN:
        incident = replace(incident, flapping=False)
    return incident, whats


def _open(
    connection: Connection,
    now: datetime,
    rule: Rule,
    opening: Sequence[Opening],
    facts: Mapping[Subject, Facts],
    new_id: Callable[[], str],
) -> list[tuple[str, Change, str, str | None]]:
    """Open again what was resolved a moment ago, and make the others; what happened."""
    if not opening:
        return []
    before = _lately(connection, now, rule, [each.finding.key for each in opening])
    again = [each for each in opening if each.finding.key in before]
    told = _reopen(connection, now, rule, again, before, facts)
    made = [
        _made(each, rule, facts[each.finding.key], new_id(), now)
        for each in opening if each.finding.key not in before
    ]  # fmt: skip
    added = stored.add(connection, made)
    return told + [(each.id, Change.OPENED, JUDGE, None) for each in made if each.id in added]


def _lately(
    connection: Connection, now: datetime, rule: Rule, keys: Sequence[Subject]
) -> dict[Subject, Incident]:
    """The incidents of these subjects that were resolved a moment ago, the last of each."""
    query = select(incidents).where(
        incidents.c.rule == rule.name, incidents.c.resolved_at >= now - REOPENED_WITHIN,
        stored.of_subjects(keys),
    )  # fmt: skip
    rows = connection.execute(query.order_by(incidents.c.resolved_at).with_for_update())
    return {
        (each.kind, each.subject): each
        for each in map(stored.read, rows)
        if each.state is State.RESOLVED
    }


def _reopen(
    connection: Connection,
    now: datetime,
    rule: Rule,
    again: Sequence[Opening],
    before: Mapping[Subject, Incident],
    facts: Mapping[Subject, Facts],
) -> list[tuple[str, Change, str, str | None]]:
    if not again:
        return []
    ids = [before[each.finding.key].id for each in again]
    opened = stored.openings(connection, ids, now - FLAPS_WITHIN)
    told: list[tuple[str, Change, str, str | None]] = []
    reopened = []
    for each in again:
        was = before[each.finding.key]
        incident, what = reopen(was, now, rule.severity, facts[each.finding.key])
        flapping = flaps([*opened.get(was.id, []), now], now)
        if flapping and not was.flapping:
            told.append((was.id, Change.FLAPPING, JUDGE, None))
        reopened.append(replace(
            incident, flapping=flapping, silenced_by=each.silenced_by, inhibited_by=None
        ))  # fmt: skip
        told.append((was.id, what, JUDGE, None))
    stored.put(connection, reopened)
    return told


def _made(opening: Opening, rule: Rule, facts: Facts, identity: str, now: datetime) -> Incident:
    finding = opening.finding
    return Incident(
        id=identity, rule=rule.name, kind=finding.kind, subject=finding.subject,
        name=finding.name, severity=rule.severity, state=State.OPEN, opened_at=now, seen_at=now,
        seen=1, reopened=0, flapping=False, state_at=now, state_by=JUDGE, facts=facts,
        silenced_by=opening.silenced_by,
    )  # fmt: skip
