"""What an incident says beside that something is wrong."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from functools import partial

from onbeat.domain.default_rules import DEFAULTS
from onbeat.domain.rules import Limits
from onbeat.domain.ties import TieKind, tie
from onbeat.store import triggers
from onbeat.store.store import Store
from tests import factories
from tests.contract.beats import create
from tests.contract.judging import judged, save, stands
from tests.contract.test_judge import SOON, failed
from tests.contract.test_watcher import ended, watched
from tests.contract.world import acked, begin, claim_one, enqueue
from tests.timing import ManualTiming


async def test_it_goes_on_since_the_first_failure_after_the_last_success(
    store: Store, timing: ManualTiming
) -> None:
    await failed(store, timing)
    await ended(store, timing, "complete")
    timing.advance(by=SOON)
    began = timing.now()
    for _ in range(3):
        await ended(store, timing, "bury")
        timing.advance(by=SOON)
    await watched(store, timing)
    await judged(store, timing)
    assert (await stands(store, "in-a-row")).facts.since - began == timedelta(seconds=1)


async def test_a_schedule_fails_since_its_own_first_failure(
    store: Store, timing: ManualTiming
) -> None:
    daily = await create(store, task="send")
    await save(store, replace(DEFAULTS["schedule-in-a-row"], limits=Limits(times=1)))
    await save(store, replace(DEFAULTS["in-a-row"], enabled=False))
    await ended(store, timing, "bury")
    timing.advance(by=SOON)
    began = timing.now()
    for _ in range(2):
        await triggered(store, daily.name)
        await acked(store, factories.ack(await claim_one(store, await begin(store)), "bury"))
        timing.advance(by=SOON)
    await watched(store, timing)
    await judged(store, timing)
    assert (await stands(store, "schedule-in-a-row")).facts.since == began


async def triggered(store: Store, schedule: str) -> None:
    """It makes a job now."""
    job, backfill = store.ids.many(2)
    await store.write(partial(
        triggers.trigger, name=schedule, job=job, at=None, by="ann", backfill=backfill
    ))  # fmt: skip


async def test_a_queue_that_nobody_serves_is_not_told_of_with_an_error_of_its_jobs(
    store: Store, timing: ManualTiming
) -> None:
    await ended(store, timing, "bury", queue="mail")
    await watched(store, timing)
    await enqueue(store, queue="mail")
    timing.advance(by=timedelta(minutes=2))
    await judged(store, timing, rounds=4)
    assert (await stands(store, "no-workers")).facts.last_error is None


async def test_a_task_that_fails_is_told_where_the_tags_of_its_jobs_are(
    store: Store, timing: ManualTiming
) -> None:
    await ended(store, timing, "bury", ties=(tie(TieKind.TAG, "billing"),))
    await watched(store, timing)
    await judged(store, timing)
    assert list((await stands(store, "failed")).facts.tags) == ["billing"]


async def test_while_it_fails_on_it_tells_of_the_last_failure_within_two_minutes(
    store: Store, timing: ManualTiming
) -> None:
    for _ in range(3):
        await ended(store, timing, "bury")
    await watched(store, timing)
    judge = await judged(store, timing)
    before = (await stands(store, "in-a-row")).facts
    timing.advance(by=timedelta(minutes=1))
    await ended(store, timing, "bury")
    await watched(store, timing)
    await judged(store, timing, judge)
    now = (await stands(store, "in-a-row")).facts

    assert (before.figures["failed in a row"], now.figures["failed in a row"]) == ("3", "4")
    assert before.last_error is not None
    assert now.last_error is not None
    assert now.last_error.job != before.last_error.job
