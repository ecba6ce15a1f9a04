"""What jobs are found by: it comes and goes with them."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from sqlalchemy import delete, insert, select, update

from onbeat.domain.backfills import Wanted
from onbeat.domain.jobs import NewJob
from onbeat.domain.marks import marks
from onbeat.domain.recurrence import every
from onbeat.domain.ties import encode_ties
from onbeat.runtime.cleaner import CLEAN_EVERY, Cleaner
from onbeat.runtime.tick import tick
from onbeat.store import backfills, schema
from onbeat.store.store import Store
from onbeat.store.verify.laws import Law
from tests import factories
from tests.contract.beats import MINUTE, create, ledger
from tests.contract.conditions import ask, change, laws
from tests.contract.world import acked, begin, claim_one
from tests.timing import START, ManualTiming

BY = marks(("vip", "eu"), "u-17")


def marked(by: tuple[str, ...] = BY, **fields: Any) -> NewJob:
    return factories.job(ties=by, is_marked=True, **fields)


async def rows(store: Store) -> set[tuple[str, str]]:
    query = select(schema.marks.c.mark, schema.marks.c.job)
    found = await store.read(lambda c, _: c.execute(query).all())
    return {(row.mark, row.job) for row in found}


async def test_a_tick_s_jobs_are_found_by_what_their_schedule_is(
    store: Store, timing: ManualTiming
) -> None:
    schedule = await create(store, recurrence=every("1m"), ties=encode_ties(BY))
    await create(store, recurrence=every("1m"))
    await create(store, recurrence=every("1m"), ties=encode_ties(marks((), "u-18")))

    await tick(store)

    [(_, job)] = await ledger(store, schedule)
    found = await rows(store)
    assert {mark for mark, of in found if of == job} == set(BY)
    assert len(found) == len(BY) + 1
    assert await laws(store) == []


async def test_a_backfill_s_jobs_are_found_by_what_their_schedule_is(
    store: Store, timing: ManualTiming
) -> None:
    schedule = await create(store, recurrence=every("1m"), ties=encode_ties(BY))
    wanted = Wanted(schedule=schedule.name, begin=START - 3 * MINUTE, end=START - MINUTE)
    await store.write(partial(backfills.begin, identity=store.new_id(), wanted=wanted))

    moved = await store.write(partial(backfills.go_on, new_id=store.new_id))

    assert len(await rows(store)) == moved.jobs * len(BY) > 0
    assert await laws(store) == []


async def test_a_job_that_is_asked_for_again_by_its_id_has_its_marks_once(store: Store) -> None:
    job = marked()

    await ask(store, job)
    await ask(store, job)

    assert await rows(store) == {(mark, job.id) for mark in BY}


async def test_marks_go_with_their_job_and_no_others_do(store: Store, timing: ManualTiming) -> None:
    session = await begin(store, timedelta(days=1000))
    old, new, plain = marked(), marked(), factories.job()
    await ask(store, old, plain)
    for _ in range(2):
        await acked(store, factories.ack(await claim_one(store, session)))
    timing.advance(by=timedelta(days=91))
    await ask(store, new)
    duty = Cleaner(store, timedelta(days=90))

    while await duty.step() < CLEAN_EVERY:
        pass

    assert await rows(store) == {(mark, new.id) for mark in BY}
    assert await laws(store) == []


async def test_a_mark_that_is_missing_is_told(store: Store) -> None:
    first, second = marked(), marked()
    await ask(store, first, second, factories.job())

    gone = (schema.marks.c.mark == "tag:eu") & (schema.marks.c.job == first.id)
    await change(store, delete(schema.marks).where(gone))

    assert await laws(store) == [(Law.MARK_MISSING, first.id)]


@pytest.mark.parametrize("is_booked", [True, False])
async def test_a_mark_that_is_nobody_s_is_told(store: Store, is_booked: bool) -> None:
    jobs = [marked() for _ in range(4)]
    await ask(store, *jobs)
    other = factories.job()
    if is_booked:
        await ask(store, other)

    await change(store, insert(schema.marks).values(mark="tag:eu", job=other.id))

    assert await laws(store) == [(Law.MARK_WITHOUT_JOB, other.id)]


async def test_marks_of_a_job_that_has_lost_its_ties_are_told(store: Store) -> None:
    job = marked()
    await ask(store, job)

    await change(store, update(schema.jobs).values(ties=None))

    assert {law for law, _ in await laws(store)} == {Law.MARK_WITHOUT_JOB}
