"""In life PostgreSQL's own clock counts, SQLite's is the process's: the same work, unwatched."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest

from onbeat.domain.recurrence import every
from onbeat.domain.states import State
from onbeat.runtime.maintenance import make_partitions
from onbeat.runtime.tick import tick
from onbeat.store import schedules
from onbeat.store.store import Store
from onbeat.timing import SystemTiming
from tests import factories
from tests.conftest import opened
from tests.contract.world import TERM, acked, begin, cancel, claim_one, enqueue, find, state

CLOSE = timedelta(seconds=60)


@pytest.fixture
async def live(database_url: str) -> AsyncIterator[Store]:
    """A store in real time."""
    async with opened(database_url, SystemTiming()) as store:
        await make_partitions(store)
        yield store


def is_now(moment: datetime | None) -> bool:
    return moment is not None and abs(datetime.now(UTC) - moment) < CLOSE


async def test_a_job_goes_its_whole_way(live: Store) -> None:
    session = await begin(live)
    job = await enqueue(live)
    claimed = await claim_one(live, session)
    running = await find(live, job)

    await acked(live, factories.ack(claimed, result="1"))

    ended = await find(live, job)
    assert (running.state, ended.state) == (State.RUNNING, State.COMPLETED)
    assert is_now(running.created_at)
    assert is_now(running.started_at)
    assert is_now(ended.finished_at)


async def test_a_delayed_job_waits_and_an_overdue_one_does_not(live: Store) -> None:
    later = await enqueue(live, delay=timedelta(hours=1))
    overdue = await enqueue(live, due_at=datetime.now(UTC) - timedelta(hours=1))

    promoted = await live.promote(10)

    assert promoted.count == 0
    assert [await state(live, job) for job in (later, overdue)] == [State.SCHEDULED, State.PENDING]


@pytest.mark.parametrize(("move", "wait"), [("retry", 0), ("snooze", 0)])
async def test_a_job_to_be_run_again_at_once_is_promoted_at_once(
    live: Store, move: str, wait: int
) -> None:
    session = await begin(live)
    job = await enqueue(live)
    claimed = await claim_one(live, session)
    await acked(live, factories.ack(claimed, move, delay=timedelta(seconds=wait)))

    promoted = await live.promote(10)

    assert (promoted.count, await state(live, job)) == (1, State.PENDING)


async def test_a_live_session_is_told_what_to_stop(live: Store) -> None:
    session = await begin(live)
    job = await enqueue(live)
    claimed = await claim_one(live, session)
    await cancel(live, job, "by ann")

    pulse = await live.heartbeat(session.id, TERM)

    assert pulse.alive
    assert [stop.token for stop in pulse.stops] == [claimed.token]


async def test_a_due_schedule_fires(live: Store) -> None:
    schedule = factories.schedule(recurrence=every("1s", after_finish=True))
    await live.write(lambda c, now: schedules.create(c, now, schedule))

    done = await tick(live)

    assert (done.fired, done.lateness < CLOSE) == (1, True)


async def test_what_is_due_next_is_seen_from_the_stores_own_now(live: Store) -> None:
    await enqueue(live, delay=timedelta(hours=1))

    found = await live.next_due()

    assert is_now(found.now)
    assert found.wait is not None
    assert timedelta(minutes=59) < found.wait <= timedelta(hours=1)
