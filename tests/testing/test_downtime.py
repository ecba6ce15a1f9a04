"""No scheduler runs, and what its policies say is done when one starts again."""

from __future__ import annotations

from onbeat import Onbeat, Settings, State, every
from onbeat.testing.opening import Kits
from tests.testing.conftest import PRODUCTION, Shop


async def test_what_was_missed_is_caught_up_as_the_policy_says(onbeat_kit: Kits) -> None:
    ob = Onbeat(PRODUCTION, settings=Settings())

    @ob.task
    async def report() -> None: ...

    ob.schedule(every("1h"), name="latest", catch_up="latest within 1d")(report)
    ob.schedule(every("1h"), name="none", catch_up="none")(report)
    ob.schedule(every("1h"), name="all", catch_up="all within 1d", overlap="allow")(report)
    async with onbeat_kit(ob, at="2027-01-01T00:30:00Z") as kit:
        async with kit.downtime():
            await kit.advance("5h")
            assert kit.jobs() == []

        assert kit.fired("latest") == ["2027-01-01T05:00:00Z"]
        assert kit.fired("none") == []
        assert len(kit.fired("all")) == 5
        assert [each.outcome for each in kit.ledger("none")] == ["missed"]
        assert {job.state for job in kit.jobs(report)} == {State.COMPLETED}
        await kit.advance("30m")
        assert kit.fired("none") == ["2027-01-01T06:00:00Z"]


async def test_without_a_scheduler_pending_jobs_run_and_delayed_ones_wait(
    onbeat_kit: Kits, shop: Shop
) -> None:
    shop.failures_left = 1
    async with onbeat_kit(shop.ob) as kit:
        async with kit.downtime():
            job = await shop.ob.jobs.enqueue("charge", '{"order": 1}')
            await kit.advance("1h")
            assert kit.run_of(job).job.state is State.RETRYING

        assert kit.run_of(job).outcomes == ["failed", "succeeded"]


async def test_what_a_deploy_declares_is_there_after_its_downtime(
    onbeat_kit: Kits, shop: Shop
) -> None:
    async with onbeat_kit(shop.ob) as kit:
        async with kit.downtime(worker=True):
            task = shop.ob.task(name="new")(_nothing)
            shop.ob.schedule(every("1h"))(task)
        await kit.advance("2h")

        assert len(kit.jobs(task, "completed")) == 2


async def test_with_the_worker_away_nothing_runs_until_it_is_back(
    onbeat_kit: Kits, shop: Shop
) -> None:
    async with onbeat_kit(shop.ob) as kit:
        async with kit.downtime(worker=True):
            job = await shop.ob.jobs.enqueue("charge", '{"order": 1}')
            await kit.advance("1h")
            await kit.drain()
            assert kit.run_of(job).job.state is State.PENDING

        assert kit.run_of(job).job.state is State.COMPLETED


async def test_a_test_that_fails_in_a_downtime_leaves_nothing(onbeat_kit: Kits, shop: Shop) -> None:
    for worker in (False, True):
        try:
            async with onbeat_kit(shop.ob) as kit, kit.downtime(worker=worker):
                raise LookupError("the test's own")
        except LookupError:
            pass
    async with onbeat_kit(shop.ob) as kit:
        await kit.advance("6h")

        assert kit.fired("tidy") != []


def _nothing() -> None: ...
