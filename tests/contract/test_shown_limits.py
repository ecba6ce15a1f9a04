"""Limits as people see them: who waits for one, and the names of its slots."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest

from onbeat.domain.limits import SlotState, limit_of, slot_text
from onbeat.store import limits
from onbeat.store.store import Store
from tests import factories
from tests.contract.bounds import bound_queue, claim, declare, state_of, under
from tests.contract.world import acked, begin

DEFAULT = "queue/default"


async def slots_of(store: Store, name: str) -> list[SlotState]:
    return await store.read(partial(limits.list_slots, name=name))


async def test_what_is_pending_in_a_queue_that_is_full_waits_for_its_limit(store: Store) -> None:
    await bound_queue(store, concurrency=1)
    session = await begin(store)
    await store.enqueue([*factories.jobs(3), factories.job(queue="other")])
    await claim(store, session)

    shown = await state_of(store, DEFAULT)
    [slot] = await slots_of(store, DEFAULT)

    assert (shown.used, shown.waiting, shown.slots) == (1, 2, 1)
    assert (slot.used, slot.waiting) == (1, 2)


async def test_so_does_what_its_rate_holds_back_though_nothing_runs(store: Store) -> None:
    await bound_queue(store, rate="1/min")
    session = await begin(store)
    await store.enqueue(factories.jobs(3))
    [first] = await claim(store, session)
    await acked(store, factories.ack(first))
    await claim(store, session)

    shown = await state_of(store, DEFAULT)
    [slot] = await slots_of(store, DEFAULT)

    assert (shown.used, shown.waiting, shown.slots) == (0, 2, 1)
    assert (slot.used, slot.waiting) == (0, 2)


@pytest.mark.parametrize("bounds", [{"concurrency": 2}, {"rate": "5/min"}])
async def test_what_is_pending_where_another_may_begin_waits_for_a_worker_alone(
    store: Store, bounds: dict[str, Any]
) -> None:
    await bound_queue(store, **bounds)
    session = await begin(store)
    await store.enqueue(factories.jobs(3))
    await claim(store, session, 1)

    shown = await state_of(store, DEFAULT)
    [slot] = await slots_of(store, DEFAULT)

    assert (shown.used, shown.waiting, shown.slots) == (1, 0, 1)
    assert (slot.used, slot.waiting) == (1, 0)


async def test_a_queue_in_which_nothing_runs_or_waits_has_no_slot_in_use(store: Store) -> None:
    await bound_queue(store, concurrency=1)

    assert await slots_of(store, DEFAULT) == []
    assert (await state_of(store, DEFAULT)).slots == 0


async def test_those_that_made_way_are_counted_as_before(store: Store) -> None:
    await declare(store, concurrency=1)
    session = await begin(store)
    await store.enqueue([under("calls:a") for _ in range(3)])
    await claim(store, session)

    shown = await state_of(store)

    assert (shown.used, shown.waiting, shown.slots) == (1, 2, 1)


@pytest.mark.parametrize(
    ("slot", "text"),
    [("queue/mail:", "queue/mail"), ("calls:", "calls"), ("calls:acme", "calls:acme"),
     ("calls:acme:", "calls:acme:"), ("queue/a:b:", "queue/a:b")],
)  # fmt: skip
def test_a_slot_is_named_without_a_colon_where_its_limit_has_one_for_all(
    slot: str, text: str
) -> None:
    assert slot_text(slot) == text


@pytest.mark.parametrize(("slot", "limit"), [("queue/a:b:", "queue/a:b"), ("calls:a:b", "calls")])
def test_a_slot_tells_its_limit_whose_queue_may_have_a_colon_in_its_name(
    slot: str, limit: str
) -> None:
    assert limit_of(slot) == limit
