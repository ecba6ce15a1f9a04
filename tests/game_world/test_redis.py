"""The example as a deployment has it: its own processes, told of the world's time by Redis."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path

import httpx
import msgspec
import pytest
from examples.game_world.generate import BEGIN, world
from examples.game_world.rules import Effect, World, lived

from onbeat import JobFilter, Onbeat, Settings
from tests.game_world.running import TOKEN, running
from tests.servers.postgres import free_port
from tests.servers.redis import RedisServer, launch
from tests.waiting import wait_for

YOUNG = world("7", seed=1, days=20, effects=10)
LATE = Effect(
    id="7-late", campaign_id="7", settlement_id=YOUNG.settlements[0].id, amount=500,
    execute_at=BEGIN + timedelta(days=8),
)  # fmt: skip
SECONDS = 30


class Told:
    """The server of the world, as a game's other programs speak to it."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self._client = client

    async def is_up(self) -> bool:
        try:
            return (await self._client.get("/health")).is_success
        except httpx.TransportError:
            return False

    async def found(self) -> None:
        await self._post("/campaigns", msgspec.json.encode(YOUNG))

    async def add(self, effect: Effect) -> None:
        await self._post("/effects", msgspec.json.encode(effect))

    async def advance(self, days: int) -> datetime:
        to = BEGIN + timedelta(days=days)
        await self._post("/campaigns/7/advance", msgspec.json.encode({"to": to}))
        return to

    async def becomes(self, wanted: World) -> None:
        async def is_so() -> bool:
            answer = await self._client.get("/campaigns/7/state")
            return bool(msgspec.json.decode(answer.content, type=World) == wanted)

        await wait_for(is_so, SECONDS, "the world is as its laws say")

    async def _post(self, path: str, body: bytes) -> None:
        (await self._client.post(path, content=body)).raise_for_status()


@pytest.fixture
def server() -> Iterator[RedisServer]:
    """A Redis that may be stopped and started."""
    with launch() as server:
        yield server


@asynccontextmanager
async def deployed(folder: Path, database: str, redis_url: str, **more: str) -> AsyncIterator[Told]:
    """The world and what lives by it, running."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    variables = {
        "REDIS_URL": redis_url, "API_URL": url, "WORLD_PORT": str(port),
        "API_CIRCUIT_BREAKER_DURATION_MS": "200", "QUEUE_RETRY_BACKOFF_MS": "50", **more,
    }  # fmt: skip
    serving = ("examples.game_world.world", str(folder / "world.db"))
    working = ("onbeat", "up", "--app", "examples.game_world.game:ob")
    with (
        running(folder / "world.log", database, *serving, **variables),
        running(folder / "onbeat.log", database, *working, **variables),
    ):
        headers = {"Authorization": f"Bearer {TOKEN}"}
        async with httpx.AsyncClient(base_url=url, headers=headers, timeout=10) as client:
            told = Told(client)
            await wait_for(told.is_up, SECONDS, "the world is up")
            yield told


@pytest.fixture
async def told(server: RedisServer, database_url: str, tmp_path: Path) -> AsyncIterator[Told]:
    """All of it, with a Redis."""
    async with deployed(tmp_path, database_url, server.url) as told:
        yield told


@pytest.fixture
async def ob(database_url: str) -> AsyncIterator[Onbeat]:
    """What the application knows, seen from outside."""
    async with Onbeat(database_url, settings=Settings()) as ob:
        yield ob


async def synced(ob: Onbeat, times: int) -> bool:
    done = await ob.jobs.list(JobFilter(task="CAMPAIGN_SYNC", state="completed"))
    return len(done) >= times


async def test_what_redis_tells_of_a_world_moves_it_and_an_outage_of_redis_is_caught_up_with(
    told: Told, ob: Onbeat, server: RedisServer
) -> None:
    async def is_heard() -> bool:
        await told.found()
        return await synced(ob, 1)

    await wait_for(is_heard, SECONDS, "the campaign is known")
    before = lived(YOUNG, await told.advance(5))
    await told.becomes(before)

    was = len(await ob.jobs.list(JobFilter(task="CAMPAIGN_SYNC")))
    await told.add(LATE)
    await wait_for(lambda: synced(ob, was + 1), SECONDS, "the new effect is known")
    richer = msgspec.structs.replace(before, effects=(*before.effects, LATE))
    await told.becomes(lived(richer, await told.advance(10)))

    server.stop()
    await told.advance(12)
    server.start()

    async def is_back() -> bool:
        await told.advance(15)
        return await ob.clocks.now("campaign/7") == BEGIN + timedelta(days=15)

    await wait_for(is_back, SECONDS, "the source listens again")
    await told.becomes(lived(richer, BEGIN + timedelta(days=15)))


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_where_no_redis_answers_the_cron_schedules_catch_up_with_the_world(
    database_url: str, tmp_path: Path
) -> None:
    nobody, soon = f"redis://127.0.0.1:{free_port()}/0", "*/2 * * * * *"

    async with deployed(tmp_path, database_url, nobody, CRON_EVENT_EXPIRATION=soon) as told:
        await told.found()
        await told.becomes(lived(YOUNG, await told.advance(0)))
        await told.becomes(lived(YOUNG, await told.advance(9)))
