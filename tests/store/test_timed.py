"""How long operations take is counted by their names, and how many connections are at work."""

from __future__ import annotations

import asyncio
import threading
from contextlib import suppress

import pytest

from onbeat.domain.meters import Meter
from onbeat.domain.pools import Pool
from onbeat.store.postgres.store import PostgresStore
from onbeat.store.store import Store
from tests import factories
from tests.contract.world import begin
from tests.waiting import wait_for


def asked(store: Store) -> dict[str, int]:
    return {
        each.labels[0]: each.number for each in store.counting.sums() if each.meter is Meter.ASKED
    }


async def test_each_operation_is_counted_by_its_name(store: Store) -> None:
    session = await begin(store)
    await store.enqueue([factories.job()])
    [job] = await store.claim(session.id, ["default"], 1)
    await store.ack([factories.ack(job)])

    counted = asked(store)
    assert {name: counted[name] for name in ("write", "enqueue", "claim", "ack")} == {
        "write": 1, "enqueue": 1, "claim": 1, "ack": 1
    }  # fmt: skip


async def test_one_that_fails_is_counted_too(store: Store) -> None:
    before = asked(store).get("read", 0)

    with suppress(ZeroDivisionError):
        await store.read(lambda connection, now: 1 / 0)

    assert asked(store)["read"] == before + 1


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_on_sqlite_readers_are_busy_while_they_read(store: Store) -> None:
    go_on = threading.Event()
    reading = asyncio.create_task(store.read(lambda connection, now: go_on.wait(10)))

    async def is_busy() -> bool:
        return store.pool == Pool(4, 1)

    await wait_for(is_busy, what="a reader at work")
    go_on.set()
    await reading

    assert store.pool == Pool(4, 0)


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
async def test_on_postgresql_hot_and_cold_connections_are_busy_while_taken(store: Store) -> None:
    assert isinstance(store, PostgresStore)

    driver = await store.connections.take()
    taken = store.pool
    store.connections.give_back(driver)

    assert (taken, store.pool) == (Pool(15, 1), Pool(15, 0))
    assert await store.read(lambda connection, now: store.pool) == Pool(15, 1)
