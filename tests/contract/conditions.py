"""Jobs with unique keys and deadlines, and how those stand in a store."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sqlalchemy import Executable, select

from onbeat.domain.jobs import JobId, NewJob
from onbeat.domain.ties import TieKind, tie
from onbeat.domain.uniqueness import UniqueKey
from onbeat.store.schema import deadlines, uniques
from onbeat.store.store import Store
from onbeat.store.verify.laws import Law
from onbeat.store.verify.walk import verify
from tests import factories

KEY = "0000000000010123456789abcdef0123"
OTHER = "0000000000020123456789abcdef0123"
TEN = timedelta(minutes=10)


def unique(
    key: str = KEY, until: TieKind = TieKind.UNIQUE, *, replaces: bool = False, **fields: Any
) -> NewJob:
    """A job with a unique key."""
    if until is TieKind.WITHIN:
        micros = TEN // timedelta(microseconds=1)
        made = UniqueKey(key, tie(until, f"{micros}:{key}"), TEN, replaces)
    else:
        made = UniqueKey(key, tie(until, key), None, replaces)
    return factories.job(unique=made, ties=(made.tie,), **fields)


def dated(**fields: Any) -> NewJob:
    """A job that must begin within ten minutes."""
    micros = TEN // timedelta(microseconds=1)
    return factories.job(start_within=TEN, ties=(tie(TieKind.EXPIRES, str(micros)),), **fields)


async def ask(store: Store, *wanted: NewJob) -> dict[JobId, JobId]:
    """Enqueue them; of those that were refused, who has the key."""
    return await store.enqueue_with_conditions(wanted)


async def is_free(store: Store, key: str = KEY) -> bool:
    """Whether nobody has the key."""
    query = select(uniques.c.job).where(uniques.c.key == key)
    return await store.read(lambda connection, _: connection.execute(query).first() is None)


async def dates(store: Store) -> list[Any]:
    """The jobs that must begin by a moment, and those."""
    query = select(deadlines.c.job, deadlines.c.expires_at)
    rows = await store.read(lambda connection, _: connection.execute(query).all())
    return [tuple(row) for row in rows]


async def change(store: Store, statement: Executable) -> None:
    """Do what nobody should."""
    await store.write(lambda connection, _: connection.execute(statement))


async def laws(store: Store) -> list[tuple[Law, str]]:
    """The laws that are broken, and of whom."""
    return [(each.law, each.subject) for each in (await verify(store, chunk=3)).breaches]
