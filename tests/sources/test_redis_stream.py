"""Redis streams: each message is taken, however often it comes, and makes one job."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis

from onbeat import InvalidInput, Onbeat, Settings, every
from onbeat.domain.events import Event, SourceConnected
from onbeat.domain.sources.messages import Pattern
from onbeat.sources import Advance, Enqueue, RedisStream, Trigger, field
from tests.servers.redis import RedisServer, launch
from tests.sources.listening import (
    args_of,
    connected,
    cut,
    jobs_of,
    listening,
    set_aside,
    stands_at,
)
from tests.sources.load import Load
from tests.waiting import wait_for

START = datetime(2030, 1, 1, tzinfo=UTC)
GROUP = "onbeat:orders"


def orders(ob: Onbeat, url: str) -> None:
    """Orders that are to be settled."""

    @ob.task
    def settle(order: int) -> None: ...

    source = ob.source(RedisStream(name="orders", url=url))
    source.on("orders", Enqueue(settle, args={"order": field("data.id")}))


async def add(redis: Redis, number: int) -> Any:
    return await redis.xadd("orders", {"data": f'{{"id": {number}}}'})


async def pending(redis: Redis) -> int:
    """Messages that were given to somebody who has not said that they were taken."""
    return int((await redis.xpending("orders", GROUP))["pending"])


async def test_what_was_added_before_and_while_it_listens_makes_one_job_each(
    ob: Onbeat, server: RedisServer, redis: Redis
) -> None:
    orders(ob, server.url)
    await add(redis, 1)
    async with listening(ob, "orders"):
        await jobs_of(ob, 1)
        await add(redis, 2)
        made = await jobs_of(ob, 2)

        async def all_are_taken() -> bool:
            return await pending(redis) == 0

        await wait_for(all_are_taken)

    assert made == [{"order": 1}, {"order": 2}]


async def test_what_was_added_while_nobody_listened_is_not_lost(
    ob: Onbeat, server: RedisServer, redis: Redis
) -> None:
    orders(ob, server.url)
    async with listening(ob, "orders"):
        await add(redis, 1)
        await jobs_of(ob, 1)
    for number in range(2, 1202):
        await add(redis, number)
    async with listening(ob, "orders"):
        made = await jobs_of(ob, 1201)

    assert [each["order"] for each in made] == list(range(1, 1202))


async def test_what_a_dead_process_had_is_claimed_and_what_it_had_done_is_not_done_again(
    ob: Onbeat, server: RedisServer, redis: Redis
) -> None:
    orders(ob, server.url)
    async with listening(ob, "orders"):
        done = await add(redis, 1)
        await jobs_of(ob, 1)
    await add(redis, 2)
    # It was given both and died: of the first it had not said that it was taken.
    await redis.xgroup_setid("orders", GROUP, "0")
    given: Any = await redis.xreadgroup(GROUP, "another", {"orders": ">"}, count=10)
    async with listening(ob, "orders"):
        made = await jobs_of(ob, 2)

        async def all_are_taken() -> bool:
            return await pending(redis) == 0

        await wait_for(all_are_taken)

    assert len(given[0][1]) == 2
    assert given[0][1][0][0] == done
    assert made == [{"order": 1}, {"order": 2}]


async def test_a_redis_that_is_stopped_and_started_under_load_costs_no_message_and_doubles_none(
    ob: Onbeat, tmp_path: Path
) -> None:
    heard: list[Event] = []

    async def send(client: Redis, number: int) -> bool:
        return bool(await add(client, number))

    with launch(folder=tmp_path) as server:
        orders(ob, server.url)
        load = Load(server.url, send)
        async with listening(ob, "orders", heard=heard) as manager:
            async with load.on(manager, "orders"):
                for _ in range(3):
                    await load.more(50)
                    server.stop()
                    await cut(manager, "orders")
                    server.start()
                    await connected(manager, "orders")
                await load.more(50)

            async def all_are_made() -> bool:
                return set(load.sent) <= {each["order"] for each in await args_of(ob)}

            await wait_for(all_are_made, 30)
            made = [each["order"] for each in await args_of(ob)]

    assert len(made) == len(set(made))
    again = [each for each in heard if isinstance(each, SourceConnected) and each.away is not None]
    assert len(again) == 3
    assert not any(each.may_have_lost for each in again)


async def test_a_redis_that_has_forgotten_its_streams_is_begun_with_anew(
    ob: Onbeat, server: RedisServer
) -> None:
    orders(ob, server.url)
    async with listening(ob, "orders") as manager:
        server.stop()
        await cut(manager, "orders")
        server.start()
        await connected(manager, "orders")
        async with Redis.from_url(server.url) as redis:
            await add(redis, 1)
        made = await jobs_of(ob, 1)

    assert made == [{"order": 1}]


async def test_a_message_that_does_not_fit_is_set_aside_once_however_often_it_comes(
    ob: Onbeat, server: RedisServer, redis: Redis
) -> None:
    orders(ob, server.url)
    place: Any = await redis.xadd("orders", {"data": "none"})
    async with listening(ob, "orders"):
        kept = await set_aside(ob, 1)
    await redis.xgroup_setid("orders", GROUP, "0")
    async with listening(ob, "orders"):
        await add(redis, 1)
        await jobs_of(ob, 1)
        again = await set_aside(ob, 1)

    assert again == kept
    assert kept[0].message == f"orders/{place.decode()}"
    assert "data.id" in kept[0].reason


async def test_of_many_that_came_at_once_each_is_taken_set_aside_or_known_by_itself(
    ob: Onbeat, server: RedisServer, redis: Redis
) -> None:
    orders(ob, server.url)
    for number in range(10):
        await redis.xadd("orders", {"data": f'{{"id": {"null" if number == 5 else number}}}'})
    async with listening(ob, "orders"):
        first = await jobs_of(ob, 9)
        kept = await set_aside(ob, 1)
    await redis.xgroup_setid("orders", GROUP, "0")
    await add(redis, 10)
    async with listening(ob, "orders"):
        again = await jobs_of(ob, 10)
        kept_again = await set_aside(ob, 1)

    wanted = [{"order": number} for number in range(10) if number != 5]
    assert first == wanted
    assert again == [*wanted, {"order": 10}]
    assert kept_again == kept


async def test_a_trigger_and_a_clock_s_move_are_done_once_too(
    ob: Onbeat, server: RedisServer, redis: Redis
) -> None:
    @ob.task
    def settle() -> None: ...

    await ob.schedules.create("settling", settle.bind(), every("365d"))
    source = ob.source(RedisStream(name="orders", url=server.url))
    source.on("orders", Trigger("settling"), where={"do": "trigger"})
    source.on("orders", Advance("world", to=field("to"), create=True), where={"do": "advance"})
    moments = [START, START + timedelta(hours=1)]
    for _ in range(2):
        async with listening(ob, "orders"):
            if not await redis.exists("orders") or await redis.xlen("orders") == 0:
                await redis.xadd("orders", {"do": "trigger"})
                for moment in moments:
                    await redis.xadd("orders", {"do": "advance", "to": moment.isoformat()})
            await jobs_of(ob, 1)

            async def is_there() -> bool:
                return [each.name for each in await ob.clocks.list()] == ["world"]

            await wait_for(is_there)
            await stands_at(ob, "world", moments[-1])

            async def all_are_taken() -> bool:
                return await pending(redis) == 0

            await wait_for(all_are_taken)
        await redis.xgroup_setid("orders", GROUP, "0")

    assert len(await args_of(ob)) == 1
    assert await ob.sources.set_aside() == []


async def test_how_far_it_is_behind_is_told(ob: Onbeat, server: RedisServer, redis: Redis) -> None:
    await redis.xgroup_create("orders", GROUP, id="0", mkstream=True)
    for number in range(3):
        await redis.xadd("orders", {"data": "{}"}, id=f"1000-{number + 1}")
    connector = RedisStream(name="orders", url=server.url).connector([Pattern("orders")])
    await connector.connect()

    behind = await connector.behind()
    taken = await connector.receive()
    after = await connector.behind()
    await connector.close()

    assert behind is not None
    assert behind.waiting == 3
    assert behind.since > timedelta(days=365)
    assert len(taken) == 3
    assert after is not None
    assert (after.waiting, after.since) == (0, timedelta())


def test_what_a_stream_cannot_do_is_refused(ob: Onbeat) -> None:
    source = ob.source(RedisStream(name="orders", url="redis://127.0.0.1:1/0"))

    with pytest.raises(InvalidInput, match="whole key"):
        source.on("orders.{id}", Trigger("settling"))
    with pytest.raises(InvalidInput, match="moved twice"):
        source.on("orders", Advance("world", by=field("seconds")))

    assert source.mappings == ()


def test_each_environment_has_a_group_of_its_own() -> None:
    ob = Onbeat("sqlite:///app.db", environment="test", settings=Settings())
    url = "redis://127.0.0.1:1/0"
    own = ob.source(RedisStream(name="orders", url=url))
    said = ob.source(RedisStream(name="paid", url=url, group="shop"))
    before = [own.transport, said.transport]
    ob.use_database("sqlite:///app.db", environment="live")

    groups = [each.group for each in [*before, own.transport] if isinstance(each, RedisStream)]
    assert groups == ["onbeat:test:orders", "shop", "onbeat:live:orders"]
