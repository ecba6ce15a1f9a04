"""Unique keys: who has one, until when, and that no two ever do."""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import timedelta
from functools import partial

import pytest
from sqlalchemy import delete, insert

from onbeat.domain.errors import Conflict
from onbeat.domain.jobs import JobId, NewJob
from onbeat.domain.states import Place, State
from onbeat.domain.ties import TieKind
from onbeat.store import bulk, jobs, keys, replacing
from onbeat.store.schema import uniques
from onbeat.store.store import Store
from onbeat.store.verify.laws import Law
from tests import factories
from tests.contract.conditions import (
    KEY,
    OTHER,
    TEN,
    ask,
    change,
    is_free,
    laws,
    unique,
)
from tests.contract.rescue import rescue
from tests.contract.world import (
    begin,
    cancel,
    claim_one,
    drain,
    everything,
    find,
    place,
    state,
)
from tests.timing import ManualTiming


@pytest.mark.parametrize("until", [TieKind.UNIQUE, TieKind.WAITING, TieKind.WITHIN])
async def test_who_has_the_key_is_told_to_who_wants_it(store: Store, until: TieKind) -> None:
    first, second, other = unique(until=until), unique(until=until), unique(OTHER, until=until)

    assert await ask(store, first) == {}
    assert await ask(store, second, other) == {second.id: first.id}

    assert await place(store, first.id) is Place.READY
    assert await place(store, other.id) is Place.READY
    assert await place(store, second.id) is Place.NOWHERE
    assert not await store.read(lambda connection, _: jobs.is_known(connection, second.id))
    assert await laws(store) == []


async def test_of_a_batch_with_one_key_twice_one_is_stored(store: Store) -> None:
    first, second = unique(), unique()

    assert await ask(store, first, second) == {second.id: first.id}
    assert await ask(store, third := unique(), fourth := unique()) == {
        third.id: first.id, fourth.id: first.id,
    }  # fmt: skip


async def test_a_job_stored_again_is_left_as_it_is(store: Store) -> None:
    wanted, others = unique(), [unique(OTHER), factories.job()]
    await ask(store, wanted, *others)
    before = await everything(store)

    assert await ask(store, wanted, *others) == {}
    assert await ask(store, wanted) == {}

    assert await everything(store) == before


async def test_an_ended_job_stored_again_takes_no_key(store: Store) -> None:
    session, wanted = await begin(store), unique()
    await ask(store, wanted)
    await store.ack([factories.ack(await claim_one(store, session))])

    await ask(store, wanted)
    await ask(store, wanted, factories.job())

    assert await is_free(store)
    assert await laws(store) == []


@pytest.mark.parametrize("move", ["complete", "bury", "stop"])
async def test_a_key_until_the_end_is_free_with_the_end(store: Store, move: str) -> None:
    session = await begin(store)
    await ask(store, unique())
    claimed = await claim_one(store, session)
    assert not await is_free(store)

    await store.ack([factories.ack(claimed, move)])

    assert await is_free(store)
    assert await ask(store, unique()) == {}


@pytest.mark.parametrize("move", ["retry", "snooze", "release"])
async def test_a_key_until_the_end_stays_while_the_job_goes_on(store: Store, move: str) -> None:
    session, first = await begin(store), unique()
    await ask(store, first)

    await store.ack([factories.ack(await claim_one(store, session), move)])

    assert await ask(store, second := unique()) == {second.id: first.id}
    assert await laws(store) == []


async def test_a_key_until_the_end_stays_through_a_rescue(
    store: Store, timing: ManualTiming
) -> None:
    session, first = await begin(store), unique()
    await ask(store, first)
    await claim_one(store, session)
    timing.advance(by=timedelta(minutes=1))

    await rescue(store)

    assert await state(store, first.id) is State.PENDING
    assert await ask(store, second := unique()) == {second.id: first.id}


async def test_a_key_until_begun_is_free_with_the_claim(store: Store) -> None:
    session, first, second = await begin(store), unique(until=TieKind.WAITING), unique()
    await ask(store, first)

    await claim_one(store, session)

    assert await is_free(store)
    await ask(store, second)
    await store.ack([factories.ack(await claim_one(store, session))])


async def test_the_end_of_a_job_frees_no_other_s_key(store: Store) -> None:
    session = await begin(store)
    first, second = unique(until=TieKind.WAITING), unique()
    await ask(store, first)
    claimed = await claim_one(store, session)
    await ask(store, second)

    await store.ack([factories.ack(claimed)])

    assert await ask(store, third := unique()) == {third.id: second.id}


async def test_a_key_within_a_time_is_had_so_long_whatever_becomes_of_the_job(
    store: Store, timing: ManualTiming
) -> None:
    session, first = await begin(store, term=timedelta(hours=1)), unique(until=TieKind.WITHIN)
    await ask(store, first)
    await store.ack([factories.ack(await claim_one(store, session))])

    timing.advance(by=TEN - timedelta(seconds=1))
    second = unique(until=TieKind.WITHIN)
    assert await ask(store, second) == {second.id: first.id}

    timing.advance(by=timedelta(seconds=1))
    assert await ask(store, second) == {}
    assert await ask(store, third := unique()) == {third.id: second.id}
    assert await laws(store) == []


async def test_keys_whose_time_is_over_are_forgotten(store: Store, timing: ManualTiming) -> None:
    await ask(store, unique(until=TieKind.WITHIN), unique(OTHER))
    assert await store.write(keys.forget_expired) == 0

    timing.advance(by=TEN)

    assert await store.write(keys.forget_expired) == 1
    assert await is_free(store)
    assert not await is_free(store, OTHER)


@pytest.mark.parametrize("until", [TieKind.UNIQUE, TieKind.WAITING])
@pytest.mark.parametrize("delay", [None, timedelta(hours=1)])
async def test_a_job_that_is_called_off_frees_its_key(
    store: Store, until: TieKind, delay: timedelta | None
) -> None:
    first = unique(until=until, delay=delay)
    await ask(store, first)

    await cancel(store, first.id)

    assert await is_free(store)


async def test_a_job_that_is_run_again_takes_its_key_again(store: Store) -> None:
    session, first = await begin(store), unique()
    await ask(store, first)
    await store.ack([factories.ack(await claim_one(store, session), "bury")])

    await store.write(partial(jobs.revive, job=first.id))

    assert await ask(store, second := unique()) == {second.id: first.id}
    assert await laws(store) == []


async def test_a_job_whose_key_another_has_is_not_run_again(store: Store) -> None:
    session, first, second = await begin(store), unique(), unique()
    await ask(store, first)
    await store.ack([factories.ack(await claim_one(store, session), "bury")])
    await ask(store, second)
    before = await everything(store)

    with pytest.raises(Conflict, match=second.id):
        await store.write(partial(jobs.revive, job=first.id))

    assert await everything(store) == before


async def test_of_dead_letters_with_one_key_one_runs_again(store: Store) -> None:
    session = await begin(store)
    dead = []
    for _ in range(2):
        await ask(store, job := unique())
        await store.ack([factories.ack(await claim_one(store, session), "bury", reason="no")])
        dead.append(job.id)

    redrive = partial(bulk.redrive, wanted=bulk.Selection(), after=None, limit=10)
    done = await store.write(redrive)

    assert (done.count, done.refused) == (1, {dead[1]: dead[0]})
    assert await state(store, dead[1]) is State.FAILED
    assert await laws(store) == []


@pytest.mark.parametrize("batch", [1, 40])
async def test_of_many_who_race_for_keys_one_has_each(
    store: Store, other_store: Store, batch: int
) -> None:
    stores = (store, other_store)
    wanted = [[unique(f"{n:032x}") for n in range(batch)] for _ in range(24)]
    wanted = [each[::-1] if turn % 2 else each for turn, each in enumerate(wanted)]

    refused = await asyncio.gather(
        *(ask(stores[turn % 2], *each) for turn, each in enumerate(wanted))
    )

    stored = [job.id for each, no in zip(wanted, refused, strict=True) for job in each
              if job.id not in no]  # fmt: skip
    assert len(stored) == batch
    assert {holder for no in refused for holder in no.values()} <= set(stored)
    assert await laws(store) == []


async def test_of_many_who_race_while_jobs_end_no_two_are_open_with_one_key(
    store: Store, other_store: Store
) -> None:
    session, total = await begin(store), 0

    async def enqueue(turn: int) -> int:
        wanted = [unique(f"{n:032x}") for n in range(10)]
        return 10 - len(await ask((store, other_store)[turn % 2], *wanted))

    async def work() -> int:
        claimed = await store.claim(session.id, ["default"], 7)
        await store.ack([factories.ack(each) for each in claimed])
        return len(claimed)

    for _ in range(5):
        *stored, done = await asyncio.gather(*(enqueue(turn) for turn in range(6)), work())
        total += sum(stored) - done
        assert await laws(store) == []
    left = await drain(store, session, ["default"], 100)
    keys_open = Counter([(await find(store, job)).id for job in left])
    assert len(left) == total <= 10
    assert max(keys_open.values(), default=1) == 1


async def replace(store: Store, *wanted: NewJob) -> dict[JobId, JobId]:
    """Enqueue them in the place of those that wait."""
    return await store.write(partial(replacing.enqueue, wanted=wanted))


async def test_a_job_that_waits_is_replaced(store: Store) -> None:
    first, second = unique(delay=timedelta(hours=1)), unique(replaces=True)
    await ask(store, first)

    assert await replace(store, second) == {}

    stood = await find(store, first.id)
    assert (stood.state, stood.reason) == (State.CANCELLED, f"replaced by job {second.id}")
    assert await ask(store, third := unique()) == {third.id: second.id}
    assert await laws(store) == []


async def test_a_job_whose_key_was_had_for_a_time_that_is_over_is_not_replaced(
    store: Store, timing: ManualTiming
) -> None:
    first, second = unique(until=TieKind.WITHIN), unique(until=TieKind.WITHIN, replaces=True)
    await ask(store, first)
    timing.advance(by=TEN)

    assert await replace(store, second) == {}

    assert await state(store, first.id) is State.PENDING
    assert await state(store, second.id) is State.PENDING


async def test_a_job_that_runs_is_not_replaced(store: Store) -> None:
    session, first, second = await begin(store), unique(), unique(replaces=True)
    await ask(store, first)
    await claim_one(store, session)

    assert await replace(store, second) == {second.id: first.id}

    assert await state(store, first.id) is State.RUNNING
    assert await place(store, second.id) is Place.NOWHERE


async def test_of_many_who_replace_each_other_one_is_left(store: Store, other_store: Store) -> None:
    wanted = [unique(replaces=True) for _ in range(12)]

    await asyncio.gather(*(replace((store, other_store)[n % 2], job) for n, job in
                           enumerate(wanted)))  # fmt: skip

    states = [await place(store, job.id) for job in wanted]
    assert states.count(Place.READY) == 1
    assert await laws(store) == []


async def test_verify_finds_a_key_that_an_ended_job_has(store: Store) -> None:
    session = await begin(store)
    await ask(store, job := unique())
    await store.ack([factories.ack(await claim_one(store, session))])

    await change(store, insert(uniques).values(key=KEY, job=job.id))

    assert await laws(store) == [(Law.KEY_OF_ENDED_JOB, job.id)]


async def test_verify_finds_an_open_job_without_its_key(store: Store) -> None:
    await ask(store, job := unique(), unique(OTHER))

    await change(store, delete(uniques).where(uniques.c.key == KEY))

    assert await laws(store) == [(Law.KEY_NOT_HAD, job.id)]
