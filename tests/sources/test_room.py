"""What a source brings is kept up to so many bytes; what finds no room is told, or stays there."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from redis.asyncio import Redis

from onbeat.domain.events import Event, MessagesDropped
from onbeat.domain.sources.messages import Message, Pattern
from onbeat.sources.backlog import MOST_WAITING, Backlog
from onbeat.sources.redis_pubsub import BYTES_AT_ONCE, RedisSubscription
from onbeat.store.store import Store
from onbeat.timing import SystemTiming
from tests.conftest import opened
from tests.servers.redis import RedisServer
from tests.sources.scripted import AT_ONCE, Scripted
from tests.sources.test_listener import Carrying, Make, is_connected
from tests.sources.test_listener import make as make  # noqa: PLC0414 - a fixture
from tests.waiting import wait_for

MEBIBYTE = b"x" * 1024 * 1024


@pytest.fixture
async def store(database_url: str) -> AsyncIterator[Store]:
    async with opened(database_url, SystemTiming()) as store:
        yield store


def _message(body: bytes = b"") -> Message:
    return Message(id="1", channel="a", body=body)


def test_a_backlog_is_full_by_messages_or_by_bytes_and_has_room_again_as_they_go() -> None:
    small, large = Backlog(), Backlog(most_bytes=100)
    small.add([_message()] * (MOST_WAITING - 1), 0.0)
    large.add([_message(b"x" * 60)], 0.0)
    before = (small.is_full, large.is_full)
    last = _message(b"x" * 60)
    small.add([last], 1.0)
    large.add([last], 1.0)
    full = (small.is_full, large.is_full)
    dropped = [each.drop_after(0.5) for each in (small, large)]

    assert (before, full, dropped) == ((False, False), (True, True), [1, 1])
    assert (small.is_full, large.is_full) == (False, False)


def test_what_is_taken_or_forgotten_needs_no_room() -> None:
    backlog = Backlog(most_bytes=100)
    first, second = _message(b"x" * 60), _message(b"x" * 60)
    backlog.add([first, second], 0.0)
    backlog.take(second)  # it is not the first
    still = backlog.is_full
    backlog.take(first)
    after = backlog.is_full
    backlog.clear()
    backlog.add([first], 0.0)

    assert (still, after, backlog.is_full, len(backlog)) == (True, False, False, 1)


async def test_no_more_is_received_than_there_is_room_for(make: Make) -> None:
    script, carrying = Scripted(), Carrying()
    carrying.may_go_on.clear()
    listener = make(script, carrying)
    await listener.start()
    await is_connected(listener)
    names = [str(number) for number in range(3 * AT_ONCE)]
    script.send(*names, body=MEBIBYTE)

    async def is_full() -> bool:
        return listener.listening.waiting >= AT_ONCE

    await wait_for(is_full)
    script.send("last")
    for _ in range(20):  # nothing but its own restraint holds it up
        await asyncio.sleep(0)
    held = listener.listening.waiting
    carrying.may_go_on.set()
    await carrying.await_done(len(names) + 1)

    assert held == AT_ONCE
    assert carrying.done == [*names, "last"]


async def test_what_finds_no_room_as_it_hangs_up_is_told(make: Make) -> None:
    script, carrying, events = Scripted(), Carrying(), list[Event]()
    script.lost = 3
    listener = make(script, carrying, emit=events.append)
    await listener.start()
    await is_connected(listener)
    await listener.stop()

    [told] = [each for each in events if isinstance(each, MessagesDropped)]
    assert (told.source, told.count) == ("scripted", 3)
    assert "no room" in told.why


async def test_large_messages_are_handed_on_before_many_are_read(
    server: RedisServer, redis: Redis
) -> None:
    connector = RedisSubscription(server.url, [Pattern("a")])
    await connector.connect()
    for _ in range(20):
        await redis.publish("a", MEBIBYTE)
    at_once: list[int] = []
    while sum(at_once) < 20:
        at_once.append(len(await connector.receive()))
    await connector.close()

    assert max(at_once) * len(MEBIBYTE) <= BYTES_AT_ONCE


async def test_what_a_connection_has_beyond_what_is_kept_is_counted_as_it_hangs_up(
    server: RedisServer, redis: Redis
) -> None:
    connector = RedisSubscription(server.url, [Pattern("a")], most_bytes=2 * len(MEBIBYTE))
    await connector.connect()
    for _ in range(5):
        await redis.publish("a", MEBIBYTE)
    kept: list[Message] = []

    async def all_came() -> bool:  # Redis answers who publishes before it sends to who listens
        kept.extend(await connector.drain())
        return len(kept) + connector.lost >= 5

    await wait_for(all_came)
    lost = connector.lost
    await connector.close()

    assert len(kept) + lost == 5
