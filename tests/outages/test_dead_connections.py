"""A connection that died without a word is an outage, and holds nobody up for long."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import suppress

import pytest
from sqlalchemy import Connection, text

from onbeat.domain.errors import SchemaMissing, StoreUnavailable
from onbeat.store.opening import open_store
from onbeat.store.postgres.connections import CLIENT_SECONDS, translate
from onbeat.store.postgres.pools import OVERDUE_SECONDS
from onbeat.store.store import Store
from tests.outages.drill import SOON
from tests.servers.relay import Relay, relay_to


@pytest.fixture
async def relay(postgres_url: str) -> AsyncIterator[Relay]:
    """A network before an empty database."""
    with relay_to(postgres_url) as relay:
        yield relay


@pytest.fixture
async def store(relay: Relay) -> AsyncIterator[Store]:
    """A store behind it that has a connection for cold work, and one for hot statements."""
    store = open_store(relay.url)
    await store.read(look)
    with suppress(SchemaMissing):
        await store.next_due()
    yield store
    await store.close()


def look(connection: Connection, _: object) -> int:
    return int(connection.scalar(text("SELECT 1")) or 0)


async def test_a_connection_that_is_not_made_in_time_is_an_outage_of_the_store() -> None:
    with pytest.raises(TimeoutError) as raised:
        async with asyncio.timeout(0):
            await asyncio.Event().wait()

    assert isinstance(translate(raised.value, "the store"), StoreUnavailable)


async def test_cold_work_on_a_dead_connection_ends_when_another_is_found_dead(
    relay: Relay, store: Store
) -> None:
    store.hot_seconds = OVERDUE_SECONDS + 0.5
    await asyncio.to_thread(relay.hold)
    began = time.monotonic()

    cold = asyncio.create_task(store.read(look))
    with pytest.raises(StoreUnavailable):
        await store.next_due()
    await asyncio.to_thread(relay.forget_and_release)
    assert await cold == 1

    assert time.monotonic() - began < min(CLIENT_SECONDS, OVERDUE_SECONDS + SOON)
