"""Hosts whose clocks are wrong share a PostgreSQL database: its clock is the one that counts."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest

from onbeat.domain.attempts import LogLine
from onbeat.domain.recurrence import once
from onbeat.domain.states import State
from onbeat.runtime.maintenance import make_partitions
from onbeat.runtime.tick import tick
from onbeat.store import history, workers
from onbeat.store.store import Store
from onbeat.store.verify.walk import verify
from onbeat.timing import SystemTiming
from tests import factories
from tests.conftest import opened
from tests.contract.beats import create, ledger
from tests.contract.world import acked, begin, claim_one, enqueue, find, state

YEARS = timedelta(days=800)
CLOSE = timedelta(seconds=60)


class WrongTiming(SystemTiming):
    """A machine whose wall clock is wrong."""

    def __init__(self, error: timedelta) -> None:
        self._error = error

    def now(self) -> datetime:
        return super().now() + self._error


pytestmark = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)


@pytest.fixture
async def hosts(database_url: str) -> AsyncIterator[tuple[Store, Store]]:
    """One that lives in the past, and one in the future."""
    async with AsyncExitStack() as stack:
        past, future = [
            await stack.enter_async_context(opened(database_url, WrongTiming(error)))
            for error in (-YEARS, YEARS)
        ]
        await make_partitions(past)
        yield past, future


async def test_a_job_goes_its_way_from_one_host_to_the_other(hosts: tuple[Store, Store]) -> None:
    for asker, runner in (hosts, hosts[::-1]):
        job = await enqueue(asker)
        session = await begin(runner)
        claimed = await claim_one(runner, session)
        line = LogLine(at=runner.timing.now(), level="info", message="hello")
        told = history.StoredLine(job, claimed.token, 1, line)
        await runner.write(partial(history.write_lines, lines=[told]))
        await acked(runner, factories.ack(claimed))

        ended = await find(asker, job)
        assert ended.state is State.COMPLETED
        assert ended.finished_at is not None
        assert abs(datetime.now(UTC) - ended.finished_at) < CLOSE
    assert (await verify(hosts[0])).breaches == []


async def test_a_delay_is_of_the_databases_clock(hosts: tuple[Store, Store]) -> None:
    past = hosts[0]
    jobs = [await enqueue(each, delay=timedelta(hours=1)) for each in hosts]

    assert [(await each.promote(10)).count for each in hosts] == [0, 0]
    assert [await state(past, job) for job in jobs] == [State.SCHEDULED] * 2


async def test_a_moment_comes_when_the_database_says(hosts: tuple[Store, Store]) -> None:
    past, future = hosts
    at = datetime.now(UTC) + timedelta(hours=1)
    schedule = await create(future, recurrence=once(at))

    fired = [(await tick(each)).fired for each in hosts]

    wait = (await past.next_due()).wait
    assert fired == [0, 0]
    assert await ledger(past, schedule) == []
    assert wait is not None
    assert timedelta(minutes=59) < wait <= timedelta(hours=1)


async def test_a_living_session_is_not_taken_for_dead(hosts: tuple[Store, Store]) -> None:
    for mine, other in (hosts, hosts[::-1]):
        session = await begin(mine)

        await other.write(workers.expire)

        assert (await mine.heartbeat(session.id, timedelta(seconds=15))).alive
