"""What the store on PostgreSQL does when its connections end, hang, or lose an answer."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import func, select, text

from onbeat.domain.errors import StoreUnavailable
from onbeat.store import schedules
from onbeat.store.opening import open_store
from onbeat.store.payloads import FiringRows
from onbeat.store.postgres.pools import HOT
from onbeat.store.postgres.store import PostgresStore
from onbeat.store.schema import jobs as book
from onbeat.store.schema_state import migrate
from onbeat.store.store import Store
from tests import factories
from tests.servers.postgres import PostgresServer, launch
from tests.servers.relay import Relay, relay_to
from tests.waiting import wait_for

SOON = 0.3
"""Seconds after which a hot statement is given up in these tests; 10 in life."""


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    """A server that may be stopped."""
    with launch() as server:
        yield server


@pytest.fixture
async def relay(server: PostgresServer) -> AsyncIterator[Relay]:
    """A relay before a migrated database."""
    url = server.create_database("outages")
    store = open_store(url)
    await store.write(migrate)
    await store.close()
    with relay_to(url) as relay:
        yield relay
    server.drop_database("outages")


@pytest.fixture
async def store(relay: Relay) -> AsyncIterator[PostgresStore]:
    """A store behind the relay, with several connections in its pool."""
    store = open_store(relay.url)
    assert isinstance(store, PostgresStore)
    store.hot_seconds = SOON
    await fill_the_pool(store)
    yield store
    await store.close()


async def fill_the_pool(store: Store) -> None:
    """Have several connections open at once."""
    await asyncio.gather(*(store.next_due() for _ in range(6)))


async def count(store: Store) -> int:
    """How many jobs are booked."""
    query = select(func.count()).select_from(book)
    return await store.read(lambda connection, _: connection.scalar(query) or 0)


async def test_after_a_restart_no_statement_meets_a_connection_that_died_with_the_server(
    server: PostgresServer, store: PostgresStore
) -> None:
    server.restart("immediate")
    await until_noticed(store)

    for _ in range(6):
        await store.next_due()


@pytest.mark.parametrize("kind", ["hot", "cold"])
async def test_after_its_connections_were_cut_the_next_statement_works(
    relay: Relay, store: PostgresStore, kind: str
) -> None:
    await asyncio.to_thread(relay.cut)
    await until_noticed(store)

    await (store.next_due() if kind == "hot" else count(store))


async def until_noticed(store: PostgresStore) -> None:
    """Let the loop hear of what happened to its sockets."""
    for _ in range(100):
        await asyncio.sleep(0)


async def test_a_hot_statement_into_a_black_hole_ends_at_its_deadline(
    relay: Relay, store: PostgresStore
) -> None:
    await asyncio.to_thread(relay.hold)

    async with asyncio.timeout(10):
        with pytest.raises(StoreUnavailable, match="cannot be reached"):
            await store.next_due()


@pytest.mark.parametrize("kind", ["hot", "cold"])
async def test_after_one_connection_was_found_dead_no_other_of_its_age_is_used(
    relay: Relay, store: PostgresStore, kind: str
) -> None:
    await asyncio.to_thread(relay.hold)
    with pytest.raises(StoreUnavailable):
        await store.next_due()
    await asyncio.to_thread(relay.forget_and_release)
    store.hot_seconds = 30  # on a dead connection the test would fail by its own deadline

    async with asyncio.timeout(10):
        for _ in range(6):
            await (store.next_due() if kind == "hot" else count(store))


async def test_a_cold_statement_that_is_cut_short_in_a_black_hole_ends_at_once(
    relay: Relay, store: PostgresStore
) -> None:
    await asyncio.to_thread(relay.hold)
    work = asyncio.create_task(count(store))
    await until_noticed(store)

    began = time.monotonic()
    work.cancel()
    await asyncio.wait([work], timeout=10)

    assert time.monotonic() - began < 5


async def test_a_tick_cut_off_between_its_statements_ends_at_its_deadline(
    relay: Relay, store: PostgresStore
) -> None:
    due, long_ago = factories.schedule(), datetime(2026, 1, 1, tzinfo=UTC)
    await store.write(lambda connection, _: schedules.create(connection, long_ago, due))

    def plan_and_be_cut_off(due: Any, now: Any) -> FiringRows:
        relay.hold()
        return FiringRows([], [])

    async with asyncio.timeout(10):
        with pytest.raises(StoreUnavailable):
            await store.tick(plan_and_be_cut_off, 10)


async def test_an_enqueue_whose_answer_was_lost_is_sent_again_and_booked_once(
    relay: Relay, store: PostgresStore
) -> None:
    await store.enqueue([factories.job()])
    relay.lose_answers()

    await store.enqueue([factories.job()])

    assert await count(store) == 2


async def test_an_enqueue_whose_backend_was_ended_is_sent_again(
    server: PostgresServer, store: PostgresStore
) -> None:
    async with asyncio.timeout(20):
        for _ in range(20):
            end = asyncio.create_task(end_backends(store))
            await store.enqueue([factories.job()])
            await end

    assert await count(store) == 20


async def end_backends(store: PostgresStore) -> None:
    """End every connection to the database but the one that says so."""
    query = (
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    await store.read(lambda connection, _: connection.execute(text(query)).all())


async def test_every_caller_of_a_full_pool_gets_its_turn(store: PostgresStore) -> None:
    """Also beside those who ask again at once."""
    # Whoever must connect first is late by that, however fair the turns are.
    await asyncio.gather(*(store.enqueue([factories.job()]) for _ in range(HOT)))
    counts = dict.fromkeys(range(3 * HOT), 0)

    async def enqueue_again_and_again(caller: int) -> None:
        while min(counts.values()) < 50:  # so many that a stall of the machine is no starvation
            await store.enqueue([factories.job()])
            counts[caller] += 1

    async with asyncio.timeout(60), asyncio.TaskGroup() as group:
        for caller in counts:
            group.create_task(enqueue_again_and_again(caller))

    assert max(counts.values()) < 5 * min(counts.values())


async def test_a_turn_whose_taker_is_cancelled_is_another_s(store: PostgresStore) -> None:
    held = [await store.connections.take() for _ in range(HOT)]
    first, second = (asyncio.create_task(store.connections.take()) for _ in range(2))
    await until_noticed(store)

    store.connections.give_back(held.pop())
    first.cancel()

    async with asyncio.timeout(5):
        held.append(await second)
    for each in held:
        store.connections.give_back(each)


async def test_a_closed_store_says_so(store: PostgresStore) -> None:
    await store.close()

    with pytest.raises(StoreUnavailable, match="the store is closed"):
        await store.enqueue([factories.job()])


async def test_what_is_given_back_to_a_closed_pool_is_closed(store: PostgresStore) -> None:
    taken = await store.connections.take()
    await store.close()

    store.connections.give_back(taken)

    assert taken.is_closed()
    await until_noticed(store)


async def test_whatever_ends_its_connection_the_listener_listens_again(
    store: PostgresStore, server: PostgresServer
) -> None:
    """asyncpg says with an error of no kind of its own that one ended while a hint was sent."""
    await store.listen()
    for _ in range(30):
        store.wakeups.send(["default"])
        await end_backends(store)
    woken = asyncio.Event()
    store.wakeups.subscribe(woken, ["another"])

    other = open_store(store.url)
    await other.listen()

    async def hint() -> bool:
        other.wakeups.send(["another"])
        return woken.is_set()

    await wait_for(hint, 20, "the hint of another")
    await other.close()
