"""The one reader of a process: when it begins, when it ends, and that it ends nobody by failing."""

from __future__ import annotations

import asyncio

import pytest
from fastapi import FastAPI
from sqlalchemy import text

from onbeat import Onbeat
from onbeat.api.asgi import make_app
from onbeat.api.live.hub import Hub
from onbeat.domain.access import Permission, Principal
from onbeat.domain.live import read_topic
from onbeat.timing import within
from tests.api.live.listener import PATIENCE
from tests.timing import ManualTiming
from tests.waiting import wait_for

ANN = Principal(kind="user", id="1", name="ann", permissions=frozenset(Permission))


async def ann() -> Principal:
    """Who it is by now."""
    return ANN


def readers() -> list[asyncio.Task[object]]:
    """The tasks of readers."""
    return [each for each in asyncio.all_tasks() if each.get_name() == "onbeat-live"]


async def none_reads() -> bool:
    """Whether there are none."""
    return not readers()


async def test_nothing_is_read_before_somebody_listens(ob: Onbeat) -> None:
    make_app(ob)

    assert await none_reads()


async def test_it_ends_with_the_application_that_it_is_of(ob: Onbeat) -> None:
    app: FastAPI = make_app(ob)
    async with app.router.lifespan_context(app):
        client = await app.state.live.join(ANN, ann, "")
        assert readers()

    assert await none_reads()
    assert client.closing is not None
    assert client.closing.code == 1012
    assert app.state.live.is_full


async def test_mounted_it_ends_when_the_store_is_closed(ob: Onbeat) -> None:
    hub = Hub(ob, 10)
    client = await hub.join(ANN, ann, "")
    hub.leave(client)

    await ob.close()

    await wait_for(none_reads)


async def test_what_is_read_of_two_is_told_to_each_by_its_topics(ob: Onbeat) -> None:
    hub = Hub(ob, 10)
    clients = [await hub.join(ANN, ann, "") for _ in range(2)]
    for client, topic in zip(clients, ("task:send", "task:other"), strict=True):
        hub.subscribe(client, [read_topic(topic)], None)
        assert b"subscribed" in (await client.frame() or b"")

    jobs = [(await ob.jobs.enqueue(task, must_be_known=False)).id for task in ("send", "other")]

    async with within(PATIENCE):
        for client, own, others in zip(clients, jobs, reversed(jobs), strict=True):
            frame = await client.frame() or b""
            assert own.encode() in frame
            assert others.encode() not in frame
    await hub.close()


async def test_a_look_that_fails_is_done_again_later_and_later_whoever_comes(
    ob: Onbeat, caplog: pytest.LogCaptureFixture
) -> None:
    store = await ob.store()
    timing = store.timing = ManualTiming()
    spoil = text("ALTER TABLE onbeat_audit RENAME COLUMN subject TO other")
    await store.write(lambda connection, now: connection.execute(spoil) and None)
    hub = Hub(ob, 10)
    client = await hub.join(ANN, ann, "")

    def failures() -> int:
        return sum("a look failed" in each.message for each in caplog.records)

    async def comes_to(number: int) -> None:
        async def is_so() -> bool:
            return failures() == number

        await wait_for(is_so)
        for topic in ("task:send", "task:other"):
            hub.subscribe(client, [read_topic(topic)], None)
            for _ in range(30):  # as long as a look would take
                await store.read(lambda connection, now: None)
        assert failures() == number

    await comes_to(1)
    timing.advance(seconds=1)
    await comes_to(2)
    timing.advance(seconds=1)
    await comes_to(2)
    timing.advance(seconds=1)
    await comes_to(3)
    await hub.close()
