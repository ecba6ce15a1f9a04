"""Redis pub/sub: messages become jobs, clocks move, and an outage is ridden out."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
from redis.asyncio import Redis

from onbeat import Onbeat, every
from onbeat.domain.errors import SourceUnavailable
from onbeat.domain.events import Event, MessageSetAside, SourceConnected, SourceCut
from onbeat.domain.services import Status
from onbeat.domain.sources.messages import Pattern
from onbeat.sources import Advance, Enqueue, Pause, RedisPubSub, Resume, Trigger, field
from tests.servers.redis import RedisServer
from tests.sources.listening import (
    args_of,
    connected,
    cut,
    jobs_of,
    listening,
    set_aside,
    snapshot_of,
    stands_at,
)
from tests.sources.load import Load
from tests.waiting import wait_for

START = datetime(2030, 1, 1, tzinfo=UTC)


def campaigns(ob: Onbeat, url: str) -> None:
    """The game's events: the world's time moves its clock, what is modified is settled."""

    @ob.task
    def settle(campaign: str, entity: int) -> None: ...

    source = ob.source(RedisPubSub(name="campaigns", url=url))
    source.on("campaign.{id}.worldTimeAdvanced", Advance("campaign/{id}", to=field("worldTime")))
    source.on(
        "campaign.{id}.entityModified",
        Enqueue(settle, args={"campaign": "{id}", "entity": field("entity.id")}),
    )


async def publish(redis: Redis, channel: str, said: object) -> int:
    return int(await redis.publish(channel, json.dumps(said)))


async def test_what_is_published_makes_jobs_and_moves_clocks_with_their_schedules(
    ob: Onbeat, server: RedisServer, redis: Redis
) -> None:
    campaigns(ob, server.url)
    await ob.clocks.create("campaign/7", START)

    @ob.task
    def grow() -> None: ...

    await ob.schedules.create(
        "growth", grow.bind(), every("1h"), clock="campaign/7", overlap="allow"
    )
    async with listening(ob, "campaigns"):
        await publish(redis, "campaign.7.entityModified", {"entity": {"id": 1}})
        await publish(redis, "campaign.8.entityModified", {"entity": {"id": 2}})
        moment = START + timedelta(hours=3)
        await publish(redis, "campaign.7.worldTimeAdvanced", {"worldTime": moment.isoformat()})

        settled = await jobs_of(ob, 2)
        await stands_at(ob, "campaign/7", moment)

    assert settled == [{"campaign": "7", "entity": 1}, {"campaign": "8", "entity": 2}]
    assert len(await args_of(ob, "grow")) == 4


async def test_schedules_are_paused_resumed_and_triggered(
    ob: Onbeat, server: RedisServer, redis: Redis
) -> None:
    @ob.task
    def settle(size: int = 0) -> None: ...

    await ob.schedules.create("settling", settle.bind(), every("365d"))
    source = ob.source(RedisPubSub(name="orders", url=server.url))
    source.on("to", Pause("settling", why=field("why")), where={"do": "pause"})
    source.on("to", Resume("settling"), where={"do": "resume"})
    source.on("to", Trigger("settling", args={"size": field("size")}), where={"do": "trigger"})

    async def is_paused() -> bool:
        return (await ob.schedules.find("settling")).paused_at is not None

    async def goes_on() -> bool:
        return not await is_paused()

    async with listening(ob, "orders"):
        await publish(redis, "to", {"do": "pause", "why": "a siege"})
        await wait_for(is_paused)
        paused = await ob.schedules.find("settling")
        await publish(redis, "to", {"do": "resume"})
        await wait_for(goes_on)
        await publish(redis, "to", {"do": "trigger", "size": 3})
        made = await jobs_of(ob, 1)

    assert (paused.paused_by, paused.paused_why) == ("source:orders", "a siege")
    assert made == [{"size": 3}]


async def test_a_channel_that_two_patterns_mean_makes_one_job_of_each(
    ob: Onbeat, server: RedisServer, redis: Redis
) -> None:
    @ob.task
    def settle(by: str) -> None: ...

    source = ob.source(RedisPubSub(name="both", url=server.url))
    source.on("a.{id}", Enqueue(settle, args={"by": "part {id}"}))
    source.on("a.b", Enqueue(settle, args={"by": "whole"}))
    async with listening(ob, "both"):
        await publish(redis, "a.b", {})
        await publish(redis, "a.c", {})

        async def last_is_taken() -> bool:
            return {"by": "part c"} in await args_of(ob)

        await wait_for(last_is_taken)
        made = await args_of(ob)

    assert sorted(each["by"] for each in made) == ["part b", "part c", "whole"]


async def test_what_does_not_fit_is_set_aside_with_the_reason_and_the_next_is_taken(
    ob: Onbeat, server: RedisServer, redis: Redis
) -> None:
    campaigns(ob, server.url)
    heard: list[Event] = []
    channel = "campaign.7.entityModified"
    async with listening(ob, "campaigns", heard=heard) as manager:
        await redis.publish(channel, "{no json")
        await publish(redis, channel, {"entity": {}})
        await publish(redis, channel, {"entity": {"id": "many"}})
        await publish(redis, "campaign.7.worldTimeAdvanced", {"worldTime": "2030-01-01T00:00:00Z"})
        await publish(redis, "campaign.x.y.worldTimeAdvanced", {})
        await redis.publish(channel, b"\xff\x00")
        await publish(redis, channel, {"entity": {"id": 1}})
        made = await jobs_of(ob, 1)
        kept = await set_aside(ob, 5)
        seen = snapshot_of(manager, "campaigns").listening

    assert made == [{"campaign": "7", "entity": 1}]
    reasons = [each.reason for each in kept]
    assert "no JSON" in reasons[0]
    assert "no field 'entity.id'" in reasons[1]
    assert "entity" in reasons[2]
    assert "no clock" in reasons[3]
    assert [each.channel for each in kept].count(channel) == 4
    assert kept[0].body == "{no json"
    assert len([each for each in heard if isinstance(each, MessageSetAside)]) == 5
    assert seen is not None
    assert (seen.taken, seen.set_aside, seen.passed_over) == (1, 5, 1)


async def test_a_redis_that_is_down_at_the_start_is_waited_for(
    ob: Onbeat, server: RedisServer
) -> None:
    campaigns(ob, server.url)
    server.stop()
    heard: list[Event] = []
    async with listening(ob, heard=heard) as manager:
        down = await cut(manager, "campaigns")
        server.start()
        await connected(manager, "campaigns")
        async with Redis.from_url(server.url) as client:
            await publish(client, "campaign.7.entityModified", {"entity": {"id": 1}})
        await jobs_of(ob, 1)

    assert down.status is Status.ERROR
    assert str(server.port) in (down.last_error or "")
    told = [each for each in heard if isinstance(each, SourceCut | SourceConnected)]
    assert [type(each) for each in told] == [SourceCut, SourceConnected]


async def test_a_redis_that_is_stopped_and_started_under_load_costs_only_what_was_sent_meanwhile(
    ob: Onbeat, server: RedisServer
) -> None:
    """What Redis says it has sent to somebody is a job, but for what was on its way in the kill."""
    campaigns(ob, server.url)
    heard: list[Event] = []

    async def send(client: Redis, number: int) -> bool:
        return await publish(client, "campaign.7.entityModified", {"entity": {"id": number}}) == 1

    load = Load(server.url, send)
    async with listening(ob, "campaigns", heard=heard) as manager:
        async with load.on(manager, "campaigns"):
            for _ in range(3):
                await load.more(50)
                server.stop()
                await cut(manager, "campaigns")
                server.start()
                await connected(manager, "campaigns")
            await load.more(50)

        async def is_taken() -> bool:
            return load.sent[-1] in [each["entity"] for each in await args_of(ob)]

        await wait_for(is_taken, 60)
        made = [each["entity"] for each in await args_of(ob)]

    assert len(made) == len(set(made))
    assert len(set(load.sent) - set(made)) <= 3 * 50
    again = [each for each in heard if isinstance(each, SourceConnected) and each.away is not None]
    assert len(again) == 3
    assert all(each.may_have_lost for each in again)


async def test_a_redis_that_hangs_is_noticed(ob: Onbeat, server: RedisServer) -> None:
    campaigns(ob, server.url)
    async with listening(ob, "campaigns") as manager:
        with server.hanging():
            hanging = await cut(manager, "campaigns")
        await connected(manager, "campaigns")

    assert "no answer" in (hanging.last_error or "")


async def test_what_was_read_before_the_end_is_handed_on_and_then_the_end_is_told(
    server: RedisServer, redis: Redis
) -> None:
    connector = RedisPubSub(name="campaigns", url=server.url).connector([Pattern("a")])
    await connector.connect()
    for number in range(3):
        await publish(redis, "a", number)
    server.stop()
    found: list[bytes] = []
    while len(found) < 3:  # they may come one by one
        found += [each.body for each in await connector.receive()]
    with pytest.raises(SourceUnavailable):
        await connector.receive()
    await connector.close()

    assert found == [b"0", b"1", b"2"]


async def test_what_the_connection_still_has_is_drained(server: RedisServer, redis: Redis) -> None:
    connector = RedisPubSub(name="campaigns", url=server.url).connector([Pattern("a")])
    await connector.connect()
    for number in range(3):
        await publish(redis, "a", number)
    found: list[bytes] = []

    async def has_all() -> bool:  # Redis answers who publishes before it sends to who listens
        found.extend(each.body for each in await connector.drain())
        return len(found) >= 3

    await wait_for(has_all)
    await connector.close()

    assert found == [b"0", b"1", b"2"]
