"""A breaker that opens spares the attempts of jobs that workers had claimed before."""

from __future__ import annotations

from onbeat import Breaker, JobFilter, Onbeat, Retry, State
from onbeat.domain.events import BreakerOpened
from tests.waiting import wait_for

BANK = Breaker("bank", threshold=3, open_for="1h")
JOBS = 500
SLOTS = 10
"""As many as a worker runs at once unless it is told otherwise."""


async def failed(ob: Onbeat) -> int:
    """How many jobs have spent their attempt."""
    return len(await ob.jobs.list(JobFilter(state=State.FAILED, limit=JOBS)))


async def wait_until_all_wait(ob: Onbeat) -> None:
    """Until every job has either failed or waits for the breaker."""

    async def look() -> bool:
        waiting = await ob.jobs.list(JobFilter(state=State.BLOCKED, limit=JOBS))
        return len(waiting) + await failed(ob) == JOBS

    await wait_for(look, 30, "that all jobs wait for the breaker")


async def test_of_jobs_that_fail_at_once_no_more_spend_an_attempt_than_ran_when_it_opened(
    ob: Onbeat,
) -> None:
    @ob.task(breakers=BANK, retry=Retry(1))
    async def pay(number: int) -> None:
        raise ConnectionError("the bank is down")

    await ob.enqueue_many([pay.bind(number) for number in range(JOBS)])
    async with ob.running():
        await wait_until_all_wait(ob)

    assert BANK.threshold <= await failed(ob) <= BANK.threshold + SLOTS


async def test_an_opening_is_told_once(ob: Onbeat) -> None:
    heard: list[object] = []

    @ob.task(breakers=BANK, retry=Retry(1))
    async def pay(number: int) -> None:
        raise ConnectionError("the bank is down")

    await ob.enqueue_many([pay.bind(number) for number in range(JOBS)])
    async with ob.running(emit=heard.append):
        await wait_until_all_wait(ob)

    assert [type(each) for each in heard].count(BreakerOpened) == 1


async def test_jobs_that_were_kept_back_run_when_it_is_closed(ob: Onbeat) -> None:
    is_down = True

    @ob.task(breakers=BANK, retry=Retry(1))
    async def pay(number: int) -> None:
        if is_down:
            raise ConnectionError("the bank is down")

    await ob.enqueue_many([pay.bind(number) for number in range(JOBS)])
    async with ob.running():
        await wait_until_all_wait(ob)
        is_down, left = False, JOBS - await failed(ob)
        await ob.breakers.close("bank", "ann")

        async def look() -> bool:
            done = await ob.jobs.list(JobFilter(state=State.COMPLETED, limit=JOBS))
            return len(done) == left

        await wait_for(look, 30, "that the rest is done")
