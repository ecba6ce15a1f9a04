"""The history tells the same of a run, whatever stands beside it."""

from __future__ import annotations

from datetime import timedelta
from functools import partial

import pytest

from onbeat.domain.job_filters import JobFilter, read_filter
from onbeat.domain.jobs import JobId
from onbeat.domain.records import Record
from onbeat.store import records
from onbeat.store.store import Store
from tests import factories
from tests.contract.world import acked, begin, cancel, running
from tests.timing import START, ManualTiming

TOOK = timedelta(seconds=2)


async def told(store: Store, *states: str) -> dict[JobId, Record]:
    wanted = read_filter(JobFilter(state=states))
    _, found = await store.read(partial(records.page, wanted=wanted))
    return {each.job.id: each for each in found}


@pytest.mark.parametrize("beside", [(), ("pending", "completed", "retrying")])
async def test_a_run_that_was_called_off_while_it_waited_took_as_long_as_its_attempt(
    store: Store, timing: ManualTiming, beside: tuple[str, ...]
) -> None:
    session = await begin(store, timedelta(days=1))
    waits = await running(store, session)
    timing.advance(by=TOOK)
    await acked(store, factories.ack(waits, "retry", reason="ValueError: no"))
    waits_too = await running(store, session)
    await acked(store, factories.ack(waits_too, "retry", reason="ValueError: no"))
    timing.advance(seconds=3_600)
    await cancel(store, waits.id)
    done = await running(store, session)
    timing.advance(by=TOOK)
    await acked(store, factories.ack(done))

    found = (await told(store, "cancelled", *beside))[waits.id]

    assert (found.began_at, found.ended_at, found.duration) == (START, START + TOOK, TOOK)
    assert found.job.finished_at == START + TOOK + timedelta(seconds=3_600)
