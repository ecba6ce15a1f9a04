"""A stream's holder takes over what was given to a process that stands still, also afterwards."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from redis.asyncio import Redis

from onbeat.sources.connector import Connector
from onbeat.sources.redis_stream import CONSUMER, RedisGroup
from tests.servers.redis import RedisServer

GROUP = "onbeat:orders"
MINUTE = 60_000
"""Milliseconds."""


@pytest.fixture
async def holder(server: RedisServer) -> AsyncIterator[RedisGroup]:
    """Who reads the stream, and looks at each turn for what nobody took."""
    holder = RedisGroup(server.url, ["orders"], GROUP, "0", look_every=0.0)
    yield holder
    await holder.close()


async def _give(redis: Redis, *, idle: int) -> str:
    """Have a message given to a process that then stands still for so many milliseconds; where it
    stands.
    """
    await redis.xadd("orders", {"data": "{}"})
    given: Any = await redis.xreadgroup(GROUP, CONSUMER, {"orders": ">"})
    [(place, _)] = given[0][1]
    await redis.xclaim("orders", GROUP, CONSUMER, 0, [place], idle=idle)
    return str(place.decode())


async def _received(holder: Connector) -> list[str]:
    """Where what comes next stands."""
    return [each.place or "" for each in await holder.receive()]


async def test_what_a_process_was_given_after_another_listens_is_taken_within_a_minute_or_two(
    holder: RedisGroup, redis: Redis
) -> None:
    await holder.connect()
    await holder.receive()  # all that was given before
    left = await _give(redis, idle=MINUTE + 1)

    assert await _received(holder) == [left]


async def test_what_another_may_still_be_at_is_left_to_it(holder: RedisGroup, redis: Redis) -> None:
    await holder.connect()
    await holder.receive()
    await _give(redis, idle=MINUTE // 2)
    added: Any = await redis.xadd("orders", {"data": "{}"})

    assert await _received(holder) == [added.decode()]


async def test_what_it_has_itself_and_has_not_done_for_long_does_not_come_again(
    holder: RedisGroup, redis: Redis
) -> None:
    await redis.xgroup_create("orders", GROUP, id="0", mkstream=True)
    await redis.xadd("orders", {"data": "{}"})
    await holder.connect()
    [mine] = await holder.receive()
    await redis.xclaim("orders", GROUP, CONSUMER, 0, [mine.place or ""], idle=MINUTE + 1)
    added: Any = await redis.xadd("orders", {"data": "{}"})
    following = await _received(holder)
    await holder.took([mine])
    left: Any = await redis.xpending("orders", GROUP)

    assert following == [added.decode()]
    assert left["pending"] == 1
