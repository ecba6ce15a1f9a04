"""A client whose database is away asks all the same, and as soon."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from onbeat import CallFailed, Onbeat, Retry, Settings
from tests.outbound.receivers import always, listening, nobodys_port, receiving, well


@asynccontextmanager
async def black_hole() -> AsyncIterator[str]:
    """The URL of a database that takes connections, and says nothing until the block ends."""
    gate = asyncio.Event()

    async def talk(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await gate.wait()
        writer.close()

    async with listening(talk) as silent:
        yield f"postgresql://ann@127.0.0.1:{silent.port}/onbeat"
        gate.set()


async def test_what_the_api_answered_is_told_though_the_database_is_away() -> None:
    ob = Onbeat(f"postgresql://ann@127.0.0.1:{nobodys_port()}/onbeat", settings=Settings())
    async with receiving(always(503)) as receiver:
        api = ob.client("game-api", url=receiver.url(path=""), retry=Retry(3, base="1ms"))
        with pytest.raises(CallFailed, match="503"):
            await api.get("/")

        assert len(receiver.came) == 3
    await ob.close()


async def test_a_database_that_says_nothing_delays_not_every_request() -> None:
    async with receiving(well) as receiver, black_hole() as url:
        ob = Onbeat(url, settings=Settings())
        api = ob.client("game-api", url=receiver.url(path=""))
        async with asyncio.timeout(5):
            for _ in range(8):
                assert (await api.get("/")).status == 200
    await ob.close()
