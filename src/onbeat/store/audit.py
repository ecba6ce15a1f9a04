"""The audit log, cold: only ever added to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Connection, Row, Select, insert, or_, select

from onbeat.domain.audit import Actor, Entry
from onbeat.store.payloads import encode
from onbeat.store.schema import audit


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditFilter:
    """Which entries are wanted."""

    actor: str | None = None
    action: str | None = None
    subject_kind: str | None = None
    subject: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    search: str | None = None
    """A text in who, what, or on which, in any case of letters; `search` looks for it."""
    before: str | None = None
    """Entries older than the one of this id."""
    limit: int = 100


def record(
    connection: Connection, now: datetime, entry: str, actor: Actor, action: str,
    subject: tuple[str, str], *, before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
) -> None:  # fmt: skip
    """Write down a change, in the transaction that makes it; `entry` is a new id."""
    who = actor.principal
    connection.execute(
        insert(audit).values(
            id=entry, at=now, actor_kind=who.kind, actor=who.id, actor_name=who.name,
            action=action, subject_kind=subject[0], subject=subject[1], before=_encoded(before),
            after=_encoded(after), address=actor.address, request=actor.request,
        )
    )  # fmt: skip


MOST_SEARCHED = 5_000
"""Entries that one search looks at; it is told from where to go on."""


def list_entries(connection: Connection, now: datetime, wanted: AuditFilter) -> Sequence[Entry]:
    """Entries, the newest first, whatever `search` says."""
    found = _newest_first(wanted).limit(wanted.limit)
    return [_entry(row) for row in connection.execute(found)]


def search(
    connection: Connection, now: datetime, wanted: AuditFilter, *, most: int = MOST_SEARCHED
) -> tuple[Sequence[Entry], str | None]:
    """Those of the next `most` entries that hold a text, the newest first; and the entry from which
    to go on, where there are more entries that were not looked at.
    """
    seen = _newest_first(wanted).limit(most).subquery()
    texts = (seen.c.actor_name, seen.c.action, seen.c.subject_kind, seen.c.subject)
    holds = or_(*(each.icontains(wanted.search, autoescape=True) for each in texts))
    rows = connection.execute(
        select(seen).where(holds).order_by(seen.c.id.desc()).limit(wanted.limit)
    )
    found = [_entry(row) for row in rows]
    if len(found) == wanted.limit:
        return found, found[-1].id
    last = _newest_first(wanted).with_only_columns(audit.c.id).offset(most - 1).limit(1)
    return found, connection.scalar(last)


def _newest_first(wanted: AuditFilter) -> Select[Any]:
    found = select(audit).order_by(audit.c.id.desc())
    for column, value in (
        (audit.c.actor_name, wanted.actor),
        (audit.c.action, wanted.action),
        (audit.c.subject_kind, wanted.subject_kind),
        (audit.c.subject, wanted.subject),
    ):
        if value is not None:
            found = found.where(column == value)
    if wanted.since is not None:
        found = found.where(audit.c.at >= wanted.since)
    if wanted.until is not None:
        found = found.where(audit.c.at < wanted.until)
    if wanted.before is not None:
        found = found.where(audit.c.id < wanted.before)
    return found


def _entry(row: Row[Any]) -> Entry:
    return Entry(
        id=row.id, at=row.at, actor_kind=row.actor_kind, actor=row.actor,
        actor_name=row.actor_name, action=row.action, subject_kind=row.subject_kind,
        subject=row.subject, before=_decoded(row.before), after=_decoded(row.after),
        address=row.address, request=row.request,
    )  # fmt: skip


def _encoded(value: Mapping[str, Any] | None) -> str | None:
    return None if value is None else encode(dict(value)).decode()


def _decoded(text: str | None) -> Mapping[str, Any] | None:
    return None if text is None else msgspec.json.decode(text)
