"""Django's connections."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from asgiref.sync import sync_to_async
from django.db import DEFAULT_DB_ALIAS, connection, connections, transaction

from onbeat import InvalidInput, JobFilter, Onbeat, Settings, State
from tests.app.guests.hosts import ALIAS, DjangoHost
from tests.app.guests.test_laws import count, heard, in_time, listening

ON_POSTGRES = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
ON_SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


def add(left: int, right: int = 1) -> int:
    return left + right


@pytest.fixture
def host(database_url: str) -> Iterator[DjangoHost]:
    """Django on Onbeat's database."""
    made = DjangoHost(database_url)
    yield made
    made.close()


@pytest.fixture
def default(host: DjangoHost, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The same as Django's default database."""
    monkeypatch.setitem(connections.settings, DEFAULT_DB_ALIAS, host.settings)
    forget_default()
    yield
    forget_default()


def forget_default() -> None:
    """Close this thread's default connection, and have another made by the next who asks."""
    connections[DEFAULT_DB_ALIAS].close()
    del connections[DEFAULT_DB_ALIAS]


@pytest.mark.usefixtures("default")
def test_the_default_connection_is_recognised_behind_its_stand_in(blocking_ob: Onbeat) -> None:
    task = blocking_ob.task(add)

    with transaction.atomic():
        job = task.within(connection).enqueue_blocking(1)

    assert job.show_blocking().state is State.PENDING


def test_a_durable_block_is_a_transaction(host: DjangoHost, blocking_ob: Onbeat) -> None:
    task = blocking_ob.task(add)

    with transaction.atomic(using=ALIAS, durable=True):
        job = task.within(host.connection).enqueue_blocking(1)

    assert job.show_blocking().state is State.PENDING


def test_a_block_marked_for_rollback_keeps_no_job(host: DjangoHost, blocking_ob: Onbeat) -> None:
    task = blocking_ob.task(add)

    with transaction.atomic(using=ALIAS):
        task.within(host.connection).enqueue_blocking(1)
        transaction.set_rollback(True, using=ALIAS)

    assert count(blocking_ob) == 0


def test_transactions_by_hand_will_do(host: DjangoHost, blocking_ob: Onbeat) -> None:
    task = blocking_ob.task(add)
    transaction.set_autocommit(False, using=ALIAS)

    job = task.within(host.connection).enqueue_blocking(1)
    transaction.commit(using=ALIAS)

    assert job.show_blocking().state is State.PENDING


@ON_SQLITE
def test_by_hand_the_transaction_is_begun_before_anything_is_looked_up(
    host: DjangoHost, blocking_ob: Onbeat
) -> None:
    task = blocking_ob.task(add)
    transaction.set_autocommit(False, using=ALIAS)
    sent: list[str] = []
    host.connection.connection.set_trace_callback(sent.append)

    task.within(host.connection).enqueue_blocking(1)
    transaction.rollback(using=ALIAS)

    assert sent[0] == "BEGIN IMMEDIATE"


def test_a_rollback_by_hand_keeps_no_job(host: DjangoHost, blocking_ob: Onbeat) -> None:
    task = blocking_ob.task(add)
    transaction.set_autocommit(False, using=ALIAS)

    task.within(host.connection).enqueue_blocking(1)
    transaction.rollback(using=ALIAS)

    assert count(blocking_ob) == 0


@pytest.mark.usefixtures("default")
async def test_async_code_enqueues_where_it_has_its_transaction(ob: Onbeat) -> None:
    task = ob.task(add)

    def order() -> str:
        with transaction.atomic():
            return task.within(connection).enqueue_blocking(1).id

    job = await sync_to_async(order)()
    await sync_to_async(forget_default)()

    assert [each.id for each in await ob.jobs.list(JobFilter())] == [job]


@ON_POSTGRES
def test_workers_elsewhere_are_told_by_a_process_that_has_no_store_open(
    host: DjangoHost, database_url: str, blocking_ob: Onbeat
) -> None:
    enqueuing = Onbeat(database_url, settings=Settings()).task(add)
    block = blocking_ob._context.block
    woken = block(lambda: listening(blocking_ob))

    with host.begun() as within:
        enqueuing.within(within).enqueue_blocking(1)
        before = block(lambda: heard(woken))

    block(lambda: in_time(woken))
    assert not before


@ON_SQLITE
def test_the_stock_backend_is_refused_for_it_takes_no_lock(
    host: DjangoHost, blocking_ob: Onbeat
) -> None:
    task = blocking_ob.task(add)
    host.settings["ENGINE"] = "django.db.backends.sqlite3"

    with (
        host.begun() as within,
        pytest.raises(InvalidInput, match=r"ENGINE must be onbeat\.integrations\.django\.sqlite"),
    ):
        task.within(within).enqueue_blocking(1)


@ON_SQLITE
@pytest.mark.parametrize(
    "engine", ["django.db.backends.sqlite3", "onbeat.integrations.django.sqlite"]
)
@pytest.mark.parametrize("name", [":memory:", "file:memorydb_shop?mode=memory&cache=shared"])
def test_a_database_in_memory_is_refused_as_one(
    host: DjangoHost, blocking_ob: Onbeat, engine: str, name: str
) -> None:
    task = blocking_ob.task(add)
    host.settings.update(ENGINE=engine, NAME=name)

    with (
        host.begun() as within,
        pytest.raises(InvalidInput, match=r"database in memory.* set TEST: \{NAME: …\}"),
    ):
        task.within(within).enqueue_blocking(1)


@ON_SQLITE
def test_another_file_is_refused(host: DjangoHost) -> None:
    task = Onbeat("sqlite:////nowhere/onbeat.db", settings=Settings()).task(add)

    with (
        host.begun() as within,
        pytest.raises(InvalidInput, match=r"the transaction writes .*onbeat.db, Onbeat is on /no"),
    ):
        task.within(within).enqueue_blocking(1)
