"""`onbeat sources`: how they stand, and what did not fit."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from redis.asyncio import Redis

from onbeat import Onbeat
from onbeat.app.sources import SeenSource
from onbeat.cli.views.sources import source_rows
from onbeat.domain.services import Status
from onbeat.domain.sources.listening import Listening
from onbeat.sources import RedisPubSub, Trigger
from tests.cli.running import Cli
from tests.servers.redis import launch
from tests.sources.listening import connected, listening
from tests.waiting import wait_for


async def heard(url: str) -> None:
    """Listen to a Redis, whose message does not fit, and tell the store how the source stands."""
    with launch() as server:
        async with Onbeat(url) as ob:
            ob.source(RedisPubSub(name="orders", url=server.url)).on("a.{id}", Trigger("{id}"))
            async with listening(ob) as manager:
                await connected(manager, "orders")

                async def is_set_aside() -> bool:
                    await _publish(server.url)
                    return bool(await ob.sources.set_aside())

                await wait_for(is_set_aside)


async def _publish(url: str) -> None:
    async with Redis.from_url(url) as client:
        await client.publish("a.growth", json.dumps({"size": 1}))


def test_what_did_not_fit_is_listed_and_forgotten(
    cli: Cli, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ONBEAT_DB", database_url)
    asyncio.run(heard(database_url))

    first = cli.answer("sources", "set-aside", "--source", "orders")["messages"][0]
    table = cli.text("sources", "set-aside")
    forgotten = cli.answer("sources", "forget", first["id"])

    assert (first["source"], first["channel"], first["body"]) == (
        "orders", "a.growth", '{"size": 1}',
    )  # fmt: skip
    assert "no schedule" in first["reason"]
    assert first["id"] in table
    assert forgotten == {"forgotten": first["id"]}
    assert first["id"] not in cli.text("sources", "set-aside")


def test_without_any_it_says_how_to_add_one(
    cli: Cli, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ONBEAT_DB", database_url)

    assert cli.answer("sources", "ls") == {"sources": []}
    assert cli.answer("sources", "set-aside") == {"messages": []}


NOW = datetime(2030, 1, 1, tzinfo=UTC)
HEARD = Listening(kind="redis stream", is_connected=True, since=NOW, waiting=3,
                  behind=timedelta(seconds=90), taken=1200, set_aside=1, last_at=NOW)  # fmt: skip


def test_a_source_is_a_row_with_what_waits() -> None:
    cut = replace(HEARD, is_connected=False, error="no answer")
    seen = [
        SeenSource("a", Status.RUNNING, HEARD, "5d0c2f1a"),
        SeenSource("b", Status.ERROR, cut, "5d0c2f1a"),
        SeenSource("c", Status.PAUSED, None, None),
        SeenSource("d", Status.RUNNING, None, None),
    ]

    rows = [[str(cell) for cell in row] for row in source_rows(seen, NOW)]

    assert rows[0][:8] == [
        "a", "redis stream", "connected", "5d0c2f1a", "3", "1m30s", "1,200", "1",
    ]  # fmt: skip
    assert [row[2] for row in rows] == ["connected", "waiting", "paused", "nobody listens"]
    assert rows[1][-1] == "no answer"
