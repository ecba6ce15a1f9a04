"""A target that answers 202 and works on: its job waits, and ends as it says when it calls back."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from aiohttp import web

from onbeat import Conflict, JobHandle, Middleware, NotFound, Onbeat, Run, Settings, State
from onbeat.app.options import read_options
from onbeat.domain.callbacks import FORGOTTEN_AFTER, HEADER, LARGEST, Callback, next_look
from onbeat.domain.errors import ArgumentsTooLarge
from onbeat.domain.jobs import JobId
from onbeat.domain.retries import Retry
from onbeat.store import callbacks as stored
from onbeat.store.store import Store
from tests.outbound.receivers import Receiver, always, in_turn, receiving, saying
from tests.timing import ManualTiming
from tests.waiting import wait_for

KEY = "a key of a test, which has 32 characters or more"
URL = "https://onbeat.example"
TAKEN = saying({"ticket": 7}, status=202)


def settings(**said: Any) -> Settings:
    said = {"secret_key": (KEY,), "public_url": URL, **said}
    return Settings(http_task=True, outbound_allow=("127.0.0.0/8",), outbound_http=True, **said)


@pytest.fixture
async def sending(database_url: str) -> AsyncIterator[Onbeat]:
    async with Onbeat(database_url, settings=settings()) as ob:
        yield ob


async def ask(ob: Onbeat, url: str, retry: Retry | None = None, **said: Any) -> JobHandle[Any]:
    given = {"url": url, "callback": "1h", **said}
    args = ob.registry.find("http").arguments.encode((), given).decode()
    return await ob.jobs.enqueue("http", args, read_options(retry=retry))


async def until(handle: JobHandle[Any], state: State) -> None:
    async def look() -> bool:
        return (await handle.show()).state is state

    await wait_for(look, what=f"that the job is {state}")


def token(receiver: Receiver) -> str:
    """What the last request gave its target to call back with."""
    url = receiver.came[-1].headers[HEADER.lower()]
    assert url.startswith(f"{URL}/api/v1/callbacks/")
    return url.rpartition("/")[2]


class LosesOne(Middleware):
    """Has an attempt fail once after its task has returned."""

    has_lost = False

    async def run(self, run: Run, proceed: Any) -> Any:
        result = await proceed()
        if not self.has_lost:
            self.has_lost = True
            raise ConnectionError("lost before it was stored")
        return result


async def test_a_job_waits_without_an_attempt_and_ends_with_what_is_called_back(
    sending: Onbeat,
) -> None:
    async with receiving(TAKEN) as receiver, sending.running(scheduler=False):
        handle = await ask(sending, receiver.url())
        await until(handle, State.SCHEDULED)
        job = await handle.show()
        assert (job.attempt, "to call back" in (job.reason or "")) == (0, True)

        assert await sending.callbacks.receive(token(receiver), {"lines": 3}) == handle.id

        result = await handle.result("10s")
        assert (result.status, result.body, len(receiver.came)) == (202, {"lines": 3}, 1)


async def test_a_job_whose_target_says_that_it_failed_has_failed(sending: Onbeat) -> None:
    async with receiving(TAKEN) as receiver, sending.running(scheduler=False):
        handle = await ask(sending, receiver.url())
        await until(handle, State.SCHEDULED)

        await sending.callbacks.receive(token(receiver), "disk full", is_done=False)
        await until(handle, State.FAILED)

        assert "called back that it failed: disk full" in ((await handle.show()).reason or "")
        assert len(receiver.came) == 1


async def test_a_target_may_call_back_before_it_has_answered(sending: Onbeat) -> None:
    async def call_back_first(_: Any) -> Any:
        await sending.callbacks.receive(token(receiver), "done")
        return await TAKEN(_)

    async with receiving(call_back_first) as receiver, sending.running(scheduler=False):
        handle = await ask(sending, receiver.url())

        assert (await handle.result("10s")).body == "done"


async def test_another_answer_of_success_ends_the_job_at_once(sending: Onbeat) -> None:
    async with receiving(saying("done")) as receiver, sending.running(scheduler=False):
        handle = await ask(sending, receiver.url())

        assert (await handle.result("10s")).status == 200
        with pytest.raises(NotFound, match="waits for no callback"):
            await sending.callbacks.receive(token(receiver))


async def test_a_job_that_waits_can_be_called_off_and_is_waited_for_no_more(
    sending: Onbeat,
) -> None:
    async with receiving(TAKEN) as receiver, sending.running(scheduler=False):
        handle = await ask(sending, receiver.url())
        await until(handle, State.SCHEDULED)

        await handle.cancel("no more")

        with pytest.raises(NotFound, match="waits for no callback"):
            await sending.callbacks.receive(token(receiver), "done")
        assert (await handle.show()).state is State.CANCELLED


async def test_what_came_of_an_attempt_that_seemed_lost_still_counts(sending: Onbeat) -> None:
    async with receiving(in_turn(always(503), TAKEN)) as receiver:
        handle = await ask(sending, receiver.url(), Retry(2, base="1h"))
        async with sending.running(scheduler=False):
            await until(handle, State.RETRYING)
            await sending.callbacks.receive(token(receiver), "done after all")

            assert (await handle.result("10s")).body == "done after all"
        assert len(receiver.came) == 1


async def test_what_was_heard_is_heard_again_where_it_was_not_stored(sending: Onbeat) -> None:
    losing = LosesOne()
    sending.middleware(losing)
    async with receiving(TAKEN) as receiver, sending.running(scheduler=False):
        handle = await ask(sending, receiver.url(), Retry(2, base="0s"))
        await until(handle, State.SCHEDULED)
        await sending.callbacks.receive(token(receiver), "done")

        assert (await handle.result("10s")).body == "done"
        assert (len(receiver.came), losing.has_lost) == (1, True)


async def test_a_job_that_is_run_again_asks_its_target_again(sending: Onbeat) -> None:
    async with receiving(TAKEN) as receiver, sending.running(scheduler=False):
        handle = await ask(sending, receiver.url())
        await until(handle, State.SCHEDULED)
        await handle.cancel("no more")
        await sending.jobs.retry(handle.id)
        await until(handle, State.SCHEDULED)
        await sending.callbacks.receive(token(receiver), "disk full", is_done=False)
        await until(handle, State.FAILED)

        await sending.jobs.redrive(task="http")
        await until(handle, State.SCHEDULED)
        await sending.callbacks.receive(token(receiver), "done")

        assert (await handle.result("10s")).body == "done"
        assert len(receiver.came) == 3


async def test_what_was_said_while_nobody_worked_is_kept_for_as_long_as_its_job(
    sending: Onbeat,
) -> None:
    store = await sending.store()
    async with receiving(TAKEN) as receiver:
        async with sending.running(scheduler=False):
            handle = await ask(sending, receiver.url(), callback="10m")
            await until(handle, State.SCHEDULED)
        await sending.callbacks.receive(token(receiver), "done")
        later = FORGOTTEN_AFTER + timedelta(days=1)
        await store.write(lambda connection, now: stored.sweep(connection, now + later))
        async with sending.running(scheduler=False):
            assert (await handle.result("10s")).body == "done"
        assert len(receiver.came) == 1


async def test_what_was_said_at_the_last_moment_is_not_forgotten(sending: Onbeat) -> None:
    store = await sending.store()
    async with receiving(TAKEN) as receiver:
        async with sending.running(scheduler=False):
            handle = await ask(sending, receiver.url())
            await until(handle, State.SCHEDULED)
        await sending.callbacks.receive(token(receiver), "done")

    job, over = JobId(handle.id), timedelta(hours=2)
    found = await store.write(lambda connection, now: stored.expire(connection, now + over, job))
    assert found is not None
    assert found.said == "done"


async def test_the_url_of_a_callback_is_not_told_by_what_is_kept_of_a_job(
    sending: Onbeat,
) -> None:
    async def echo(request: Any) -> Any:
        return web.Response(status=500, text=str(dict(request.headers)))

    secret = {"secret_headers": {"Authorization": "Bearer only-the-token"}}
    async with receiving(echo) as receiver, sending.running(scheduler=False):
        handle = await ask(sending, receiver.url(), Retry(1), **secret)
        await until(handle, State.FAILED)
        kept = repr(await sending.jobs.attempts(handle.id))

    assert "500" in kept
    assert token(receiver) not in kept
    assert "only-the-token" not in kept


async def test_a_target_that_does_not_call_back_in_time_is_asked_again(sending: Onbeat) -> None:
    async with receiving(in_turn(TAKEN, saying("done"))) as receiver:
        handle = await ask(sending, receiver.url(), Retry(2, base="0s"), callback="50ms")
        async with sending.running():
            assert (await handle.result("10s")).body == "done"

        first, second = await sending.jobs.attempts(handle.id), receiver.came
        assert any("has not called back in time" in (each.reason or "") for each in first)
        assert len({each.headers["idempotency-key"] for each in second}) == 1


async def test_told_twice_it_counts_once_and_told_otherwise_it_is_refused(sending: Onbeat) -> None:
    async with receiving(always(503)) as receiver:
        handle = await ask(sending, receiver.url(), Retry(2, base="1h"))
        async with sending.running(scheduler=False):
            await until(handle, State.RETRYING)
        for _ in range(2):
            await sending.callbacks.receive(token(receiver), 1)

        with pytest.raises(Conflict, match="told something else before"):
            await sending.callbacks.receive(token(receiver), 2)


async def test_nobody_calls_back_without_the_url_that_the_request_had(sending: Onbeat) -> None:
    async with receiving(TAKEN) as receiver, sending.running(scheduler=False):
        handle = await ask(sending, receiver.url())
        await until(handle, State.SCHEDULED)
        good = token(receiver)

        for wrong in (handle.id, "v1.AAAA", good[:-4] + "AAA=", good[4:]):
            with pytest.raises(NotFound, match="nobody waits for that callback"):
                await sending.callbacks.receive(wrong)
        with pytest.raises(ArgumentsTooLarge):
            await sending.callbacks.receive(good, "x" * LARGEST)

        assert (await handle.show()).state is State.SCHEDULED


@pytest.mark.parametrize(
    ("lacks", "told"),
    [({"public_url": None}, "ONBEAT_PUBLIC_URL"), ({"secret_key": None}, "ONBEAT_SECRET_KEY")],
)
async def test_what_it_needs_is_named_where_it_lacks(
    database_url: str, lacks: dict[str, Any], told: str
) -> None:
    async with receiving() as receiver, Onbeat(database_url, settings=settings(**lacks)) as ob:
        handle = await ask(ob, receiver.url())
        async with ob.running(scheduler=False):
            await until(handle, State.FAILED)

        assert told in ((await handle.show()).reason or "")
        assert receiver.came == []


async def test_what_no_job_looked_at_is_forgotten_a_day_after_its_time(
    store: Store, timing: ManualTiming
) -> None:
    job = store.new_id()
    await store.write(partial(stored.open_for, job=job, wait=timedelta(hours=1)))

    async def swept(after: timedelta) -> Callback | None:
        timing.advance(by=after)
        await store.write(stored.sweep)
        return await store.read(partial(stored.find, job=job))

    assert await swept(FORGOTTEN_AFTER) is not None
    assert await swept(timedelta(hours=1, seconds=1)) is None


async def test_those_who_say_it_at_once_agree(sending: Onbeat) -> None:
    async with receiving(TAKEN) as receiver, sending.running(scheduler=False):
        handle = await ask(sending, receiver.url())
        await until(handle, State.SCHEDULED)
        said = token(receiver)

        came = await asyncio.gather(
            *(sending.callbacks.receive(said, number) for number in range(5)),
            return_exceptions=True,
        )

        won = [number for number, each in enumerate(came) if each == handle.id]
        assert len(won) == 1
        assert (await handle.result("10s")).body == won[0]


def test_a_job_that_waits_looks_less_often_the_longer_it_has_waited_and_at_its_time() -> None:
    began = ManualTiming().now()
    waiting = Callback(
        job=JobId("0" * 32), accepted_at=began, expires_at=began + timedelta(hours=10)
    )
    looks = [
        next_look(waiting, began + timedelta(minutes=minutes)) for minutes in (0, 4, 20, 120, 599)
    ]

    assert looks == [
        timedelta(seconds=5), timedelta(minutes=1), timedelta(minutes=5), timedelta(minutes=10),
        timedelta(minutes=1),
    ]  # fmt: skip
