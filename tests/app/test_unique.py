"""Unique jobs and deadlines, as users ask for them."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from onbeat import (
    Conflict,
    InvalidInput,
    JobFailed,
    JobFilter,
    Onbeat,
    Retry,
    Settings,
    State,
    Task,
    Unique,
    every,
)
from onbeat.app.options import read_options
from onbeat.domain.jobs import JobId

BY_ORDER = Unique(by=("order_id",))
WAYS = {"ended": Unique(by=("order_id",)), "begun": Unique(by=("order_id",), until="begun"),
        "within": Unique(by=("order_id",), within="10m")}  # fmt: skip


def charge_of(ob: Onbeat, **options: Any) -> Task[..., Any, Any]:
    @ob.task(name="charge", **options)
    async def charge(order_id: int, note: str = "") -> int:
        return order_id

    return charge


@pytest.mark.parametrize("way", WAYS)
async def test_a_second_job_is_the_first_ones_handle(ob: Onbeat, way: str) -> None:
    charge = charge_of(ob, unique=WAYS[way])

    first, second, other = [await charge.enqueue(n) for n in (1, 1, 2)]

    assert [each.is_new for each in (first, second, other)] == [True, False, True]
    assert second.id == first.id
    assert len(await ob.jobs.list()) == 2


async def test_what_counts_is_said_by_the_call_before_the_task(ob: Onbeat) -> None:
    charge = charge_of(ob, unique=BY_ORDER)
    await charge.enqueue(1)

    assert (await charge.opts(unique=False).enqueue(1)).is_new
    assert (await charge.opts(unique=Unique()).enqueue(1, "other")).is_new
    assert (await charge.opts(unique=Unique(key="mine")).enqueue(1)).is_new
    assert not (await charge.opts(unique=Unique(key="mine")).enqueue(2)).is_new
    assert not (await charge.opts(priority=9).enqueue(1)).is_new


async def test_each_job_of_many_learns_of_its_own_conflict(ob: Onbeat) -> None:
    charge = charge_of(ob, unique=BY_ORDER)
    first = await charge.enqueue(1)

    handles = await ob.enqueue_many([charge.bind(n) for n in (1, 2, 3, 2)])

    assert [each.is_new for each in handles] == [False, True, True, False]
    assert handles[0].id == first.id
    assert handles[3].id == handles[1].id
    assert len(await ob.jobs.list()) == 3


async def test_a_batch_of_5000_and_one_takes_each_key_once(ob: Onbeat) -> None:
    charge = charge_of(ob, unique=BY_ORDER)

    handles = await ob.enqueue_many([charge.bind(n % 5_000) for n in range(5_001)])

    assert [each.is_new for each in handles].count(True) == 5_000
    assert handles[-1].id == handles[0].id


async def test_a_job_of_another_kind_that_waits_is_replaced(ob: Onbeat) -> None:
    charge = charge_of(ob, unique=Unique(by=("order_id",), on_conflict="replace"))
    first = await charge.opts(delay="1h").enqueue(1, "old")

    second = await charge.enqueue(1, "new")

    assert second.is_new
    stood = await first.show()
    assert (stood.state, stood.reason) == (State.CANCELLED, f"replaced by job {second.id}")
    assert (await second.show()).state is State.PENDING


async def test_of_a_batch_that_replaces_the_last_is_kept(ob: Onbeat) -> None:
    charge = charge_of(ob, unique=Unique(by=("order_id",), on_conflict="replace"))

    first, second = await ob.enqueue_many([charge.bind(1, "a"), charge.bind(1, "b")])

    assert (first.is_new, second.is_new, first.id) == (False, True, second.id)
    assert '"b"' in (await second.show()).args


async def test_a_unique_job_runs_and_frees_its_key(ob: Onbeat) -> None:
    charge = charge_of(ob, unique=BY_ORDER)
    async with ob.running():
        first = await charge.enqueue(1)
        await first.result("10s")
        second = await charge.enqueue(1)
        await second.result("10s")

    assert second.is_new


async def test_a_key_until_begun_is_free_while_the_job_runs(ob: Onbeat) -> None:
    began, go_on = asyncio.Event(), asyncio.Event()

    @ob.task(unique=Unique(until="begun"))
    async def sync() -> None:
        began.set()
        await go_on.wait()

    async with ob.running():
        first = await sync.enqueue()
        await began.wait()
        second = await sync.enqueue()
        third = await sync.enqueue()
        go_on.set()
        await second.result("10s")

    assert first.is_new
    assert second.is_new
    # The second may have begun before the third was asked for; else that is the second.
    assert third.is_new or third.id == second.id


async def test_by_name_a_job_s_own_arguments_count(ob: Onbeat) -> None:
    """Where the task is not known here, as in the command line without --app."""
    options = read_options(unique=Unique(by=("order_id",)))

    first = await ob.jobs.enqueue("far", '{"order_id": 1, "x": 1}', options, must_be_known=False)
    second = await ob.jobs.enqueue("far", '{"x": 2, "order_id": 1}', options, must_be_known=False)

    assert not second.is_new
    assert second.id == first.id
    with pytest.raises(InvalidInput, match="no argument 'order_id'"):
        await ob.jobs.enqueue("far", '{"x": 1}', options, must_be_known=False)


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"unique": Unique(by=("order",))}, "unique"),
        ({"unique": "order_id"}, "unique"),
        ({"start_within": "0s"}, "start_within"),
        ({"start_within": "1m", "start_by": datetime(2040, 1, 1, tzinfo=UTC)}, "start_by"),
        ({"start_by": datetime(2040, 1, 1)}, "start_by"),  # noqa: DTZ001
        ({"start_by": datetime(2030, 1, 1, tzinfo=UTC), "at": datetime(2031, 1, 1, tzinfo=UTC)},
         "start_by"),
        ({"start_within": "1m", "clock": "world"}, "start_within"),
    ],
)  # fmt: skip
async def test_options_that_cannot_be_are_refused_by_name(
    ob: Onbeat, given: dict[str, Any], field: str
) -> None:
    charge = charge_of(ob)

    with pytest.raises(InvalidInput) as refused:
        charge.opts(**given)

    assert refused.value.field == field
    assert await ob.jobs.list() == []


def test_a_task_that_names_an_argument_it_has_not_is_refused_at_declaration() -> None:
    ob = Onbeat("sqlite:///never.db", settings=Settings())

    with pytest.raises(InvalidInput, match="charge has no argument 'order'"):
        charge_of(ob, unique=Unique(by=("order",)))

    assert ob.tasks == ()


async def test_a_job_that_has_not_begun_in_time_is_called_off(ob: Onbeat) -> None:
    late = charge_of(ob, queue="nobody-serves-it")

    async with ob.running():
        soon = datetime.now(UTC) + timedelta(seconds=2)  # one that is over would be refused
        jobs = [
            await late.opts(start_by=soon).enqueue(2),
            await late.opts(start_within="100ms").enqueue(1),
            await late.opts(start_within="1h").enqueue(3),
        ]
        for each in jobs[:2]:
            with pytest.raises(JobFailed, match="cancelled: expired: it had not begun by"):
                await each.result("10s")

    assert (await jobs[2].show()).state is State.PENDING


async def test_workers_call_overdue_jobs_off_where_no_scheduler_runs(ob: Onbeat) -> None:
    late = charge_of(ob, queue="nobody-serves-it")

    async with ob.running(scheduler=False):
        job = await late.opts(start_within="100ms").enqueue(1)
        with pytest.raises(JobFailed, match="expired"):
            await job.result("20s")


async def test_a_deadline_counts_from_when_the_job_may_begin(ob: Onbeat) -> None:
    charge = charge_of(ob, start_within="10m")
    due = datetime.now(UTC) + timedelta(hours=1)

    waiting = await charge.opts(at=due).enqueue(1)

    assert (await waiting.show()).expires_at == due + timedelta(minutes=10)


async def test_why_says_by_when_it_must_begin(ob: Onbeat) -> None:
    charge = charge_of(ob, start_within="10m")
    waiting = await charge.enqueue(1)

    assert "expires" in [each.code for each in await ob.jobs.why(waiting.id)]


async def test_a_schedule_s_job_that_another_is_the_same_as_is_called_off(ob: Onbeat) -> None:
    charge = charge_of(ob, unique=BY_ORDER)
    by_hand = await charge.enqueue(1)
    await ob.schedules.create("hourly", charge.bind(1), every("1h"))

    with pytest.raises(Conflict, match=by_hand.id):
        await ob.schedules.trigger("hourly")

    await by_hand.cancel()
    await ob.schedules.trigger("hourly")
    assert not (await charge.enqueue(1)).is_new


async def test_a_schedule_replaces_nothing(ob: Onbeat) -> None:
    charge = charge_of(ob, unique=Unique(on_conflict="replace"))

    with pytest.raises(InvalidInput, match="on_conflict"):
        await ob.schedules.create("hourly", charge.bind(1), every("1h"))
    await ob.schedules.create("hourly", charge.opts(unique=False).bind(1), every("1h"))


@pytest.mark.parametrize(
    ("options", "field"),
    [({"unique": BY_ORDER}, "unique"), ({"start_within": "1m"}, "start_within")],
)
async def test_a_job_of_a_workflow_has_no_conditions_of_its_own(
    ob: Onbeat, options: dict[str, Any], field: str
) -> None:
    call = charge_of(ob, **options).bind(1)

    with pytest.raises(InvalidInput) as refused:
        call.member_job(JobId("0" * 32), "ends:")

    assert refused.value.field == field


async def dead_letters(ob: Onbeat, count: int) -> None:
    @ob.task(name="breaks")
    async def breaks(number: int) -> None:
        raise RuntimeError(f"no money for {number}")

    handles = await ob.enqueue_many(breaks.opts(retry=Retry(1)).bind(n) for n in range(count))
    async with ob.running(scheduler=False):
        for each in handles:
            with pytest.raises(JobFailed):
                await each.result("20s")


async def test_dead_letters_run_again_in_bulk(ob: Onbeat) -> None:
    await dead_letters(ob, 12)

    counted = await ob.jobs.redrive(task="breaks", error="NO MONEY", dry_run=True)
    some = await ob.jobs.redrive(task="breaks", error="money for 1", limit=2)
    rest = await ob.jobs.redrive(task="breaks")

    assert (counted.count, some.count, rest.count) == (12, 2, 10)
    assert len(await ob.jobs.list(JobFilter(state=State.PENDING))) == 12
    assert (await ob.jobs.redrive()).count == 0
    [job, *_] = await ob.jobs.list()
    assert [each.outcome for each in await ob.jobs.attempts(job.id)] == ["failed"]


@pytest.mark.parametrize(
    "given",
    [{"error": "other"}, {"queue": "other"}, {"task": "other"},
     {"until": datetime(2020, 1, 1, tzinfo=UTC)}, {"since": datetime(2040, 1, 1, tzinfo=UTC)}],
)  # fmt: skip
async def test_only_the_dead_letters_that_are_meant_run_again(
    ob: Onbeat, given: dict[str, Any]
) -> None:
    await dead_letters(ob, 1)

    assert (await ob.jobs.redrive(**given, dry_run=True)).count == 0
    assert (await ob.jobs.redrive(**given)).count == 0


async def test_many_jobs_are_called_off_in_batches(ob: Onbeat) -> None:
    charge = charge_of(ob)
    await ob.enqueue_many(charge.bind(n) for n in range(1_200))
    await charge.opts(delay="1h").enqueue(1)
    await charge.opts(queue="other").enqueue(2)
    told: list[int] = []

    counted = await ob.jobs.cancel_many(task="charge", queue="default", dry_run=True)
    done = await ob.jobs.cancel_many(task="charge", queue="default", tell=told.append)

    assert (counted.cancelled, done.cancelled, done.asked) == (1_201, 1_201, 0)
    assert told == [500, 1_000, 1_201]
    [left] = await ob.jobs.list(JobFilter(state=State.PENDING))
    assert left.queue == "other"


async def test_calling_everything_off_is_not_asked_for_by_saying_nothing(ob: Onbeat) -> None:
    with pytest.raises(InvalidInput, match="nothing says which"):
        await ob.jobs.cancel_many()
