"""What may be said over a WebSocket, what is answered to the rest, and how it ends."""

from __future__ import annotations

import json
from contextlib import AsyncExitStack
from typing import Any

import pytest

from onbeat import Onbeat
from onbeat.api.live.listening import LONGEST_MESSAGE
from onbeat.domain.cursors import cursor
from onbeat.domain.live import MOST_TOPICS
from tests.api.live.listener import Listener, listening, served

WRONG = [
    ("", "malformed", "JSON"),
    ("{", "malformed", ""),
    ("[]", "malformed", "array"),
    ('"x"', "malformed", "str"),
    ('{"type": "subscribe"}', "malformed", "topics"),
    ('{"type": "shout", "topics": ["jobs"]}', "malformed", "shout"),
    ('{"type": "subscribe", "topics": []}', "malformed", "topics"),
    ('{"type": "subscribe", "topics": ["jobs"], "from": 1}', "malformed", "from"),
    ('{"type": "subscribe", "topics": [1]}', "malformed", "topics"),
    ('{"type": "subscribe", "topics": ["jbos"]}', "invalid", "jbos"),
    ('{"type": "subscribe", "topics": ["queue:"]}', "invalid", "queue:"),
    ('{"type": "subscribe", "topics": ["queue"]}', "invalid", "queue:NAME"),
    ('{"type": "subscribe", "topics": ["jobs:x"]}', "invalid", "jobs:x"),
    ('{"type": "subscribe", "topics": ["job:x"]}', "invalid", "hexadecimal"),
    ('{"type": "subscribe", "topics": ["jobs"], "since": "x"}', "invalid", "since"),
    ('{"type": "subscribe", "topics": ["jobs"], "since": ""}', "invalid", "since"),
]


@pytest.mark.parametrize(("text", "code", "named"), WRONG)
async def test_what_is_wrong_is_named_and_one_may_go_on(
    text: str, code: str, named: str, listener: Listener
) -> None:
    await listener.socket.send(text)
    frame = await listener.frame()

    assert (frame["type"], frame["code"]) == ("error", code)
    assert named in frame["detail"]
    assert (await listener.follow("jobs"))["topics"] == ["jobs"]


BROKEN = [
    [0, 0, "x", []],
    [10**30, 0, "x", []],
    [0, 0, "x", [["0" * 32, [[2**64, 1]]]]],
    [0, 0, "x", [["0" * 32, [[-1, "1' OR '1'='1"]]]]],
    [0, 0, "x", [[[], {}]]],
    [None, "", 1, 2],
    {"at": 1},
    "x",
]
"""What no process gave out, with a checksum that is right all the same."""


@pytest.mark.parametrize("said", BROKEN)
async def test_a_place_that_was_made_up_harms_nobody(
    said: Any, ob: Onbeat, listener: Listener
) -> None:
    job = (await ob.jobs.enqueue("send", must_be_known=False)).id
    wish = {"type": "subscribe", "topics": ["jobs", f"job:{job}"], "since": cursor(said)}
    await listener.socket.send(json.dumps(wish))

    frame = await listener.frame()

    if frame["type"] == "subscribed":
        frame = await listener.frame()
    assert (frame["type"], frame.get("code")) in {("error", "invalid"), ("refetch", None)}
    assert (await listener.follow("queues"))["topics"] == ["queues"]


async def test_more_topics_than_may_be_followed_are_refused(listener: Listener) -> None:
    half = MOST_TOPICS // 2 + 1
    for which in "ab":
        topics = [f"queue:{which}{number}" for number in range(half)]
        await listener.say(type="subscribe", topics=topics)

    frame = await listener.until("error")

    assert str(MOST_TOPICS) in frame["detail"]


@pytest.mark.parametrize(
    ("message", "code"), [(b"\x00", 1003), ("x" * (LONGEST_MESSAGE + 1), 1009)]
)
async def test_what_breaks_the_protocol_ends_it(
    message: str | bytes, code: int, listener: Listener
) -> None:
    await listener.socket.send(message)

    assert await listener.closed() == code


async def test_who_says_too_much_is_ended(listener: Listener) -> None:
    for _ in range(100):
        await listener.socket.send("{}")

    assert await listener.closed() == 1008


async def test_a_server_that_stops_says_come_back(ob: Onbeat, token: str) -> None:
    async with AsyncExitStack() as stack:
        address = await stack.enter_async_context(served(ob))
        async with listening(address, token) as listener:
            await listener.follow("jobs")
            await stack.aclose()
            code = await listener.closed()

    assert code == 1012
