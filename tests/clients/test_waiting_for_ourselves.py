"""What waits for our own rate or connections is no failure of the API, and hears of one."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from aiohttp import web

from onbeat import ApiClient, Breaker, CallError, CallFailed, CallHeldBack, Onbeat, Retry
from tests.clients.breakers import opened
from tests.outbound.receivers import Answering, Receiver, always, receiving
from tests.waiting import wait_for

SHUT = Breaker("game-api", threshold=1, open_for="1h")


def client(ob: Onbeat, receiver: Receiver, **options: Any) -> ApiClient:
    options = {"retry": Retry(1), "breaker": SHUT, **options}
    return ob.client("game-api", url=receiver.url(path=""), **options)


def once(gate: asyncio.Event, status: int) -> Answering:
    """Answer when the gate is open."""

    async def answer(_: web.Request) -> web.StreamResponse:
        await gate.wait()
        return web.Response(status=status)

    return answer


async def until_one_came(receiver: Receiver) -> None:
    async def has_come() -> bool:
        return len(receiver.came) == 1

    await wait_for(has_come)


async def tried(api: ApiClient) -> type[BaseException] | None:
    try:
        await api.get("/")
    except (CallError, CallHeldBack) as error:
        return type(error)
    return None


async def test_what_waited_for_the_rate_is_held_back_where_the_breaker_opened_meanwhile(
    ob: Onbeat,
) -> None:
    async with receiving(always(500)) as receiver:
        api = client(ob, receiver, rate="2/s", burst=1)

        came = await asyncio.gather(*(tried(api) for _ in range(3)))

        assert sorted(each.__name__ for each in came if each) == [
            "CallFailed", "CallHeldBack", "CallHeldBack",
        ]  # fmt: skip
        assert len(receiver.came) == 1


async def test_what_waited_for_a_connection_is_held_back_where_the_breaker_opened_meanwhile(
    ob: Onbeat,
) -> None:
    gate = asyncio.Event()
    async with receiving(once(gate, 500)) as receiver:
        api = client(ob, receiver, most_connections=1)
        first = asyncio.create_task(tried(api))
        await until_one_came(receiver)
        others = [asyncio.create_task(tried(api)) for _ in range(3)]
        gate.set()

        assert await first is CallFailed
        assert {await each for each in others} == {CallHeldBack}
        assert len(receiver.came) == 1


async def test_to_have_no_connection_free_is_no_failure_of_the_api(ob: Onbeat) -> None:
    gate = asyncio.Event()
    async with receiving(once(gate, 200)) as receiver:
        api = client(ob, receiver, most_connections=1)
        first = asyncio.create_task(tried(api))
        await until_one_came(receiver)

        with pytest.raises(CallHeldBack, match="all 1 connections"):
            await api.get("/", timeout="50ms")

        gate.set()
        assert await first is None
        assert await opened(ob) == []
        assert await tried(api) is None
