"""The task of `examples/monitors/regions` that looks at a page, on pages that misbehave."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from examples.monitors.regions.checks import check, ob, tell, visit
from examples.monitors.regions.pages import Pages, serving_pages

from onbeat import JobFilter, Retry
from onbeat.timing import SystemTiming
from tests.waiting import wait_for

PATIENCE = 30
ONCE = Retry(1)


@pytest.fixture
async def pages() -> AsyncIterator[Pages]:
    """Pages over real HTTP."""
    async with serving_pages() as made:
        yield made


@pytest.mark.parametrize(
    ("address", "reason"),
    [("{site}/hang/1", "PageDown: no answer within 4 s"), ("http://[", "Permanent: no address: ")],
)
async def test_somebody_is_told_of_a_page_that_cannot_be_got(
    database_url: str, pages: Pages, address: str, reason: str
) -> None:
    async def is_told() -> bool:
        return bool(await ob.jobs.list(JobFilter(task=tell.name)))

    with ob.elsewhere(database_url, SystemTiming()):
        async with ob, ob.running(scheduler=False):
            asked = check.opts(retry=ONCE, queue="default")
            await asked.enqueue(1, "shop", address.format(site=pages.address))
            await wait_for(is_told, PATIENCE)
            [told] = await ob.jobs.list(JobFilter(task=tell.name))

    assert reason in told.args


async def test_of_a_page_without_end_only_the_beginning_is_read(pages: Pages) -> None:
    assert await visit(f"{pages.address}/endless", within=30) == 200
