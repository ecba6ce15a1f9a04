"""Duties: one holder at a time, and the next when its term is over."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from onbeat.store import duties
from onbeat.store.store import Store
from tests.timing import ManualTiming

TERM = timedelta(seconds=30)


async def take(store: Store, holder: str, name: str = "rescue") -> bool:
    return await store.write(lambda c, now: duties.take(c, now, name, holder, TERM))


async def test_the_first_to_ask_has_the_duty_and_the_second_has_not(store: Store) -> None:
    assert [await take(store, "a"), await take(store, "b")] == [True, False]


async def test_its_holder_keeps_it_by_asking_again(store: Store, timing: ManualTiming) -> None:
    await take(store, "a")
    timing.advance(by=TERM)
    kept = await take(store, "a")
    timing.advance(by=TERM)

    assert [kept, await take(store, "b")] == [True, False]


async def test_the_next_has_it_once_the_term_is_over(store: Store, timing: ManualTiming) -> None:
    await take(store, "a")
    timing.advance(by=TERM + timedelta(microseconds=1))

    assert [await take(store, "b"), await take(store, "a")] == [True, False]


async def test_a_duty_that_is_given_up_is_free_at_once(store: Store) -> None:
    await take(store, "a")

    await store.write(lambda c, now: duties.give_up(c, now, "rescue", "a"))

    assert await take(store, "b")


async def test_nobody_gives_up_the_duty_of_another(store: Store) -> None:
    await take(store, "a")

    await store.write(lambda c, now: duties.give_up(c, now, "rescue", "b"))

    assert not await take(store, "b")


async def test_duties_have_nothing_to_do_with_each_other(store: Store) -> None:
    await take(store, "a", "rescue")

    assert await take(store, "b", "retention")


async def test_of_those_who_race_one_has_the_duty(store: Store, other_store: Store) -> None:
    stores = [store, other_store] * 4

    answers = await asyncio.gather(*(take(at, f"h{n}") for n, at in enumerate(stores)))

    assert sum(answers) == 1
