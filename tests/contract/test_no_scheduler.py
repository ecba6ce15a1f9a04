"""That no scheduler is at work is told within a minute, and a restart or a deploy tells nobody."""

from __future__ import annotations

from datetime import timedelta
from functools import partial

import pytest

from onbeat.domain.incidents import State
from onbeat.runtime.judge import ABSENT_AFTER, LOOK_EVERY, Judge
from onbeat.runtime.lease import TERM
from onbeat.store import duties, findings
from onbeat.store.store import Store
from tests.contract.beats import create
from tests.contract.judging import listed
from tests.timing import ManualTiming

MINUTE = timedelta(minutes=1)


async def at_work(store: Store, holder: str = "first") -> None:
    """A scheduler is at work, as its watchdog says from time to time."""
    await store.write(partial(duties.take, name="watchdog", holder=holder, term=TERM))


async def says_goodbye(store: Store, holder: str = "first") -> None:
    """It ends by itself."""
    await store.write(partial(duties.give_up, name="watchdog", holder=holder))


async def all_well(store: Store, timing: ManualTiming) -> Judge:
    """One has looked for two minutes while a scheduler was at work."""
    judge = Judge(store)
    for _ in range(12):
        timing.advance(seconds=10)
        await at_work(store)
        await judge.step()
    return judge


async def is_told(store: Store) -> bool:
    """Whether it was ever told that none is at work."""
    return "no-scheduler" in [each.rule for each in await listed(store)]


async def watched(
    store: Store, timing: ManualTiming, judge: Judge, lasts: timedelta
) -> timedelta | None:
    """The judge looks whenever it wants to, for so long; after which time it is told, if it is."""
    began = timing.now()
    while timing.now() < began + lasts:
        rest = await judge.step()
        if await is_told(store):
            return timing.now() - began
        timing.advance(by=min(timedelta(seconds=rest), began + lasts - timing.now()))
    return None


async def test_a_restart_of_all_is_told_to_nobody(store: Store, timing: ManualTiming) -> None:
    await create(store)
    for seconds in (5, 48, 150):
        judge = Judge(store)
        await at_work(store)
        await judge.step()
        await says_goodbye(store)
        await judge.step()  # it is the last to go, and sees that no scheduler is there
        await judge.clean_up()
        timing.advance(seconds=seconds)
        judge = Judge(store)
        await judge.step()  # it is the first to come, and sees the same
        await at_work(store, "second")
        assert await watched(store, timing, judge, 3 * LOOK_EVERY * timedelta(seconds=1)) is None
        await judge.clean_up()
        timing.advance(by=TERM)


async def test_a_restart_of_all_after_they_were_killed_is_told_to_nobody(
    store: Store, timing: ManualTiming
) -> None:
    await create(store)
    for seconds in (5, 48, 150):
        await at_work(store)
        await Judge(store).step()
        timing.advance(seconds=seconds)
        judge = Judge(store)
        assert await watched(store, timing, judge, timedelta(seconds=2)) is None
        timing.advance(by=TERM)
        await at_work(store, "second")
        assert await watched(store, timing, judge, timedelta(seconds=40)) is None
        timing.advance(by=MINUTE)


@pytest.mark.parametrize("is_killed", [False, True])
async def test_a_deploy_that_leaves_no_scheduler_for_48_s_is_told_to_nobody(
    store: Store, timing: ManualTiming, *, is_killed: bool
) -> None:
    await create(store)
    judge = await all_well(store, timing)
    if not is_killed:
        await says_goodbye(store)
    before = await watched(store, timing, judge, timedelta(seconds=48))
    await at_work(store, "second")
    after = await watched(store, timing, judge, timedelta(seconds=14))

    assert (before, after) == (None, None)


@pytest.mark.parametrize("is_killed", [False, True])
@pytest.mark.parametrize("looks_before", [0, 4, 11])
async def test_that_the_last_scheduler_is_gone_is_told_within_a_minute(
    store: Store, timing: ManualTiming, *, is_killed: bool, looks_before: int
) -> None:
    await create(store)
    judge = await all_well(store, timing)
    timing.advance(seconds=looks_before)
    await at_work(store)
    if not is_killed:
        await says_goodbye(store)
    timing.advance(seconds=LOOK_EVERY - looks_before)
    beside = timedelta(seconds=LOOK_EVERY - looks_before)

    told = await watched(store, timing, judge, 2 * MINUTE)

    assert told is not None
    assert told + beside <= MINUTE


async def test_who_begins_to_look_where_no_scheduler_is_tells_it_within_a_minute(
    store: Store, timing: ManualTiming
) -> None:
    await create(store)
    await at_work(store)
    timing.advance(by=10 * MINUTE)

    told = await watched(store, timing, Judge(store), 2 * MINUTE)

    assert told is not None
    assert told <= MINUTE


def test_who_says_goodbye_has_as_long_as_the_duty_of_one_that_dies_lasts() -> None:
    assert findings.TERM == TERM


async def test_that_nothing_was_at_work_for_long_is_told_afterwards(
    store: Store, timing: ManualTiming
) -> None:
    await create(store)
    await at_work(store)
    await Judge(store).step()
    timing.advance(by=ABSENT_AFTER + MINUTE)
    await at_work(store, "second")
    await Judge(store).step()

    [found] = await listed(store)
    assert (found.rule, found.state) == ("no-scheduler", State.OPEN)
    assert found.facts.since == timing.now() - ABSENT_AFTER - MINUTE
    assert found.facts.figures == {"until": f"{timing.now():%Y-%m-%d %H:%M:%S} UTC"}
