"""A job row that a worker cannot read holds up neither its slot nor the jobs behind it."""

from __future__ import annotations

import pytest
from sqlalchemy import update

from onbeat.domain.states import State
from onbeat.store.schema import jobs
from tests.worker.workshop import Workshop


async def hello() -> str:
    return "hello"


@pytest.mark.parametrize("options", ["[]", '{"timeout": "soon"}', '{"retry": {"backoff": "new"}}'])
async def test_a_job_whose_options_cannot_be_read_is_put_off_and_the_next_runs(
    shop: Workshop, options: str
) -> None:
    task = shop.task(hello)
    bad, good = await shop.enqueue(task), await shop.enqueue(task)
    damage = update(jobs).where(jobs.c.id == bad).values(options=options)
    await shop.store.write(lambda c, now: c.execute(damage))

    async with shop.working(slots=1):
        assert await shop.result(good) == '"hello"'
        shown = await shop.stands(bad, State.SCHEDULED)

    assert "no worker here can read its options" in (shown.reason or "")
