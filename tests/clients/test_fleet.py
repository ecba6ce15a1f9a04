"""A client's breaker and rate are one for the fleet, whoever asks."""

from __future__ import annotations

import asyncio
import time
from datetime import timedelta
from typing import Any

import pytest
from aiohttp import web

from onbeat import (
    ApiAnswer,
    ApiClient,
    Breaker,
    CallError,
    CallFailed,
    CallHeldBack,
    CallRefused,
    InvalidTask,
    Onbeat,
    Retry,
)
from onbeat.domain.breakers import BreakerState
from onbeat.domain.events import BreakerClosed, BreakerOpened
from tests.outbound.receivers import Receiver, always, in_turn, receiving, saying, well
from tests.waiting import wait_for

ONCE = Retry(1)
SHUT = Breaker("game-api", threshold=3, open_for="1h")
BRIEF = Breaker("game-api", threshold=3, open_for="50ms")


def client(ob: Onbeat, receiver: Receiver, **options: Any) -> ApiClient:
    options = {"retry": ONCE, "breaker": SHUT, **options}
    return ob.client("game-api", url=receiver.url(path=""), **options)


async def fail(api: ApiClient, times: int) -> None:
    for _ in range(times):
        with pytest.raises(CallFailed):
            await api.get("/")


async def test_after_so_many_failures_in_a_row_nobody_in_the_fleet_asks(
    ob: Onbeat, other: Onbeat
) -> None:
    async with receiving(always(500)) as receiver:
        await fail(client(ob, receiver), 2)
        there = client(other, receiver)
        await fail(there, 1)

        with pytest.raises(CallHeldBack, match=r"breaker game-api is open: .*500") as caught:
            await there.get("/")

        assert timedelta(minutes=59) < caught.value.delay <= timedelta(hours=1)
        assert len(receiver.came) == 3
        assert (await ob.breakers.find("game-api")).state is BreakerState.OPEN


async def test_a_success_between_failures_begins_the_count_anew(ob: Onbeat) -> None:
    no = always(500)
    async with receiving(in_turn(no, no, well, no, no)) as receiver:
        api = client(ob, receiver)
        await fail(api, 2)
        await api.get("/")
        await fail(api, 2)

        assert (await ob.breakers.find("game-api")).standing.counted == 2


async def test_an_answer_that_refuses_is_no_failure_of_the_api(ob: Onbeat) -> None:
    async with receiving(always(404)) as receiver:
        api = client(ob, receiver)
        for _ in range(5):
            with pytest.raises(CallRefused):
                await api.get("/")

        assert (await ob.breakers.find("game-api")).state is BreakerState.CLOSED


async def test_requests_made_again_within_a_call_are_counted_each(ob: Onbeat) -> None:
    async with receiving(always(503)) as receiver:
        api = client(ob, receiver, retry=Retry(9, base="1ms"))
        with pytest.raises(CallHeldBack):
            await api.get("/")

        assert len(receiver.came) == SHUT.threshold


async def test_one_that_is_closed_by_hand_lets_through_again(ob: Onbeat) -> None:
    no = always(500)
    async with receiving(in_turn(no, no, no, well)) as receiver:
        api = client(ob, receiver)
        await fail(api, 3)
        await ob.breakers.close("game-api", "ann")

        async def is_through() -> bool:
            try:
                return (await api.get("/")).status == 200
            except CallHeldBack:
                return False

        await wait_for(is_through)


async def test_when_it_is_half_open_no_more_try_at_once_than_it_lets(ob: Onbeat) -> None:
    gate, no = asyncio.Event(), always(500)

    async def wait(_: web.Request) -> web.StreamResponse:
        await gate.wait()
        return web.Response()

    async with receiving(in_turn(no, no, no, wait)) as receiver:
        heard: list[object] = []
        api = client(ob, receiver, breaker=BRIEF)
        async with ob.running(worker=False, scheduler=False, emit=heard.append):
            await fail(api, 3)

            async def is_half_open() -> bool:
                return (await ob.breakers.find("game-api")).state is BreakerState.HALF_OPEN

            await wait_for(is_half_open)
            trial = asyncio.create_task(trying(api))

            async def has_come() -> bool:
                return len(receiver.came) == 4

            await wait_for(has_come)
            with pytest.raises(CallHeldBack, match="half open, and others try"):
                await api.get("/")
            gate.set()
            await trial

        assert (await ob.breakers.find("game-api")).state is BreakerState.CLOSED
        turns = [each for each in heard if isinstance(each, BreakerOpened | BreakerClosed)]
        assert [type(each) for each in turns] == [BreakerOpened, BreakerClosed]


async def trying(api: ApiClient) -> ApiAnswer:
    """The answer of the first request that is let through."""
    found: list[ApiAnswer] = []

    async def is_through() -> bool:
        try:
            found.append(await api.get("/"))
        except CallHeldBack:
            return False
        return True

    await wait_for(is_through)
    return found[0]


async def test_a_trial_that_fails_opens_it_anew(ob: Onbeat) -> None:
    async with receiving(always(500)) as receiver:
        api = client(ob, receiver, breaker=BRIEF)
        await fail(api, 3)
        first = (await ob.breakers.find("game-api")).standing.opened_at

        async def has_opened_anew() -> bool:
            try:
                await api.get("/")
            except CallError:
                pass
            except CallHeldBack:
                return False
            return (await ob.breakers.find("game-api")).standing.opened_at != first

        await wait_for(has_opened_anew)
        assert len(receiver.came) == 4


async def test_without_a_breaker_everybody_asks(ob: Onbeat) -> None:
    async with receiving(always(500)) as receiver:
        await fail(client(ob, receiver, breaker=None), 9)

        assert await ob.breakers.list() == []


async def test_a_breaker_that_a_task_has_too_must_say_the_same(ob: Onbeat) -> None:
    @ob.task(breakers=Breaker("game-api", threshold=4))
    async def play() -> None: ...

    with pytest.raises(InvalidTask, match="declared twice and differs"):
        ob.client("game-api", url="http://127.0.0.1:9", breaker=SHUT)


async def test_no_more_begin_than_the_rate_lets_across_the_fleet(ob: Onbeat, other: Onbeat) -> None:
    async with receiving(saying(1)) as receiver:
        apis = [client(each, receiver, rate="20/s", burst=1) for each in (ob, other)]
        began = time.monotonic()

        await asyncio.gather(*(api.get("/") for api in apis for _ in range(5)))

        # What one has booked and the other has not yet heard of is a batch: of one request here.
        assert time.monotonic() - began >= 9 / 20 - 0.05
        assert len(receiver.came) == 10


async def test_after_a_rest_as_many_begin_at_once_as_the_rate_has(ob: Onbeat) -> None:
    async with receiving(saying(1)) as receiver:
        api = client(ob, receiver, rate="5/h")
        for _ in range(5):
            await api.get("/")

        with pytest.raises(CallHeldBack, match="so many requests wait") as caught:
            await api.get("/")

        assert timedelta(minutes=11) < caught.value.delay <= timedelta(minutes=12)
        assert len(receiver.came) == 5


async def test_a_client_that_is_held_back_by_its_rate_says_nothing_of_the_api(ob: Onbeat) -> None:
    async with receiving(saying(1)) as receiver:
        api = client(ob, receiver, rate="1/h")
        await api.get("/")
        for _ in range(SHUT.threshold):
            with pytest.raises(CallHeldBack, match="so many"):
                await api.get("/")

        assert (await ob.breakers.find("game-api")).state is BreakerState.CLOSED
