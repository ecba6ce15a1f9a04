"""What tests of sources may ask for."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest
from redis.asyncio import Redis

from onbeat import Onbeat, Settings
from tests.servers.redis import RedisServer, launch


@pytest.fixture
async def ob(database_url: str) -> AsyncIterator[Onbeat]:
    """An application on a database of this test's own, on either engine."""
    async with Onbeat(database_url, settings=Settings()) as ob:
        yield ob


@pytest.fixture
def server() -> Iterator[RedisServer]:
    """A Redis of this test's own, which may be stopped and started."""
    with launch() as server:
        yield server


@pytest.fixture
async def redis(server: RedisServer) -> AsyncIterator[Redis]:
    """A client of it."""
    client = Redis.from_url(server.url)
    yield client
    await client.aclose()
