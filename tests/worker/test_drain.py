"""A worker that stops lets its jobs end, gives back the rest, and leaves nothing in its name."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from onbeat.domain.errors import StoreReadOnly
from onbeat.domain.events import AcksDropped
from onbeat.domain.states import State
from onbeat.runtime.run import Run
from tests.runtime.flaky import FlakyStore
from tests.waiting import wait_for
from tests.worker.workshop import SHORT, Workshop

NO_GRACE = timedelta()


async def test_running_jobs_end_within_the_grace_period(shop: Workshop) -> None:
    gate = asyncio.Event()

    async def wait_at_the_gate() -> str:
        await gate.wait()
        return "through"

    task = shop.task(wait_at_the_gate)
    async with shop.working() as worker:
        job = await shop.enqueue(task)
        await shop.stands(job, State.RUNNING)
        stopping = asyncio.create_task(worker.stop())
        while not worker.draining:
            await asyncio.wait([stopping], timeout=0)
        gate.set()
        await stopping

    [attempt] = await shop.attempts(job)
    assert (attempt.outcome, attempt.result) == ("succeeded", '"through"')


async def test_a_run_that_sees_its_worker_drain_can_stop_after_a_piece_of_its_work(
    shop: Workshop,
) -> None:
    seen: list[bool] = []

    async def work_in_pieces(run: Run) -> str:
        while not run.is_draining:
            seen.append(run.is_cancelled)
            await asyncio.wait([asyncio.ensure_future(asyncio.Event().wait())], timeout=0.01)
        return "the rest is for later"

    task = shop.task(work_in_pieces)
    async with shop.working(grace=timedelta(seconds=30)) as worker:
        job = await shop.enqueue(task)
        await wait_for(lambda: shop.show(job) if seen else asyncio.sleep(0))
        await worker.stop()

    [attempt] = await shop.attempts(job)
    assert (attempt.outcome, attempt.result) == ("succeeded", '"the rest is for later"')
    assert not any(seen)


async def test_jobs_past_the_grace_period_are_given_back_uncounted(shop: Workshop) -> None:
    async def never_end() -> None:
        await asyncio.Event().wait()

    task = shop.task(never_end)
    async with shop.working(grace=NO_GRACE):
        job = await shop.enqueue(task)
        await shop.stands(job, State.RUNNING)

    shown = await shop.show(job)
    [attempt] = await shop.attempts(job)
    assert (shown.state, shown.attempt, attempt.outcome) == (State.PENDING, 0, "interrupted")


async def test_a_job_that_checks_while_the_worker_stops_is_given_back_not_cancelled(
    shop: Workshop,
) -> None:
    async def check_when_cancelled(run: Run) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            run.check()

    task = shop.task(check_when_cancelled)
    async with shop.working(grace=NO_GRACE):
        job = await shop.enqueue(task)
        await shop.stands(job, State.RUNNING)

    assert (await shop.show(job)).state is State.PENDING


async def test_jobs_that_were_fetched_but_not_begun_are_released(shop: Workshop) -> None:
    begun = []
    gate = asyncio.Event()

    async def begin() -> None:
        begun.append(1)
        await gate.wait()

    task = shop.task(begin)
    async with shop.working(slots=1) as worker:
        first = await shop.enqueue(task)
        await shop.stands(first, State.RUNNING)
        waiting = await shop.enqueue(task)
        assert worker.session is not None
        worker._buffer.put(await shop.store.claim(worker.session.id, ["default"], 10))
        stopping = asyncio.create_task(worker.stop())
        await shop.stands(waiting, State.PENDING)
        gate.set()
        await stopping

    shown = await shop.show(waiting)
    assert (len(begun), shown.state, shown.attempt) == (1, State.PENDING, 0)


async def test_nothing_is_left_in_its_name(shop: Workshop) -> None:
    async def never_end() -> None:
        await asyncio.Event().wait()

    task = shop.task(never_end)
    async with shop.working(grace=NO_GRACE, slots=2):
        jobs = [await shop.enqueue(task) for _ in range(5)]
        await shop.stands(jobs[0], State.RUNNING)

    assert (await shop.leases(), await shop.sessions()) == ([], [])


async def test_while_it_drains_its_session_says_so(shop: Workshop) -> None:
    gate = asyncio.Event()

    async def wait_at_the_gate() -> None:
        await gate.wait()

    task = shop.task(wait_at_the_gate)
    async with shop.working() as worker:
        job = await shop.enqueue(task)
        await shop.stands(job, State.RUNNING)
        stopping = asyncio.create_task(worker.stop())
        while not (shown := await shop.sessions())[0].draining:
            assert not stopping.done()
        gate.set()
        await stopping

    assert shown[0].running == 1


async def test_a_stopped_worker_can_be_started_again(shop: Workshop) -> None:
    async def answer() -> int:
        return 42

    task = shop.task(answer)
    worker = shop.worker()
    for _ in range(2):
        await worker.start()
        result = await shop.result(await shop.enqueue(task))
        await worker.stop()

    assert result == "42"


async def test_the_last_acks_are_stored_though_the_store_is_away_for_a_moment(
    shop: Workshop,
) -> None:
    flaky = FlakyStore(shop.store)
    shop.store = flaky
    gate = asyncio.Event()

    async def wait_at_the_gate() -> int:
        await gate.wait()
        flaky.failing["ack"] = 1
        return 42

    task = shop.task(wait_at_the_gate)
    async with shop.working() as worker:
        job = await shop.enqueue(task)
        await shop.stands(job, State.RUNNING)
        stopping = asyncio.create_task(worker.stop())
        gate.set()
        await stopping

    assert (await shop.show(job)).state is State.COMPLETED


async def test_it_takes_no_job_after_it_was_told_to_stop(shop: Workshop) -> None:
    async def answer() -> int:
        return 42

    task = shop.task(answer)
    async with shop.working() as worker:
        await worker.stop()
        job = await shop.enqueue(task)

    assert (await shop.show(job)).state is State.PENDING


async def test_outcomes_the_store_did_not_take_before_the_end_are_told_of(shop: Workshop) -> None:
    async def work() -> None: ...

    shop.store = flaky = FlakyStore(shop.store)
    task = shop.task(work)
    flaky.failing["ack"] = 1_000
    async with shop.working(grace=SHORT, settle=SHORT):
        await shop.enqueue(task)
        await wait_for(lambda: _called(flaky, "ack"))

    assert [each.count for each in shop.events if isinstance(each, AcksDropped)] == [1]


async def test_what_the_store_says_of_a_courtesy_does_not_cut_the_drain_short(
    shop: Workshop,
) -> None:
    """As a server that takes no writes for a while, in a failover."""
    gate = asyncio.Event()

    async def wait_at_the_gate() -> str:
        await gate.wait()
        return "through"

    shop.store = flaky = FlakyStore(shop.store)
    task = shop.task(wait_at_the_gate)
    async with shop.working(grace=timedelta(seconds=10)) as worker:
        job = await shop.enqueue(task)
        await shop.stands(job, State.RUNNING)
        flaky.failure, flaky.failing["write"] = StoreReadOnly("a failover is under way"), 1
        stopping = asyncio.create_task(worker.stop())
        await wait_for(lambda: _called(flaky, "write", left=0))
        gate.set()
        await stopping

        assert (await shop.show(job)).state is State.COMPLETED


async def _called(flaky: FlakyStore, name: str, left: int | None = None) -> bool:
    if left is not None:
        return flaky.failing[name] == left
    return flaky.calls[name] > 0
