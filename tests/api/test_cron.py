"""One cycle for each call: who may, what it does, when it stops, how often."""

from __future__ import annotations

import asyncio

import pytest

from onbeat import Onbeat, Settings
from onbeat.api.asgi import make_asgi
from onbeat.domain.access import Permission
from onbeat.domain.jobs import JobId
from onbeat.domain.meters import Meter
from onbeat.domain.states import State
from onbeat.store import meters
from tests.api.asking import CRON_SECRET, HOST, Client, asking

BEARER = {"Authorization": f"Bearer {CRON_SECRET}"}
PATHS = ("/api/v1/cron/tick", "/api/cron/scheduler")


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_a_call_makes_what_is_due(ob: Onbeat, nobody: Client, method: str, path: str) -> None:
    job = (await ob.jobs.enqueue("report", must_be_known=False)).id

    answer = await nobody.told(method, HOST + path, headers=BEARER)

    assert (answer["status"], answer["pending"]) == ("complete", 1)
    assert (await ob.jobs.find(job)).state is State.PENDING


async def test_with_drain_jobs_are_run(ob: Onbeat, nobody: Client) -> None:
    @ob.task
    async def report() -> None: ...

    jobs = [await report.enqueue() for _ in range(20)]

    answer = await nobody.told("POST", HOST + PATHS[0], params={"drain": True}, headers=BEARER)

    assert (answer["status"], answer["ended"], answer["pending"]) == ("complete", 20, 0)
    assert {(await each.show()).state for each in jobs} == {State.COMPLETED}
    sums = await (await ob.store()).read(meters.read)
    assert sum(each.number for each in sums if each.meter is Meter.RAN) == 20


async def test_it_stops_before_its_budget_and_says_what_is_left(ob: Onbeat, nobody: Client) -> None:
    @ob.task
    async def endless() -> None:
        await asyncio.Event().wait()

    job = await endless.enqueue()

    answer = await nobody.told(
        "POST", HOST + PATHS[0], params={"drain": True, "max_seconds": 2}, headers=BEARER
    )

    assert (answer["status"], answer["took_s"] < 10) == ("partial", True)
    assert (await ob.jobs.find(JobId(job.id))).state is not State.RUNNING


@pytest.mark.parametrize(
    "header",
    [None, "Bearer wrong", f"Basic {CRON_SECRET}", CRON_SECRET, "Bearer", f"Bearer {CRON_SECRET}x"],
)
@pytest.mark.parametrize("path", PATHS)
async def test_a_wrong_secret_is_refused(nobody: Client, header: str | None, path: str) -> None:
    headers = {} if header is None else {"Authorization": header}

    await nobody.told("GET", HOST + path, 401, headers=headers)


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH"])
async def test_other_methods_are_refused(nobody: Client, method: str) -> None:
    await nobody.told(method, HOST + PATHS[1], 405, headers=BEARER)


async def test_the_eleventh_call_in_a_minute_is_refused(nobody: Client) -> None:
    for _ in range(10):
        await nobody.told("GET", HOST + PATHS[1], headers=BEARER)

    answer = await nobody.get(HOST + PATHS[1], headers=BEARER)

    assert answer.status_code == 429
    assert 0 < int(answer.headers["retry-after"]) <= 60


@pytest.mark.parametrize("seconds", ["0", "901", "x", "-1", "nan"])
async def test_a_budget_out_of_range_is_refused(nobody: Client, seconds: str) -> None:
    answer = await nobody.get(HOST + PATHS[0], params={"max_seconds": seconds}, headers=BEARER)

    assert answer.status_code == 400


async def test_a_token_that_allows_it_does_too(ob: Onbeat, nobody: Client) -> None:
    made = await ob.tokens.create("cron", frozenset({Permission.CRON_TICK}), by="test")
    other = await ob.tokens.create("other", frozenset({Permission.JOBS_READ}), by="test")

    for text, status in ((made.text, 200), (other.text, 403)):
        headers = {"Authorization": f"Bearer {text}"}
        await nobody.told("GET", HOST + PATHS[0], status, headers=headers)


async def test_where_no_secret_is_set_it_says_so(database_url: str) -> None:
    async with Onbeat(database_url, settings=Settings()) as ob, asking(make_asgi(ob)) as client:
        answer = await client.get(HOST + PATHS[1], headers=BEARER)

    assert (answer.status_code, "CRON_SECRET" in answer.text) == (503, True)


async def test_calls_at_once_make_each_job_once(ob: Onbeat, nobody: Client) -> None:
    ran: list[int] = []

    @ob.task
    async def report(number: int) -> None:
        ran.append(number)

    for number in range(30):
        await report.enqueue(number)

    await asyncio.gather(
        *(
            nobody.told("POST", HOST + PATHS[0], params={"drain": True}, headers=BEARER)
            for _ in range(3)
        )
    )

    assert sorted(ran) == list(range(30))
