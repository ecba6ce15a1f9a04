"""The laws of tags and owners: what a job says it is found by has its row, and each row its job."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from sqlalchemy import Connection, or_, select

from onbeat.domain.marks import KINDS, marks_in
from onbeat.store import marks as stored
from onbeat.store.among import among
from onbeat.store.marks import Mark
from onbeat.store.schema import jobs
from onbeat.store.verify.jobs import Scope
from onbeat.store.verify.laws import Breach, Law


def missing(connection: Connection, scope: Scope) -> Iterator[Breach]:
    """Marks of jobs in `scope` that have no row."""
    is_marked = or_(*(jobs.c.ties.contains(f'"{kind}:') for kind in KINDS))
    query = select(jobs.c.id, jobs.c.ties).where(scope(jobs.c.id), is_marked)
    wanted = stored.marks_of((row.id, row.ties) for row in connection.execute(query))
    kept = stored.kept(connection, wanted)
    for mark, job in wanted:
        if (mark, job) not in kept:
            yield Breach(Law.MARK_MISSING, job, mark)


def page(
    connection: Connection, after: Mark | None, limit: int
) -> tuple[Sequence[Mark], list[Breach]]:
    """Some rows in their order, and those of them that have no job."""
    rows = stored.page(connection, after, limit)
    return rows, list(without_job(connection, rows))


def without_job(connection: Connection, rows: Collection[Mark]) -> Iterator[Breach]:
    """Those of the rows whose job is not in the book, or does not say it."""
    query = select(jobs.c.id, jobs.c.ties).where(
        among(connection, jobs.c.id, {job for _, job in rows})
    )
    said = {row.id: marks_in(row.ties) for row in connection.execute(query)}
    still = stored.kept(connection, rows)
    for mark, job in rows:
        if mark not in said.get(job, ()) and (mark, job) in still:
            yield Breach(Law.MARK_WITHOUT_JOB, job, mark)
