"""Every move of the table, from every place: legal ones land where it says, others do nothing."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from onbeat.domain.errors import Conflict, NotFound
from onbeat.domain.jobs import JobId
from onbeat.domain.outcomes import Ack
from onbeat.domain.states import MOVES, SHOWN_IN, Place, State
from onbeat.domain.workers import Session
from onbeat.store import jobs
from onbeat.store.store import Store
from tests import factories
from tests.contract.world import begin, cancel, everything, find, place, places
from tests.timing import ManualTiming

WAYS: dict[State | None, tuple[str, ...]] = {
    None: (),
    State.SCHEDULED: ("delay",),
    State.RETRYING: ("enqueue", "claim", "retry"),
    State.PENDING: ("enqueue",),
    State.BLOCKED: ("enqueue", "block"),
    State.RUNNING: ("enqueue", "claim"),
    State.COMPLETED: ("enqueue", "claim", "complete"),
    State.FAILED: ("enqueue", "claim", "bury"),
    State.CANCELLED: ("enqueue", "cancel"),
}
"""How a job comes into each state; None is a job nobody asked for yet."""

NO_TOKEN = 10**12
COLD: dict[str, Callable[..., None]] = {
    "promote": jobs.hasten,
    "unblock": jobs.unblock,
    "revive": jobs.revive,
}


class Walker:
    """Moves jobs by the names of the table, and remembers the token of each that was claimed."""

    def __init__(self, store: Store, session: Session) -> None:
        self.store = store
        self.session = session
        self.tokens: dict[JobId, int] = {}

    async def make(self, move: str, job: JobId) -> bool:
        """Try a move; whether the store says that it was made."""
        if move in ("enqueue", "delay"):
            delay = timedelta(minutes=1) if move == "delay" else None
            return await self.store.enqueue([factories.job(id=job, queue=job, delay=delay)]) == 1
        if move == "claim":
            return await self._claim(job)
        if move in factories.ENDS:
            return await self._ack(move, job)
        return await self._cold(move, job)

    async def _claim(self, job: JobId) -> bool:
        claimed = await self.store.claim(self.session.id, [job], 10)
        self.tokens |= {each.id: each.token for each in claimed}
        return job in [each.id for each in claimed]

    async def _ack(self, move: str, job: JobId) -> bool:
        ack = Ack(
            token=self.tokens.get(job, NO_TOKEN),
            move=move,
            outcome=factories.ENDS[move],
            spent=0 if move in factories.UNCOUNTED else 1,
            delay=timedelta(minutes=1),
        )
        return bool(await self.store.ack([ack]))

    async def _cold(self, move: str, job: JobId) -> bool:
        try:
            if move == "cancel":
                return await cancel(self.store, job) is State.CANCELLED
            if move == "block":
                await self.store.write(lambda c, now: jobs.block(c, now, job, "held"))
            else:
                await self.store.write(lambda c, now: COLD[move](c, now, job))
        except (Conflict, NotFound):
            return False
        return True

    async def bring(self, state: State | None) -> JobId:
        """A job in that state; it has a queue of its own."""
        job = factories.new_id()
        for move in WAYS[state]:
            assert await self.make(move, job), f"{move} on the way to {state}"
        return job


@pytest.fixture
async def walker(store: Store) -> Walker:
    return Walker(store, await begin(store))


def place_of(state: State | None) -> Place:
    if state is None:
        return Place.NOWHERE
    return next(place for place, states in SHOWN_IN.items() if state in states)


@pytest.mark.parametrize("move", MOVES)
async def test_a_legal_move_lands_where_the_table_says(walker: Walker, move: str) -> None:
    wanted = MOVES[move]

    for origin in WAYS:
        if place_of(origin) not in wanted.leaves:
            continue
        job = await walker.bring(origin)

        made = await walker.make(move, job)

        shown = await find(walker.store, job)
        assert (made, shown.state, await places(walker.store, job)) == (
            True, wanted.state, [wanted.enters],
        ), f"from {origin}"  # fmt: skip


@pytest.mark.parametrize("move", MOVES)
async def test_an_illegal_move_is_refused_and_changes_nothing(walker: Walker, move: str) -> None:
    for origin in WAYS:
        asks_to_stop = move == "cancel" and origin is State.RUNNING
        if place_of(origin) in MOVES[move].leaves or asks_to_stop:
            continue
        job = await walker.bring(origin)
        before = await everything(walker.store)

        made = await walker.make(move, job)

        assert not made, f"from {origin}"
        assert await everything(walker.store) == before, f"from {origin}"


@pytest.mark.parametrize("origin", [state for state in WAYS if state is not None])
async def test_place_and_state_agree(walker: Walker, origin: State) -> None:
    job = await walker.bring(origin)

    held_by = await place(walker.store, job)

    assert held_by is place_of(origin)
    assert (await find(walker.store, job)).state is origin


async def test_cancelling_a_running_job_asks_it_to_stop_and_moves_nothing(walker: Walker) -> None:
    job = await walker.bring(State.RUNNING)

    await walker.make("cancel", job)

    shown = await find(walker.store, job)
    assert (shown.state, shown.stop_asked) == (State.RUNNING, "by ann")


async def test_a_job_becomes_pending_when_its_moment_comes(
    walker: Walker, timing: ManualTiming
) -> None:
    job = await walker.bring(State.SCHEDULED)
    timing.advance(seconds=59)
    early = await walker.store.promote(100)

    timing.advance(seconds=1)
    promoted = await walker.store.promote(100)

    assert (early.count, promoted.count, promoted.queues) == (0, 1, frozenset({job}))
    assert (await find(walker.store, job)).state is State.PENDING


async def test_promoting_moves_no_more_than_its_limit_and_the_earliest_first(
    store: Store, timing: ManualTiming
) -> None:
    wanted = [factories.job(delay=timedelta(seconds=10 - n)) for n in range(5)]
    await store.enqueue(wanted)
    timing.advance(seconds=60)

    promoted = await store.promote(2)

    states = [(await find(store, each.id)).state for each in wanted]
    assert promoted.count == 2
    assert states == [State.SCHEDULED] * 3 + [State.PENDING] * 2


async def test_a_revived_job_counts_its_attempts_from_one(walker: Walker) -> None:
    job = await walker.bring(State.FAILED)
    await walker.make("revive", job)

    [claimed] = await walker.store.claim(walker.session.id, [job], 1)

    assert claimed.attempt == 1


@pytest.mark.parametrize(("move", "next_attempt"), [("retry", 2), ("snooze", 1), ("release", 1)])
async def test_only_a_counted_attempt_raises_the_number_of_the_next(
    walker: Walker, timing: ManualTiming, move: str, next_attempt: int
) -> None:
    job = await walker.bring(State.RUNNING)
    await walker.make(move, job)
    timing.advance(seconds=60)
    await walker.store.promote(10)

    [claimed] = await walker.store.claim(walker.session.id, [job], 1)

    assert claimed.attempt == next_attempt
