"""Whatever an application does with Onbeat it does in a kit."""

from __future__ import annotations

import os
from datetime import timedelta

import pytest
from sqlalchemy import text

from onbeat import InvalidInput, Onbeat, Run, Settings, every, sqlite_engine
from onbeat.testing.opening import Kits
from tests.testing.conftest import PRODUCTION

ob = Onbeat(PRODUCTION, settings=Settings())


@ob.task(isolate="process")
def process_id() -> int:
    return os.getpid()


async def test_a_task_that_is_isolated_runs_in_a_process_of_its_own(onbeat_kit: Kits) -> None:
    async with onbeat_kit(ob, patience="30s") as kit:
        job = await process_id.enqueue()
        await kit.drain(raises=True)

        assert await job.result() != os.getpid()


@ob.task(isolate="process")
def moment(run: Run) -> str:
    return run.now.isoformat()


async def test_one_that_is_isolated_is_told_the_moment_of_the_kit(onbeat_kit: Kits) -> None:
    async with onbeat_kit(ob, at="2027-03-28T00:00:00Z", patience="30s") as kit:
        job = await moment.opts(delay="90m").enqueue()
        await kit.advance("2h", raises=True)

        assert await job.result() == "2027-03-28T01:30:00+00:00"


async def test_the_clock_does_not_reach_into_that_process(onbeat_kit: Kits) -> None:
    async with onbeat_kit(ob) as kit:
        with pytest.raises(InvalidInput, match="runs in a process of its own"):
            kit.takes(process_id, "1h")


async def test_a_job_in_a_thread_asks_for_others(onbeat_kit: Kits) -> None:
    app = Onbeat(PRODUCTION, settings=Settings())

    @app.task
    def leaf(number: int) -> None: ...

    @app.task
    def branch() -> None:
        for number in range(3):
            leaf.enqueue_blocking(number)

    async with onbeat_kit(app) as kit:
        await branch.enqueue()
        await kit.drain()

        assert len(kit.jobs(leaf, "completed")) == 3


def test_a_job_is_asked_for_within_a_transaction_of_the_test(onbeat_kit: Kits) -> None:
    app = Onbeat(PRODUCTION, settings=Settings())

    @app.task
    def mail(to: str) -> None: ...

    with onbeat_kit(app) as kit:
        engine = sqlite_engine(kit.url)
        with engine.begin() as connection:
            connection.execute(text("CREATE TABLE orders (id INTEGER)"))
            mail.within(connection).enqueue_blocking("ada")
        with engine.connect() as connection, connection.begin() as transaction:
            mail.within(connection).enqueue_blocking("nobody")
            transaction.rollback()
        engine.dispose()
        kit.drain()

        assert [job.args for job in kit.jobs(mail, "completed")] == ['{"to":"ada"}']


async def test_virtual_clocks_move_as_they_are_told_and_not_with_the_kit(onbeat_kit: Kits) -> None:
    app = Onbeat(PRODUCTION, settings=Settings())

    @app.task
    async def grow() -> None: ...

    async with onbeat_kit(app) as kit:
        await app.clocks.create("world", at=kit.now - timedelta(days=365_000 // 1000))
        await app.schedules.create("growth", grow.bind(), every("1h"), clock="world")
        await kit.advance("1d")
        assert kit.jobs(grow) == []

        await app.clocks.advance("world", by="5h")
        await kit.drain()
        assert {job.state for job in kit.jobs(grow)} == {"completed"}
        assert kit.fired("growth") != []
