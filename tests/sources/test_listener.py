"""The service that listens: one does at a time, and no outage of the store costs what came."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Connection

from onbeat import StoreError
from onbeat.domain.errors import StoreUnavailable
from onbeat.domain.events import Event, MessagesDropped, MessageSetAside, ServiceChanged, SourceCut
from onbeat.domain.services import Status
from onbeat.domain.sources.listening import Carried, Reception
from onbeat.domain.sources.messages import Message
from onbeat.sources.backlog import MOST_WAITING
from onbeat.sources.listener import SourceListener
from onbeat.store import duties
from onbeat.store.store import Store
from onbeat.timing import SystemTiming
from tests.conftest import opened
from tests.sources.scripted import Scripted
from tests.waiting import wait_for

TERM = timedelta(seconds=3)
TAKEN = Carried(Reception.TAKEN)


class Carrying:
    """Notes what was carried out; fails, or waits, as it is told."""

    def __init__(self) -> None:
        self.done: list[str] = []
        self.failing: Exception | None = None
        self.answer = TAKEN
        self.may_go_on = asyncio.Event()
        self.may_go_on.set()

    async def __call__(self, messages: Sequence[Message]) -> list[Carried]:
        await self.may_go_on.wait()
        if self.failing is not None:
            raise self.failing
        taken = messages[:2]
        self.done += [each.id for each in taken]
        return [self.answer] * len(taken)

    async def await_done(self, count: int) -> None:
        async def is_done() -> bool:
            return len(self.done) >= count

        await wait_for(is_done, 20, f"{count} carried out")


@pytest.fixture
async def store(database_url: str) -> AsyncIterator[Store]:
    async with opened(database_url, SystemTiming()) as store:
        yield store


Make = Callable[..., SourceListener]


@pytest.fixture
async def make(store: Store) -> AsyncIterator[Make]:
    """Makes listeners, each as in a process of its own."""
    async with AsyncExitStack() as stack:

        def one(script: Scripted, carrying: Carrying, **options: Any) -> SourceListener:
            made = SourceListener(
                store, script, script.connector, carrying, **{"term": TERM, **options}
            )
            stack.push_async_callback(made.stop)
            stack.callback(carrying.may_go_on.set)
            return made

        yield one


async def is_connected(listener: SourceListener) -> None:
    async def is_so() -> bool:
        return listener.listening.is_connected

    await wait_for(is_so, 20, "it is connected")


async def both_start(listeners: Sequence[SourceListener]) -> None:
    """Start two, of which the first listens."""
    await listeners[0].start()
    await is_connected(listeners[0])
    await listeners[1].start()


async def has_status(listener: SourceListener, status: Status) -> None:
    async def is_so() -> bool:
        return listener.status is status

    await wait_for(is_so, 20, f"it is {status}")


async def test_what_came_while_the_store_was_out_of_reach_is_taken_when_it_is_back(
    make: Make,
) -> None:
    script, carrying = Scripted(), Carrying()
    listener = make(script, carrying)
    await listener.start()
    await is_connected(listener)
    carrying.failing = StoreUnavailable("the store is gone")
    script.send("1", "2")
    await has_status(listener, Status.ERROR)
    script.send("3")
    carrying.failing = None

    await carrying.await_done(3)
    await has_status(listener, Status.RUNNING)

    assert carrying.done == ["1", "2", "3"]
    assert listener.snapshot().last_error == "StoreUnavailable: the store is gone"


async def test_a_source_that_is_down_is_waited_for_and_said_once(make: Make) -> None:
    script, carrying, events = Scripted(), Carrying(), list[Event]()
    script.is_down = True
    listener = make(script, carrying, emit=events.append, critical=False)
    await listener.start()
    await has_status(listener, Status.ERROR)
    seen = listener.snapshot()
    script.is_down = False
    script.send("1")
    await carrying.await_done(1)
    await has_status(listener, Status.RUNNING)

    assert seen.last_error == "SourceUnavailable: it is down"
    assert seen.listening is not None
    assert (seen.listening.is_connected, seen.listening.error) == (False, "it is down")
    changes = [each.status for each in events if isinstance(each, ServiceChanged)]
    assert changes.count(Status.ERROR) == 1


async def test_one_listens_and_another_takes_over_when_it_stops(make: Make) -> None:
    script, first, second = Scripted(), Carrying(), Carrying()
    listeners = [make(script, first), make(script, second)]
    await both_start(listeners)
    script.send("1")
    await first.await_done(1)
    both = script.connected
    await listeners[0].stop()
    script.send("2")
    await second.await_done(1)

    assert both == 1
    assert (first.done, second.done) == (["1"], ["2"])
    assert listeners[0].snapshot().listening is None


async def test_while_one_is_paused_another_listens(make: Make) -> None:
    script, first, second = Scripted(), Carrying(), Carrying()
    listeners = [make(script, first), make(script, second)]
    await both_start(listeners)
    listeners[0].pause()
    await is_connected(listeners[1])
    script.send("1")
    await second.await_done(1)
    listeners[1].pause()
    listeners[0].resume()
    await is_connected(listeners[0])
    script.send("2")
    await first.await_done(1)

    assert (first.done, second.done, script.connected) == (["2"], ["1"], 1)


@pytest.mark.parametrize("redelivers", [False, True])
async def test_what_came_and_would_not_come_again_is_taken_before_the_end(
    make: Make, redelivers: bool
) -> None:
    script, carrying = Scripted(redelivers=redelivers), Carrying()
    listener = make(script, carrying)
    await listener.start()
    await is_connected(listener)
    carrying.may_go_on.clear()
    script.send("1", "2", "3")

    async def are_there() -> bool:
        return listener.listening.waiting >= 2

    await wait_for(are_there)
    stopping = asyncio.create_task(listener.stop())
    await asyncio.sleep(0)
    carrying.may_go_on.set()
    await stopping

    assert carrying.done[:3] == ["1", "2", "3"]
    assert script.took == (["1", "2", "3"] if redelivers else [])


async def test_no_more_is_received_than_may_wait(make: Make) -> None:
    script, carrying = Scripted(), Carrying()
    carrying.may_go_on.clear()
    listener = make(script, carrying)
    await listener.start()
    script.send(*map(str, range(MOST_WAITING + 50)))

    async def is_full() -> bool:
        return listener.listening.waiting == MOST_WAITING

    await wait_for(is_full)
    carrying.may_go_on.set()
    await carrying.await_done(MOST_WAITING + 50)

    assert carrying.done == [str(number) for number in range(MOST_WAITING + 50)]


async def test_what_does_not_fit_is_said(make: Make) -> None:
    script, carrying, events = Scripted(), Carrying(), list[Event]()
    carrying.answer = Carried(Reception.SET_ASIDE, "it has no field 'id'")
    listener = make(script, carrying, emit=events.append)
    await listener.start()
    script.send("1")
    await carrying.await_done(1)

    async def is_said() -> bool:
        return MessageSetAside("scripted", "a", "1", "it has no field 'id'") in events

    await wait_for(is_said)
    assert listener.listening.set_aside == 1


async def test_a_mistake_in_what_connects_starts_it_anew(make: Make) -> None:
    script, carrying = Scripted(), Carrying()
    script.bug = ZeroDivisionError("a mistake")
    listener = make(script, carrying)
    await listener.start()
    script.send("1")
    await carrying.await_done(1)

    assert listener.snapshot().last_error == "ZeroDivisionError: a mistake"


async def test_an_error_of_the_store_that_does_not_pass_loses_nothing_either(make: Make) -> None:
    script, carrying = Scripted(), Carrying()
    carrying.failing = StoreError("it is older than it should be")
    listener = make(script, carrying)
    await listener.start()
    script.send("1")
    await has_status(listener, Status.ERROR)
    carrying.failing = None
    await carrying.await_done(1)


async def test_what_a_source_could_not_be_told_of_is_told_later(make: Make) -> None:
    script, carrying = Scripted(redelivers=True), Carrying()
    script.untold = 1
    listener = make(script, carrying)
    await listener.start()
    script.send("1")
    await carrying.await_done(1)

    async def is_told() -> bool:
        return script.took == ["1"]

    await wait_for(is_told, 20, "it is told")
    script.untold = 1
    script.send("2")
    await carrying.await_done(2)
    await listener.stop()

    assert script.took == ["1", "2"]


async def lose_to_another(store: Store, listener: SourceListener) -> None:
    """Have another take the listener's lease, as where this process stood still for its term."""

    def take(connection: Connection, now: datetime) -> bool:
        return duties.take(
            connection, now, listener.id, "another", 1.9 * listener.term, is_neglected=True
        )

    assert await store.write(take)


async def test_what_came_before_another_took_over_is_still_taken(store: Store, make: Make) -> None:
    script, carrying, events = Scripted(), Carrying(), list[Event]()
    listener = make(script, carrying, emit=events.append)
    await listener.start()
    await is_connected(listener)
    carrying.failing = StoreUnavailable("the store is gone")
    script.send("1", "2", "3")
    await has_status(listener, Status.ERROR)
    await lose_to_another(store, listener)
    carrying.failing = None
    await carrying.await_done(3)

    assert carrying.done == ["1", "2", "3"]
    assert not [each for each in events if isinstance(each, MessagesDropped)]


async def test_what_came_after_another_took_over_is_not_taken_twice_and_that_is_said(
    store: Store, make: Make
) -> None:
    script, carrying, events = Scripted(), Carrying(), list[Event]()
    listener = make(script, carrying, emit=events.append)
    await listener.start()
    await is_connected(listener)
    carrying.may_go_on.clear()
    script.send("1")
    began = store.timing.monotonic()
    await lose_to_another(store, listener)

    async def it_is_over() -> bool:
        return store.timing.monotonic() > began + TERM.total_seconds()

    await wait_for(it_is_over)
    script.send("2", "3")

    async def are_there() -> bool:
        return listener.listening.waiting >= 3

    await wait_for(are_there)
    carrying.may_go_on.set()

    async def is_said() -> bool:
        return any(isinstance(each, MessagesDropped) for each in events)

    await wait_for(is_said)
    assert carrying.done == ["1"]
    assert [each.count for each in events if isinstance(each, MessagesDropped)] == [2]


async def test_what_cannot_be_stored_before_the_end_is_counted(make: Make) -> None:
    script, carrying, events = Scripted(), Carrying(), list[Event]()
    listener = make(script, carrying, emit=events.append)
    await listener.start()
    await is_connected(listener)
    carrying.failing = StoreUnavailable("the store is gone")
    script.send("1", "2")
    await has_status(listener, Status.ERROR)
    await listener.stop()

    assert [each.count for each in events if isinstance(each, MessagesDropped)] == [2]


@pytest.mark.parametrize("redelivers", [False, True])
async def test_where_one_cannot_reach_a_source_another_may_try(
    make: Make, redelivers: bool
) -> None:
    unreached, reached = Scripted(redelivers=redelivers), Scripted(redelivers=redelivers)
    first, second = Carrying(), Carrying()
    unreached.is_down = True
    one, other = make(unreached, first, others_after=0.5), make(reached, second)
    await one.start()
    await has_status(one, Status.ERROR)
    await other.start()
    await is_connected(other)
    reached.send("1")
    await second.await_done(1)
    await has_status(one, Status.RUNNING)

    assert unreached.connected == 0


@pytest.mark.parametrize(("redelivers", "term"), [(False, timedelta(hours=1)), (True, TERM)])
async def test_who_has_let_others_try_listens_as_soon_as_it_can(
    make: Make, redelivers: bool, term: timedelta
) -> None:
    script, carrying = Scripted(redelivers=redelivers), Carrying()
    script.is_down = True
    events: list[Event] = []
    listener = make(script, carrying, others_after=0.3, term=term, emit=events.append)
    await listener.start()

    async def lets_others_try() -> bool:
        return listener.snapshot().listening is None and listener.status is Status.ERROR

    await wait_for(lets_others_try)
    script.is_down = False
    script.send("1")
    await carrying.await_done(1)
    await has_status(listener, Status.RUNNING)

    assert len([each for each in events if isinstance(each, SourceCut)]) == 1
    changes = [each.status for each in events if isinstance(each, ServiceChanged)]
    assert changes.count(Status.ERROR) == 1
