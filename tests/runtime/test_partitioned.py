"""Services of keys: each key has one instance that works for it, and no key has none for long."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from datetime import timedelta
from typing import Any

import pytest

from onbeat.domain.errors import InvalidInput, StoreError
from onbeat.domain.events import Event, KeyFailed
from onbeat.domain.recurrence import every
from onbeat.runtime.partitioned import TERM, PartitionedService
from onbeat.store.store import Store
from tests.conftest import opened
from tests.timing import ManualTiming
from tests.waiting import wait_for

KEYS = tuple(f"company-{number}" for number in range(6))
LOOK = TERM / 3


class Importing(PartitionedService):
    """Notes which key it ran; a run waits until it may end."""

    def __init__(self, store: Store, **options: Any) -> None:
        self.events: list[Event] = []
        super().__init__(store, **{
            "id": "import", "when": every("1m"), "emit": self.events.append, **options,
        })  # fmt: skip
        self.known: tuple[str, ...] = KEYS
        self.runs: list[str] = []
        self.fails: set[str] = set()
        self.may_end = asyncio.Event()
        self.may_end.set()

    async def keys(self) -> tuple[str, ...]:
        return self.known

    async def run_key(self, key: str) -> None:
        self.runs.append(key)
        await self.may_end.wait()
        if key in self.fails:
            raise ValueError(f"{key} has no file")

    @property
    def failed(self) -> list[tuple[str, str]]:
        """Keys that failed, and why."""
        return [(each.key, each.error) for each in self.events if isinstance(each, KeyFailed)]


Make = Callable[..., Awaitable[Importing]]


@pytest.fixture
async def make(database_url: str, timing: ManualTiming) -> AsyncIterator[Make]:
    """Makes instances, each with a store of its own as in a process of its own."""
    async with AsyncExitStack() as stack:

        async def one(**options: Any) -> Importing:
            store = await stack.enter_async_context(opened(database_url, timing))
            service = Importing(store, **options)
            await service.set_up()
            stack.push_async_callback(service.clean_up)
            stack.callback(service.may_end.set)
            return service

        yield one


async def looked(timing: ManualTiming, *services: Importing, looks: int = 1) -> None:
    """So many looks of each, a third of a term apart, and what they began has run."""
    for _ in range(looks):
        timing.advance(by=LOOK)
        for each in services:
            await each.step()
            await asyncio.sleep(0)


async def a_minute(timing: ManualTiming, *services: Importing) -> None:
    """A moment of theirs comes."""
    await looked(timing, *services, looks=round(timedelta(minutes=1) / LOOK))


async def test_one_alone_runs_all_keys_once_at_each_moment(
    make: Make, timing: ManualTiming
) -> None:
    one = await make()
    await a_minute(timing, one)
    await a_minute(timing, one)

    assert sorted(one.runs) == sorted(KEYS * 2)


async def test_of_several_each_runs_its_share_and_each_key_is_run_once(
    make: Make, timing: ManualTiming
) -> None:
    three = [await make(), await make(), await make()]
    await looked(timing, *three, looks=3)
    await a_minute(timing, *three)

    assert [len(each.runs) for each in three] == [2, 2, 2]
    assert sorted(key for each in three for key in each.runs) == sorted(KEYS)


async def test_what_one_that_died_had_is_run_at_once_by_the_others_within_ten_seconds(
    make: Make, timing: ManualTiming
) -> None:
    dead, alive = await make(), await make()
    await looked(timing, dead, alive, looks=3)
    had = dead.has

    seconds = 0.0
    while not alive.runs:
        await looked(timing, alive)
        seconds += LOOK.total_seconds()

    assert seconds <= 10
    assert sorted(alive.runs) == sorted(had)
    assert alive.has == frozenset(KEYS)


async def test_what_one_that_stops_had_is_anothers_at_its_next_look_and_is_not_run_again(
    make: Make, timing: ManualTiming
) -> None:
    going, staying = await make(), await make()
    await looked(timing, going, staying, looks=3)

    await going.clean_up()
    await looked(timing, staying)

    assert (staying.has, staying.runs, going.has) == (frozenset(KEYS), [], frozenset())


async def test_instances_that_say_so_share_among_themselves_alone(
    make: Make, timing: ManualTiming
) -> None:
    us, eu = await make(among="us"), await make(among="eu")
    us.known, eu.known = KEYS[:4], KEYS[4:]
    await looked(timing, us, eu, looks=2)
    another = await make(among="us")
    another.known = us.known
    await looked(timing, us, eu, another, looks=2)

    assert us.has | another.has == set(KEYS[:4])
    assert (len(us.has), len(another.has), eu.has) == (2, 2, frozenset(KEYS[4:]))


async def test_a_key_is_not_given_to_another_while_it_is_run(
    make: Make, timing: ManualTiming
) -> None:
    one = await make()
    one.may_end.clear()
    await a_minute(timing, one)
    came = await make()
    await looked(timing, one, came, looks=4)
    during = came.has

    one.may_end.set()
    await looked(timing, one, came, looks=2)

    assert (during, len(came.has), len(one.has)) == (frozenset(), 3, 3)


async def test_a_key_that_is_run_at_each_look_is_given_back_as_its_run_ends_and_not_begun_again(
    make: Make, timing: ManualTiming
) -> None:
    one = await make(when=every("2s"))  # a moment comes with each look
    one.may_end.clear()
    await looked(timing, one, looks=2)
    came = await make()
    await looked(timing, came, one)
    one.may_end.set()
    await asyncio.sleep(0)
    await asyncio.sleep(0)

    await one.step()
    await came.step()
    timing.advance(by=LOOK)
    await came.step()

    assert len(came.has) == 3
    assert len(one.runs) == len(KEYS) + 3


async def test_a_key_that_is_run_yet_is_not_run_beside_itself(
    make: Make, timing: ManualTiming
) -> None:
    one = await make()
    one.may_end.clear()
    await a_minute(timing, one)
    await a_minute(timing, one)
    during = sorted(one.runs)
    one.may_end.set()
    await looked(timing, one, looks=2)

    assert (during, len(one.runs)) == (sorted(KEYS), 2 * len(KEYS))


async def test_one_that_cannot_say_that_it_is_there_ends_its_runs_within_its_term(
    make: Make, timing: ManualTiming
) -> None:
    one = await make()
    one.may_end.clear()
    await a_minute(timing, one)

    timing.advance(by=TERM)
    await wait_for(lambda: settled(one.failed), 10, "its runs are ended")

    assert sorted(key for key, _ in one.failed) == sorted(KEYS)
    assert {error for _, error in one.failed} == {"its key was lost to another instance"}


async def test_a_key_that_fails_is_told_and_tried_again_and_stops_no_other(
    make: Make, timing: ManualTiming
) -> None:
    one = await make(retries=2)
    one.fails = {"company-0"}
    await a_minute(timing, one)
    await looked(timing, one)

    assert one.failed == [("company-0", "ValueError: company-0 has no file")]
    assert sorted(one.runs) == sorted([*KEYS, "company-0", "company-0"])
    assert one.snapshot().last_error == "company-0: ValueError: company-0 has no file"


async def test_a_run_takes_no_longer_than_its_timeout(make: Make) -> None:
    one = await make(timeout=timedelta(milliseconds=10))
    one.may_end.clear()
    one.known = ("slow",)
    await one.step()
    timing_of(one).advance(seconds=60)
    await one.step()
    await wait_for(lambda: settled(one.failed), 10, "the run has failed")

    assert one.failed == [("slow", "TimeoutError: ")]


async def test_so_many_keys_are_run_at_once_and_no_more(make: Make, timing: ManualTiming) -> None:
    one = await make(concurrency=2)
    one.may_end.clear()
    await a_minute(timing, one)
    at_once = len(one.runs)
    one.may_end.set()
    await looked(timing, one, looks=8)

    assert (at_once, sorted(one.runs)) == (2, sorted(KEYS))


async def test_while_one_is_paused_the_others_have_its_keys(
    database_url: str, timing: ManualTiming, make: Make
) -> None:
    async with opened(database_url, timing) as store:
        paused, other = Importing(store), await make()
        await paused.start()
        await wait_for(lambda: settled(paused.has), 10, "it has its keys")
        paused.pause()
        await wait_for(lambda: settled(not paused.has), 10, "it has none")
        await looked(timing, other)

        assert other.has == frozenset(KEYS)
        await paused.stop()


@pytest.mark.parametrize(
    ("keys", "says"),
    [
        (("a b",), "key: 'a b' is not a name; give 1 to 200 characters without spaces"),
        (tuple(map(str, range(10_001))), "keys: 10001 are more than 10000; group them"),
    ],
)
async def test_what_can_be_no_key_is_said(make: Make, keys: tuple[str, ...], says: str) -> None:
    one = await make()
    one.known = keys
    with pytest.raises(InvalidInput, match=re.escape(says)):
        await one.step()


async def test_a_name_that_would_be_taken_for_that_of_a_key_is_refused(store: Store) -> None:
    with pytest.raises(InvalidInput, match="'a/b' has a @ or / in it"):
        Importing(store, id="a/b")


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # PostgreSQL connects anew
async def test_one_that_cannot_leave_watches_its_term_no_more(
    database_url: str, timing: ManualTiming
) -> None:
    async with opened(database_url, timing) as store:
        one = Importing(store)
        await one.set_up()
        await store.close()
        with pytest.raises(StoreError):
            await one.clean_up()
    await asyncio.sleep(0)

    assert "onbeat-import-guard" not in {each.get_name() for each in asyncio.all_tasks()}


async def test_one_whose_term_is_over_says_that_it_is_hindered(
    make: Make, timing: ManualTiming
) -> None:
    one = await make()
    before = one.hindrance
    await one.step()
    held = one.hindrance
    timing.advance(by=TERM)

    assert (before, held, one.hindrance) == (
        "it holds no term for its keys", None, "it holds no term for its keys"
    )  # fmt: skip


async def settled(holds: object) -> bool:
    """Whether it holds, for who waits."""
    return bool(holds)


def timing_of(service: Importing) -> ManualTiming:
    """The time it lives by."""
    assert isinstance(service.timing, ManualTiming)
    return service.timing
