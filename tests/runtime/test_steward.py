"""Processes say how their services stand, and do what is wished of them, on either engine."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from functools import partial
from typing import Any

import asyncpg
import pytest

from onbeat.domain.meters import Meter
from onbeat.domain.processes import Action, Process, Wish
from onbeat.domain.services import Status
from onbeat.runtime.manager import ServiceManager
from onbeat.runtime.metering import add_counted
from onbeat.runtime.service import Service
from onbeat.runtime.steward import APART, Steward
from onbeat.store import meters, processes
from onbeat.store.store import Store
from tests.runtime.services import Scripted, within_deadline
from tests.timing import ManualTiming
from tests.waiting import wait_for

TERM = timedelta(seconds=15)


class Home:
    """A process of ours: a manager with a steward and services."""

    def __init__(self, store: Store, *services: Service) -> None:
        self.store = store
        self.manager = ServiceManager()
        self.id = store.new_id()
        process = Process(id=self.id, instance="i", host="h", pid=7, version="1")
        self.steward = Steward(
            store, self.manager, process, every=timedelta(seconds=5), expires_in=TERM
        )
        self.manager.register(self.steward)
        for service in services:
            self.manager.register(service)

    async def wish(self, service: str, action: Action) -> str:
        """Wish something of a service; the wish's id."""
        wish = Wish(id=self.store.new_id(), process=self.id, service=service, action=action)
        await self.store.write(partial(processes.wish, asked=[wish]))
        return wish.id


@pytest.fixture
async def homes(store: Store) -> AsyncIterator[Any]:
    """What makes processes that have stopped when the test is over."""
    made: list[Home] = []

    async def make(*services: Service) -> Home:
        made.append(Home(store, *services))
        await made[-1].manager.start()
        return made[-1]

    yield make
    for home in made:
        await within_deadline(home.manager.stop())


async def shown(store: Store) -> dict[str, Status]:
    """What others see."""
    found = await store.read(processes.list_processes)
    return {each.id: each.status for process in found for each in process.services}


async def pass_time(timing: ManualTiming, seconds: float) -> None:
    """Let time pass once somebody waits for it."""
    await timing.asleep()
    timing.advance(seconds=seconds)


async def came_of(store: Store, timing: ManualTiming, *wishes: str) -> list[str | None]:
    """What came of the wishes, once the process has heard of them and seen to them."""
    found: list[Wish] = []

    async def are_seen_to() -> bool:
        await pass_time(timing, APART)
        found[:] = await store.read(partial(processes.find_wishes, ids=wishes))
        return all(each.done_at is not None for each in found)

    await pass_time(timing, 5)
    await wait_for(are_seen_to, what="the wishes to be seen to")
    return [each.error for each in found]


async def until_shown(store: Store, timing: ManualTiming, expected: dict[str, Status]) -> None:
    """Let time pass, a little at a time, until others see that."""

    async def is_shown() -> bool:
        await pass_time(timing, APART)
        return await shown(store) == expected

    await wait_for(is_shown, what=f"{expected} to be seen")


async def test_others_see_the_services_of_a_process_and_not_its_steward(
    store: Store, timing: ManualTiming, homes: Any
) -> None:
    await homes(Scripted(id="a"), Scripted(id="b", auto_start=False))

    await until_shown(store, timing, {"a": Status.RUNNING, "b": Status.STOPPED})


async def test_a_change_is_seen_before_the_next_heartbeat(
    store: Store, timing: ManualTiming, homes: Any
) -> None:
    home = await homes(Scripted(id="a"))
    await until_shown(store, timing, {"a": Status.RUNNING})
    began = timing.monotonic()

    home.manager.get("a").pause()
    await until_shown(store, timing, {"a": Status.PAUSED})

    assert timing.monotonic() - began < 5


@pytest.mark.parametrize(
    ("actions", "expected"),
    [
        ([Action.STOP], Status.STOPPED),
        ([Action.STOP, Action.START], Status.RUNNING),
        ([Action.PAUSE], Status.PAUSED),
        ([Action.PAUSE, Action.RESUME], Status.RUNNING),
        ([Action.PAUSE, Action.START], Status.RUNNING),
        ([Action.RESTART], Status.RUNNING),
        ([Action.PAUSE, Action.RESTART], Status.RUNNING),
        ([Action.STOP, Action.STOP], Status.STOPPED),
        ([Action.START], Status.RUNNING),
    ],
)
async def test_a_service_does_what_is_wished_in_the_order_it_is(
    store: Store, timing: ManualTiming, homes: Any, actions: list[Action], expected: Status
) -> None:
    home = await homes(Scripted(id="a"))
    await until_shown(store, timing, {"a": Status.RUNNING})

    wishes = [await home.wish("a", action) for action in actions]

    assert await came_of(store, timing, *wishes) == [None] * len(actions)
    assert home.manager.get("a").status is expected
    assert await shown(store) == {"a": expected}


class Restless(Scripted):
    """One that goes on as long as its process."""

    can_rest = False


@pytest.mark.parametrize(
    ("kind", "options", "action", "told"),
    [
        (Scripted, {"auto_start": False}, Action.PAUSE, "it is STOPPED; only one that is RUN"),
        (Scripted, {}, Action.RESUME, None),
        (Scripted, {"auto_start": False}, Action.RESUME, "it is STOPPED, not PAUSED; start it"),
        (Restless, {}, Action.PAUSE, "goes on as long as its process"),
        (Restless, {}, Action.STOP, "goes on as long as its process"),
        (Restless, {}, Action.RESTART, None),
        (Scripted, {"id": "b"}, Action.STOP, "no service 'a' in this process"),
    ],
)
async def test_what_cannot_be_done_is_noted_with_why(
    store: Store, timing: ManualTiming, homes: Any, kind: type[Scripted],
    options: dict[str, Any], action: Action, told: str | None,
) -> None:  # fmt: skip
    home = await homes(kind(**{"id": "a", **options}))

    [error] = await came_of(store, timing, await home.wish("a", action))

    assert error is None if told is None else told in (error or "")


async def test_a_service_that_does_not_start_is_noted_with_its_error(
    store: Store, timing: ManualTiming, homes: Any
) -> None:
    service = Scripted(id="a", auto_start=False)
    service.set_up_acts.append(RuntimeError("no such host postgresql://u:pw@h/d"))
    home = await homes(service)

    [error] = await came_of(store, timing, await home.wish("a", Action.START))

    assert "it does not start: RuntimeError: no such host" in (error or "")
    assert "pw" not in (error or "")


async def test_a_process_that_ends_leaves_the_record(
    store: Store, timing: ManualTiming, homes: Any
) -> None:
    home = await homes(Scripted(id="a"))
    await until_shown(store, timing, {"a": Status.RUNNING})
    wish = await home.wish("a", Action.STOP)

    await within_deadline(home.manager.stop())

    assert await store.read(processes.list_processes) == []
    assert await store.read(partial(processes.find_wishes, ids=[wish])) == []


async def test_a_process_that_is_not_heard_of_for_a_term_is_seen_no_more_and_forgotten(
    store: Store, timing: ManualTiming
) -> None:
    dead, alive = (
        Process(id=store.new_id(), instance="i", host="h", pid=7, version="1") for _ in range(2)
    )
    await store.write(partial(processes.tell, process=dead, expires_in=TERM, done={}))
    wish = Wish(id=store.new_id(), process=dead.id, service="a", action=Action.STOP)
    await store.write(partial(processes.wish, asked=[wish]))

    timing.advance(by=TERM + timedelta(seconds=1))
    seen = await store.read(processes.list_processes)
    await store.write(partial(processes.tell, process=alive, expires_in=TERM, done={}))

    assert seen == []
    assert await store.read(partial(processes.find_wishes, ids=[wish.id])) == []


async def test_a_process_that_was_forgotten_while_it_could_not_speak_is_known_again(
    store: Store, timing: ManualTiming
) -> None:
    late, other = (
        Process(id=store.new_id(), instance="i", host="h", pid=7, version="1") for _ in range(2)
    )
    await store.write(partial(processes.tell, process=late, expires_in=TERM, done={}))
    timing.advance(by=2 * TERM)
    await store.write(partial(processes.tell, process=other, expires_in=TERM, done={}))

    await store.write(partial(processes.tell, process=late, expires_in=TERM, done={}))

    found = await store.read(processes.list_processes)
    assert {each.id for each in found} == {late.id, other.id}


async def test_a_quiet_process_writes_once_in_a_heartbeat(
    store: Store, timing: ManualTiming, homes: Any
) -> None:
    await homes(Scripted(id="a"))
    await until_shown(store, timing, {"a": Status.RUNNING})
    heard: set[Any] = set()
    for _ in range(100):
        await pass_time(timing, APART)
        store.wakeups.send(["some queue"])
        [found] = await store.read(processes.list_processes)
        heard.add(found.heartbeat_at)

    assert len(heard) <= 100 * APART / 5 + 1


async def test_what_a_process_counts_is_added_with_its_heartbeat_and_as_it_ends(
    store: Store, timing: ManualTiming, homes: Any
) -> None:
    home = await homes()
    store.counting.count(Meter.REMOVED, ("ledger",), 2)

    async def added(number: int) -> bool:
        await pass_time(timing, 1)
        return await removed(store) == number

    await wait_for(partial(added, 2), what="the count to be added")
    store.counting.count(Meter.REMOVED, ("ledger",), 5)
    await home.manager.stop()

    assert await removed(store) == 7


async def test_counts_that_cannot_be_added_hinder_no_heartbeat_and_no_goodbye(
    store: Store, timing: ManualTiming, homes: Any
) -> None:
    await store.write(lambda c, _: c.exec_driver_sql("ALTER TABLE onbeat_meters RENAME TO away"))
    home = await homes(Scripted(id="a"))
    store.counting.count(Meter.REMOVED, ("ledger",), 2)
    await until_shown(store, timing, {"a": Status.RUNNING})
    status = home.steward.status
    await home.manager.stop()
    left = await store.read(processes.list_processes)
    await store.write(lambda c, _: c.exec_driver_sql("ALTER TABLE away RENAME TO onbeat_meters"))

    await add_counted(store)

    assert (status, left, await removed(store)) == (Status.RUNNING, [], 2)


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
async def test_who_holds_the_counts_holds_up_no_heartbeat(
    store: Store, timing: ManualTiming, homes: Any
) -> None:
    store.counting.count(Meter.REMOVED, ("ledger",), 2)
    await add_counted(store)
    holder = await asyncpg.connect(store.url)
    try:
        await holder.execute("BEGIN; UPDATE onbeat_meters SET number = number")
        store.counting.count(Meter.REMOVED, ("ledger",), 5)
        await homes(Scripted(id="a"))
        await until_shown(store, timing, {"a": Status.RUNNING})
    finally:
        await holder.close()


async def removed(store: Store) -> int:
    """How much retention has removed, as the fleet has counted."""
    found = await store.read(meters.read)
    return sum(each.number for each in found if each.meter is Meter.REMOVED)
