"""When the fetcher looks for jobs: soon while they come, rarely while none do, never in vain."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise

import pytest

from onbeat.domain.jobs import ClaimedJob
from onbeat.runtime.worker.buffer import Buffer
from onbeat.runtime.worker.demand import MOST_AT_ONCE, Demand
from onbeat.runtime.worker.fetcher import LONGEST_REST, LONGEST_WITH_JOBS, Fetcher
from onbeat.runtime.worker.strays import Strays
from onbeat.store.granting import Sight
from onbeat.store.store import Store
from tests import factories
from tests.contract import world
from tests.runtime.flaky import FlakyStore
from tests.timing import ManualTiming

SLOTS = 4


class SlowStore(FlakyStore):
    """A store whose claims take their time."""

    seconds = 0.1

    async def claim(
        self, session: str, queues: Sequence[str], limit: int, *, far: bool = True
    ) -> list[ClaimedJob]:
        """Pass on, slowly."""
        claimed = await super().claim(session, queues, limit, far=far)
        assert isinstance(self.timing, ManualTiming)
        self.timing.advance(seconds=self.seconds)
        return claimed


@pytest.fixture
def buffer(timing: ManualTiming) -> Buffer:
    return Buffer(timing.monotonic)


@pytest.fixture
async def fetcher(store: Store, buffer: Buffer) -> Fetcher:
    """A fetcher on `store`."""
    return await fetching(store, buffer)


async def fetching(
    store: Store, buffer: Buffer, unstored: Callable[[], int] = lambda: 0
) -> Fetcher:
    """A fetcher for four slots that is not started: its steps are the test's."""
    strays = Strays(store, set, lambda ack: None)
    made = Fetcher(store, buffer, Demand(SLOTS), strays, ["default"], unstored=unstored)
    made.session = (await world.begin(store)).id
    return made


async def fetched(fetcher: Fetcher, store: Store, count: int) -> float:
    """Let it claim so many new jobs and have them taken; how long it rests then."""
    await store.enqueue(factories.jobs(count))
    rest = await fetcher.step()
    fetcher._buffer.jobs.clear()
    return rest


async def test_there_may_be_more_behind_a_claim_that_brought_all_it_asked_for(
    fetcher: Fetcher, store: Store
) -> None:
    assert await fetched(fetcher, store, SLOTS) == 0.0


async def test_it_looks_again_soon_after_the_first_job(fetcher: Fetcher, store: Store) -> None:
    assert await fetched(fetcher, store, 1) == LONGEST_WITH_JOBS


async def test_it_looks_twice_in_the_time_in_which_a_job_comes(
    fetcher: Fetcher, store: Store, timing: ManualTiming
) -> None:
    await fetched(fetcher, store, 1)
    timing.advance(seconds=0.020)

    assert await fetched(fetcher, store, 2) == pytest.approx(0.005)


async def test_the_longer_nothing_comes_the_longer_it_rests(
    fetcher: Fetcher, store: Store, timing: ManualTiming
) -> None:
    rests = [await fetched(fetcher, store, 1)]
    for _ in range(20):
        timing.advance(seconds=rests[-1])
        rests.append(await fetcher.step())

    assert all(before <= after for before, after in pairwise(rests))
    assert rests[-1] == LONGEST_REST


async def test_a_slow_claim_is_followed_by_four_times_as_long_whatever_is_hinted(
    store: Store, buffer: Buffer
) -> None:
    slow = SlowStore(store)
    fetcher = await fetching(slow, buffer)
    await fetched(fetcher, store, 1)

    rest = await fetcher.step()

    assert rest == pytest.approx(4 * slow.seconds)
    assert slow.calls["claim"] == 1


async def test_a_slow_claim_that_brought_all_it_asked_for_is_repeated_at_once(
    store: Store, buffer: Buffer
) -> None:
    slow = SlowStore(store)
    fetcher = await fetching(slow, buffer)
    await fetched(fetcher, store, SLOTS)

    await fetcher.step()

    assert slow.calls["claim"] == 2


async def test_a_free_slot_is_no_reason_to_look_in_an_empty_line(
    fetcher: Fetcher, store: Store
) -> None:
    await fetched(fetcher, store, 1)

    fetcher.have_room()

    assert not fetcher.woken.is_set()


async def test_a_free_slot_is_a_reason_to_look_when_none_was_free_before(
    fetcher: Fetcher, store: Store
) -> None:
    await store.enqueue(factories.jobs(SLOTS))
    await fetcher.step()
    await fetcher.step()

    fetcher.have_room()

    assert fetcher.woken.is_set()


async def test_a_free_slot_is_a_reason_to_look_when_enough_lay_here_before(
    fetcher: Fetcher, store: Store
) -> None:
    fetcher._demand.observe(400, 1.0)
    await store.enqueue(factories.jobs(40))
    await fetcher.step()
    await fetcher.step()

    fetcher.have_room()

    assert fetcher.woken.is_set()


class WatchedStore(FlakyStore):
    """A store that notes how far each claim was to look."""

    def __init__(self, inner: Store) -> None:
        """Nothing was claimed yet."""
        super().__init__(inner)
        self.far: list[bool] = []

    async def claim(
        self, session: str, queues: Sequence[str], limit: int, *, far: bool = True
    ) -> list[ClaimedJob]:
        """Pass on."""
        self.far.append(far)
        return await super().claim(session, queues, limit, far=far)


@pytest.mark.parametrize(
    ("at_hand", "per_second", "far"),
    [(3, 10_000, False), (0, 10_000, True), (3, 1, True)],
    ids=["short jobs at hand", "none at hand", "long jobs"],
)
async def test_it_looks_past_those_who_lack_a_slot_unless_short_jobs_are_at_hand(
    store: Store, buffer: Buffer, at_hand: int, per_second: int, far: bool
) -> None:
    """Their ends, which come soon, may give those slots back."""
    watched = WatchedStore(store)
    demand = Demand(SLOTS)
    fetcher = Fetcher(
        watched, buffer, demand, Strays(watched, set, lambda ack: None), ["default"],
        unstored=lambda: at_hand,
    )  # fmt: skip
    fetcher.session = (await world.begin(store)).id
    demand.observe(per_second, 1.0)

    await fetcher.step()

    assert watched.far == [far]


async def test_what_waits_for_ends_looks_again_once_they_are_stored(
    store: Store, buffer: Buffer
) -> None:
    """Also where those gave no slot back, of which the store would tell."""
    ending = [MOST_AT_ONCE]
    fetcher = await fetching(store, buffer, unstored=lambda: ending[0])
    fetcher._demand.observe(100_000, 1.0)
    fetcher._share.learn(MOST_AT_ONCE, MOST_AT_ONCE, (0, 0), Sight(has_sole_slots=True))
    await store.enqueue(factories.jobs(SLOTS))
    await fetcher.step()
    assert not buffer.jobs

    ending[0] = 0
    fetcher.have_room()

    assert fetcher.woken.is_set()
