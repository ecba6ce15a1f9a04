"""The example of a game's campaigns, as its README has it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from redis.asyncio import Redis

from onbeat import Onbeat
from tests.servers.redis import RedisServer
from tests.sources.listening import jobs_of, stands_at
from tests.waiting import wait_for

ROOT = Path(__file__).parents[2]
on_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@contextmanager
def game(log: Path, **environment: str) -> Iterator[subprocess.Popen[bytes]]:
    """The example, running until the block ends; then it is asked to end."""
    with log.open("w") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "onbeat", "up", "--app", "examples.campaigns.game:ob"],
            cwd=ROOT, env={**os.environ, **environment}, stdout=out, stderr=out,
        )  # fmt: skip
        try:
            yield process
        finally:
            process.terminate()
            process.wait(30)


async def publish(redis: Redis, what: str, **said: str) -> bool:
    return bool(await redis.publish(f"campaign.7.{what}", json.dumps(said)))


@on_sqlite
async def test_what_the_game_publishes_makes_its_schedules_react(
    ob: Onbeat, server: RedisServer, redis: Redis, database_url: str, tmp_path: Path
) -> None:
    log = tmp_path / "log"

    async def is_heard() -> bool:
        return await publish(redis, "opened", worldTime="2030-01-01T00:00:00Z")

    async def is_open() -> bool:
        return bool(await ob.schedules.list())

    with game(log, ONBEAT_DB=database_url, REDIS_URL=server.url) as process:
        await wait_for(is_heard, 30, "it listens")
        await wait_for(is_open, 30, "its schedule is made")
        await publish(redis, "worldTimeAdvanced", worldTime="2030-01-01T06:00:00Z")
        grown = await jobs_of(ob, 6, "grow")
        event = {"entityId": "town", "entityType": "Settlement", "eventId": "e-1"}
        await publish(redis, "entityModified", **event)
        await publish(redis, "entityModified", **event)
        settled = await jobs_of(ob, 1, "settle")
        more = await jobs_of(ob, len(grown) + 2, "grow")

    at = (await ob.clocks.find("campaign/7")).now_at
    await stands_at(ob, "campaign/7", at)
    assert at.isoformat() == "2030-01-01T06:00:00+00:00"
    assert settled == [{"campaign": "7", "entity": "town"}]
    assert more == [{"campaign": "7"}] * len(more)
    assert process.returncode == 0
