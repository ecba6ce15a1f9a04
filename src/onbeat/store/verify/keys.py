"""The laws of unique keys and deadlines, each asked in one statement."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain

from sqlalchemy import Connection, exists, or_, select

from onbeat.domain.ties import TieKind, keys_of
from onbeat.store.jobs import stands
from onbeat.store.schema import blocked, deadlines, delayed, jobs, ready, uniques
from onbeat.store.verify.jobs import Scope
from onbeat.store.verify.laws import MOST_OF_A_LAW, Breach, Law


def breaches(connection: Connection) -> Iterator[Breach]:
    """Keys of jobs that have ended, and deadlines of jobs that do not wait."""
    return chain(_of_ended(connection), _of_others(connection))


def _of_ended(connection: Connection) -> Iterator[Breach]:
    query = (
        select(uniques.c.job, uniques.c.key)
        .where(uniques.c.expires_at.is_(None), ~stands(uniques.c.job))
        .limit(MOST_OF_A_LAW)
    )
    for row in connection.execute(query):
        yield Breach(Law.KEY_OF_ENDED_JOB, row.job, f"key {row.key}")


def _of_others(connection: Connection) -> Iterator[Breach]:
    waits = or_(
        *(exists().where(table.c.job == deadlines.c.job) for table in (delayed, ready, blocked))
    )
    query = select(deadlines.c.job, deadlines.c.expires_at).where(~waits).limit(MOST_OF_A_LAW)
    for row in connection.execute(query):
        detail = f"{row.expires_at:%Y-%m-%dT%H:%M:%SZ}"
        yield Breach(Law.DEADLINE_OF_NO_WAITING_JOB, row.job, detail)


def not_had(connection: Connection, scope: Scope) -> Iterator[Breach]:
    """Open jobs in `scope` that should have their key until they end, and have not.

    Two statements, for a key has an index and its job has none: a job that ended between them is
    found again, and is right then.
    """
    query = select(jobs.c.id, jobs.c.ties).where(
        scope(jobs.c.id), jobs.c.ties.like('["unique:%'), stands(jobs.c.id)
    )
    wanted = {row.id: keys_of(row.ties, TieKind.UNIQUE)[0] for row in connection.execute(query)}
    had = select(uniques.c.key, uniques.c.job).where(uniques.c.key.in_(list(wanted.values())))
    by_key = {row.key: row.job for row in connection.execute(had)} if wanted else {}
    for job, key in wanted.items():
        if by_key.get(key) != job:
            holder = by_key.get(key)
            told = f"job {holder} has it" if holder else "nobody has it"
            yield Breach(Law.KEY_NOT_HAD, job, f"key {key}: {told}")
