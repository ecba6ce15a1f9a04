"""A region that is not there is refused, however it is asked for, and nothing is stored."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import pytest

from onbeat import Call, InvalidInput, Middleware, Onbeat, Regions, Settings, Unique, every

R = TypeVar("R")
REGIONS = Regions({"us": "checks-us", "eu": "checks-eu"}, default="checks")


class Elsewhere(Middleware):
    """Wants every job in a region."""

    async def enqueue(self, call: Call[R]) -> Call[R]:
        return call.opts(region="mars")


async def enqueue(ob: Onbeat, call: Call[Any]) -> None:
    await ob.enqueue_many([call])


async def create(ob: Onbeat, call: Call[Any]) -> None:
    await ob.schedules.create("often", call, every("1m"))


async def create_many(ob: Onbeat, call: Call[Any]) -> None:
    await ob.schedules.create_many([("often", call, every("1m"))])


async def start(ob: Onbeat, call: Call[Any]) -> None:
    async with ob.workflow("flow") as flow:
        flow.add(call)


def application(url: str, regions: Regions | None) -> tuple[Onbeat, Any]:
    ob = Onbeat(url, settings=Settings(), regions=regions)

    @ob.task
    async def check(url: str = "") -> None: ...

    return ob, check


@pytest.mark.parametrize("ask", [enqueue, create, create_many, start])
@pytest.mark.parametrize(
    ("regions", "told"),
    [
        (REGIONS, "region: 'mars' is no region here; known: us, eu"),
        (None, r"region: 'mars' is given, and there are no regions; give Onbeat\(regions="),
    ],
    ids=["others", "none"],
)
async def test_an_unknown_region_of_a_call_is_refused(
    database_url: str,
    ask: Callable[[Onbeat, Call[Any]], Awaitable[None]],
    regions: Regions | None,
    told: str,
) -> None:
    ob, check = application(database_url, regions)
    async with ob:
        with pytest.raises(InvalidInput, match=told):
            await ask(ob, check.bind().opts(region="mars"))

        assert [await ob.jobs.list(), await ob.schedules.list(), await ob.workflows.list()] == [
            [], [], [],
        ]  # fmt: skip


@pytest.mark.parametrize("ask", [enqueue, start])
@pytest.mark.parametrize("regions", [REGIONS, None], ids=["others", "none"])
async def test_a_region_that_middleware_asks_for_is_looked_at_too(
    database_url: str,
    ask: Callable[[Onbeat, Call[Any]], Awaitable[None]],
    regions: Regions | None,
) -> None:
    ob, check = application(database_url, regions)
    ob.middleware(Elsewhere())
    async with ob:
        with pytest.raises(InvalidInput, match="region: 'mars' is"):
            await ask(ob, check.bind())

        assert list(await ob.jobs.list()) == []


async def test_who_asks_for_jobs_is_told_where_each_was_sent_and_why(database_url: str) -> None:
    ob = Onbeat(database_url, settings=Settings(), regions=REGIONS)

    @ob.task(queue="checks", unique=Unique())
    async def check(url: str = "") -> None: ...

    @ob.task
    async def report() -> None: ...

    async with ob:
        sent, again, plain = await ob.enqueue_many(
            [check.bind("a").opts(region="us"), check.bind("a"), report.bind()]
        )
        job = await sent.show()

    why = "wanted in us, sent to the default queue (us: no worker has served it)"
    assert (sent.queue, sent.route) == (job.queue, why) == ("checks", why)
    assert (again.id, again.is_new, again.queue, again.route) == (sent.id, False, None, None)
    assert (plain.queue, plain.route) == ("default", None)
