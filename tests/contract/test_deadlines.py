"""Deadlines by which to begin: what is late is called off, and never run."""

from __future__ import annotations

from datetime import timedelta
from functools import partial

import pytest
from sqlalchemy import insert

from onbeat.domain.limits import Limit
from onbeat.domain.states import Place, State
from onbeat.domain.ties import TieKind, tie
from onbeat.runtime.maintenance import call_off_overdue
from onbeat.store import bulk, jobs, limits
from onbeat.store.schema import deadlines
from onbeat.store.store import Store
from onbeat.store.verify.laws import Law
from tests import factories
from tests.contract.conditions import (
    TEN,
    ask,
    change,
    dated,
    dates,
    laws,
)
from tests.contract.world import (
    begin,
    cancel,
    claim_one,
    drain,
    find,
    place,
    state,
)
from tests.timing import START, ManualTiming


@pytest.mark.parametrize("delay", [None, timedelta(minutes=30)])
async def test_a_deadline_counts_from_when_a_job_may_begin(
    store: Store, delay: timedelta | None
) -> None:
    job = dated(delay=delay)
    await ask(store, job)

    assert await dates(store) == [(job.id, START + (delay or timedelta()) + TEN)]
    assert (await find(store, job.id)).expires_at == START + (delay or timedelta()) + TEN


async def test_after_its_deadline_no_claim_takes_a_job_however_late_the_sweep(
    store: Store, timing: ManualTiming
) -> None:
    session, job, plain = await begin(store, term=timedelta(hours=2)), dated(), factories.job()
    await ask(store, job, plain)

    timing.advance(by=TEN)

    assert await drain(store, session, ["default"], 10) == [plain.id]
    assert await state(store, job.id) is State.PENDING
    await call_off_overdue(store)
    stood = await find(store, job.id)
    assert stood.state is State.CANCELLED
    assert stood.reason == "expired: it had not begun by 2030-06-15T12:10:00Z"
    assert await dates(store) == []


async def test_a_limited_claim_takes_no_overdue_job_either(
    store: Store, timing: ManualTiming
) -> None:
    session = await begin(store, term=timedelta(hours=2))
    slot = tie(TieKind.SLOT, "calls:")
    job = factories.job(start_within=TEN, ties=(tie(TieKind.EXPIRES, "600000000"), slot))
    other = factories.job(ties=(slot,))
    await store.write(
        partial(limits.declare, wanted={"calls": Limit("calls", concurrency=5).bounds}, by="test")
    )
    await ask(store, job, other)

    timing.advance(by=TEN)

    assert await drain(store, session, ["default"], 10) == [other.id]
    await call_off_overdue(store)
    assert await state(store, job.id) is State.CANCELLED


async def test_overdue_jobs_hide_none_that_may_begin(store: Store, timing: ManualTiming) -> None:
    session = await begin(store)
    behind = factories.job(priority=0)
    await ask(store, dated(), dated())
    await store.enqueue([behind])
    timing.advance(by=TEN)

    taken = await store.claim(session.id, ["default"], 1)

    assert [each.id for each in taken] == [behind.id]


@pytest.mark.parametrize("move", ["retry", "snooze", "release"])
async def test_a_job_that_has_begun_is_not_called_off(
    store: Store, timing: ManualTiming, move: str
) -> None:
    session, job = await begin(store, term=timedelta(hours=2)), dated()
    await ask(store, job)
    claimed = await claim_one(store, session)
    assert await dates(store) == []

    await store.ack([factories.ack(claimed, move, delay=timedelta(hours=1))])
    timing.advance(by=TEN)
    await call_off_overdue(store)

    assert not (await state(store, job.id)).is_final
    assert await laws(store) == []


@pytest.mark.parametrize("where", [Place.READY, Place.DELAYED, Place.BLOCKED])
async def test_an_overdue_job_is_called_off_wherever_it_waits(
    store: Store, timing: ManualTiming, where: Place
) -> None:
    job = dated(delay=timedelta(hours=1) if where is Place.DELAYED else None)
    await ask(store, job)
    if where is Place.BLOCKED:
        await store.write(partial(jobs.block, job=job.id, reason="held"))
    assert await place(store, job.id) is where

    timing.advance(by=timedelta(hours=1) + TEN)
    await call_off_overdue(store)

    assert await state(store, job.id) is State.CANCELLED


async def test_more_overdue_jobs_than_go_at_once_are_called_off(
    store: Store, timing: ManualTiming
) -> None:
    await ask(store, *(dated() for _ in range(1_100)))
    timing.advance(by=TEN)

    await call_off_overdue(store)

    assert await dates(store) == []
    assert await store.read(partial(bulk.count_open, wanted=bulk.Selection())) == (0, 0)


async def test_a_job_that_is_called_off_has_no_deadline_any_more(store: Store) -> None:
    job = dated()
    await ask(store, job)

    await cancel(store, job.id)

    assert await dates(store) == []


async def test_the_next_deadline_is_known(store: Store) -> None:
    assert (await store.next_due()).expires_at is None

    await ask(store, dated())

    assert (await store.next_due()).expires_at == START + TEN


async def test_verify_finds_a_deadline_of_a_job_that_runs(store: Store) -> None:
    session = await begin(store)
    await ask(store, job := dated())
    await claim_one(store, session)

    await change(store, insert(deadlines).values(job=job.id, expires_at=START + TEN))

    assert await laws(store) == [(Law.DEADLINE_OF_NO_WAITING_JOB, job.id)]
