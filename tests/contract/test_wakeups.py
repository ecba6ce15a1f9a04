"""Wakeups: hints that reach whoever waits, in this process and in others."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

import asyncpg
import pytest

from onbeat.store.store import Store
from onbeat.store.wakeups import Allowance, Wakeups
from tests import factories
from tests.conftest import opened
from tests.timing import ManualTiming

on_postgresql = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
PATIENCE = 5.0


def waiting(wakeups: Wakeups, *topics: str) -> asyncio.Event:
    event = asyncio.Event()
    wakeups.subscribe(event, topics)
    return event


async def hinted(event: asyncio.Event) -> None:
    async with asyncio.timeout(PATIENCE):
        await event.wait()


class Counted(asyncio.Event):
    """Counts how often it was set."""

    times = 0

    def set(self) -> None:
        """Count."""
        self.times += 1
        super().set()


async def settled(*stores: Store) -> None:
    """Wait until every store listens, which wakes everybody there once."""
    for store in stores:
        event = waiting(store.wakeups, "anything")
        await store.listen()
        await hinted(event)


@pytest.fixture
async def far(store: Store, other_store: Store) -> Store:
    """Another process's store; both listen."""
    await settled(store, other_store)
    return other_store


async def test_a_hint_wakes_those_who_wait_for_its_topic_and_no_others(store: Store) -> None:
    mail, bills = waiting(store.wakeups, "mail"), waiting(store.wakeups, "bills")

    store.wakeups.send(["mail"])

    assert (mail.is_set(), bills.is_set()) == (True, False)


async def test_one_waiter_may_wait_for_many_topics(store: Store) -> None:
    event = waiting(store.wakeups, "mail", "bills")

    store.wakeups.send(["bills", "other"])

    assert event.is_set()


async def test_a_waiter_that_left_is_left_alone(store: Store) -> None:
    event = waiting(store.wakeups, "mail")
    store.wakeups.unsubscribe(event)

    store.wakeups.send(["mail"])

    assert not event.is_set()


async def test_a_hint_for_nothing_wakes_nobody(store: Store) -> None:
    event = waiting(store.wakeups, "mail")

    store.wakeups.send([])

    assert not event.is_set()


async def test_listening_and_closing_is_harmless_on_both_engines(store: Store) -> None:
    await store.listen()
    await store.listen()


async def test_a_hint_reaches_another_process(store: Store, far: Store) -> None:
    mail = waiting(far.wakeups, "mail")

    store.wakeups.send(["mail"])

    await hinted(mail)


async def test_of_hints_in_a_row_the_last_reaches_another_process_too(
    store: Store, far: Store
) -> None:
    for _ in range(2 * Allowance.IN_A_ROW):
        mail = waiting(far.wakeups, "mail")

        store.wakeups.send(["mail"])

        await hinted(mail)


async def test_a_hint_wakes_those_beside_its_sender_once(store: Store, far: Store) -> None:
    here, there = Counted(), waiting(far.wakeups, "mail")
    store.wakeups.subscribe(here, ["mail"])
    here.times = 0

    store.wakeups.send(["mail"])
    await hinted(there)
    here.clear()
    far.wakeups.send(["mail"])
    await hinted(here)

    assert here.times == 2


async def test_work_without_a_hint_wakes_nobody(store: Store, far: Store) -> None:
    there = Counted()
    far.wakeups.subscribe(there, ["mail"])
    there.times = 0

    for job in factories.jobs(5):
        await store.enqueue([job])
    store.wakeups.send(["mail"])
    await hinted(there)

    assert there.times == 1


@on_postgresql
async def test_a_hint_wakes_nobody_else_in_another_process(store: Store, far: Store) -> None:
    mail, bills = waiting(far.wakeups, "mail"), waiting(far.wakeups, "bills")

    store.wakeups.send(["mail"])

    await hinted(mail)
    assert not bills.is_set()


@pytest.mark.parametrize(
    "topics",
    [
        pytest.param([f"queue-{n:04}" for n in range(1_000)], id="many"),
        pytest.param([f"строка-{n:03}" for n in range(450)], id="many bytes, few characters"),
    ],
)
@on_postgresql
async def test_more_topics_than_a_notification_holds_wake_everybody(
    store: Store, far: Store, topics: list[str]
) -> None:
    event = waiting(far.wakeups, "somebody else")

    store.wakeups.send(topics)

    await hinted(event)


@on_postgresql
async def test_what_others_send_on_our_channel_is_passed_over(
    store: Store, far: Store, database_url: str
) -> None:
    mail, bills = waiting(far.wakeups, "mail"), waiting(far.wakeups, "bills")

    await run(database_url, ["NOTIFY onbeat, 'not ours'", "NOTIFY onbeat, '[\"mail\"]'"])

    await hinted(mail)
    assert not bills.is_set()


@on_postgresql
async def test_a_listener_that_lost_its_connection_wakes_everybody_and_listens_again(
    store: Store, far: Store, database_url: str
) -> None:
    missed = waiting(far.wakeups, "missed meanwhile")

    await run(
        database_url,
        [
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE application_name = 'onbeat-wakeups' AND datname = current_database()"
        ],
    )

    await hinted(missed)
    again = waiting(far.wakeups, "mail")
    await run(database_url, ["NOTIFY onbeat, '[\"mail\"]'"])
    await hinted(again)


@on_postgresql
async def test_a_store_that_does_not_listen_still_wakes_its_own(
    database_url: str, timing: ManualTiming
) -> None:
    async with opened(database_url, timing) as alone:
        event = waiting(alone.wakeups, "mail")

        alone.wakeups.send(["mail"])

    assert event.is_set()


async def run(url: str, statements: Iterable[str]) -> None:
    connection = await asyncpg.connect(url)
    for statement in statements:
        await connection.execute(statement)
    await connection.close()


async def test_the_last_hints_of_a_store_that_closes_still_go_out(
    store: Store, database_url: str
) -> None:
    await settled(store)

    async with opened(database_url) as brief:
        await brief.listen()
        brief.wakeups.send(["bills"])
        event = waiting(store.wakeups, "mail")
        brief.wakeups.send(["mail"])

    await hinted(event)
