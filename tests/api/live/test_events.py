"""Server-sent events: the same frames as over a WebSocket."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import httpx
import pytest

from onbeat import Onbeat
from onbeat.timing import within
from tests.api.asking import Client
from tests.api.live.listener import PATIENCE, asking, served

Event = tuple[str, dict[str, Any]]


@asynccontextmanager
async def events(
    client: Client, *topics: str, since: str | None = None
) -> AsyncIterator[AsyncIterator[Event]]:
    """The events of these topics, each with its id."""
    headers = {} if since is None else {"Last-Event-ID": since}
    async with client.stream(
        "GET", "/events", params={"topic": topics}, headers=headers, timeout=PATIENCE
    ) as answer:
        assert answer.status_code == 200, await answer.aread()
        assert answer.headers["content-type"].startswith("text/event-stream")
        yield read(answer)


async def read(answer: httpx.Response) -> AsyncIterator[Event]:
    """Each event of an answer."""
    place = ""
    async for line in answer.aiter_lines():
        name, _, value = line.partition(": ")
        if name == "id":
            place = value
        if name == "data":
            yield place, json.loads(value)


async def until(found: AsyncIterator[Event], kind: str) -> Event:
    """The next frame of that type."""
    async with within(PATIENCE):
        async for place, frame in found:
            if frame["type"] == kind:
                return place, frame
    raise AssertionError(f"it ended without {kind}")


async def test_each_frame_comes_with_its_place(ob: Onbeat, admin: Client) -> None:
    async with events(admin, "jobs", "queues") as found:
        place, subscribed = await until(found, "subscribed")
        job = (await ob.jobs.enqueue("send", must_be_known=False)).id
        later, frame = await until(found, "changes")

    assert subscribed == {"type": "subscribed", "seq": place, "topics": ["jobs", "queues"]}
    assert (frame["changes"][0]["id"], frame["seq"]) == (job, later)


async def test_a_browser_that_comes_back_misses_nothing(ob: Onbeat, admin: Client) -> None:
    async with events(admin, "jobs") as found:
        place, _ = await until(found, "subscribed")
    job = (await ob.jobs.enqueue("send", must_be_known=False)).id

    async with events(admin, "jobs", since=place) as found:
        _, frame = await until(found, "changes")

    assert [each["id"] for each in frame["changes"]] == [job]


@pytest.mark.parametrize(
    ("query", "status", "field"),
    [
        ("", 400, "topic"),
        ("topic=jbos", 400, "topics"),
        ("topic=jobs&since=x", 400, "since"),
        ("topic=job:" + "0" * 32, 404, None),
    ],
)
async def test_what_is_wrong_is_answered_before_anything_is_sent(
    query: str, status: int, field: str | None, admin: Client
) -> None:
    answer = await admin.get(f"/events?{query}")

    assert answer.status_code == status, answer.text
    assert field is None or answer.json()["errors"][0]["field"] == field


async def test_it_ends_when_the_server_stops(ob: Onbeat, token: str) -> None:
    async with AsyncExitStack() as stack:
        address = await stack.enter_async_context(served(ob))
        async with asking(address, token) as client, events(client, "jobs") as found:
            await until(found, "subscribed")
            await stack.aclose()
            left = [frame async for frame in found]

    assert left == []
