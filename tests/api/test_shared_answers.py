"""Answers that processes share in a Redis: never older than an edit, and never needed."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from typing import Any

import pytest
from redis import Redis

from onbeat import Onbeat, Settings
from onbeat.api.asgi import enveloped, make_app
from onbeat.domain.access import Permission
from onbeat.domain.attempts import Failure
from onbeat.domain.environments import in_environment
from onbeat.outbound.shared_shelf import SharedAnswer, SharedShelf
from tests import factories
from tests.api.asking import HOST, Client, asking
from tests.api.test_kept_answers import fold
from tests.contract.world import acked, begin, claim_one
from tests.servers.redis import RedisServer, launch, running_redis
from tests.waiting import wait_for

SEES_LESS = frozenset(Permission) - {Permission.JOBS_ARGUMENTS}
ANSWER = SharedAnswer(b"{}", {"content-type": "application/json"})


@pytest.fixture(scope="module")
def redis_url() -> Iterator[str]:
    """A Redis for all that do without an outage; each has a database of its own."""
    with running_redis() as url:
        yield url


@pytest.fixture
def own_redis() -> Iterator[RedisServer]:
    """One that may be stopped."""
    with launch() as server:
        yield server


class Process:
    """What one of several processes of the API has, and a client that asks it."""

    def __init__(self, ob: Onbeat, client: Client) -> None:
        self.ob = ob
        self.client = client

    async def source(self, path: str, **sent: Any) -> str:
        """Where an answer of it was from: as its metrics say."""
        before = await self._sources()
        await self.client.told("GET", path, **sent)
        after = await self._sources()
        [place] = {line.split('source="')[1].split('"')[0] for line in after - before}
        return place

    async def _sources(self) -> set[str]:
        told = (await self.client.get(f"{HOST}/metrics")).text
        return {each for each in told.splitlines() if each.startswith("onbeat_answers_total{")}


class Fleet:
    """Processes of the API over databases, with one Redis."""

    def __init__(self, stack: AsyncExitStack) -> None:
        self._stack = stack

    async def start(
        self, url: str, redis: str | None, scopes: frozenset[Permission] = SEES_LESS
    ) -> Process:
        """Another process."""
        ob = Onbeat(url, settings=Settings(redis_url=redis))
        if (await ob.schema()).current is None:
            await ob.migrate()
        await self._stack.enter_async_context(ob)
        made = make_app(ob)
        app, answers = enveloped(made), made.state.answers
        if redis is not None:
            # On a machine that is busy with tests, a tenth of a second passes for nothing.
            answers.shared = SharedShelf(redis, "1", patience=10)
        token = (await ob.tokens.create("some", scopes, by="test")).text
        self._stack.push_async_callback(answers.close)
        return Process(ob, await self._stack.enter_async_context(asking(app, token)))


@pytest.fixture
async def fleet() -> AsyncIterator[Fleet]:
    async with AsyncExitStack() as stack:
        yield Fleet(stack)


@pytest.fixture
async def two(fleet: Fleet, database_url: str, redis_url: str) -> list[Process]:
    """Two processes on one database."""
    found = [await fleet.start(database_url, redis_url) for _ in range(2)]
    await fold(found[0].ob, completed=1)
    return found


@pytest.mark.parametrize("path", ["/reports", "/health", "/health/anomalies"])
async def test_what_one_has_made_the_other_is_given(two: list[Process], path: str) -> None:
    one, other = two
    found = [await each.source(path) for each in (one, one, other, other)]
    first, second = [await each.client.get(path) for each in two]

    assert found == ["database", "memory", "redis", "memory"]
    assert second.content == first.content
    assert abs(int(second.headers["age"]) - int(first.headers["age"])) <= 1
    assert second.headers["content-type"] == first.headers["content-type"]


@pytest.mark.parametrize("path", ["/stats", "/queues", "/jobs/counts"])
async def test_what_is_soon_another_is_not_shared(two: list[Process], path: str) -> None:
    assert [await each.source(path) for each in two] == ["database", "database"]


async def target(process: Process, path: str) -> Any:
    told = await process.client.told("GET", path)
    return (told.get("objectives") or [each["objective"] for each in told["data"]])[0]["target"]


@pytest.mark.parametrize("path", ["/reports", "/health"])
async def test_an_edit_in_one_process_is_seen_at_once_in_the_other(
    two: list[Process], path: str
) -> None:
    one, other = two
    seen = [await target(each, path) for each in two]
    for number, process in enumerate((one, other, one)):
        body = {"target": 0.9 - number / 10}
        await process.client.told("PUT", "/objectives/task/send", json=body)
        seen += [await target(each, path) for each in two]

    assert seen == pytest.approx([0.99, 0.99, 0.9, 0.9, 0.8, 0.8, 0.7, 0.7])


async def test_an_edit_by_the_command_line_is_seen_at_once(
    two: list[Process], database_url: str
) -> None:
    """A process that knows of no Redis, and that nobody here is told of."""
    seen = [await target(each, "/health") for each in two]
    ran = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "onbeat", "objectives", "set", "task/send", "95%",
        env={**os.environ, "ONBEAT_DB": database_url}, stdout=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    assert await ran.wait() == 0
    seen += [await target(each, "/health") for each in two]

    assert seen == [0.99, 0.99, 0.95, 0.95]


async def test_what_is_counted_is_seen_at_once_by_all(two: list[Process]) -> None:
    for each in two:
        await each.client.told("GET", "/health")
    await fold(two[0].ob, completed=2)

    found = [await each.client.told("GET", "/health") for each in two]

    assert [each["data"][0]["ever"]["completed"] for each in found] == [3, 3]


async def test_who_may_see_more_is_not_given_what_was_made_for_others(
    fleet: Fleet, database_url: str, redis_url: str
) -> None:
    less = await fleet.start(database_url, redis_url)
    more = await fleet.start(database_url, redis_url, frozenset(Permission))

    assert [await each.source("/health") for each in (less, more)] == ["database", "database"]


async def test_what_errors_say_never_comes_to_redis(
    fleet: Fleet, database_url: str, own_redis: RedisServer
) -> None:
    more = await fleet.start(database_url, own_redis.url, frozenset(Permission))
    less = await fleet.start(database_url, own_redis.url)
    store = await more.ob.store()
    await store.enqueue([factories.job(args=b'{"order": 4711}')])
    claimed = await claim_one(store, await begin(store))
    error = Failure(type="ValueError", message="order 4711", traceback="in 4711")
    await acked(store, factories.ack(claimed, "bury", failure=error))
    for process in (more, less):
        for path in ("/reports", "/reports?format=html", "/health", "/health/anomalies", "/stats"):
            await process.client.get(path)

    with Redis.from_url(own_redis.url) as client:
        kept = [client.get(key) or b"" for key in client.scan_iter()]
    assert len(kept) == 6
    assert [each for each in kept if b"4711" in each] == []


async def test_databases_and_environments_with_one_redis_have_answers_of_their_own(
    fleet: Fleet, database_url: str, redis_url: str, tmp_path: Any
) -> None:
    urls = (
        database_url, in_environment(database_url, "staging"), f"sqlite:///{tmp_path}/other.db"
    )  # fmt: skip
    fleets = [await fleet.start(url, redis_url) for url in urls]

    assert [await each.source("/health") for each in fleets] == ["database"] * 3


async def test_without_its_redis_a_process_answers_as_fast_and_says_so(
    fleet: Fleet, database_url: str, own_redis: RedisServer
) -> None:
    one, other = [await fleet.start(database_url, own_redis.url) for _ in range(2)]
    await one.client.told("GET", "/health")
    states = [await health(other)]
    own_redis.stop()
    found = [await other.source(path) for path in ("/health", "/reports")]
    states.append(await health(other))
    own_redis.start()

    async def is_back() -> bool:
        return await health(other) == ("ok", "up", 1)

    await wait_for(is_back)
    assert found == ["database", "database"]
    assert states == [("ok", "up", 1), ("degraded", "degraded", 0)]
    await one.source("/health/anomalies")
    assert await other.source("/health/anomalies") == "redis"


async def health(process: Process) -> tuple[str, str, float]:
    """How the process is, its Redis, and what its metrics say of it."""
    told = await process.client.told("GET", f"{HOST}/health")
    metrics = (await process.client.get(f"{HOST}/metrics")).text
    [up] = [each for each in metrics.splitlines() if each.startswith("onbeat_redis_up ")]
    return told["status"], told["dependencies"]["redis"]["status"], float(up.split()[1])


async def test_a_redis_that_hangs_holds_up_one_answer_for_a_moment_alone(
    own_redis: RedisServer,
) -> None:
    shelf, took = SharedShelf(own_redis.url, "1", patience=0.2), []
    await shelf.put("a", ANSWER, 60)
    with own_redis.hanging():
        for _ in range(3):
            began = time.monotonic()
            assert await shelf.get("a", 60) is None
            took.append(time.monotonic() - began)
    await shelf.close()

    assert took[0] > 0.15
    assert max(took[1:]) < 0.15


async def test_an_answer_is_as_old_as_its_time_that_is_over(redis_url: str) -> None:
    shelf = SharedShelf(redis_url, "1", patience=10)
    await shelf.put("aged", ANSWER, 20)
    found = await shelf.get("aged", 60)
    await shelf.close()

    assert found is not None
    answer, age = found
    assert answer == ANSWER
    assert age == pytest.approx(40, abs=1)


async def test_another_version_has_answers_of_its_own(redis_url: str) -> None:
    one, other = SharedShelf(redis_url, "1", patience=10), SharedShelf(redis_url, "2", patience=10)
    await one.put("version", ANSWER, 60)
    found = [await each.get("version", 60) is None for each in (one, other)]
    for each in (one, other):
        await each.close()

    assert found == [False, True]


async def test_what_is_no_answer_counts_as_none(redis_url: str) -> None:
    with Redis.from_url(redis_url) as client:
        client.set("onbeat:1:damaged", b"\xff\x00", px=60_000)
        client.lpush("onbeat:1:list", b"x")
        client.pexpire("onbeat:1:list", 60_000)
    shelf = SharedShelf(redis_url, "1", patience=10)
    found = [await shelf.get(key, 60) for key in ("damaged", "list")]
    await shelf.close()

    assert found == [None, None]
