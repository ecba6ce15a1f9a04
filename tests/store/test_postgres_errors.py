"""What PostgreSQL refuses, in our words; and a restart, after which work goes on by itself."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from uuid import uuid4

import asyncpg
import pytest

from onbeat.domain.errors import InvalidSetting, StoreError, StoreReadOnly, StoreUnavailable
from onbeat.store.opening import open_store
from onbeat.store.schema_state import migrate
from onbeat.store.store import Store
from onbeat.timing import SystemTiming
from tests import factories
from tests.conftest import opened
from tests.contract.world import begin
from tests.servers.postgres import PostgresServer, free_port, launch

SECRET = "correct-horse-battery"  # noqa: S105 - a password of this test's own server


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    """A server of this module's own, to be restarted."""
    with launch() as server:
        yield server


@pytest.fixture
async def own_store(server: PostgresServer) -> AsyncIterator[Store]:
    url = server.create_database(f"own_{uuid4().hex}")
    store = open_store(url)
    await store.write(migrate)
    yield store
    await store.close()


async def complaint(url: str) -> StoreError:
    """What opening a store there says."""
    with pytest.raises(StoreError) as caught:
        async with opened(url):
            pass
    return caught.value


async def test_a_wrong_password_is_never_shown(server: PostgresServer) -> None:
    connection = await asyncpg.connect(server.url())
    await connection.execute("CREATE ROLE ann LOGIN PASSWORD 'another'")
    rules = server.directory / "data" / "pg_hba.conf"
    rules.write_text("host all ann 127.0.0.1/32 scram-sha-256\n" + rules.read_text())
    await connection.execute("SELECT pg_reload_conf()")
    await connection.close()

    said = await complaint(f"postgresql://ann:{SECRET}@127.0.0.1:{server.port}/postgres")

    assert "password authentication failed" in str(said)
    assert "check the user and password" in str(said)
    assert SECRET not in f"{said!s}{said!r}"
    assert not isinstance(said, StoreUnavailable)


async def test_a_server_that_is_not_there_is_unavailable_and_its_password_not_shown() -> None:
    said = await complaint(f"postgresql://ann:{SECRET}@127.0.0.1:{free_port()}/postgres")

    assert isinstance(said, StoreUnavailable)
    assert "cannot be reached" in str(said)
    assert SECRET not in str(said)


async def test_a_host_nobody_knows_is_unavailable() -> None:
    assert isinstance(await complaint("postgresql://ann@no.such.host.invalid/x"), StoreUnavailable)


async def test_a_database_that_is_missing_says_how_to_make_it(server: PostgresServer) -> None:
    said = await complaint(server.url("nowhere"))

    assert "createdb" in str(said)


@pytest.mark.parametrize(
    "url", ["postgresql:broken", "postgresql+psycopg2://host/x", "postgresql+nothing://h/x"]
)
def test_a_url_for_another_driver_or_for_none_is_refused(url: str) -> None:
    with pytest.raises(InvalidSetting, match="postgresql://"):
        open_store(url)


async def test_a_read_cannot_write(store: Store) -> None:
    session = factories.session()

    with pytest.raises(StoreReadOnly):
        await store.read(
            lambda connection, now: (
                connection.exec_driver_sql(
                    f"DELETE FROM onbeat_sessions WHERE instance = '{session.instance}'"  # noqa: S608
                )
                and None
            )
        )


@pytest.mark.parametrize("mode", ["fast", "immediate"])
async def test_after_a_restart_calls_fail_in_our_words_and_then_work(
    server: PostgresServer, own_store: Store, mode: str
) -> None:
    """However many connections the pool held: none of the dead ones is lent out for ever."""
    session = await begin(own_store)
    await asyncio.gather(*(own_store.claim(session.id, ["default"], 1) for _ in range(8)))

    # From this thread: the server ends with the thread that started it.
    server.restart("immediate" if mode == "immediate" else "fast")

    failures = 0
    for _ in range(30):
        try:
            await own_store.claim(session.id, ["default"], 1)
            await own_store.read(lambda connection, _: connection.exec_driver_sql("SELECT 1").all())
        except StoreUnavailable:
            failures += 1
        else:
            break
    answers = await asyncio.gather(*(own_store.enqueue(factories.jobs(1)) for _ in range(20)))
    assert failures < 30
    assert answers == [1] * 20


async def test_while_the_server_is_down_every_call_says_that_it_is(
    server: PostgresServer, own_store: Store
) -> None:
    await own_store.enqueue(factories.jobs(1))
    server.stop("fast")

    try:
        for _ in range(3):
            with pytest.raises(StoreUnavailable, match="cannot be reached"):
                await own_store.enqueue(factories.jobs(1))
            with pytest.raises(StoreUnavailable, match="cannot be reached"):
                await own_store.read(lambda connection, _: None)
    finally:
        server.start()


async def test_a_statement_that_waits_too_long_for_a_lock_is_unavailable(own_store: Store) -> None:
    blocker = await asyncpg.connect(own_store.url)
    await blocker.execute("BEGIN; LOCK TABLE onbeat_ready")

    with pytest.raises(StoreUnavailable):
        await own_store.enqueue(factories.jobs(1))

    await blocker.close()
    assert await own_store.enqueue(factories.jobs(1)) == 1


async def test_the_databases_own_clock_is_used_in_life(own_store: Store) -> None:
    before = SystemTiming().now()
    now = await own_store.read(lambda connection, now: now)

    assert abs((now - before).total_seconds()) < 60
