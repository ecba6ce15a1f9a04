"""Time passes from one moment at which something is due to the next, and what is due is done."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from onbeat import InvalidInput, Onbeat, Retry, Run, Settings, State, cron, every
from onbeat.testing.opening import Kits
from tests.testing.conftest import PRODUCTION, Shop

MIDNIGHT = "2027-03-27T00:00:00Z"


def app() -> Onbeat:
    return Onbeat(PRODUCTION, settings=Settings())


async def test_every_moment_on_the_way_fires_in_its_order(onbeat_kit: Kits, shop: Shop) -> None:
    async with onbeat_kit(shop.ob, at=MIDNIGHT) as kit:
        await kit.advance("2d")

        assert kit.fired("close_day") == [
            "2027-03-27T00:30:00Z", "2027-03-28T00:30:00Z", "2027-03-28T23:30:00Z",
        ]  # fmt: skip
        assert len(kit.fired("tidy")) == 9
        assert kit.now == datetime(2027, 3, 29, tzinfo=UTC)
    assert ["tidy" if each == "tidy" else "close" for each in shop.done] == [
        "tidy", "close", "tidy", "tidy", "tidy", "tidy", "close", "tidy", "tidy", "tidy", "close",
        "tidy",
    ]  # fmt: skip


async def test_a_moment_may_be_told_in_the_zone_of_its_schedule(
    onbeat_kit: Kits, shop: Shop
) -> None:
    async with onbeat_kit(shop.ob, at="2027-03-27T12:00:00Z") as kit:
        await kit.advance("2d")

        assert kit.fired("close_day", tz="Europe/Paris") == [
            "2027-03-28T01:30:00+01:00",
            "2027-03-29T01:30:00+02:00",
        ]


async def test_what_is_due_at_the_very_end_is_done(onbeat_kit: Kits, shop: Shop) -> None:
    async with onbeat_kit(shop.ob, at=MIDNIGHT) as kit:
        await kit.advance(to="2027-03-27T00:30:00Z")

        assert [job.state for job in kit.jobs("close_day")] == [State.COMPLETED]


async def test_a_delayed_job_runs_at_its_moment_and_not_before(
    onbeat_kit: Kits, shop: Shop
) -> None:
    async with onbeat_kit(shop.ob) as kit:
        job = await shop.ob.jobs.enqueue("charge", '{"order": 1}')
        later = await shop.ob.task(name="later")(noted(shop)).opts(delay="90m").enqueue()
        await kit.advance("89m")
        assert kit.run_of(later).job.state is State.SCHEDULED
        began = kit.now - timedelta(minutes=89)

        await kit.advance("1h")

        assert kit.run_of(later).job.finished_at == began + timedelta(minutes=90)
        assert kit.run_of(job).job.finished_at == began


async def test_a_failed_job_is_tried_again_after_its_back_off(onbeat_kit: Kits, shop: Shop) -> None:
    shop.failures_left = 2
    async with onbeat_kit(shop.ob) as kit:
        job = await shop.ob.jobs.enqueue("charge", '{"order": 1}')
        await kit.drain()
        waits = kit.run_of(job).job
        assert waits.state is State.RETRYING
        assert waits.due_at is not None

        await kit.advance(to=waits.due_at - timedelta(seconds=1))
        assert kit.run_of(job).outcomes == ["failed"]
        await kit.advance("10m")

        assert kit.run_of(job).outcomes == ["failed", "failed", "succeeded"]
        assert kit.run_of(job).attempts[1].started_at == waits.due_at


async def test_a_kit_with_the_same_seed_draws_the_same_jitter(onbeat_kit: Kits, shop: Shop) -> None:
    dues = []
    for seed in (1, 1, 2):
        shop.failures_left = 1
        async with onbeat_kit(shop.ob, seed=seed) as kit:
            job = await shop.ob.jobs.enqueue("charge", '{"order": 1}')
            await kit.drain()
            dues.append(kit.run_of(job).job.due_at)

    assert dues[0] == dues[1] != dues[2]


async def test_a_snoozed_job_goes_on_when_its_rest_is_over(onbeat_kit: Kits) -> None:
    ob, looks = app(), []

    @ob.task
    async def poll(run: Run) -> None:
        looks.append(1)
        if len(looks) < 3:
            run.snooze("10m")

    async with onbeat_kit(ob) as kit:
        job = await poll.enqueue()
        await kit.advance("15m")
        assert len(looks) == 2
        await kit.advance("5m")

        assert kit.run_of(job).outcomes == ["snoozed", "snoozed", "succeeded"]


async def test_a_job_that_takes_its_time_holds_up_the_next_of_its_schedule(
    onbeat_kit: Kits,
) -> None:
    ob = app()

    @ob.schedule(every("1h"), overlap="skip")
    @ob.task
    async def report() -> None: ...

    async with onbeat_kit(ob) as kit:
        kit.takes(report, "90m")
        await kit.advance("4h")

        assert [each.outcome for each in kit.ledger("report")] == ["ran", "skipped"] * 2
        first = kit.jobs(report)[0]
        assert first.finished_at is not None
        assert first.finished_at - first.created_at == timedelta(minutes=90)


@pytest.mark.parametrize("kind", ["coroutine", "thread"])
async def test_a_job_that_takes_longer_than_it_may_is_out_of_time(
    onbeat_kit: Kits, kind: str
) -> None:
    ob = app()

    async def in_coroutine() -> None: ...

    def in_thread() -> None: ...

    options = ob.task(name="fetch", timeout="5m", retry=Retry(1))
    task = options(in_coroutine) if kind == "coroutine" else options(in_thread)
    async with onbeat_kit(ob) as kit:
        kit.takes(task, "10m")
        job = await task.enqueue()
        began = kit.now
        await kit.drain()
        assert kit.run_of(job).job.state is State.RUNNING

        await kit.advance("20m")

        assert kit.run_of(job).outcomes == ["timed out"]
        assert kit.run_of(job).job.finished_at == began + timedelta(minutes=5)


async def test_a_running_job_is_stopped_when_its_schedule_is_due_again(onbeat_kit: Kits) -> None:
    ob = app()

    @ob.schedule(every("1h"), overlap="cancel running")
    @ob.task
    async def mirror() -> None: ...

    async with onbeat_kit(ob, at="2027-03-27T00:30:00Z") as kit:
        kit.takes(mirror, "3h")
        await kit.advance("110m")

        stopped, running = kit.jobs(mirror)
        assert (stopped.state, running.state) == (State.CANCELLED, State.RUNNING)
        assert stopped.finished_at == running.created_at == datetime(2027, 3, 27, 2, tzinfo=UTC)


@pytest.mark.parametrize("slots", [1, 2, 3])
async def test_jobs_that_take_time_and_find_no_slot_run_one_after_the_other(
    onbeat_kit: Kits, shop: Shop, slots: int
) -> None:
    async with onbeat_kit(shop.ob, slots=slots) as kit:
        kit.takes("charge", "10m")
        for order in range(10):
            await shop.ob.jobs.enqueue("charge", f'{{"order": {order}}}')
        began = kit.now
        await kit.advance("3h")

        ends = [job.finished_at for job in kit.jobs("charge")]
        assert [at - began for at in ends if at] == [
            timedelta(minutes=10 * (1 + order // slots)) for order in range(10)
        ]


async def test_a_schedule_made_by_a_job_fires_on_the_rest_of_the_way(onbeat_kit: Kits) -> None:
    ob = app()

    @ob.task
    async def report() -> None: ...

    @ob.schedule(cron("0 13 * * *"))
    @ob.task
    async def sign_up() -> None:
        await ob.schedules.create("report", report.bind(), every("15m"))

    async with onbeat_kit(ob) as kit:
        await kit.advance("2h")

        assert len(kit.fired("report")) == 5


async def test_a_job_is_told_the_time_of_the_kit(onbeat_kit: Kits) -> None:
    ob = app()

    @ob.task
    async def in_coroutine(run: Run) -> str:
        return run.now.isoformat()

    @ob.task
    def in_thread(run: Run) -> str:
        return run.now.isoformat()

    async with onbeat_kit(ob, at=MIDNIGHT) as kit:
        jobs = [await task.opts(delay="1h").enqueue() for task in (in_coroutine, in_thread)]
        await kit.advance("2h")

        assert [await job.result() for job in jobs] == ["2027-03-27T01:00:00+00:00"] * 2


async def test_a_job_sees_the_time_of_the_kit_in_its_log(onbeat_kit: Kits, shop: Shop) -> None:
    async with onbeat_kit(shop.ob, at=MIDNIGHT) as kit:
        await kit.advance("1h")

        (line,) = kit.run_of(kit.jobs("close_day")[0]).lines
        assert line.at == datetime(2027, 3, 27, 0, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("given", "complaint"),
    [
        ({"by": "-1h"}, "by"),
        ({"to": "2020-01-01T00:00:00Z"}, "before"),
        ({"to": "2099-01-01T00:00:00"}, "no zone"),
        ({"to": "tomorrow"}, "not a moment"),
        ({}, "either"),
    ],
)
async def test_time_goes_forward_and_says_where(
    onbeat_kit: Kits, shop: Shop, given: dict[str, str], complaint: str
) -> None:
    async with onbeat_kit(shop.ob) as kit:
        with pytest.raises(InvalidInput, match=complaint):
            await kit.advance(**given)  # type: ignore[arg-type]


def noted(shop: Shop):  # type: ignore[no-untyped-def] # a task of the test's own
    def note() -> None:
        shop.done.append("noted")

    return note
