"""Acks: stored in batches, sent again until the store answers, none held up by another."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence

import asyncpg
import pytest

from onbeat.domain.errors import StoreReadOnly, StoreUnavailable
from onbeat.domain.events import AckRefused, AcksDelayed, Event
from onbeat.domain.outcomes import Ack
from onbeat.domain.states import State
from onbeat.runtime.worker.acker import Acker
from onbeat.store import history
from onbeat.store.postgres.connections import translate
from onbeat.store.store import Store
from tests import factories
from tests.contract import world
from tests.runtime.flaky import FlakyStore
from tests.waiting import wait_for

Add = Callable[..., None]


class Refusing(FlakyStore):
    """Refuses every batch that holds one of some tokens, as a database refuses a value."""

    refused: frozenset[int] = frozenset()
    gives_way = True
    """Whether the refused job may at least be buried, without what could not be stored."""

    async def ack(self, acks: Sequence[Ack]) -> set[int]:
        for ack in acks:
            if ack.token in self.refused and not (self.gives_way and ack.result is None):
                raise ValueError("an odd value")
        return set(await super().ack(acks))


@pytest.fixture
def store(live_store: Store) -> Refusing:
    """The real store, behind one that fails when told to."""
    return Refusing(live_store)


@pytest.fixture
def events() -> list[Event]:
    """What the acker told."""
    return []


@pytest.fixture
async def acker(store: Refusing, events: list[Event]) -> AsyncIterator[Acker]:
    """An acker at work."""
    acker = Acker(store, events.append)
    acker.start()
    yield acker
    await acker.close(5)


async def test_an_ack_is_stored(store: Refusing, acker: Acker) -> None:
    claimed = await world.running(store)

    acker.add(factories.ack(claimed))

    await completed(store, claimed.id)


async def test_who_waits_for_ends_hears_of_it_when_none_is_left_to_be_stored(
    store: Refusing, acker: Acker
) -> None:
    left = asyncio.get_running_loop().create_future()
    acker.stored = lambda: left.set_result(acker.count)
    claimed = await world.running(store)

    acker.add(factories.ack(claimed))

    assert await asyncio.wait_for(left, 10) == 0


async def test_acks_that_come_together_go_together(store: Refusing, acker: Acker) -> None:
    session = await world.begin(store)
    claimed = [await world.running(store, session) for _ in range(20)]
    store.calls.clear()

    for each in claimed:
        acker.add(factories.ack(each))
    await completed(store, claimed[-1].id)

    assert store.calls["ack"] == 1


@pytest.mark.parametrize("failure", ["failing", "answers_lost"])
async def test_a_batch_is_sent_again_until_the_store_answers(
    store: Refusing, acker: Acker, failure: str
) -> None:
    claimed = await world.running(store)
    getattr(store, failure)["ack"] = 2

    acker.add(factories.ack(claimed))
    await wait_for(lambda: _called(store, 3))
    await completed(store, claimed.id)

    assert await world.count_attempts(store, claimed.id) == 1


async def test_a_batch_whose_answer_was_lost_is_not_taken_for_refused(
    store: Refusing, acker: Acker, events: list[Event]
) -> None:
    claimed = await world.running(store)
    store.answers_lost["ack"] = 1

    acker.add(factories.ack(claimed))
    await wait_for(lambda: _called(store, 2))
    await acker.close(5)

    assert not any(isinstance(each, AckRefused) for each in events)


async def test_acks_that_come_while_the_store_is_away_are_stored_too(
    store: Refusing, acker: Acker
) -> None:
    session = await world.begin(store)
    first, second = [await world.running(store, session) for _ in range(2)]
    store.failing["ack"] = 1
    acker.add(factories.ack(first))
    await wait_for(lambda: _called(store, 1))

    acker.add(factories.ack(second))

    await completed(store, second.id)


async def test_an_ack_whose_lease_is_gone_is_told(
    store: Refusing, acker: Acker, events: list[Event]
) -> None:
    claimed = await world.running(store)
    await store.ack([factories.ack(claimed, "release", outcome="lost")])

    acker.add(factories.ack(claimed))
    await acker.close(5)

    assert events == [AckRefused(claimed.token)]


async def test_an_ack_whose_lease_is_gone_changes_nothing(store: Refusing, acker: Acker) -> None:
    claimed = await world.running(store)
    await store.ack([factories.ack(claimed, "release", outcome="lost")])
    before = await world.everything(store)

    acker.add(factories.ack(claimed))
    await acker.close(5)

    assert await world.everything(store) == before


async def test_one_that_cannot_be_stored_does_not_hold_up_the_others(
    store: Refusing, acker: Acker
) -> None:
    session = await world.begin(store)
    claimed = [await world.running(store, session) for _ in range(9)]
    store.refused = frozenset({claimed[4].token})

    for each in claimed:
        acker.add(factories.ack(each, result='"odd"'))
    await acker.close(5)

    states = [await world.state(store, each.id) for each in claimed]
    assert states == [State.COMPLETED] * 4 + [State.FAILED] + [State.COMPLETED] * 4


async def test_one_that_cannot_be_stored_ends_its_job_with_the_reason(
    store: Refusing, acker: Acker
) -> None:
    claimed = await world.running(store)
    store.refused = frozenset({claimed.token})

    acker.add(factories.ack(claimed, result='"odd"'))
    await acker.close(5)

    shown = await world.find(store, claimed.id)
    assert shown.reason == "the outcome could not be stored: an odd value"


async def test_an_attempt_whose_outcome_cannot_be_stored_is_on_record_as_failed(
    store: Refusing, acker: Acker
) -> None:
    claimed = await world.running(store)
    store.refused = frozenset({claimed.token})

    acker.add(factories.ack(claimed, result='"odd"'))
    await acker.close(5)

    [attempt] = await store.read(lambda c, now: history.list_attempts(c, now, claimed.id))
    assert attempt.outcome == "failed"


async def test_one_that_cannot_even_be_buried_does_not_end_the_acker(
    store: Refusing, acker: Acker
) -> None:
    session = await world.begin(store)
    odd, plain = [await world.running(store, session) for _ in range(2)]
    store.refused, store.gives_way = frozenset({odd.token}), False
    acker.add(factories.ack(odd))
    await wait_for(lambda: _called(store, 0))

    acker.add(factories.ack(plain))

    await completed(store, plain.id)


async def test_closing_gives_up_on_a_store_that_stays_away(store: Refusing, acker: Acker) -> None:
    claimed = await world.running(store)
    store.failing["ack"] = 1_000
    acker.add(factories.ack(claimed))

    async with asyncio.timeout(5):
        await acker.close(0.05)

    assert await world.state(store, claimed.id) is State.RUNNING


async def completed(store: Store, job: str) -> None:
    """Wait until it is."""

    async def look() -> bool:
        return await world.state(store, job) is State.COMPLETED  # type: ignore[arg-type]

    await wait_for(look)


async def _called(store: FlakyStore, times: int) -> bool:
    return store.calls["ack"] >= times


def test_a_partition_that_was_made_meanwhile_is_a_reason_to_send_again() -> None:
    error = asyncpg.CheckViolationError(
        'new row for relation "onbeat_attempts_default" violates partition constraint'
    )
    error.sqlstate = "23514"

    assert isinstance(translate(error, "here"), StoreUnavailable)


@pytest.mark.parametrize(
    "failure",
    [
        pytest.param(StoreReadOnly("a failover is under way"), id="read-only"),
        pytest.param(RuntimeError("a state nobody foresaw"), id="unforeseen"),
    ],
)
async def test_an_outcome_outlives_a_store_that_takes_no_writes_for_a_while(
    store: Refusing, acker: Acker, events: list[Event], failure: Exception
) -> None:
    claimed = await world.running(store)
    store.failure, store.failing["ack"] = failure, 2

    acker.add(factories.ack(claimed))

    await completed(store, claimed.id)
    assert [each.tries for each in events if isinstance(each, AcksDelayed)] == [1, 2]
