"""A worker's process is killed for good, and its jobs are run by another."""

from __future__ import annotations

import pytest

from onbeat import InvalidInput, Onbeat, Run, Settings, State
from onbeat.testing.errors import KitError
from onbeat.testing.killing import KILLABLE
from onbeat.testing.opening import Kits
from tests.testing.conftest import PRODUCTION, Shop

ob = Onbeat(PRODUCTION, settings=Settings())


@ob.task
async def charge(run: Run, order: int) -> int:
    run.log.info("charging")
    if order < 0:
        await charge.enqueue(-order)
    return order


@pytest.mark.parametrize(
    "point", ["job-starting", "job-ended", "claim-answered", "group-before-commit"]
)
async def test_a_job_under_a_killed_process_is_rescued(onbeat_kit: Kits, point: str) -> None:
    async with onbeat_kit(ob) as kit:
        job = await charge.enqueue(1)
        await kit.kill_worker(point, on_pass=2 if point.startswith("group") else 1)
        assert kit.run_of(job).job.state is State.RUNNING

        await kit.advance("1m")

        assert kit.run_of(job).outcomes == ["lost", "succeeded"]
        assert kit.run_of(job).job.finished_at != kit.run_of(job).job.created_at


async def test_a_job_that_a_killed_process_was_asking_for_is_asked_for_again(
    onbeat_kit: Kits,
) -> None:
    async with onbeat_kit(ob) as kit:
        job = await charge.enqueue(-1)
        await kit.kill_worker("enqueue-answered")
        assert len(kit.jobs(charge)) == 2
        await kit.advance("1m")

        assert kit.run_of(job).outcomes == ["lost", "succeeded"]
        assert len(kit.jobs(charge)) == 3


def test_a_plain_test_may_kill_too(onbeat_kit: Kits) -> None:
    with onbeat_kit(ob) as kit:
        job = charge.enqueue_blocking(1)
        kit.kill_worker("job-ended")
        kit.advance("1m")

        assert kit.run_of(job).outcomes == ["lost", "succeeded"]


async def test_a_process_that_does_not_come_to_the_point_is_told_of(onbeat_kit: Kits) -> None:
    async with onbeat_kit(ob) as kit:
        with pytest.raises(KitError, match="did all its work and did not come to job-ended"):
            await kit.kill_worker("job-ended")


async def test_an_application_that_no_process_can_import_is_told_of(
    onbeat_kit: Kits, shop: Shop
) -> None:
    async with onbeat_kit(shop.ob) as kit:
        with pytest.raises(KitError, match="not at the top of any module"):
            await kit.kill_worker("job-ended")


async def test_a_scheduler_s_point_is_none_for_a_worker(onbeat_kit: Kits) -> None:
    async with onbeat_kit(ob) as kit:
        with pytest.raises(InvalidInput, match="'tick-fired' is not a point"):
            await kit.kill_worker("tick-fired")


def test_a_worker_s_process_may_be_killed_within_its_store_too() -> None:
    assert {"group-before-commit", "write-after-commit", "enqueue-sending"} <= KILLABLE
