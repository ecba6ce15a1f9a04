"""A worker that has lost its session ends its jobs, begins another, and goes on."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from sqlalchemy import delete

from onbeat.domain.events import AckRefused, SessionLost
from onbeat.domain.outcomes import Lost, decide
from onbeat.domain.retries import Retry
from onbeat.domain.states import State
from onbeat.store import workers
from onbeat.store.schema import leases
from onbeat.store.store import Store
from tests.runtime.flaky import FlakyStore
from tests.worker.workshop import DEADLINE, Workshop


async def test_a_worker_whose_session_is_lost_ends_its_jobs(shop: Workshop) -> None:
    ended = asyncio.Event()

    async def never_end() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    task = shop.task(never_end)
    async with shop.working() as worker:
        job = await shop.enqueue(task)
        await shop.stands(job, State.RUNNING)
        await _lose(shop, worker.session.id if worker.session else "")

        async with asyncio.timeout(DEADLINE):
            await ended.wait()
        await shop.heard(SessionLost)


async def test_the_late_ack_of_a_lost_job_is_refused_and_told(shop: Workshop) -> None:
    gate = asyncio.Event()

    async def wait_at_the_gate() -> None:
        await gate.wait()

    task = shop.task(wait_at_the_gate)
    async with shop.working(heartbeat=timedelta(seconds=5)):
        job = await shop.enqueue(task)
        await shop.stands(job, State.RUNNING)
        await shop.store.write(
            lambda connection, _: connection.execute(delete(leases).where(leases.c.job == job))
        )
        gate.set()

        await shop.heard(AckRefused)
    assert await shop.attempts(job) == []


async def test_a_worker_whose_session_is_lost_begins_another_and_goes_on(shop: Workshop) -> None:
    async def answer() -> int:
        return 42

    task = shop.task(answer)
    async with shop.working() as worker:
        first = worker.session.id if worker.session else ""
        await _lose(shop, first)
        await shop.heard(SessionLost)

        assert await shop.result(await shop.enqueue(task)) == "42"
        assert [each.id for each in await shop.sessions()] != [first]


async def test_a_new_session_is_begun_though_the_store_is_away_for_a_moment(
    shop: Workshop,
) -> None:
    async def answer() -> int:
        return 42

    flaky = FlakyStore(shop.store)
    shop.store = flaky
    task = shop.task(answer)
    async with shop.working() as worker:
        flaky.failing["write"] = 2
        await _lose(shop, worker.session.id if worker.session else "", flaky.inner)
        await shop.heard(SessionLost)

        assert await shop.result(await shop.enqueue(task)) == "42"


async def test_a_worker_that_stops_while_it_has_no_session_stops_cleanly(shop: Workshop) -> None:
    flaky = FlakyStore(shop.store)
    shop.store = flaky
    async with shop.working() as worker:
        flaky.failing["write"] = 1_000
        await _lose(shop, worker.session.id if worker.session else "", flaky.inner)
        await shop.heard(SessionLost)

    others = [task for task in asyncio.all_tasks() if task.get_name().startswith("onbeat-")]
    assert (others, await shop.sessions()) == ([], [])


async def _lose(shop: Workshop, session: str, store: Store | None = None) -> None:
    """End the session and give away what it holds, as a rescuer would."""
    store = store or shop.store
    held = [each.id for each in await shop.leases()]
    await _end_session(store, session)
    lost = await store.read(lambda connection, now: workers.lost_leases(connection, now, 10))
    assert {each.job for each in lost} <= set(held)
    await store.ack(
        [
            decide(
                Lost(3), token=each.token, attempt=each.attempt, max_attempts=1, retry=Retry(),
                randomness=_Even(),
            )
            for each in lost
        ]
    )  # fmt: skip


class _Even:
    def random(self) -> float:
        return 0.5


async def _end_session(store: Store, session: str) -> None:
    await store.write(lambda connection, now: workers.end(connection, now, session))
