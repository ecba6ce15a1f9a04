"""New jobs that take the place of those that wait under the same unique key, in one transaction.

Who replaces takes the rows of the jobs first and their keys after, as a claim does and a cancel:
so none of them waits in a circle. Those who replace each other wait for their turn.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, select, text

from onbeat.domain.jobs import JobId, NewJob
from onbeat.domain.uniqueness import holders, once_each
from onbeat.store import jobs
from onbeat.store.column_types import to_micros
from onbeat.store.payloads import decode_refused, encode_jobs
from onbeat.store.postgres.schemas import lock_name
from onbeat.store.schema import uniques

TURNS = 64
"""Who replaces holds the turn of each of its keys, one of so many: a lock for each of 5,000 keys
would fill PostgreSQL's table of locks.
"""

_TAKE_TURN = text("SELECT pg_advisory_xact_lock(hashtext(:name), :turn)")

TRIES = 3
"""How often a key is asked for that another takes in the moment it was freed."""


def enqueue(connection: Connection, now: datetime, wanted: Sequence[NewJob]) -> dict[JobId, JobId]:
    """Store `wanted`, each in place of the job that has its key, if that only waits.

    Of those whose key a job has that is not to be replaced, by id that job.
    """
    kept, twice = once_each(wanted)
    _take_turns(connection, kept)
    refused: dict[JobId, JobId] = {}
    left = kept
    for _ in range(TRIES):
        _call_off_holders(connection, now, left)
        found = _store(connection, now, left)
        refused = {**{job: held for job, held in refused.items() if job in found}, **found}
        left = [each for each in left if each.id in found and each.unique and each.unique.replaces]
        if not left:
            break
    return holders(twice, refused)


def _take_turns(connection: Connection, wanted: Sequence[NewJob]) -> None:
    """Wait for others who replace jobs of these keys; on SQLite there is one writer anyway."""
    if connection.dialect.name == "postgresql":
        name = lock_name(connection, "replacing")
        turns = {int(job.unique.key, 16) % TURNS for job in wanted if job.unique}
        for turn in sorted(turns):
            connection.execute(_TAKE_TURN, {"name": name, "turn": turn})


def _call_off_holders(connection: Connection, now: datetime, wanted: Sequence[NewJob]) -> None:
    """Call off the waiting jobs that have the keys, and let those keys go."""
    by_key = {each.unique.key: each.id for each in wanted if each.unique and each.unique.replaces}
    is_had = uniques.c.expires_at.is_(None) | (uniques.c.expires_at > now)
    had = select(uniques.c.key, uniques.c.job).where(uniques.c.key.in_(list(by_key)), is_had)
    reasons = {
        JobId(row.job): f"replaced by job {by_key[row.key]}" for row in connection.execute(had)
    }
    own = {each.id for each in wanted}
    jobs.call_off(
        connection, now, {job: why for job, why in reasons.items() if job not in own}, windows=True
    )


def _store(connection: Connection, now: datetime, wanted: Sequence[NewJob]) -> dict[JobId, JobId]:
    if connection.dialect.name == "postgresql":
        from onbeat.store.postgres import enqueueing as texts  # noqa: PLC0415 - one engine is loaded

        asked = {"jobs": encode_jobs(wanted, to_micros), "now": now}
        row = connection.execute(text(texts.enqueue_statement(wanted)), asked).one()
        return decode_refused(row[1]) if len(row) > 1 else {}
    from onbeat.store.sqlite import enqueueing  # noqa: PLC0415 - as above

    return enqueueing.send(connection.exec_driver_sql, enqueueing.prepare(wanted), to_micros(now))
