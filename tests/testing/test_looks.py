"""What a test asks its kit is what the database holds."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from onbeat import InvalidInput, NotFound, State
from onbeat.testing.looks import PAGE
from onbeat.testing.opening import Kits
from tests.testing.conftest import Shop


async def test_jobs_are_found_by_task_state_queue_and_schedule(
    onbeat_kit: Kits, shop: Shop
) -> None:
    shop.failures_left = 1
    async with onbeat_kit(shop.ob, at="2027-01-01T05:50:00Z") as kit:
        await shop.ob.jobs.enqueue("charge", '{"order": 1}')
        await kit.drain()
        await shop.ob.jobs.enqueue("charge", '{"order": 2}')
        await kit.advance("15s")
        async with kit.downtime():
            await kit.advance("15m")

        assert [job.args for job in kit.jobs("charge")] == ['{"order":1}', '{"order":2}']
        assert [job.task for job in kit.jobs(state="completed")] == ["charge", "charge", "tidy"]
        assert kit.jobs(state=State.FAILED) == []
        assert [job.task for job in kit.jobs(schedule="tidy")] == ["tidy"]
        assert kit.jobs(queue="bulk") == []


async def test_all_jobs_are_listed_however_many_they_are(onbeat_kit: Kits, shop: Shop) -> None:
    async with onbeat_kit(shop.ob) as kit:
        task = shop.ob.task(name="step")(_step)
        await shop.ob.enqueue_many([task.bind(number) for number in range(2 * PAGE + 1)])

        listed = [job.args for job in kit.jobs(task)]
        assert listed == [f'{{"number":{number}}}' for number in range(2 * PAGE + 1)]


async def test_the_ledger_is_in_the_order_of_its_moments(onbeat_kit: Kits, shop: Shop) -> None:
    async with onbeat_kit(shop.ob, at="2027-01-01T05:50:00Z") as kit:
        await kit.advance("10m")
        async with kit.downtime():
            await kit.advance("13h")

        entries = kit.ledger("tidy")
        assert [(each.due_at, each.outcome) for each in entries] == [
            (datetime(2027, 1, 1, 6, tzinfo=UTC), "ran"),
            (datetime(2027, 1, 1, 12, tzinfo=UTC), "coalesced"),
            (datetime(2027, 1, 1, 18, tzinfo=UTC), "late"),
        ]
        jobs = kit.jobs("tidy")
        assert [each.job for each in entries] == [jobs[0].id, None, jobs[1].id]
        assert kit.fired("tidy") == ["2027-01-01T06:00:00Z", "2027-01-01T18:00:00Z"]


async def test_a_run_is_found_by_handle_job_and_id(onbeat_kit: Kits, shop: Shop) -> None:
    async with onbeat_kit(shop.ob) as kit:
        job = await shop.ob.jobs.enqueue("charge", '{"order": 5}')
        await kit.drain()

        for asked in (job, kit.jobs("charge")[0], job.id):
            run = kit.run_of(asked)
            assert run.job.id == job.id
            assert run.attempts[0].result == "5"
            assert run.error is None


async def test_what_is_not_there_is_an_error(onbeat_kit: Kits, shop: Shop) -> None:
    async with onbeat_kit(shop.ob) as kit:
        with pytest.raises(NotFound):
            kit.fired("close-day")
        with pytest.raises(InvalidInput, match=r"'done' is not a state; give one of .*completed"):
            kit.jobs(state="done")
        with pytest.raises(InvalidInput):
            kit.fired("close_day", tz="Paris")


def _step(number: int) -> None: ...
