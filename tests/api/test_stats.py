"""Figures over the API, under both names."""

from __future__ import annotations

from typing import Any

import pytest

from onbeat import Onbeat, Retry
from tests.api.asking import HOST, Client
from tests.waiting import wait_for


@pytest.fixture
async def ran(ob: Onbeat) -> None:
    """Three that completed and one that failed."""

    @ob.task
    async def charge(order: int) -> None: ...

    @ob.task(retry=Retry(1))
    async def fails() -> None:
        raise ValueError

    for number in range(3):
        await charge.enqueue(number)
    await fails.enqueue()
    async with ob.running(scheduler=False):

        async def have_ended() -> bool:
            return (await ob.history.stats()).looked_at == 4

        await wait_for(have_ended)


async def test_the_figures_of_each_task_are_told(admin: Client, ran: None) -> None:
    told = await admin.told("GET", "/stats")

    assert [each["name"] for each in told["data"]] == ["charge", "fails"]
    assert (told["total"]["success_rate"], told["is_exact"]) == (0.75, True)
    assert told["data"][0]["states"]["completed"] == {"number": 3, "is_exact": True}


async def test_the_history_tells_them_under_its_own_names(admin: Client, ran: None) -> None:
    told = await admin.told("GET", f"{HOST}/admin/cron-jobs/stats")

    assert (told["total"]["completed"], told["total"]["failed"]) == (3, 1)
    assert (told["total"]["successRate"], told["isExact"]) == (0.75, True)
    assert [each["jobName"] for each in told["jobs"]] == ["charge", "fails"]
    assert told["jobs"][0]["averageDuration"] >= 0
    assert told["from"] < told["to"]


@pytest.mark.parametrize(
    ("asked", "field"),
    [({"by": "colour"}, "by"), ({"window": "soon"}, "window"), ({"since": "soon"}, "since"),
     ({"window": "1h", "since": "2026-01-01T00:00:00Z"}, "since"),
     ({"since": "2026-01-01T00:00:00"}, "since"), ({"task": ""}, "task")],
)  # fmt: skip
async def test_what_is_wrong_is_named(admin: Client, asked: dict[str, Any], field: str) -> None:
    said = await admin.told("GET", "/stats", 400, params=asked)

    assert said["errors"][0]["field"].split(".")[0] == field
