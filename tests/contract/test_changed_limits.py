"""Limits that change while jobs run and wait, by hand or by a deploy."""

from __future__ import annotations

from functools import partial

import pytest

from onbeat.domain.errors import NotFound
from onbeat.domain.limits import read_bounds
from onbeat.store import limits
from onbeat.store.store import Store
from tests import factories
from tests.contract.bounds import claim, declare, state_of, under
from tests.contract.world import acked, begin


async def test_a_queue_that_is_bound_at_run_time_counts_what_runs_already(store: Store) -> None:
    session = await begin(store)
    await store.enqueue(factories.jobs(6))
    running = await claim(store, session, 2)
    bounds = read_bounds(3, None, None)

    await store.write(partial(limits.set_bounds, name="queue/default", bounds=bounds, by="ann"))

    assert len(await claim(store, session)) == 1
    await acked(store, *(factories.ack(each) for each in running))
    assert (await state_of(store, "queue/default")).used == 1
    assert len(await claim(store, session)) == 2


async def test_a_limit_that_is_raised_lets_those_that_wait_begin(store: Store) -> None:
    await declare(store, concurrency=1)
    session = await begin(store)
    await store.enqueue([under("calls:a") for _ in range(5)])
    await claim(store, session)
    bounds = read_bounds(4, None, None)

    await store.write(partial(limits.set_bounds, name="calls", bounds=bounds, by="ann"))

    assert len(await claim(store, session)) == 3


async def test_a_limit_that_is_lowered_ends_nothing_and_waits(store: Store) -> None:
    await declare(store, concurrency=3)
    session = await begin(store)
    await store.enqueue([under("calls:a") for _ in range(5)])
    running = await claim(store, session)
    bounds = read_bounds(1, None, None)
    await store.write(partial(limits.set_bounds, name="calls", bounds=bounds, by="ann"))

    for each in running[:2]:
        await acked(store, factories.ack(each))
        assert await claim(store, session) == []
    await acked(store, factories.ack(running[2]))
    assert len(await claim(store, session)) == 1


async def test_a_deploy_does_not_undo_what_was_set_by_hand(store: Store) -> None:
    await declare(store, concurrency=1)
    bounds = read_bounds(7, None, None)
    await store.write(partial(limits.set_bounds, name="calls", bounds=bounds, by="ann"))

    await declare(store, concurrency=2)

    found = await state_of(store)
    assert (found.bounds.concurrency, found.by_hand) == (7, True)
    await store.write(partial(limits.reset, name="calls", by="ann"))
    assert (await state_of(store)).bounds.concurrency == 2


async def test_a_limit_that_no_code_has_cannot_be_set(store: Store) -> None:
    bounds = read_bounds(1, None, None)
    with pytest.raises(NotFound, match="no limit named 'call'; `onbeat limits ls`"):
        await store.write(partial(limits.set_bounds, name="call", bounds=bounds, by="ann"))


async def test_a_limit_that_is_removed_lets_all_that_wait_begin(store: Store) -> None:
    await declare(store, concurrency=1)
    session = await begin(store)
    await store.enqueue([under("calls:a") for _ in range(5)])
    [running] = await claim(store, session)

    await store.write(partial(limits.remove, name="calls"))

    assert len(await claim(store, session)) == 4
    await acked(store, factories.ack(running))


async def test_a_job_under_a_limit_that_nobody_declared_runs(store: Store) -> None:
    session = await begin(store)
    wanted = under("unheard:of")
    await store.enqueue([wanted])

    assert [each.id for each in await claim(store, session)] == [wanted.id]
