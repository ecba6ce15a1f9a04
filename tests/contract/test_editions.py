"""Editions: what answers show is told apart by them, on every engine."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

from onbeat.domain.environments import in_environment
from onbeat.domain.health import Slice
from onbeat.domain.keeping import Edited
from onbeat.store import editions, folding
from onbeat.store.opening import open_store
from onbeat.store.schema_state import migrate
from onbeat.store.store import Store
from tests.conftest import opened
from tests.timing import ManualTiming


async def edition(
    store: Store, shows: Collection[Edited] = (Edited.QUEUE,), *, follows_ends: bool = False
) -> list[Any]:
    return await store.read(partial(editions.read, shows=shows, follows_ends=follows_ends))


async def edit(store: Store, what: Edited = Edited.QUEUE) -> None:
    await store.write(partial(editions.edited, what=what))


async def test_every_edit_is_another_edition_while_the_clock_stands(store: Store) -> None:
    seen = [await edition(store)]
    for _ in range(3):
        await edit(store)
        seen.append(await edition(store))

    assert len({str(each) for each in seen}) == 4


async def test_every_edit_is_another_edition_where_the_clock_goes_back(
    store: Store, timing: ManualTiming
) -> None:
    timing.advance(seconds=3600)
    await edit(store)
    before = await edition(store)
    timing.advance(seconds=-3600)
    await edit(store)

    assert (await edition(store))[0] > before[0]


async def test_edits_at_once_of_two_processes_are_two(store: Store, other_store: Store) -> None:
    await edit(store)
    [before] = await edition(store)
    await asyncio.gather(*(edit(each) for each in (store, other_store) for _ in range(5)))

    assert (await edition(store))[0] >= before + 10


async def test_an_edit_of_something_else_is_no_other_edition(store: Store) -> None:
    before = await edition(store)
    await edit(store, Edited.OBJECTIVE)

    assert await edition(store) == before


async def test_another_process_sees_the_edition_at_once(store: Store, other_store: Store) -> None:
    before = await edition(other_store)
    await edit(store)

    assert await edition(other_store) == await edition(store) != before


async def test_what_follows_ends_is_another_when_more_are_counted(store: Store) -> None:
    before = [await edition(store, follows_ends=each) for each in (True, False)]
    now = store.timing.now()
    await store.write(partial(folding.fold, was=None, of=Slice(now, now), found={}))

    after = [await edition(store, follows_ends=each) for each in (True, False)]

    assert [one == other for one, other in zip(before, after, strict=True)] == [False, True]


async def test_a_database_is_the_same_to_all_and_another_than_its_environments(
    store: Store, other_store: Store, database_url: str, timing: ManualTiming
) -> None:
    staging = in_environment(database_url, "staging")
    async with opened_anew(staging, timing) as third:
        found = [await each.read(editions.identity) for each in (store, other_store, third)]

    assert found[0] == found[1] != found[2]


@asynccontextmanager
async def opened_anew(url: str, timing: ManualTiming) -> AsyncIterator[Store]:
    """A store where there are no tables yet."""
    first = open_store(url, timing=timing)
    try:
        await first.write(migrate)
    finally:
        await first.close()
    async with opened(url, timing) as store:
        yield store
