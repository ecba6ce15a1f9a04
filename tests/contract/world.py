"""One worker, one operator and one caller on a store, in the words of the laws."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, select

from onbeat.domain.jobs import ClaimedJob, Job, JobId
from onbeat.domain.outcomes import Ack
from onbeat.domain.states import Place, State
from onbeat.domain.workers import Session
from onbeat.store import job_rows, jobs, workers
from onbeat.store.schema import attempts, metadata
from onbeat.store.store import Store
from tests import factories

TERM = timedelta(seconds=15)


async def find(store: Store, job: JobId) -> Job:
    """The job as people see it."""
    return await store.read(lambda connection, now: jobs.find(connection, now, job))


async def place(store: Store, job: JobId) -> Place:
    """The one table that holds the job."""
    return await store.read(lambda connection, _: jobs.place(connection, job))


async def places(store: Store, job: JobId) -> list[Place]:
    """Every table that holds the job: a law says that it is never more than one."""
    return await store.read(lambda connection, _: _places(connection, job))


def _places(connection: Connection, job: JobId) -> list[Place]:
    held = []
    for name, table in job_rows.PLACES.items():
        rows = connection.execute(select(table.c.job).where(table.c.job == job)).all()
        held += [name] * len(rows)
    return held


async def state(store: Store, job: JobId) -> State:
    """The state people see."""
    return (await find(store, job)).state


async def begin(store: Store, term: timedelta = TERM, **fields: Any) -> Session:
    """Put a worker's session on record."""
    session = factories.session(**fields)
    await store.write(lambda connection, now: workers.begin(connection, now, session, term))
    return session


async def claim_one(store: Store, session: Session, queue: str = "default") -> ClaimedJob:
    """Claim the next job; there must be one."""
    [claimed] = await store.claim(session.id, [queue], 1)
    return claimed


async def running(store: Store, session: Session | None = None, **fields: Any) -> ClaimedJob:
    """Enqueue a job and claim it."""
    session = session or await begin(store)
    wanted = factories.job(**fields)
    store_it = store.enqueue_with_conditions if wanted.has_conditions else store.enqueue
    await store_it([wanted])
    return await claim_one(store, session, wanted.queue)


async def enqueue(store: Store, **fields: Any) -> JobId:
    """Enqueue one job."""
    wanted = factories.job(**fields)
    await store.enqueue([wanted])
    return wanted.id


async def cancel(store: Store, job: JobId, reason: str = "by ann") -> State:
    """Call a job off."""
    return await store.write(lambda connection, now: jobs.cancel(connection, now, job, reason))


async def acked(store: Store, *acks: Ack) -> set[int]:
    """Send acks; the tokens that were applied."""
    return set(await store.ack(acks))


async def everything(store: Store) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of every table, in a comparable order."""
    return await store.read(dump)


def dump(connection: Connection, _: datetime) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of every table, in a comparable order."""
    return {
        table.name: sorted((tuple(row) for row in connection.execute(select(table))), key=str)
        for table in metadata.sorted_tables
    }


async def count_attempts(store: Store, job: JobId) -> int:
    """How many ended attempts are on record."""
    rows = await store.read(
        lambda connection, _: connection.execute(
            select(attempts.c.token).where(attempts.c.job == job)
        ).all()
    )
    return len(rows)


async def drain(store: Store, session: Session, queues: Sequence[str], limit: int) -> list[JobId]:
    """Claim until there is no more; the jobs in the order they were handed out."""
    taken: list[JobId] = []
    while claimed := await store.claim(session.id, queues, limit):
        taken += [each.id for each in claimed]
    return taken
