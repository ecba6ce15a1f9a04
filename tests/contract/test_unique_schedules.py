"""Jobs of schedules take unique keys like others."""

from __future__ import annotations

from datetime import timedelta
from functools import partial

import pytest

from onbeat.domain.backfills import Wanted
from onbeat.domain.recurrence import every
from onbeat.domain.schedules import Overlap
from onbeat.domain.states import State
from onbeat.domain.ties import TieKind, tie
from onbeat.runtime.tick import tick
from onbeat.store import backfills
from onbeat.store.store import Store
from tests import factories
from tests.contract.beats import MINUTE, create, ledger
from tests.contract.conditions import (
    KEY,
    TEN,
    ask,
    dates,
    laws,
    unique,
)
from tests.contract.world import (
    begin,
    claim_one,
    find,
)
from tests.timing import START, ManualTiming


async def test_a_schedule_s_job_takes_the_key_and_others_see_it(
    store: Store, timing: ManualTiming
) -> None:
    ties = f'["{tie(TieKind.UNIQUE, KEY)}","{tie(TieKind.EXPIRES, "600000000")}"]'
    schedule = await create(store, recurrence=every("1m"), ties=ties)

    await tick(store)

    [(_, job)] = await ledger(store, schedule)
    assert job is not None
    assert await ask(store, second := unique()) == {second.id: job}
    assert await dates(store) == [(job, START + TEN)]
    assert await laws(store) == []


@pytest.mark.parametrize("overlap", [Overlap.ALLOW, Overlap.BUFFER_ALL])
async def test_a_schedule_s_job_whose_key_another_has_is_on_record_as_its_duplicate(
    store: Store, timing: ManualTiming, overlap: Overlap
) -> None:
    holder = unique(delay=timedelta(hours=1))
    await ask(store, holder)
    ties = f'["{tie(TieKind.UNIQUE, KEY)}"]'
    schedule = await create(store, recurrence=every("1m"), ties=ties, overlap=overlap)

    for _ in range(3):
        await tick(store)
        timing.advance(by=MINUTE)

    made = [job for _, job in await ledger(store, schedule) if job is not None]
    assert len(made) == 3
    stood = [await find(store, job) for job in made]
    assert {(each.state, each.reason) for each in stood} == {
        (State.CANCELLED, f"duplicate of job {holder.id}")
    }
    assert await laws(store) == []


async def test_a_schedule_that_rests_goes_on_after_a_duplicate(
    store: Store, timing: ManualTiming
) -> None:
    await ask(store, unique(delay=timedelta(hours=1)))
    ties = f'["{tie(TieKind.UNIQUE, KEY)}"]'
    schedule = await create(store, recurrence=every("1m", after_finish=True), ties=ties)

    for _ in range(4):
        timing.advance(by=MINUTE)
        await tick(store)

    assert len(await ledger(store, schedule)) >= 3


async def test_a_backfill_waits_for_the_key(store: Store, timing: ManualTiming) -> None:
    session = await begin(store, term=timedelta(hours=2))
    ties = f'["{tie(TieKind.UNIQUE, KEY)}"]'
    schedule = await create(store, recurrence=every("1m"), ties=ties, end_at=START + TEN)
    wanted = Wanted(
        schedule=schedule.name, begin=START - 3 * MINUTE, end=START - MINUTE, at_once=5
    )  # fmt: skip
    identity = store.new_id()
    await store.write(partial(backfills.begin, identity=identity, wanted=wanted))

    done = 0
    while (await store.write(partial(backfills.go_on, new_id=store.new_id))).jobs:
        await store.ack([factories.ack(await claim_one(store, session))])
        done += 1

    assert done == 3
