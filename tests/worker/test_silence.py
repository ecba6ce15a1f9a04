"""A worker that hears nothing of its session claims nothing, and keeps what it runs."""

from __future__ import annotations

import asyncio

from onbeat.domain.events import ServiceChanged
from onbeat.domain.services import Status
from onbeat.domain.states import State
from tests.runtime.flaky import FlakyStore
from tests.waiting import wait_for
from tests.worker.workshop import DEADLINE, SHORT, Workshop


async def until_told(shop: Workshop, status: Status) -> None:
    """Wait until the worker says that of its heart."""

    async def look() -> bool:
        return any(
            isinstance(each, ServiceChanged) and (each.service, each.status) == ("heart", status)
            for each in shop.events
        )

    await wait_for(look, DEADLINE, f"heart {status}")


async def test_a_silent_heart_holds_the_claims_until_it_is_heard_and_ends_no_job(
    shop: Workshop,
) -> None:
    gate = asyncio.Event()

    async def wait_at_the_gate() -> str:
        await gate.wait()
        return "through"

    flaky = FlakyStore(shop.store)
    shop.store = flaky
    task = shop.task(wait_at_the_gate)
    async with shop.working(rescue_after=4 * SHORT) as worker:
        first = await shop.enqueue(task)
        await shop.stands(first, State.RUNNING)
        flaky.failing["heartbeat"] = 10_000
        await until_told(shop, Status.ERROR)
        claims = flaky.calls["claim"]
        second = await shop.enqueue(task)
        await asyncio.wait([asyncio.ensure_future(asyncio.Event().wait())], timeout=0.3)
        held = (await shop.show(second)).state, flaky.calls["claim"] - claims
        hindered = worker.hindrance
        flaky.failing["heartbeat"] = 0
        await until_told(shop, Status.RUNNING)
        await shop.stands(second, State.RUNNING)
        gate.set()

        assert (held, await shop.result(first)) == ((State.PENDING, 0), '"through"')
        assert hindered == "it claims nothing while no pulse is heard"
        assert worker.hindrance is None
