"""A limit that a call alone names bounds its jobs, though no task declares it."""

from __future__ import annotations

import asyncio
from collections import Counter
from functools import partial
from typing import Any

import pytest
from sqlalchemy import create_engine
from sqlalchemy.orm import Session

from onbeat import InvalidInput, InvalidTask, Limit, Onbeat, Run, every, sqlite_engine
from tests.waiting import wait_for

VIP = Limit("vip", concurrency=1)


class Crowd:
    """Jobs that run until they may end."""

    def __init__(self, ob: Onbeat) -> None:
        self.may_end = asyncio.Event()

        @ob.task
        async def work(run: Run) -> None:
            await self.may_end.wait()

        self.task = work


async def stand(ob: Onbeat, **wanted: int) -> bool:
    """Whether so many jobs stand in each state."""
    return Counter(str(each.state) for each in await ob.jobs.list()) == wanted


async def enqueue(ob: Onbeat, crowd: Crowd) -> None:
    await ob.enqueue_many([crowd.task.opts(limits=VIP).bind() for _ in range(5)])


async def start(ob: Onbeat, crowd: Crowd) -> None:
    async with ob.workflow("flow") as flow:
        for _ in range(5):
            flow.add(crowd.task.bind().opts(limits=VIP))


@pytest.mark.parametrize("ask", [enqueue, start])
async def test_it_bounds_the_jobs_that_are_asked_for_with_it(ob: Onbeat, ask: Any) -> None:
    crowd = Crowd(ob)
    await ask(ob, crowd)

    [vip] = await ob.limits.list()
    assert (vip.name, vip.bounds.concurrency) == ("vip", 1)
    async with ob.running():
        await wait_for(partial(stand, ob, running=1, blocked=4))
        crowd.may_end.set()
        await wait_for(partial(stand, ob, completed=5))


async def test_a_schedule_brings_it_too(ob: Onbeat) -> None:
    call = Crowd(ob).task.opts(limits=VIP).bind()
    await ob.schedules.create("often", call, every("1h"))

    assert [each.name for each in await ob.limits.list()] == ["vip"]


async def test_what_was_set_by_hand_stays(ob: Onbeat) -> None:
    crowd = Crowd(ob)
    await crowd.task.opts(limits=VIP).enqueue()
    await ob.limits.set("vip", "ann", concurrency=7)
    ob._context.known_limits.clear()  # as another process begins

    await crowd.task.opts(limits=VIP).enqueue()

    assert (await ob.limits.find("vip")).bounds.concurrency == 7


async def test_one_that_says_something_else_than_the_code_is_refused(ob: Onbeat) -> None:
    crowd = Crowd(ob)

    @ob.task(limits=VIP)
    async def other() -> None: ...

    with pytest.raises(InvalidTask, match="limits: 'vip' is declared twice and differs"):
        await crowd.task.opts(limits=Limit("vip", concurrency=9)).enqueue()

    assert list(await ob.jobs.list()) == []


async def test_within_a_transaction_of_the_callers_it_must_be_declared(
    ob: Onbeat, database_url: str
) -> None:
    crowd = Crowd(ob)
    is_sqlite = database_url.startswith("sqlite")
    engine = sqlite_engine(database_url) if is_sqlite else create_engine(
        database_url.replace("postgresql://", "postgresql+psycopg://")
    )  # fmt: skip
    call = crowd.task.opts(limits=VIP).bind()
    with Session(engine) as session, session.begin():
        with pytest.raises(InvalidInput, match="limits: limit 'vip' is named by this call alone"):
            await ob.enqueue_many([call], within=session)

        @ob.task(limits=VIP)
        async def other() -> None: ...

        await ob.enqueue_many([call], within=session)
    engine.dispose()

    assert len(await ob.jobs.list()) == 1


async def test_a_job_with_a_tag_shares_the_slot_of_those_with_such_an_argument(ob: Onbeat) -> None:
    may_end = asyncio.Event()

    @ob.task(limits=Limit("tenant", concurrency=1, by="tenant"))
    async def charge(tenant: str) -> None:
        await may_end.wait()

    @ob.task
    async def refund() -> None:
        await may_end.wait()

    await charge.enqueue("acme")
    await charge.enqueue("umbrella")
    tagged = Limit("tenant", concurrency=1, key="acme")
    await refund.opts(limits=tagged).enqueue()

    async with ob.running():
        await wait_for(partial(stand, ob, running=2, blocked=1))
        slots = {slot.name: (slot.used, slot.waiting) for slot in await ob.limits.slots("tenant")}
        may_end.set()
        await wait_for(partial(stand, ob, completed=3))
    assert slots == {"tenant:acme": (1, 1), "tenant:umbrella": (1, 0)}
