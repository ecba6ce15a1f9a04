"""PostgreSQL's NOTIFY: what is told becomes jobs, and an outage is ridden out."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator

import asyncpg
import pytest

from onbeat import InvalidInput, Onbeat
from onbeat.domain.errors import SourceUnavailable
from onbeat.domain.events import Event, SourceConnected
from onbeat.domain.sources.messages import Pattern
from onbeat.sources import Enqueue, PostgresNotify, Trigger, field
from onbeat.sources.postgres_notify import MOST_HEARD, NotifyConnection
from onbeat.store.postgres.addresses import read_address
from tests.servers.relay import relay_to
from tests.sources.listening import connected, cut, jobs_of, listening, set_aside
from tests.waiting import wait_for

on_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
on_postgresql = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)


def orders(ob: Onbeat, url: str | None) -> None:
    """Orders that are to be settled."""

    @ob.task
    def settle(order: int) -> None: ...

    source = ob.source(PostgresNotify(name="orders", url=url))
    source.on("Order_placed", Enqueue(settle, args={"order": field("id")}))


async def notify(url: str, *payloads: str) -> None:
    connection = await asyncpg.connect(url)
    for payload in payloads:
        await connection.execute("SELECT pg_notify('Order_placed', $1)", payload)
    await connection.close()


@on_postgresql
async def test_what_the_application_s_own_database_tells_makes_jobs(
    ob: Onbeat, database_url: str
) -> None:
    orders(ob, None)
    async with listening(ob, "orders"):
        await notify(database_url, json.dumps({"id": 1}), "no json", json.dumps({"id": 2}))
        made = await jobs_of(ob, 2)
        kept = await set_aside(ob, 1)

    assert made == [{"order": 1}, {"order": 2}]
    assert (kept[0].channel, kept[0].body) == ("Order_placed", "no json")


@on_sqlite
async def test_a_server_that_is_out_of_reach_is_waited_for_at_the_start_and_later(
    ob: Onbeat, postgres_url: str
) -> None:
    heard: list[Event] = []
    with relay_to(postgres_url) as relay:
        orders(ob, f"{relay.url}?connect_timeout=1")
        relay.hold()
        async with listening(ob, heard=heard) as manager:
            down = await cut(manager, "orders")
            relay.forget_and_release()
            await connected(manager, "orders")
            await notify(postgres_url, json.dumps({"id": 1}))
            await jobs_of(ob, 1)
            relay.hold()
            await cut(manager, "orders")
            relay.forget_and_release()
            await connected(manager, "orders")
            await notify(postgres_url, json.dumps({"id": 2}))
            made = await jobs_of(ob, 2)

    assert "tried again" in (down.last_error or "")
    assert made == [{"order": 1}, {"order": 2}]
    again = [each for each in heard if isinstance(each, SourceConnected)]
    assert [each.may_have_lost for each in again] == [True, True]


@on_sqlite
async def test_a_connection_that_the_server_ends_is_made_again(
    ob: Onbeat, postgres_url: str
) -> None:
    orders(ob, postgres_url)
    heard: list[Event] = []
    async with listening(ob, "orders", heard=heard) as manager:
        connection = await asyncpg.connect(postgres_url)
        await connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE application_name = 'onbeat-source' AND datname = current_database()"
        )
        await connection.close()
        await cut(manager, "orders")
        await connected(manager, "orders")
        await notify(postgres_url, json.dumps({"id": 1}))
        made = await jobs_of(ob, 1)

    assert made == [{"order": 1}]


@on_sqlite
def test_what_it_cannot_listen_to_is_refused(database_url: str) -> None:
    ob = Onbeat(database_url)

    with pytest.raises(InvalidInput, match="no PostgreSQL"):
        ob.source(PostgresNotify(name="orders"))
    source = ob.source(PostgresNotify(name="orders", url="postgresql://127.0.0.1/shop"))
    with pytest.raises(InvalidInput, match="all its name"):
        source.on("orders.{id}", Trigger("settling"))
    with pytest.raises(InvalidInput, match="63 bytes"):
        source.on("x" * 64, Trigger("settling"))


async def test_more_than_there_is_room_for_is_lost_and_counted(postgres_url: str) -> None:
    connector = PostgresNotify(name="orders", url=postgres_url).connector([Pattern("Order_placed")])
    await connector.connect()
    sender = await asyncpg.connect(postgres_url)
    await sender.execute(
        "SELECT pg_notify('Order_placed', n::text) FROM generate_series(1, $1::int) n",
        MOST_HEARD + 7,
    )
    await sender.close()

    async def all_are_heard() -> bool:
        return connector.lost == 7

    await wait_for(all_are_heard)
    found: list[bytes] = []
    while len(found) < MOST_HEARD:
        found += [each.body for each in await connector.receive()]
    with pytest.raises(SourceUnavailable, match="7 messages came that there was no room for"):
        await connector.receive()
    await connector.close()
    await connector.connect()
    await notify(postgres_url, "again")
    again = await connector.receive()
    await connector.close()

    assert found == [str(number).encode() for number in range(1, MOST_HEARD + 1)]
    assert [each.body for each in again] == [b"again"]


async def test_a_server_that_hangs_when_it_is_asked_to_listen_is_noticed(postgres_url: str) -> None:
    with relay_to(postgres_url) as relay:

        class Channels(list[str]):
            def __iter__(self) -> Iterator[str]:
                relay.hold()
                return super().__iter__()

        address = read_address(f"{relay.url}?connect_timeout=1")
        connector = NotifyConnection(address, Channels(["Order_placed"]))
        with pytest.raises(SourceUnavailable, match="TimeoutError"):
            await asyncio.wait_for(connector.connect(), 20)
        relay.forget_and_release()
        await connector.close()
