"""Keys of a service, shared out among its instances: each has one of them, whatever happens."""

from __future__ import annotations

from collections.abc import Collection
from datetime import timedelta
from functools import partial

from sqlalchemy import func, select

from onbeat.domain.partitioning import Share
from onbeat.store import shares
from onbeat.store.schema import duties
from onbeat.store.store import Store
from tests.timing import ManualTiming

TERM = timedelta(seconds=6)
KEYS = tuple(f"company-{number}" for number in range(10))


async def ask(
    store: Store, instance: str, keys: Collection[str] = KEYS, busy: Collection[str] = ()
) -> Share:
    return await store.write(partial(
        shares.share, service="import", instance=instance, term=TERM, keys=keys, busy=busy
    ))  # fmt: skip


async def settled(store: Store, *instances: str) -> list[frozenset[str]]:
    """What each has, once each has looked three times."""
    for _ in range(2):
        for each in instances:
            await ask(store, each)
    return [(await ask(store, each)).keys for each in instances]


async def test_one_alone_has_all(store: Store) -> None:
    assert await ask(store, "a") == Share(frozenset(KEYS))


async def test_several_have_each_key_once_and_evenly(store: Store) -> None:
    found = await settled(store, "a", "b", "c")

    assert sorted(map(len, found)) == [3, 3, 4]
    assert sorted(key for each in found for key in each) == sorted(KEYS)


async def test_the_keys_of_one_that_is_not_heard_of_are_orphans_of_the_next(
    store: Store, timing: ManualTiming
) -> None:
    first, _ = await settled(store, "a", "b")
    timing.advance(by=TERM * 0.9)
    await ask(store, "b")
    timing.advance(by=TERM * 0.2)

    found = await ask(store, "b")

    assert (found.keys, found.orphans) == (frozenset(KEYS), first)


async def test_before_its_term_is_over_nobody_has_a_key_of_another(
    store: Store, timing: ManualTiming
) -> None:
    first, second = await settled(store, "a", "b")
    timing.advance(by=TERM)

    assert (await ask(store, "b")).keys == second
    assert (await ask(store, "a")).keys == first


async def test_what_one_gives_back_as_it_goes_is_anothers_at_once_and_no_orphan(
    store: Store,
) -> None:
    await settled(store, "a", "b")

    await store.write(partial(shares.leave, service="import", instance="a"))

    assert await ask(store, "b") == Share(frozenset(KEYS))


async def test_what_is_busy_is_given_back_when_it_is_not(store: Store) -> None:
    await ask(store, "a")
    await ask(store, "b")

    still = await ask(store, "a", busy=KEYS)
    assert (still.keys, (await ask(store, "b")).keys) == (frozenset(KEYS), frozenset())
    await ask(store, "a")
    assert len((await ask(store, "b")).keys) == 5


async def test_a_key_that_is_gone_is_nobodys_and_one_that_is_new_somebodys(store: Store) -> None:
    await ask(store, "a")

    assert (await ask(store, "a", ["company-0", "new"])).keys == {"company-0", "new"}


async def test_services_whose_names_begin_alike_share_nothing(store: Store) -> None:
    await ask(store, "a")
    other = partial(shares.share, service="import-2", instance="z", term=TERM, keys=KEYS)

    assert (await store.write(other)).keys == frozenset(KEYS)
    assert (await ask(store, "a")).keys == frozenset(KEYS)


async def test_ten_thousand_keys_are_shared_out(store: Store) -> None:
    keys = [f"company-{number}" for number in range(10_000)]

    assert (await ask(store, "a", keys)).keys == frozenset(keys)
    assert len((await ask(store, "b", keys)).keys) == 0
    await ask(store, "a", keys)
    assert len((await ask(store, "b", keys)).keys) == 5_000


async def test_what_nobody_has_had_for_long_is_forgotten(
    store: Store, timing: ManualTiming
) -> None:
    await ask(store, "a")
    timing.advance(by=TERM * 12)
    await ask(store, "b", ["company-0"])

    await store.write(partial(shares.forget, service="import", term=TERM))

    counted = select(func.count()).select_from(duties)
    assert await store.read(lambda c, now: c.execute(counted).scalar_one()) == 2
