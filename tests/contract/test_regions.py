"""Regions: jobs go where they can be run, and leave a region that has gone."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import msgspec
import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.orm import Session as OrmSession

from onbeat import Onbeat, Regions, every, sqlite_engine
from onbeat.domain.errors import InvalidInput
from onbeat.domain.events import Event, JobsMoved
from onbeat.domain.expectation import OVERDUE
from onbeat.domain.jobs import JobId
from onbeat.domain.states import State
from onbeat.runtime.regions import MOVES_EVERY, Mover, Router
from onbeat.runtime.tick import tick
from onbeat.runtime.watchdog import Watchdog
from onbeat.store import queues, regions, schedules, why, workers
from onbeat.store.store import Store
from onbeat.store.verify.walk import verify
from tests import factories
from tests.contract.bounds import declare as limit
from tests.contract.bounds import under
from tests.contract.world import acked, begin, find, state
from tests.timing import ManualTiming
from tests.waiting import wait_for

REGIONS = Regions(
    {"us": "checks-us", "eu": "checks-eu"}, default="checks", fallback={"us": ["eu"]}, backlog=5
)
MINUTES = timedelta(minutes=10)


async def declare(store: Store) -> None:
    """Let an application say what its regions are."""
    await store.write(partial(regions.declare, wanted=REGIONS, source="code:app"))


async def work_in(store: Store, *names: str, term: timedelta = MINUTES) -> None:
    """Let a worker serve the queue of each of the regions; None is the default."""
    for name in names:
        queue = REGIONS.queues.get(name, name)
        await begin(store, term, queues=(queue,), region=name)


async def where(store: Store, preferred: str | None) -> str:
    """The queue to which a job goes now."""
    router = Router(REGIONS)
    return router.send(preferred, await router.look(store)).queue


def mover(store: Store, heard: list[Event] | None = None) -> Mover:
    """Whoever moves stranded jobs."""
    return Mover(store, REGIONS, emit=(heard if heard is not None else []).append)


async def test_a_job_goes_to_its_region_while_a_worker_is_there(store: Store) -> None:
    await work_in(store, "us", "eu")
    assert await where(store, "us") == "checks-us"


async def test_a_region_whose_worker_died_is_avoided_after_30_seconds(
    store: Store, timing: ManualTiming
) -> None:
    await work_in(store, "us", term=timedelta(seconds=15))
    await work_in(store, "eu")
    timing.advance(seconds=29)
    await store.write(workers.expire)
    assert await where(store, "us") == "checks-us"

    timing.advance(seconds=2)

    assert await where(store, "us") == "checks-eu"


async def test_when_a_queue_was_served_is_known_after_its_workers_are_off_the_record(
    store: Store, timing: ManualTiming
) -> None:
    await declare(store)
    await work_in(store, "us", term=timedelta(seconds=15))
    await mover(store).step()
    timing.advance(seconds=100)
    await store.write(workers.expire)
    timing.advance(seconds=100)
    await store.write(workers.expire)

    [state_of_us] = [each for each in await store.read(regions.list_regions) if each.region == "us"]

    assert state_of_us.health.served_at == timing.now() - timedelta(seconds=200)
    assert state_of_us.refusal == "no worker for 30s"


async def test_a_worker_that_drains_serves_its_region_no_more(
    store: Store, timing: ManualTiming
) -> None:
    session = await begin(store, MINUTES, queues=("checks-us",))
    await work_in(store, "eu")
    await store.write(partial(workers.drain, session=session.id))

    assert await where(store, "us") == "checks-eu"


async def test_a_region_with_a_long_backlog_is_avoided(store: Store) -> None:
    await work_in(store, "us", "eu")
    await store.enqueue(factories.jobs(5, queue="checks-us"))
    assert await where(store, "us") == "checks-us"

    await store.enqueue(factories.jobs(1, queue="checks-us"))

    assert await where(store, "us") == "checks-eu"


async def test_a_paused_region_is_avoided(store: Store) -> None:
    await work_in(store, "us", "eu")
    await store.write(partial(queues.pause, name="checks-us", by="ann"))
    assert await where(store, "us") == "checks-eu"


async def test_where_no_region_can_take_a_job_it_goes_to_the_default_queue(store: Store) -> None:
    assert await where(store, "us") == "checks"
    assert await where(store, None) == "checks"


async def test_a_look_at_the_queues_is_good_for_a_second(
    store: Store, timing: ManualTiming
) -> None:
    router = Router(REGIONS)
    first = await router.look(store)
    await work_in(store, "us")

    assert await router.look(store) is first
    timing.advance(seconds=1)
    assert (await router.look(store)).health["checks-us"].workers == 1


async def test_stranded_jobs_move_once_their_region_has_been_away_for_long_enough(
    store: Store, timing: ManualTiming
) -> None:
    await declare(store)
    wanted = factories.jobs(1_200, queue="checks-us")
    await store.enqueue(wanted)
    heard: list[Event] = []
    duty = mover(store, heard)
    await work_in(store, "us", term=timedelta(seconds=15))
    await work_in(store, "eu")
    await duty.step()
    timing.advance(seconds=119)
    await duty.step()
    assert (await find(store, wanted[0].id)).queue == "checks-us"

    timing.advance(seconds=1)
    await duty.step()

    moved = await find(store, wanted[0].id)
    assert (moved.queue, moved.state) == ("checks-eu", State.PENDING)
    told = msgspec.json.decode(moved.route or "null")
    assert told["moved_from"] == "checks-us"
    assert told["moved_at"] == timing.now().isoformat()
    assert told["region"] == "eu"
    assert told["why"] == "no worker in us since 2030-06-15 12:00:00 UTC"
    assert [each.count for each in heard if isinstance(each, JobsMoved)] == [500, 500, 200]
    worker = await begin(store, MINUTES, queues=("checks-eu",))
    claimed = await store.claim(worker.id, ["checks-eu"], 2_000)
    assert {each.id for each in claimed} == {each.id for each in wanted}
    assert (await verify(store)).breaches == []


async def test_stranded_jobs_stay_while_nobody_works_elsewhere(
    store: Store, timing: ManualTiming
) -> None:
    await declare(store)
    wanted = factories.job(queue="checks-us")
    await store.enqueue([wanted])
    timing.advance(seconds=1800)

    await mover(store).step()

    assert (await find(store, wanted.id)).queue == "checks-us"


async def test_a_job_that_waits_for_a_slot_is_moved_too_and_keeps_its_place(
    store: Store, timing: ManualTiming
) -> None:
    await declare(store)
    await limit(store, concurrency=1)
    here = await begin(store, MINUTES, queues=("checks-us",))
    first, second = under("calls:a", queue="checks-us"), under("calls:a", queue="checks-us")
    await store.enqueue([first, second])
    [running] = await store.claim(here.id, ["checks-us"], 10)
    await store.write(partial(workers.end, session=here.id))
    timing.advance(seconds=300)
    there = await begin(store, MINUTES, queues=("checks-eu",))

    await mover(store).step()

    assert await state(store, second.id) is State.BLOCKED
    await acked(store, factories.ack(running))
    assert [each.id for each in await store.claim(there.id, ["checks-eu"], 10)] == [second.id]
    assert (await verify(store)).breaches == []


async def test_a_job_that_becomes_due_in_a_region_that_has_gone_is_moved_then(
    store: Store, timing: ManualTiming
) -> None:
    await declare(store)
    wanted = factories.job(queue="checks-us", delay=timedelta(minutes=5))
    await store.enqueue([wanted])
    await work_in(store, "eu")
    timing.advance(seconds=240)
    duty = mover(store)
    await duty.step()
    assert (await find(store, wanted.id)).queue == "checks-us"

    timing.advance(seconds=120)
    await store.promote(10)
    await duty.step()

    assert (await find(store, wanted.id)).queue == "checks-eu"


async def test_why_says_that_nobody_is_in_the_region_and_when_its_jobs_move(
    store: Store, timing: ManualTiming
) -> None:
    await declare(store)
    wanted = factories.job(queue="checks-us")
    await store.enqueue([wanted])
    await work_in(store, "eu")
    timing.advance(seconds=60)

    _, found = await store.read(partial(why.of_job, job=wanted.id))

    [reason] = [each for each in found if each.code == "region-empty"]
    assert reason.what == (
        "no worker is in its region us; it moves to checks-eu, once a worker serves that, "
        "at 2030-06-15 12:02:00 UTC or later"
    )


async def test_why_tells_of_no_moment_that_is_over_when_nobody_is_anywhere(
    store: Store, timing: ManualTiming
) -> None:
    await declare(store)
    wanted = factories.job(queue="checks-us")
    await store.enqueue([wanted])
    timing.advance(seconds=180)

    _, found = await store.read(partial(why.of_job, job=wanted.id))

    [reason] = [each for each in found if each.code == "region-empty"]
    assert reason.what == (
        "no worker is in its region us; it moves to checks as soon as a worker serves that"
    )


async def test_a_schedule_of_a_region_that_has_gone_makes_its_jobs_elsewhere(
    store: Store, timing: ManualTiming
) -> None:
    await work_in(store, "eu")
    plan = factories.schedule(queue="checks-us")
    other = factories.schedule(queue="mail")
    for each in (plan, other):
        await store.write(partial(schedules.create, schedule=each))
    timing.advance(seconds=61)

    await tick(store, router=Router(REGIONS))

    made = {}
    for each in (plan, other):
        [(_, job)] = await store.read(partial(schedules.list_occurrences, name=each.name, limit=1))
        assert job is not None
        made[each.name] = await find(store, job)
    assert made[other.name].queue == "mail"
    assert made[other.name].route is None
    assert made[plan.name].queue == "checks-eu"
    assert msgspec.json.decode(made[plan.name].route or "null") == {
        "asked": "us", "region": "eu", "why": "us: no worker has served it"
    }  # fmt: skip
    assert (await verify(store)).breaches == []


async def test_schedules_without_a_region_are_spread(store: Store, timing: ManualTiming) -> None:
    await work_in(store, "us", "eu")
    for _ in range(4):
        plan = factories.schedule(queue="checks", options='{"timeout":7.0}')
        await store.write(partial(schedules.create, schedule=plan))
    timing.advance(seconds=61)

    await tick(store, router=Router(REGIONS))

    session = await begin(store, MINUTES, queues=("checks-us", "checks-eu"))
    claimed = await store.claim(session.id, ["checks-us", "checks-eu"], 10)
    assert sorted(each.queue for each in claimed) == ["checks-eu"] * 2 + ["checks-us"] * 2
    assert all(msgspec.json.decode(each.options or "{}")["timeout"] == 7.0 for each in claimed)


@pytest.fixture
async def ob(database_url: str, store: Store) -> AsyncIterator[Onbeat]:
    """An application with regions, on the database of `store`."""
    application = Onbeat(database_url, regions=REGIONS)
    async with application:
        yield application
    application.close_blocking()


async def in_real_time(ob: Onbeat, *names: str) -> None:
    """Let a worker serve the queue of each of the regions, by the database's own clock."""
    await work_in(await ob.store(), *names)


async def test_a_call_goes_to_the_region_it_is_wanted_in_or_says_why_not(ob: Onbeat) -> None:
    @ob.task(region="us")
    async def check() -> None: ...

    await in_real_time(ob, "eu")
    handle = await check.enqueue()
    other = await check.opts(region="eu").enqueue()
    by_hand = await check.opts(queue="mail").enqueue()

    found = await ob.jobs.find(handle.id)
    assert found.queue == "checks-eu"
    assert msgspec.json.decode(found.route or "null") == {
        "asked": "us", "region": "eu", "why": "us: no worker has served it"
    }  # fmt: skip
    assert msgspec.json.decode((await ob.jobs.find(other.id)).route or "null") == {
        "asked": "eu", "region": "eu"
    }  # fmt: skip
    assert ((await ob.jobs.find(by_hand.id)).queue, (await ob.jobs.find(by_hand.id)).route) == (
        "mail", None
    )  # fmt: skip


async def test_calls_without_a_region_take_turns_where_the_task_has_the_default_queue(
    ob: Onbeat,
) -> None:
    @ob.task(queue="checks")
    async def check(n: int) -> None: ...

    @ob.task(queue="mail")
    async def send(n: int) -> None: ...

    await in_real_time(ob, "us", "eu")
    handles = await ob.enqueue_many([check.bind(n) for n in range(4)])
    mail = await send.enqueue(1)

    sent = [(await ob.jobs.find(each.id)).queue for each in handles]
    assert sorted(sent) == ["checks-eu"] * 2 + ["checks-us"] * 2
    assert sent[0] != sent[1]
    assert (await ob.jobs.find(mail.id)).queue == "mail"


@pytest.mark.parametrize("is_known", [True, False], ids=["known", "not looked at yet"])
def test_a_call_within_an_open_write_of_the_callers_is_sent_too(
    database_url: str, *, is_known: bool
) -> None:
    ob = Onbeat(database_url, regions=REGIONS)

    @ob.task(region="us")
    async def check() -> None: ...

    async def prepare() -> None:
        async with ob:
            await in_real_time(ob, "eu")

    async def queue_of(job: JobId) -> str:
        async with ob:
            return (await ob.jobs.find(job)).queue

    asyncio.run(prepare())
    if is_known:
        check.enqueue_blocking()
    engine = (
        sqlite_engine(ob.url)
        if ob.url.startswith("sqlite")
        else create_engine(ob.url.replace("postgresql://", "postgresql+psycopg://"))
    )
    with OrmSession(engine) as session, session.begin():
        session.execute(text("CREATE TABLE mine (id INTEGER)"))
        handle = check.within(session).enqueue_blocking()
    engine.dispose()

    assert asyncio.run(queue_of(handle.id)) == "checks-eu"
    ob.close_blocking()


async def test_a_schedule_with_a_region_has_that_regions_queue(ob: Onbeat) -> None:
    @ob.schedule(every("1m"), region="us")
    @ob.task
    async def check() -> None: ...

    await ob.schedules.create("other", check.opts(region="eu").bind(), every("1m"))
    await ob.schedules.reconcile()

    assert (await ob.schedules.find("check")).queue == "checks-us"
    assert (await ob.schedules.find("other")).queue == "checks-eu"


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"region": "xx"}, "'xx' is no region here; known: us, eu"),
        ({"region": "us", "queue": "mail"}, "given together with queue"),
    ],
)
async def test_a_region_that_is_not_there_is_refused(
    ob: Onbeat, options: dict[str, Any], told: str
) -> None:
    @ob.task
    async def check() -> None: ...

    with pytest.raises(InvalidInput, match=told):
        check.opts(**options)


async def test_a_region_without_regions_is_refused(database_url: str) -> None:
    plain = Onbeat(database_url)
    with pytest.raises(InvalidInput, match=r"there are no regions; give Onbeat\(regions="):

        @plain.task(region="us")
        async def check() -> None: ...


async def test_the_mover_looks_every_few_seconds(store: Store) -> None:
    await declare(store)
    assert await mover(store).step() == MOVES_EVERY


async def triggered(ob: Onbeat, check: Any) -> str:
    await ob.schedules.create("check", check.bind(), every("1m"))
    return (await ob.schedules.trigger("check")).id


async def made_up_for(ob: Onbeat, check: Any) -> str:
    start = datetime.now(UTC) - timedelta(hours=2)
    await ob.schedules.create("check", check.bind(), every("1h"))
    await ob.backfills.begin("check", start, start + timedelta(hours=1))
    async with ob.running(worker=False):
        await wait_for(partial(has_a_job, ob))
    return (await ob.jobs.list())[0].id


async def has_a_job(ob: Onbeat) -> bool:
    return bool(await ob.jobs.list())


async def of_a_clock(ob: Onbeat, check: Any) -> str:
    dawn = datetime(1204, 1, 1, tzinfo=UTC)
    await ob.clocks.create("world", dawn)
    await ob.schedules.create("check", check.bind(), every("1h"), clock="world")
    assert (await ob.clocks.advance("world", by="1h")).fired == 1
    return (await ob.jobs.list())[0].id


async def of_a_workflow(ob: Onbeat, check: Any) -> str:
    async with ob.workflow("flow") as flow:
        first, last = flow.chain(check.bind(), check.bind())
    assert (await ob.jobs.find(first.id)).queue == "checks-eu"
    return last.id


@pytest.mark.parametrize("make", [triggered, made_up_for, of_a_clock, of_a_workflow])
async def test_a_job_goes_to_where_it_can_be_run_whoever_makes_it(ob: Onbeat, make: Any) -> None:
    @ob.task(region="us", timeout="7s")
    async def check() -> None: ...

    await in_real_time(ob, "eu")

    job = await ob.jobs.find(await make(ob, check))

    assert job.queue == "checks-eu"
    assert msgspec.json.decode(job.route or "null") == {
        "asked": "us", "region": "eu", "why": "us: no worker has served it"
    }  # fmt: skip
    assert (await verify(await ob.store())).breaches == []


async def test_what_the_watchdog_finds_overdue_goes_to_where_it_can_be_run(
    store: Store, timing: ManualTiming
) -> None:
    await work_in(store, "eu")
    plan = factories.schedule(queue="checks-us")
    await store.write(partial(schedules.create, schedule=plan))
    timing.advance(by=OVERDUE + timedelta(minutes=2))

    await Watchdog(store, router=Router(REGIONS)).step()

    [(_, job)] = await store.read(partial(schedules.list_occurrences, name=plan.name, limit=1))
    assert job is not None
    assert (await find(store, job)).queue == "checks-eu"
