"""A claim loses no job, whatever it cannot see of it at that moment."""

from __future__ import annotations

from sqlalchemy import delete

from onbeat.domain.states import Place
from onbeat.store.schema import jobs
from onbeat.store.store import Store
from tests.contract import world


async def test_a_job_that_cannot_be_leased_stays_in_the_line(store: Store) -> None:
    # For the length of one statement the book's row is out of sight while PostgreSQL moves it to
    # its partition: of 1,000 jobs claimed meanwhile 66 were once taken out of the line for good.
    session = await world.begin(store)
    job = await world.enqueue(store)
    await store.write(
        lambda connection, _: connection.execute(delete(jobs).where(jobs.c.id == job))
    )

    claimed = await store.claim(session.id, ["default"], 10)

    assert (claimed, await world.places(store, job)) == ([], [Place.READY])
