"""How much waits for a client, and how fast it is sent; time is moved by hand."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from onbeat.api.live.client import BEAT, MOST_BEHIND, MOST_IN_FRAME, PACE, Client
from onbeat.api.live.ring import Chunk
from onbeat.domain.access import Permission, Principal
from onbeat.domain.live import read_topic
from tests.timing import ManualTiming

ANN = Principal(kind="user", id="1", name="ann", permissions=frozenset(Permission))


async def ann() -> Principal:
    """Who it is by now."""
    return ANN


def client_of(timing: ManualTiming) -> Client:
    """One who follows jobs, and has been told up to `p0`."""
    client = Client(ANN, ann, "", timing)
    client.topics = frozenset({read_topic("jobs")})
    client.subscribed(client.topics, "p0")
    return client


def chunk(number: int, count: int) -> Chunk:
    """So many changes of one look."""
    return Chunk(f"p{number}", [b"%d" % each for each in range(count)])


async def next_frame(client: Client) -> dict[str, Any]:
    """The next frame, read."""
    frame = await client.frame()
    assert frame is not None
    read: dict[str, Any] = json.loads(frame)
    return read


async def test_what_gathers_within_the_pace_is_one_frame(timing: ManualTiming) -> None:
    client = client_of(timing)
    await next_frame(client)
    client.tell(chunk(1, 2))
    waiting = asyncio.create_task(next_frame(client))
    await timing.asleep()
    client.tell(chunk(2, 3))
    timing.advance(seconds=PACE)

    frame = await waiting

    assert (frame["seq"], frame["changes"]) == ("p2", [0, 1, 0, 1, 2])


async def test_no_frame_follows_another_within_the_pace(timing: ManualTiming) -> None:
    client = client_of(timing)
    await next_frame(client)
    client.tell(chunk(1, 1))
    waiting = asyncio.create_task(client.frame())
    await timing.asleep()
    timing.advance(seconds=PACE - 0.01)
    await timing.asleep()

    assert not waiting.done()
    timing.advance(seconds=0.01)
    await waiting


async def test_who_leaves_in_the_midst_of_a_look_goes_on_before_it(timing: ManualTiming) -> None:
    client = client_of(timing)
    await next_frame(client)
    timing.advance(seconds=1)
    client.tell(chunk(1, MOST_IN_FRAME + 1))

    first = await next_frame(client)
    timing.advance(seconds=1)
    second = await next_frame(client)

    assert [first["seq"], second["seq"]] == ["p0", "p1"]
    assert len(first["changes"]) + len(second["changes"]) == MOST_IN_FRAME + 1


async def test_who_is_too_slow_is_to_read_anew_and_no_more_waits(timing: ManualTiming) -> None:
    client = client_of(timing)
    await next_frame(client)
    for number in range(1, MOST_BEHIND + 2):
        client.tell(chunk(number, 1))
    timing.advance(seconds=1)

    frame = await next_frame(client)

    assert (frame["type"], frame["topics"]) == ("refetch", ["jobs"])
    assert frame["seq"] == f"p{MOST_BEHIND + 1}"
    client.tell(chunk(MOST_BEHIND + 2, 1))
    timing.advance(seconds=1)
    assert (await next_frame(client))["changes"] == [0]


async def test_who_reads_nothing_is_asked_once_to_read_anew(timing: ManualTiming) -> None:
    client = client_of(timing)
    await next_frame(client)
    for number in range(1, 5 * MOST_BEHIND):
        client.tell(chunk(number, 1))
    timing.advance(seconds=1)

    kinds = []
    while (frame := await next_frame(client))["type"] != "ping":
        kinds.append(frame["type"])
        timing.advance(seconds=BEAT)

    assert kinds.count("refetch") == 1


async def test_who_is_told_nothing_hears_that_the_other_side_is_there(
    timing: ManualTiming,
) -> None:
    client = client_of(timing)
    client.now_at = lambda: "p7"
    await next_frame(client)
    waiting = asyncio.create_task(next_frame(client))
    await timing.asleep()
    timing.advance(seconds=BEAT)

    assert await waiting == {"type": "ping", "seq": "p7"}


async def test_what_is_said_last_is_sent_before_it_ends(timing: ManualTiming) -> None:
    client = client_of(timing)
    await next_frame(client)
    client.tell(chunk(1, 1))
    client.refuse("unauthenticated", "the token was revoked")
    client.end(4401, "revoked")

    assert (await next_frame(client))["code"] == "unauthenticated"
    assert await client.frame() is None
