"""`drain` runs all that is pending, and says what is wrong instead of waiting for ever."""

from __future__ import annotations

import asyncio
import threading

import pytest

from onbeat import Cancel, Onbeat, Retry, Run, Settings, State
from onbeat.testing.errors import JobHangs, KitError
from onbeat.testing.opening import Kits
from tests.testing.conftest import PRODUCTION, BankDown, Shop


def app() -> Onbeat:
    return Onbeat(PRODUCTION, settings=Settings())


async def test_nothing_runs_before_the_test_says_so(onbeat_kit: Kits, shop: Shop) -> None:
    async with onbeat_kit(shop.ob) as kit:
        job = await shop.ob.jobs.enqueue("charge", '{"order": 1}')
        for _ in range(50):
            await asyncio.sleep(0)
        assert [each.state for each in kit.jobs("charge")] == [State.PENDING]

        await kit.drain()

        assert kit.run_of(job).job.state is State.COMPLETED
        assert await job.result() == 1


async def test_what_a_job_asks_for_is_run_too(onbeat_kit: Kits) -> None:
    ob = app()

    @ob.task
    def leaf() -> None: ...

    @ob.task
    async def branch(depth: int) -> None:
        await (branch.enqueue(depth - 1) if depth else leaf.enqueue())

    async with onbeat_kit(ob) as kit:
        await branch.enqueue(3)
        began = kit.now
        await kit.drain()

        assert len(kit.jobs("branch", "completed")) == 4
        assert len(kit.jobs("leaf", "completed")) == 1
        assert kit.now == began


async def test_a_job_may_wait_for_the_result_of_another(onbeat_kit: Kits) -> None:
    ob = app()

    @ob.task
    async def part(number: int) -> int:
        return number * 2

    @ob.task
    async def whole() -> int:
        jobs = [await part.enqueue(number) for number in range(3)]
        return sum([await job.result() for job in jobs])

    async with onbeat_kit(ob) as kit:
        job = await whole.enqueue()
        await kit.drain()

        assert await job.result() == 6


async def test_many_jobs_are_run_by_as_many_slots_as_there_are(onbeat_kit: Kits) -> None:
    ob, at_once, most = app(), 0, 0

    @ob.task
    async def step(number: int) -> None:
        nonlocal at_once, most
        at_once += 1
        most = max(most, at_once)
        await asyncio.sleep(0)
        at_once -= 1

    async with onbeat_kit(ob, slots=4) as kit:
        await ob.enqueue_many([step.bind(number) for number in range(500)])
        await kit.drain()

        assert len(kit.jobs(step, "completed")) == 500
    assert most == 4


async def test_a_failure_is_on_record_and_not_raised(onbeat_kit: Kits, shop: Shop) -> None:
    shop.failures_left = 1
    async with onbeat_kit(shop.ob) as kit:
        job = await shop.ob.jobs.enqueue("charge", '{"order": 7}')
        await kit.drain()

        run = kit.run_of(job)
        assert run.outcomes == ["failed"]
        assert run.error is not None
        assert "BankDown: order 7" in run.error
        assert 'raise BankDown(f"order {order}")' in run.error


@pytest.mark.parametrize("kind", ["coroutine", "thread"])
async def test_a_failure_is_raised_as_it_was_where_the_test_wants_it(
    onbeat_kit: Kits, kind: str
) -> None:
    ob = app()

    async def in_coroutine() -> None:
        raise BankDown("closed")

    def in_thread() -> None:
        raise BankDown("closed")

    options = ob.task(name="pay", retry=Retry(1))
    task = options(in_coroutine) if kind == "coroutine" else options(in_thread)
    async with onbeat_kit(ob) as kit:
        await task.enqueue()
        with pytest.raises(BankDown, match="closed") as raised:
            await kit.drain(raises=True)

        assert raised.value.__notes__ == ["raised by a job of task 'pay', attempt 1"]
        await kit.drain(raises=True)


async def test_a_job_that_snoozes_or_is_cancelled_has_not_failed(onbeat_kit: Kits) -> None:
    ob = app()

    @ob.task
    def rest(run: Run) -> None:
        run.snooze("1h")

    @ob.task
    def give_up() -> None:
        raise Cancel("not needed")

    async with onbeat_kit(ob) as kit:
        await rest.enqueue()
        await give_up.enqueue()
        await kit.drain(raises=True)

        assert kit.jobs(give_up)[0].state is State.CANCELLED


async def test_a_job_that_hangs_is_named_after_a_while_of_real_time(onbeat_kit: Kits) -> None:
    ob, never = app(), asyncio.Event()

    @ob.task
    async def wait_for_ever() -> None:
        await never.wait()

    async with onbeat_kit(ob, patience="100ms") as kit:
        job = await wait_for_ever.enqueue()
        with pytest.raises(JobHangs, match=f"job {job.id} of task 'wait_for_ever', attempt 1"):
            await kit.drain()


async def test_a_thread_that_hangs_is_named_and_its_kit_closes_all_the_same(
    onbeat_kit: Kits,
) -> None:
    ob, go_on = app(), threading.Event()

    @ob.task
    def wait_for_ever() -> None:
        go_on.wait()

    async with onbeat_kit(ob, patience="100ms") as kit:
        await wait_for_ever.enqueue()
        with pytest.raises(JobHangs, match="wait_for_ever"):
            await kit.drain()
    go_on.set()


async def test_a_job_that_waits_in_real_time_is_waited_for(onbeat_kit: Kits) -> None:
    ob, loop = app(), asyncio.get_running_loop()

    @ob.task
    async def wait() -> str:
        over = loop.create_future()
        loop.call_later(0.05, over.set_result, "over")
        result: str = await over
        return result

    async with onbeat_kit(ob) as kit:
        job = await wait.enqueue()
        began = kit.now
        await kit.drain()

        assert await job.result() == "over"
        assert kit.now == began


async def test_a_timeout_holds_for_what_hangs_in_real_time_too(onbeat_kit: Kits) -> None:
    ob, never = app(), asyncio.Event()

    @ob.task(timeout="100ms", retry=Retry(1))
    async def wait_for_ever() -> None:
        await never.wait()

    async with onbeat_kit(ob) as kit:
        job = await wait_for_ever.enqueue()
        await kit.drain()

        assert kit.run_of(job).outcomes == ["timed out"]


async def test_to_wait_for_what_cannot_come_is_an_error_and_no_hang(
    onbeat_kit: Kits, shop: Shop
) -> None:
    async with onbeat_kit(shop.ob):
        job = await shop.ob.jobs.enqueue("charge", '{"order": 1}')
        with pytest.raises(KitError, match="nothing runs while the test itself does"):
            await job.result()


async def test_jobs_of_a_queue_that_is_not_served_are_told_of(onbeat_kit: Kits, shop: Shop) -> None:
    async with onbeat_kit(shop.ob, queues=["default"]) as kit:
        task = shop.ob.task(name="bulk", queue="bulk")(_nothing)
        await task.enqueue()
        with pytest.raises(KitError, match=r"'bulk' \(1\); it serves default"):
            await kit.drain()


async def test_the_queues_of_all_tasks_are_served(onbeat_kit: Kits, shop: Shop) -> None:
    task = shop.ob.task(name="bulk", queue="bulk")(_nothing)
    async with onbeat_kit(shop.ob) as kit:
        await task.enqueue()
        await kit.drain()

        assert kit.jobs(queue="bulk")[0].state is State.COMPLETED


async def test_a_paused_queue_is_left_alone(onbeat_kit: Kits, shop: Shop) -> None:
    async with onbeat_kit(shop.ob) as kit:
        await shop.ob.queues.pause("default", "me")
        await shop.ob.jobs.enqueue("charge", '{"order": 1}')
        await kit.drain()
        assert kit.jobs("charge")[0].state is State.PENDING

        await shop.ob.queues.resume("default")
        await kit.drain()
        assert kit.jobs("charge")[0].state is State.COMPLETED


async def test_what_was_told_is_there_after_a_drain(onbeat_kit: Kits) -> None:
    ob = app()

    @ob.task
    def talk(run: Run) -> None:
        for number in range(3):
            run.log.info(f"line {number}")
        run.progress(0.5, "half")

    async with onbeat_kit(ob) as kit:
        jobs = [await talk.enqueue() for _ in range(3)]
        await kit.drain()

        assert [kit.run_of(job).log for job in jobs] == [["line 0", "line 1", "line 2"]] * 3


def _nothing() -> None: ...
