"""A job under which a worker has died begins only once that is on record."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, select

from onbeat.domain.jobs import ClaimedJob, JobId
from onbeat.domain.states import State
from onbeat.runtime.maintenance import rescue
from onbeat.runtime.run import Run
from onbeat.store import workers
from onbeat.store.schema import leases
from onbeat.store.store import Store
from tests.contract import world
from tests.runtime.flaky import FlakyStore
from tests.worker.workshop import Workshop


async def lose(store: Store, job: JobId) -> None:
    """Claim the job and die."""
    session = await world.begin(store)
    claimed = await world.claim_one(store, session)
    assert claimed.id == job
    await store.write(lambda connection, now: workers.end(connection, now, session.id))
    await rescue(store)


class FailingOnce(FlakyStore):
    """Takes no write after the first claim that brought something, once."""

    async def claim(
        self, session: str, queues: Sequence[str], limit: int, *, far: bool = True
    ) -> list[ClaimedJob]:
        """Pass on."""
        claimed = await super().claim(session, queues, limit, far=far)
        if claimed and self.calls["claims that brought something"] == 0:
            self.calls["claims that brought something"] = self.failing["write"] = 1
        return claimed


def begun_at(connection: Connection, job: str) -> datetime | None:
    moment: datetime | None = connection.scalar(
        select(leases.c.begun_at).where(leases.c.job == job)
    )
    return moment


async def test_when_it_runs_it_is_on_record_that_it_began(shop: Workshop) -> None:
    seen: list[datetime | None] = []

    async def look(run: Run) -> None:
        seen.append(await shop.store.read(lambda connection, _: begun_at(connection, run.job)))

    job = await shop.enqueue(shop.task(look))
    await lose(shop.store, job)

    async with shop.working():
        await shop.ended(job)

    assert len(seen) == 1
    assert seen[0] is not None


async def test_a_job_that_was_never_lost_is_not_put_on_record(shop: Workshop) -> None:
    seen: list[datetime | None] = []

    async def look(run: Run) -> None:
        seen.append(await shop.store.read(lambda connection, _: begun_at(connection, run.job)))

    async with shop.working():
        await shop.ended(await shop.enqueue(shop.task(look)))

    assert seen == [None]


async def test_it_is_given_back_unbegun_when_that_cannot_be_put_on_record(
    shop: Workshop,
) -> None:
    begun = 0

    async def count() -> None:
        nonlocal begun
        begun += 1

    job = await shop.enqueue(shop.task(count))
    await lose(shop.store, job)
    shop.store = FailingOnce(shop.store)

    async with shop.working():
        ended = await shop.ended(job)

    assert (ended.state, begun) == (State.COMPLETED, 1)
    outcomes = [(each.outcome, each.reason) for each in await shop.attempts(job)]
    assert outcomes[1:-1] == [("interrupted", "not begun: that could not be put on record")]
