"""Claims whose answers were lost: their jobs are found and run, and nothing else is touched."""

from __future__ import annotations

import asyncio

import pytest

from onbeat.domain.events import AckRefused
from onbeat.domain.states import State
from onbeat.runtime.worker.strays import LATEST, LOOK_EVERY, Strays
from tests.contract import world
from tests.runtime.flaky import FlakyStore
from tests.timing import ManualTiming
from tests.worker.workshop import Workshop


async def test_jobs_of_a_claim_whose_answer_was_lost_are_run(shop: Workshop) -> None:
    async def work() -> str:
        return "done"

    shop.store = flaky = FlakyStore(shop.store)
    flaky.answers_lost["claim"] = 1
    task = shop.task(work)
    job = await shop.enqueue(task)

    async with shop.working():
        assert await shop.result(job) == '"done"'


async def test_a_lost_answer_costs_the_job_no_try_and_no_loss(shop: Workshop) -> None:
    async def work() -> None: ...

    shop.store = flaky = FlakyStore(shop.store)
    flaky.answers_lost["claim"] = 1
    task = shop.task(work)
    job = await shop.enqueue(task)

    async with shop.working():
        ended = await shop.ended(job)

    outcomes = [each.outcome for each in await shop.attempts(job)]
    assert (ended.attempt, outcomes) == (1, ["interrupted", "succeeded"])


async def test_what_runs_and_what_waits_here_is_left_alone(shop: Workshop) -> None:
    gate = asyncio.Event()

    async def wait_at_the_gate() -> None:
        await gate.wait()

    shop.store = flaky = FlakyStore(shop.store)
    task = shop.task(wait_at_the_gate)
    async with shop.working(slots=2):
        running = [await shop.enqueue(task) for _ in range(2)]
        for job in running:
            await shop.stands(job, State.RUNNING)
        reads = flaky.calls["read"]
        flaky.failing["claim"] = 1
        waiting = await shop.enqueue(task)
        gate.set()
        for job in [*running, waiting]:
            await shop.ended(job)

        outcomes = [[each.outcome for each in await shop.attempts(job)] for job in running]
        assert (outcomes, flaky.calls["read"] > reads) == ([["succeeded"]] * 2, True)
        assert not any(isinstance(each, AckRefused) for each in shop.events)


@pytest.fixture
def flaky(store: FlakyStore) -> FlakyStore:
    """The store in manual time, whose calls are counted."""
    return FlakyStore(store)


async def test_it_looks_until_no_claim_can_be_committed_any_more(
    flaky: FlakyStore, timing: ManualTiming
) -> None:
    strays = Strays(flaky, held=set, give_back=lambda ack: None)
    strays.suspect()
    session = (await world.begin(flaky)).id
    flaky.calls.clear()

    for _ in range(100):
        await strays.settle(session)
        timing.advance(seconds=1)

    assert flaky.calls["read"] == LATEST // LOOK_EVERY + 1


async def test_it_finds_a_claim_that_was_committed_late(
    flaky: FlakyStore, timing: ManualTiming
) -> None:
    found: list[int] = []
    strays = Strays(flaky, held=set, give_back=lambda ack: found.append(ack.token))
    session = await world.begin(flaky)
    strays.suspect()
    await strays.settle(session.id)

    late = await world.running(flaky, session)
    timing.advance(seconds=LATEST)
    await strays.settle(session.id)

    assert found == [late.token]


async def test_without_a_failed_claim_nothing_is_asked(flaky: FlakyStore) -> None:
    strays = Strays(flaky, held=set, give_back=lambda ack: None)
    session = (await world.begin(flaky)).id
    flaky.calls.clear()

    await strays.settle(session)

    assert not flaky.calls


async def test_a_claim_that_is_committed_while_all_slots_are_busy_is_found(shop: Workshop) -> None:
    gate = asyncio.Event()

    async def wait_at_the_gate() -> None:
        await gate.wait()

    shop.store = flaky = FlakyStore(shop.store)
    flaky.failing["claim"] = 1
    task = shop.task(wait_at_the_gate)
    async with shop.working(slots=1) as worker:
        await shop.stands(await shop.enqueue(task), State.RUNNING)
        late = await shop.enqueue(task, queue="late")
        assert worker.session is not None
        await flaky.inner.claim(worker.session.id, ["late"], 1)

        await shop.stands(late, State.PENDING)

        gate.set()
