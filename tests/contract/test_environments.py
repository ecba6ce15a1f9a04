"""Two environments of one database, and what is in none: nobody sees or disturbs another's."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest
from sqlalchemy import Connection, text

from onbeat import Breaker, JobFilter, Onbeat, Settings, Task, Unique, every, work_calendar
from onbeat.domain.environments import in_environment, schema_of
from onbeat.domain.errors import SchemaMissing
from onbeat.store import partitions, schema_state
from onbeat.store.declaring import be_alone
from onbeat.store.environments import list_environments
from onbeat.store.opening import open_store
from onbeat.store.schema_state import HEAD
from onbeat.store.store import Store
from onbeat.store.verify.walk import verify
from onbeat.testing.opening import Opening
from tests.conftest import opened
from tests.contract.test_wakeups import hinted, settled, waiting

NAMES = (None, "alpha", "be-ta")
HERE, OTHERS = "alpha", (None, "be-ta")
on_postgresql = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)


@dataclass
class Place:
    """The application in one environment, and what its jobs have seen there."""

    ob: Onbeat
    ran: list[str]
    send: Task[..., Any, Any]


def application(url: str, environment: str | None) -> Place:
    """The same code everywhere: tasks, schedules, queues and keys have the same names."""
    ob = Onbeat(url, settings=Settings(queues=("mail",)), environment=environment)
    ran: list[str] = []

    @ob.task(queue="mail", unique=Unique(key="one"), breakers=Breaker("smtp"))
    async def send(to: str) -> None:
        ran.append(to)

    return Place(ob, ran, send)


@pytest.fixture
async def places(database_url: str) -> AsyncIterator[dict[str | None, Place]]:
    """The application in no environment, and in two."""
    made = {name: application(database_url, name) for name in NAMES}
    async with AsyncExitStack() as stack:
        for place in made.values():
            await place.ob.migrate()
            await stack.enter_async_context(place.ob)
        yield made


Act = Callable[[Place], Awaitable[Any]]


async def start_flow(place: Place) -> None:
    async with place.ob.workflow("nightly") as flow:
        flow.add(place.send.opts(unique=False).bind("x"))


NOUNS: dict[str, tuple[Act, Act]] = {
    "jobs": (lambda p: p.send.enqueue("x"), lambda p: p.ob.jobs.list()),
    "schedules": (
        lambda p: p.ob.schedules.create("nightly", p.send.bind("x"), every("1h")),
        lambda p: p.ob.schedules.list(),
    ),
    "queues": (lambda p: p.ob.queues.pause("mail", "ann"), lambda p: p.ob.queues.list()),
    "limits": (
        lambda p: p.ob.limits.set("queue/mail", "ann", concurrency=1),
        lambda p: p.ob.limits.list(),
    ),
    "breakers": (lambda p: p.ob.breakers.reconcile(), lambda p: p.ob.breakers.list()),
    "clocks": (
        lambda p: p.ob.clocks.create("world", datetime(2030, 1, 1, tzinfo=UTC)),
        lambda p: p.ob.clocks.list(),
    ),
    "calendars": (
        lambda p: p.ob.calendars.put(work_calendar("de", holidays=["2030-01-01"]), "ann"),
        lambda p: p.ob.calendars.list(),
    ),
    "workflows": (start_flow, lambda p: p.ob.workflows.list()),
}


@pytest.mark.parametrize("noun", NOUNS)
async def test_what_is_made_in_one_environment_is_seen_there_alone(
    places: dict[str | None, Place], noun: str
) -> None:
    make, look = NOUNS[noun]

    await make(places[HERE])

    assert [len(await look(places[name])) for name in OTHERS] == [0, 0]
    for name in OTHERS:
        await make(places[name])  # of the same name, and nothing is in its way
    assert [len(await look(place)) for place in places.values()] == [1, 1, 1]


async def test_a_unique_key_is_had_in_each_environment_by_another_job(
    places: dict[str | None, Place],
) -> None:
    first = [await place.send.enqueue("x") for place in places.values()]
    second = [await place.send.enqueue("x") for place in places.values()]

    assert [job.is_new for job in first] == [True, True, True]
    assert [job.is_new for job in second] == [False, False, False]
    assert [job.id for job in second] == [job.id for job in first]


async def test_a_worker_runs_the_jobs_of_its_own_environment(
    places: dict[str | None, Place],
) -> None:
    jobs = {name: await place.send.enqueue(str(name)) for name, place in places.items()}

    async with places[HERE].ob.running(scheduler=False):
        await jobs[HERE].result(timeout="30s")
        seen = [len(await place.ob.workers.list()) for place in places.values()]

    assert seen == [0, 1, 0]
    assert [place.ran for place in places.values()] == [[], ["alpha"], []]
    for name in OTHERS:
        [waiting_job] = await places[name].ob.jobs.list(JobFilter())
        assert str(waiting_job.state) == "pending"


async def test_services_of_all_of_them_run_side_by_side_and_the_record_is_sound(
    places: dict[str | None, Place],
) -> None:
    async with AsyncExitStack() as stack:
        for place in places.values():
            await stack.enter_async_context(place.ob.running())
        for name, place in places.items():
            await (await place.send.enqueue(str(name))).result(timeout="30s")

    assert [place.ran for place in places.values()] == [[str(name)] for name in NAMES]
    for place in places.values():
        report = await verify(await place.ob.store())
        assert report.breaches == []


async def test_a_hint_wakes_nobody_in_another_environment(database_url: str) -> None:
    async with AsyncExitStack() as stack:
        urls = [in_environment(database_url, name) for name in ("alpha", "alpha", "be-ta", None)]
        for url in urls:
            await migrated(url)
        stores = [await stack.enter_async_context(opened(url)) for url in urls]
        await settled(*stores)
        _, same, other, bare = (waiting(store.wakeups, "mail") for store in stores)

        stores[0].wakeups.send(frozenset({"mail"}))
        await hinted(same)
        for store in stores[2:]:
            await arrived(store)

        assert not other.is_set()
        assert not bare.is_set()


async def arrived(store: Store) -> None:
    """Wait until what was sent before has come; on SQLite it comes to all at once."""
    if store.engine == "sqlite":
        return
    last = waiting(store.wakeups, "last")
    await hint_itself(store.url)
    await hinted(last)


async def hint_itself(url: str) -> None:
    async with opened(url) as store:
        await settled(store)
        store.wakeups.send(frozenset({"last"}))


async def migrated(url: str) -> None:
    store = open_store(url)
    await store.write(schema_state.migrate)
    await store.close()


async def test_migrating_one_environment_leaves_the_others(database_url: str) -> None:
    alpha, beta = (in_environment(database_url, name) for name in ("alpha", "be-ta"))
    await migrated(alpha)
    old = text("UPDATE onbeat_schema SET version_num = '0003'")
    store = open_store(alpha)
    await store.write(lambda connection, _: connection.execute(old))
    await store.close()

    await migrated(beta)

    found = {each.environment: each.current for each in await list_environments(beta)}
    assert found == {None: HEAD, "alpha": "0003", "be-ta": HEAD}


@on_postgresql
async def test_an_environment_without_tables_is_told_with_the_command(database_url: str) -> None:
    store = open_store(in_environment(database_url, "gone"))

    with pytest.raises(SchemaMissing, match=r"'gone' .*db migrate --environment gone`"):
        await store.open()
    await store.close()


@on_postgresql
async def test_partitions_are_made_and_dropped_in_their_own_environment(
    places: dict[str | None, Place],
) -> None:
    here, bare = await places[HERE].ob.store(), await places[None].ob.store()
    in_a_year = datetime.now(UTC) + timedelta(days=366)
    [empty, *_] = await here.read(partial(partitions.left, before=in_a_year))

    assert await here.write(partial(partitions.drop, wanted=empty))
    [gone] = await here.read(partitions.missing)

    assert gone.name == empty.name
    assert await bare.read(partitions.missing) == []
    await here.write(partial(partitions.make, wanted=gone))
    assert await here.read(partitions.missing) == []


@on_postgresql
async def test_who_declares_holds_up_nobody_in_another_environment(
    places: dict[str | None, Place],
) -> None:
    here, other = await places[HERE].ob.store(), await places["be-ta"].ob.store()
    is_held, let_go = asyncio.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()

    def hold(connection: Any, _now: datetime) -> None:
        be_alone(connection)
        loop.call_soon(is_held.set)
        connection.execute(text("SELECT pg_sleep(0.5)"))
        let_go.set()

    holder = asyncio.create_task(here.write(hold))
    await is_held.wait()
    await other.write(lambda connection, _: be_alone(connection))

    assert not let_go.is_set()
    await holder


@on_postgresql
async def test_an_environment_has_all_that_is_without_one(database_url: str) -> None:
    staging = in_environment(database_url, "alpha")
    await migrated(staging)
    async with opened(staging) as store:
        public, own = [
            await store.read(partial(made_in, schema=schema))
            for schema in ("public", "onbeat_alpha")
        ]

    assert len(own) > 50
    assert own == public


def made_in(connection: Connection, _now: datetime, schema: str) -> list[tuple[Any, ...]]:
    """The tables, indexes and sequences there, without partitions, which go by the time."""
    made = text(
        "SELECT relname, relkind, replace(coalesce(pg_get_indexdef(rel.oid), ''), :place, '') "
        "FROM pg_class AS rel WHERE relnamespace = to_regnamespace(:schema) "
        "AND relkind IN ('r', 'p', 'i', 'I', 'S') AND NOT relispartition "
        "AND relname !~ '[0-9]{6}' ORDER BY 1, 2, 3"
    )
    rows = connection.execute(made, {"schema": schema, "place": f"{schema}."})
    return [tuple(row) for row in rows]


async def test_nothing_of_an_environment_is_outside_of_its_schema(postgres_url: str) -> None:
    place = application(postgres_url, "alpha")
    await place.ob.migrate()
    schemas = text(
        "SELECT DISTINCT nspname FROM pg_class AS rel "
        "JOIN pg_namespace AS nsp ON nsp.oid = relnamespace WHERE relname LIKE 'onbeat%'"
    )
    store = await place.ob.store()

    found = await store.read(lambda connection, _: connection.scalars(schemas).all())

    assert found == [schema_of("alpha")]
    await place.ob.close()


@pytest.mark.parametrize("noun", NOUNS)
async def test_an_environment_needs_no_tables_outside_of_its_own(
    postgres_url: str, noun: str
) -> None:
    place = application(postgres_url, "alpha")
    await place.ob.migrate()
    make, look = NOUNS[noun]

    await make(place)

    assert len(await look(place)) == 1
    await place.ob.close()


@pytest.mark.parametrize("name", ["jobs", "regions", "schema"])
async def test_an_environment_may_be_named_as_a_table_of_ours_is(
    database_url: str, name: str
) -> None:
    place = application(database_url, name)
    await place.ob.migrate()

    async with place.ob, place.ob.running():
        await (await place.send.enqueue("x")).result(timeout="30s")

    assert place.ran == ["x"]


async def test_a_kit_runs_in_an_environment_of_its_database(database_url: str) -> None:
    place = application(database_url, None)

    async with Opening(place.ob, url=database_url, environment="kit") as kit:
        await place.send.enqueue("x")
        await kit.drain()
        seen = [place.ob.environment]
    seen.append(place.ob.environment)

    assert (place.ran, seen) == (["x"], ["kit", None])
    async with place.ob:
        assert await place.ob.jobs.list() == []
