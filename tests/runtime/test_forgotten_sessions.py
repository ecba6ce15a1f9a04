"""Sessions that ended are taken off the record also where every process is there for a moment."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import select

from onbeat.runtime.maintenance import Rescuer
from onbeat.store import workers
from onbeat.store.schema import sessions
from onbeat.store.store import Store
from tests.contract.world import begin, running
from tests.timing import ManualTiming

LONG = workers.REMEMBERED + timedelta(seconds=1)


async def _on_record(store: Store) -> set[str]:
    query = select(sessions.c.id)
    return await store.read(lambda connection, _: set(connection.scalars(query)))


async def _come_and_go(store: Store) -> None:
    """What a process does that a minute cron started."""
    rescuer = Rescuer(store)
    await rescuer.step()
    await rescuer.clean_up()


async def test_what_ended_a_minute_ago_is_forgotten_by_a_process_that_comes_and_goes(
    store: Store, timing: ManualTiming
) -> None:
    over, of_late, alive = [await begin(store) for _ in range(3)]
    await store.write(lambda c, now: workers.end(c, now, over.id))
    timing.advance(by=LONG)
    await store.write(lambda c, now: workers.end(c, now, of_late.id))
    await _come_and_go(store)

    assert await _on_record(store) == {of_late.id, alive.id}


async def test_one_that_has_a_job_is_kept_until_that_is_given_back(
    store: Store, timing: ManualTiming
) -> None:
    busy = await begin(store)
    await running(store, busy)
    await store.write(lambda c, now: workers.end(c, now, busy.id))
    timing.advance(by=LONG)
    await _come_and_go(store)  # which gives it back
    before = await _on_record(store)
    await _come_and_go(store)

    assert (before, await _on_record(store)) == ({busy.id}, set())
