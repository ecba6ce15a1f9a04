"""Messages that did not fit, cold: kept with the reason, the newest of each source."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, delete, insert, select

from onbeat.domain.sources.listening import BODY_KEPT, KEPT, TEXT_KEPT, SetAside
from onbeat.store.schema import set_aside


def keep(connection: Connection, now: datetime, found: SetAside) -> None:
    """Keep the message; the oldest of its source beyond `KEPT` leave."""
    row = insert(set_aside).values(
        id=found.id, source=found.source, channel=_plain(found.channel, TEXT_KEPT),
        message=_plain(found.message, TEXT_KEPT), reason=_plain(found.reason, TEXT_KEPT),
        body=_plain(found.body, BODY_KEPT), at=now,
    )  # fmt: skip
    connection.execute(row)
    of_source = set_aside.c.source == found.source
    last = select(set_aside.c.id).where(of_source).order_by(set_aside.c.id.desc())
    oldest_kept = connection.scalar(last.offset(KEPT - 1).limit(1))
    if oldest_kept is not None:
        connection.execute(delete(set_aside).where(of_source, set_aside.c.id < oldest_kept))


def page(
    connection: Connection,
    now: datetime,
    *,
    source: str | None = None,
    before: str | None = None,
    limit: int,
) -> list[SetAside]:
    """The newest first: those of one source, or of all, before the one of an id."""
    query = select(set_aside).order_by(set_aside.c.id.desc()).limit(limit)
    if source is not None:
        query = query.where(set_aside.c.source == source)
    if before is not None:
        query = query.where(set_aside.c.id < before)
    return [_read(row) for row in connection.execute(query)]


def remove(connection: Connection, now: datetime, messages: Sequence[str]) -> int:
    """Forget those of these ids; how many there were."""
    return connection.execute(delete(set_aside).where(set_aside.c.id.in_(messages))).rowcount


def _plain(text: str, longest: int) -> str:
    """The text, without what PostgreSQL does not take."""
    return text[:longest].replace("\0", "\N{REPLACEMENT CHARACTER}")


def _read(row: Row[Any]) -> SetAside:
    return SetAside(
        id=row.id, source=row.source, channel=row.channel, message=row.message,
        reason=row.reason, body=row.body, at=row.at,
    )  # fmt: skip
