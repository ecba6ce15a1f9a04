"""Which instance of a service has which of its keys: a duty for each, and one for being there.

An instance is `service@instance`, a key `service/key`. Both are held for a term, and are anybody's
when it is over. A round of one instance is a handful of statements, however many keys there are.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import ColumnElement, Connection, delete, or_, select, update
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
    instances, holders, left = _look(connection, now, service)
    wanted = balance(keys, {*instances, instance}, instance, holders)
    _give_up(connection, now, service, instance, [k for k in wanted.let_go if k not in busy])
    surplus = {key for key in wanted.let_go if key in busy}
    kept = _stay(connection, now, service, instance, term, [*wanted.keep, *surplus])
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


def _look(
    connection: Connection, now: datetime, service: str
) -> tuple[set[str], dict[str, str], set[str]]:
    """Which instances there are, who has which keys, and which were not given back."""
    instances: set[str] = set()
    holders: dict[str, str] = {}
    left: set[str] = set()
    asked = select(duties).where(or_(_of(service + INSTANCE), _of(service + KEY)))
    for row in connection.execute(asked):
        mark, name = row.name[len(service)], row.name[len(service) + 1 :]
        is_held = row.expires_at >= now
        if mark == INSTANCE and is_held:
            instances.add(name)
        elif mark == KEY and is_held:
            holders[name] = row.holder
        elif mark == KEY and row.holder != NOBODY:
            left.add(name)
    return instances, holders, left


def _give_up(
    connection: Connection, now: datetime, service: str, instance: str, keys: Sequence[str]
) -> None:
    if keys:
        connection.execute(
            update(duties)
            .where(duties.c.name.in_(_names(service, keys)), duties.c.holder == instance)
            .values(holder=NOBODY, expires_at=now - timedelta.resolution)
        )


def _stay(
    connection: Connection, now: datetime, service: str, instance: str, term: timedelta,
    keys: Sequence[str],
) -> list[str]:  # fmt: skip
    """Be there, and keep those of the keys that are its own, for another term."""
    being_there = service + INSTANCE + instance
    kept = set(
        connection.execute(
            update(duties)
            .where(
                duties.c.name.in_([being_there, *_names(service, keys)]),
                duties.c.holder == instance,
            )
            .values(expires_at=now + term)
            .returning(duties.c.name)
        ).scalars()
    )
    if being_there not in kept:
        take(connection, now, being_there, instance, term)
    return [key for key, name in zip(keys, _names(service, keys), strict=True) if name in kept]


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
