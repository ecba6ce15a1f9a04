"""A worker or a scheduler dies at a named point, and nothing is lost."""

from __future__ import annotations

from datetime import timedelta

import pytest

from onbeat import InvalidInput, Onbeat, Settings, State, every
from onbeat.crash_points import CrashPoint
from onbeat.testing.crashes import SCHEDULER_POINTS, WORKER_POINTS
from onbeat.testing.errors import KitError
from onbeat.testing.opening import Kits
from tests.testing.conftest import PRODUCTION, Shop

BEFORE_ANY_LEASE = {CrashPoint.CLAIM_SENDING}
STORED = {CrashPoint.ACK_ANSWERED}
RUN_TWICE = {CrashPoint.JOB_ENDED, CrashPoint.ACK_SENDING}


@pytest.mark.parametrize("point", sorted(WORKER_POINTS - BEFORE_ANY_LEASE - STORED))
async def test_a_job_whose_worker_died_runs_again_once_its_lease_has_lapsed(
    onbeat_kit: Kits, shop: Shop, point: CrashPoint
) -> None:
    async with onbeat_kit(shop.ob) as kit:
        kit.crash_at(point)
        job = await shop.ob.jobs.enqueue("charge", '{"order": 1}')
        await kit.drain()
        assert kit.crashed == [point]
        assert kit.run_of(job).job.state is State.RUNNING
        began = kit.now

        await kit.advance("1m")

        run = kit.run_of(job)
        assert run.outcomes == ["lost", "succeeded"]
        assert timedelta(seconds=15) < run.attempts[1].started_at - began < timedelta(seconds=25)
    assert shop.done.count(1) == (2 if point in RUN_TWICE else 1)


@pytest.mark.parametrize("point", sorted(BEFORE_ANY_LEASE | STORED))
async def test_a_worker_that_died_before_or_after_all_was_said_loses_nothing(
    onbeat_kit: Kits, shop: Shop, point: CrashPoint
) -> None:
    async with onbeat_kit(shop.ob) as kit:
        kit.crash_at(point)
        job = await shop.ob.jobs.enqueue("charge", '{"order": 1}')
        await kit.drain()

        assert kit.crashed == [point]
        assert kit.run_of(job).outcomes == ["succeeded"]
    assert shop.done.count(1) == 1


async def test_all_that_a_dead_worker_held_is_given_back(onbeat_kit: Kits, shop: Shop) -> None:
    async with onbeat_kit(shop.ob, slots=3) as kit:
        kit.takes("charge", "1h")
        jobs = [await shop.ob.jobs.enqueue("charge", f'{{"order": {n}}}') for n in range(2)]
        await kit.drain()
        kit.takes("charge", None)
        kit.crash_at("job-ended")
        jobs.append(await shop.ob.jobs.enqueue("mail", '{"to": "ada"}'))
        await kit.drain()
        await kit.advance("1m")

        assert [kit.run_of(job).outcomes for job in jobs] == [["lost", "succeeded"]] * 3


async def test_a_dead_worker_begins_nothing_more(onbeat_kit: Kits, shop: Shop) -> None:
    async with onbeat_kit(shop.ob, slots=4) as kit:
        kit.crash_at("job-starting")
        jobs = [await shop.ob.jobs.enqueue("charge", f'{{"order": {n}}}') for n in range(4)]
        await kit.drain()
        assert shop.done == []
        await kit.advance("1m")

        assert [kit.run_of(job).outcomes for job in jobs] == [["lost", "succeeded"]] * 4
    assert sorted(shop.done, key=str) == [0, 1, 2, 3]


async def test_a_worker_that_lives_keeps_its_jobs_while_a_dead_one_is_looked_for(
    onbeat_kit: Kits, shop: Shop
) -> None:
    async with onbeat_kit(shop.ob) as kit:
        kit.crash_at("job-starting")
        lost = await shop.ob.jobs.enqueue("mail", '{"to": "ada"}')
        await kit.drain()
        kit.takes("charge", "10m")
        kept = await shop.ob.jobs.enqueue("charge", '{"order": 1}')
        await kit.advance("1h")

        assert kit.run_of(lost).outcomes == ["lost", "succeeded"]
        assert kit.run_of(kept).outcomes == ["succeeded"]


async def test_the_third_worker_that_dies_under_a_job_is_its_last(
    onbeat_kit: Kits, shop: Shop
) -> None:
    async with onbeat_kit(shop.ob) as kit:
        job = await shop.ob.jobs.enqueue("charge", '{"order": 1}')
        for wait in ("1s", "20s", "10m"):
            kit.crash_at("job-ended")
            await kit.advance(wait)

        assert kit.run_of(job).outcomes == ["lost", "lost", "lost"]
        assert kit.run_of(job).job.state is State.FAILED
    assert shop.done.count(1) == 3


@pytest.mark.parametrize("point", ["tick-fired", "tick-committed"])
async def test_a_moment_fires_once_although_its_scheduler_dies(
    onbeat_kit: Kits, shop: Shop, point: str
) -> None:
    async with onbeat_kit(shop.ob, at="2027-03-27T00:15:00Z") as kit:
        kit.crash_at(point)
        await kit.advance("1h")

        assert kit.crashed == [CrashPoint(point)]
        assert kit.fired("close_day") == ["2027-03-27T00:30:00Z"]
        assert [job.state for job in kit.jobs("close_day")] == [State.COMPLETED]


@pytest.mark.parametrize("point", ["promote-sending", "promote-answered"])
async def test_a_waiting_job_runs_although_the_scheduler_dies_that_wakes_it(
    onbeat_kit: Kits, shop: Shop, point: str
) -> None:
    shop.failures_left = 1
    async with onbeat_kit(shop.ob) as kit:
        job = await shop.ob.jobs.enqueue("charge", '{"order": 1}')
        await kit.drain()
        kit.crash_at(point)
        await kit.advance("5m")

        assert kit.run_of(job).outcomes == ["failed", "succeeded"]


@pytest.mark.parametrize("point", ["rescue-found", "rescue-applied"])
async def test_a_job_is_given_back_once_although_its_rescuer_dies_too(
    onbeat_kit: Kits, shop: Shop, point: str
) -> None:
    async with onbeat_kit(shop.ob) as kit:
        kit.crash_at("job-starting")
        kit.crash_at(point)
        job = await shop.ob.jobs.enqueue("charge", '{"order": 1}')
        await kit.drain()
        await kit.advance("2m")

        assert kit.run_of(job).outcomes == ["lost", "succeeded"]
        assert [str(each) for each in kit.crashed] == ["job-starting", point]


async def test_a_later_pass_of_a_point_may_be_meant(onbeat_kit: Kits, shop: Shop) -> None:
    async with onbeat_kit(shop.ob) as kit:
        kit.crash_at("job-ended", on_pass=2)
        for order in (1, 2):
            await shop.ob.jobs.enqueue("charge", f'{{"order": {order}}}')
            await kit.drain()

        assert [job.state for job in kit.jobs("charge")] == [State.COMPLETED, State.RUNNING]


@pytest.mark.parametrize("point", ["job-ended", "tick-fired", "tick-committed"])
async def test_only_the_kit_that_was_told_so_sees_a_death(
    onbeat_kit: Kits, shop: Shop, point: str
) -> None:
    other = Onbeat(PRODUCTION, settings=Settings())

    @other.schedule(every("1h"))
    @other.task
    async def beat() -> None: ...

    async with onbeat_kit(shop.ob) as kit, onbeat_kit(other) as other_kit:
        kit.crash_at(point)
        await other_kit.advance("3h")
        assert len(other_kit.jobs(beat, "completed")) == 3
        assert other_kit.crashed == []

        await kit.advance("6h")
        assert kit.crashed == [point]


async def test_a_crash_that_never_came_fails_the_test(onbeat_kit: Kits, shop: Shop) -> None:
    opening = onbeat_kit(shop.ob)
    kit = await opening.__aenter__()
    kit.crash_at("job-ended")
    kit.crash_at("rescue-found")
    await shop.ob.jobs.enqueue("charge", '{"order": 1}')
    await kit.drain()

    with pytest.raises(KitError, match="nothing has died at rescue-found"):
        await opening.__aexit__(None, None, None)


@pytest.mark.parametrize("point", ["group-before-commit", "job-endet"])
async def test_a_point_that_is_nobody_s_in_particular_is_refused(
    onbeat_kit: Kits, shop: Shop, point: str
) -> None:
    async with onbeat_kit(shop.ob) as kit:
        with pytest.raises(InvalidInput, match=f"'{point}' is not a point .* job-ended"):
            kit.crash_at(point)


def test_each_point_is_either_a_worker_s_or_a_scheduler_s() -> None:
    assert WORKER_POINTS.isdisjoint(SCHEDULER_POINTS)
