"""Which instance of a service has which of its keys: a duty for each, and one for being there.

An instance is `service@instance`, a key `service/key`. Both are held for a term, and are anybody's
when it is over. A round of one instance is a handful of statements, however many keys there are.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import ColumnElement, Connection, delete, select, update
from sqlalchemy.dialects import postgresql, sqlite

from onbeat.domain.partitioning import Share, balance
from onbeat.store.duties import NOBODY, take
from onbeat.store.schema import duties

INSTANCE: Final = "@"
KEY: Final = "/"

FORGOTTEN: Final = 10
"""Terms after which what nobody holds is removed."""


def share(
    connection: Connection,
    now: datetime,
    service: str,
    instance: str,
    term: timedelta,
    keys: Collection[str],
    busy: Collection[str] = (),
) -> Share:
    """Be there for a term, let go of what is too much, take what is free; what it has then.

    What is `busy` is not let go of, though it is too much: it is when it is busy no more.
    """
    take(connection, now, service + INSTANCE + instance, instance, term)
    instances, _ = _held(connection, now, service + INSTANCE)
    holders, left = _held(connection, now, service + KEY)
    wanted = balance(keys, instances, instance, holders)
    _give_up(connection, now, service, instance, [k for k in wanted.let_go if k not in busy])
    surplus = {key for key in wanted.let_go if key in busy}
    kept = _keep(connection, now, service, instance, term, [*wanted.keep, *surplus])
    taken = _take(connection, now, service, instance, term, wanted.take)
    return Share(
        keys=frozenset([*kept, *taken]),
        orphans=frozenset(left & set(taken)),
        surplus=frozenset(surplus & set(kept)),
    )


def leave(connection: Connection, now: datetime, service: str, instance: str) -> None:
    """Let others have what it has at once, and be there no more."""
    own = duties.c.holder == instance
    given_up = update(duties).where(_of(service + KEY), own)
    connection.execute(given_up.values(holder=NOBODY, expires_at=now - timedelta.resolution))
    connection.execute(delete(duties).where(_of(service + INSTANCE), own))


def forget(connection: Connection, now: datetime, service: str, term: timedelta) -> None:
    """Remove instances that are gone, and keys that nobody has had for long."""
    is_old = duties.c.expires_at < now - FORGOTTEN * term
    for mark in (INSTANCE, KEY):
        connection.execute(delete(duties).where(_of(service + mark), is_old))


def _of(prefix: str) -> ColumnElement[bool]:
    """The names that begin so: no others lie between it and what follows it."""
    after = prefix[:-1] + chr(ord(prefix[-1]) + 1)
    return (duties.c.name >= prefix) & (duties.c.name < after)


def _held(connection: Connection, now: datetime, prefix: str) -> tuple[dict[str, str], set[str]]:
    """Who has what of a prefix, which is cut off; and what was not given back in its term."""
    holders, left = {}, set()
    for row in connection.execute(select(duties).where(_of(prefix))):
        name = row.name.removeprefix(prefix)
        if row.expires_at >= now:
            holders[name] = row.holder
        elif row.holder != NOBODY:
            left.add(name)
    return holders, left


def _give_up(
    connection: Connection, now: datetime, service: str, instance: str, keys: Sequence[str]
) -> None:
    if keys:
        connection.execute(
            update(duties)
            .where(duties.c.name.in_(_names(service, keys)), duties.c.holder == instance)
            .values(holder=NOBODY, expires_at=now - timedelta.resolution)
        )


def _keep(
    connection: Connection, now: datetime, service: str, instance: str, term: timedelta,
    keys: Sequence[str],
) -> list[str]:  # fmt: skip
    if not keys:
        return []
    kept = connection.execute(
        update(duties)
        .where(duties.c.name.in_(_names(service, keys)), duties.c.holder == instance)
        .values(expires_at=now + term)
        .returning(duties.c.name)
    )
    return [name.removeprefix(service + KEY) for name in kept.scalars()]


def _take(
    connection: Connection, now: datetime, service: str, instance: str, term: timedelta,
    keys: Sequence[str],
) -> list[str]:  # fmt: skip
    """Those of the free keys that nobody else has taken meanwhile."""
    if not keys:
        return []
    insert = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    rows = [
        {"name": name, "holder": instance, "expires_at": now + term}
        for name in _names(service, keys)
    ]
    asked = insert(duties).values(rows)
    taken = connection.execute(
        asked.on_conflict_do_update(
            index_elements=[duties.c.name],
            set_={"holder": instance, "expires_at": now + term},
            where=duties.c.expires_at < now,
        ).returning(duties.c.name)
    )
    return [name.removeprefix(service + KEY) for name in taken.scalars()]


def _names(service: str, keys: Sequence[str]) -> list[str]:
    return [service + KEY + key for key in keys]
