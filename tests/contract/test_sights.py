"""What a claim tells the worker of limits, so that it asks for what there is room for."""

from __future__ import annotations

from onbeat.store.granting import Sight
from onbeat.store.postgres.claims import MANY_SLOTS
from onbeat.store.store import Store
from tests import factories
from tests.contract.bounds import claim, declare, under
from tests.contract.world import begin

MANY = MANY_SLOTS + 1


async def sight_of(store: Store, keys: list[int], limit: int, concurrency: int = 1) -> Sight:
    """What a claim tells, of jobs whose keys come in that order, after another had found it so."""
    await declare(store, concurrency=concurrency)
    session = await begin(store)
    await store.enqueue([under(f"calls:{key}") for key in keys])
    await store.claim(session.id, ["default"], limit, far=False)
    return store.sight


async def test_the_first_with_room_and_nobody_behind_them_is_told(store: Store) -> None:
    assert (await sight_of(store, [1, 2, 3, 1, 2, 3], 6)).is_used_up


async def test_it_is_not_told_where_others_between_had_no_room(store: Store) -> None:
    assert not (await sight_of(store, [1, 1, 2, 2, 3, 3], 6)).is_used_up


async def test_it_is_not_told_where_all_that_was_wanted_had_room(store: Store) -> None:
    assert not (await sight_of(store, [1, 2, 3, 1, 2, 3], 3)).is_used_up


async def test_it_is_not_told_where_nothing_is_limited(store: Store) -> None:
    session = await begin(store)
    await store.enqueue(factories.jobs(3))

    await claim(store, session, 5)

    assert store.sight == Sight()


async def test_on_a_server_many_slots_of_one_job_each_are_told_of(store: Store) -> None:
    """Only there can a claim wait for an end that is under way."""
    told = await sight_of(store, list(range(MANY)), MANY)

    assert told.has_sole_slots == store.url.startswith("postgresql")


async def test_slots_that_several_may_have_are_not_told_of_as_such(store: Store) -> None:
    assert not (await sight_of(store, list(range(MANY)), MANY, concurrency=2)).has_sole_slots
