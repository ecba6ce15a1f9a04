"""Jobs that ask an API: what their requests say of them, and what becomes of them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from onbeat import ApiClient, Breaker, JobHandle, Onbeat, Retry, Run, State
from onbeat.domain.breakers import BreakerState
from onbeat.domain.requests import RequestOutcome
from tests.outbound.receivers import Receiver, always, in_turn, listening, receiving, saying
from tests.waiting import wait_for

ONCE = Retry(1)
TOKEN = "tok-5f2b8e71c0"  # noqa: S105 - of a test
KEY = "hunter2"
TRACE = {"traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"}


def client(ob: Onbeat, receiver: Receiver, **options: Any) -> ApiClient:
    options = {"retry": ONCE, "token": TOKEN, **options}
    return ob.client("game-api", url=receiver.url(path=""), **options)


async def until(handle: JobHandle[Any], state: State) -> None:
    async def look() -> bool:
        return (await handle.show()).state is state

    await wait_for(look, what=f"that the job is {state}")


async def test_a_request_says_whose_job_s_it_is_and_in_which_trace(ob: Onbeat) -> None:
    async with receiving(saying({"power": 9})) as receiver:
        api = client(ob, receiver)

        @ob.task
        async def look_up(effect: int) -> int:
            power: int = (await api.get(f"/effects/{effect}")).json()["power"]
            return power

        [handle] = await ob.enqueue_many([look_up.bind(42).traced(TRACE)])
        async with ob.running(scheduler=False):
            assert await handle.result("10s") == 9

        [came] = receiver.came
        assert came.headers["x-request-id"].startswith(f"{handle.id}-")
        assert came.headers["traceparent"] == TRACE["traceparent"]


async def test_a_task_that_is_no_coroutine_asks_too(ob: Onbeat) -> None:
    async with receiving(saying({"data": {"power": 9}})) as receiver:
        api = client(ob, receiver)

        @ob.task
        def look_up() -> tuple[int, int]:
            status = api.request_blocking("POST", "/", json=1).status
            return status, api.graphql_blocking("{ power }")["power"]

        handle = await look_up.enqueue()
        async with ob.running(scheduler=False):
            assert await handle.result("10s") == (200, 9)

        assert all(came.headers["x-request-id"].startswith(handle.id) for came in receiver.came)
    ob.close_blocking()


async def test_a_job_waits_for_the_breaker_and_no_attempt_is_spent(ob: Onbeat) -> None:
    no = always(500)
    async with receiving(in_turn(no, saying(1))) as receiver:
        breaker = Breaker("game-api", threshold=1, open_for="1h")
        api = client(ob, receiver, breaker=breaker)

        @ob.task(retry=ONCE)
        async def ask() -> None:
            await api.get("/")

        async with ob.running(scheduler=False):
            await until(await ask.enqueue(), State.FAILED)
            waiting = await ask.enqueue()
            await until(waiting, State.SCHEDULED)
            job = await waiting.show()

        assert job.attempt == 0
        assert job.due_at is not None
        assert job.due_at > datetime.now(UTC) + timedelta(minutes=50)
        assert "breaker game-api is open" in (job.reason or "")
        assert len(receiver.came) == 1


async def test_jobs_of_a_task_that_names_the_breaker_do_not_begin_while_it_is_open(
    ob: Onbeat,
) -> None:
    no = always(500)
    async with receiving(in_turn(no, saying(1))) as receiver:
        api = client(ob, receiver, breaker=Breaker("game-api", threshold=1, open_for="1h"))
        assert api.breaker is not None

        @ob.task(retry=ONCE, breakers=api.breaker)
        async def ask() -> None:
            await api.get("/")

        async with ob.running(scheduler=False):
            await until(await ask.enqueue(), State.FAILED)
            waiting = await ask.enqueue()
            await until(waiting, State.BLOCKED)
            await ob.breakers.close("game-api", "ann")
            await until(waiting, State.COMPLETED)


async def test_a_failure_of_a_request_is_counted_once_where_the_task_names_the_breaker(
    ob: Onbeat,
) -> None:
    async with receiving(always(500)) as receiver:
        api = client(ob, receiver)

        @ob.task(retry=ONCE, breakers=api.breaker)
        async def ask() -> None:
            await api.get("/")

        async with ob.running(scheduler=False):
            for _ in range(3):
                await until(await ask.enqueue(), State.FAILED)

    assert (await ob.breakers.find("game-api")).standing.counted == 3


async def test_a_job_that_runs_out_of_its_own_time_in_a_request_speaks_for_the_breaker(
    ob: Onbeat,
) -> None:
    async with listening() as silent:
        url = f"http://127.0.0.1:{silent.port}"
        api = ob.client("game-api", url=url, breaker=Breaker("game-api", threshold=2))

        @ob.task(retry=ONCE, timeout="200ms", breakers=api.breaker)
        async def ask() -> None:
            await api.get("/")

        async with ob.running(scheduler=False):
            for _ in range(2):
                await until(await ask.enqueue(), State.FAILED)

    assert (await ob.breakers.find("game-api")).state is BreakerState.OPEN


async def test_a_job_that_is_answered_to_come_back_later_does(ob: Onbeat) -> None:
    async with receiving(always(429, Retry_After="3600")) as receiver:
        api = client(ob, receiver)

        @ob.task(retry=Retry(2, base="0s"))
        async def ask() -> None:
            await api.get("/")

        handle = await ask.enqueue()
        async with ob.running(scheduler=False):
            await until(handle, State.RETRYING)

        due_at = (await handle.show()).due_at
        assert due_at is not None
        assert due_at > datetime.now(UTC) + timedelta(minutes=50)


async def test_a_job_whose_request_is_refused_is_not_tried_again(ob: Onbeat) -> None:
    async with receiving(always(422)) as receiver:
        api = client(ob, receiver)

        @ob.task(retry=Retry(5, base="0s"))
        async def ask() -> None:
            await api.post("/", json={})

        async with ob.running(scheduler=False):
            await until(await ask.enqueue(), State.FAILED)

        assert len(receiver.came) == 1


async def test_what_is_kept_of_a_job_has_no_token_and_no_query(ob: Onbeat) -> None:
    async with receiving(in_turn(always(503), saying({"echo": TOKEN}, status=500))) as receiver:
        api = client(ob, receiver, retry=Retry(2, base="1ms"))

        @ob.task(retry=ONCE)
        async def ask(run: Run) -> None:
            await api.get(f"/effects?key={KEY}")

        handle = await ask.enqueue()
        async with ob.running(scheduler=False):
            await until(handle, State.FAILED)

        [attempt] = await ob.jobs.attempts(handle.id)
        log = await ob.jobs.log(handle.id)
        told = f"{attempt} {log} {await handle.show()}"
        assert "was answered 503 Service Unavailable" in f"{log}"
        assert TOKEN not in told
        assert KEY not in told


async def test_requests_are_counted_by_the_client_and_what_came_of_them(ob: Onbeat) -> None:
    async with receiving(in_turn(saying(1), always(500), always(404))) as receiver:
        api = client(ob, receiver)
        await api.get("/")
        for _ in range(2):
            with pytest.raises(Exception, match="was answered"):
                await api.get("/")

    [counted] = ob._context.tally.counted()
    assert counted.kind == "client/game-api"
    assert [counted.count(each) for each in RequestOutcome] == [1, 1, 1]
