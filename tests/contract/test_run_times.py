"""How long a schedule's latest jobs took, on both engines."""

from __future__ import annotations

from datetime import timedelta

from onbeat.domain.schedules import Overlap, Schedule
from onbeat.runtime.tick import tick
from onbeat.store import ledger, schedules
from onbeat.store.store import Store
from tests import factories
from tests.contract.beats import MINUTE, create
from tests.contract.world import acked, begin, claim_one
from tests.timing import ManualTiming


async def run_times(store: Store, schedule: Schedule, limit: int = 20) -> list[timedelta]:
    return list(await store.read(lambda c, _: ledger.run_times(c, schedule.id, limit)))


async def run(store: Store, timing: ManualTiming, took: timedelta) -> None:
    """Let what is due be made, and its next job take so long."""
    await tick(store)
    claimed = await claim_one(store, await begin(store))
    timing.advance(by=took)
    await acked(store, factories.ack(claimed))


async def test_the_newest_jobs_that_ended_come_first(store: Store, timing: ManualTiming) -> None:
    schedule = await create(store)
    for seconds in (40, 50, 30):
        await run(store, timing, timedelta(seconds=seconds))
        timing.advance(seconds=60 - seconds)
    await tick(store)  # one that has not ended

    assert [each.total_seconds() for each in await run_times(store, schedule)] == [30, 50, 40]
    assert [each.total_seconds() for each in await run_times(store, schedule, 1)] == [30]


async def test_a_job_took_from_its_first_start_to_its_end(
    store: Store, timing: ManualTiming
) -> None:
    schedule = await create(store, overlap=Overlap.SKIP)
    await tick(store)
    session = await begin(store, timedelta(hours=1))
    claimed = await claim_one(store, session)
    timing.advance(seconds=10)
    await acked(store, factories.ack(claimed, "retry"))
    timing.advance(by=MINUTE)
    await tick(store)
    again = await claim_one(store, session)
    timing.advance(seconds=5)

    assert await run_times(store, schedule) == []
    await acked(store, factories.ack(again))
    assert await run_times(store, schedule) == [timedelta(seconds=75)]


async def test_jobs_of_others_and_what_made_no_job_do_not_count(
    store: Store, timing: ManualTiming
) -> None:
    schedule = await create(store, queue="a")
    await run_other(store, timing)

    assert await run_times(store, schedule) == []


async def run_other(store: Store, timing: ManualTiming) -> None:
    await create(store, queue="b")
    await tick(store)
    claimed = await claim_one(store, await begin(store, queues=("b",)), "b")
    timing.advance(seconds=5)
    await acked(store, factories.ack(claimed))


async def test_a_schedule_warns_when_its_jobs_take_longer_than_it_has(
    store: Store, timing: ManualTiming
) -> None:
    schedule = await create(store)
    for _ in range(3):
        await run(store, timing, 4 * MINUTE)

    found = await store.read(lambda c, now: schedules.warnings(c, now, schedule.name))

    assert found[0].name == schedule.name
    assert found[1] == (
        "its jobs take 4m (median of the last 3), it is due every 1m; "
        "make it due less often, or say --overlap allow",
    )
