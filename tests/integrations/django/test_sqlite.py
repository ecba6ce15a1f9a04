"""Django's SQLite backend on Onbeat's file."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from django.db import OperationalError, models, transaction

from onbeat import Conflict, Onbeat
from onbeat.store.sqlite.file_lock import FileLock
from tests.app.guests.hosts import ALIAS, DjangoHost

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


class Order(models.Model):  # type: ignore[misc] # Django has no types
    """A table of the user's own."""

    number = models.IntegerField(unique=True)

    class Meta:
        """Where it belongs."""

        app_label = "shop"


def add(left: int, right: int = 1) -> int:
    return left + right


@pytest.fixture
def host(database_url: str) -> Iterator[DjangoHost]:
    """Django on Onbeat's database, with the user's table."""
    made = DjangoHost(database_url)
    made.settings["OPTIONS"]["timeout"] = 0.1
    with made.connection.schema_editor() as editor:
        editor.create_model(Order)
    yield made
    made.close()


@pytest.fixture
def ob(database_url: str) -> Iterator[Onbeat]:
    """Onbeat, for code without an event loop."""
    made = Onbeat(database_url)
    yield made
    made.close_blocking()


@pytest.fixture
def lock(database_url: str) -> Iterator[FileLock]:
    """The lock, as everybody else takes it."""
    made = FileLock(Path(database_url.removeprefix("sqlite:///")), 0.1)
    yield made
    made.close()


orders = Order.objects.using(ALIAS)


@pytest.mark.usefixtures("host")
def test_a_row_and_a_job_are_stored_together(ob: Onbeat, host: DjangoHost) -> None:
    task = ob.task(add)

    with transaction.atomic(using=ALIAS):
        order = orders.create(number=1)
        job = task.within(host.connection).enqueue_blocking(order.pk)

    assert (orders.count(), job.show_blocking().id) == (1, job.id)


@pytest.mark.usefixtures("host")
def test_a_row_saved_outside_of_a_block_has_its_key_and_frees_the_lock(lock: FileLock) -> None:
    order = orders.create(number=1)

    assert (order.pk, lock.try_acquire()) == (1, True)


@pytest.mark.usefixtures("host")
def test_an_atomic_block_waits_for_whoever_writes(lock: FileLock) -> None:
    with (
        lock.held(),
        pytest.raises(OperationalError, match="held by another writer"),
        transaction.atomic(using=ALIAS),
    ):
        pass


@pytest.mark.usefixtures("host")
def test_a_row_saved_outside_of_a_block_waits_for_whoever_writes(lock: FileLock) -> None:
    with lock.held(), pytest.raises(OperationalError, match="held by another writer"):
        orders.create(number=1)


def test_who_only_reads_waits_for_nobody(host: DjangoHost, lock: FileLock) -> None:
    host.connection.close()

    with lock.held():
        assert orders.count() == 0


@pytest.mark.usefixtures("host")
def test_an_atomic_block_keeps_others_from_writing(lock: FileLock) -> None:
    with transaction.atomic(using=ALIAS):
        orders.count()

        assert not lock.try_acquire()


@pytest.mark.usefixtures("host")
def test_an_atomic_block_that_fails_frees_the_lock(lock: FileLock) -> None:
    with pytest.raises(ZeroDivisionError), transaction.atomic(using=ALIAS):
        orders.create(number=1 // 0)

    assert lock.try_acquire()


@pytest.mark.usefixtures("host")
def test_a_plain_enqueue_inside_an_atomic_block_is_refused(ob: Onbeat) -> None:
    task = ob.task(add)

    with transaction.atomic(using=ALIAS), pytest.raises(Conflict, match=r"`\.within\("):
        task.enqueue_blocking(1)


@pytest.mark.usefixtures("host")
def test_after_a_block_a_plain_enqueue_is_taken(ob: Onbeat) -> None:
    task = ob.task(add)
    with transaction.atomic(using=ALIAS):
        orders.create(number=1)

    assert task.enqueue_blocking(1).show_blocking().task == "add"


def test_a_commit_is_on_disk_when_it_returns(host: DjangoHost) -> None:
    with host.connection.cursor() as cursor:
        cursor.execute("PRAGMA synchronous")
        (full,) = cursor.fetchone()
        cursor.execute("PRAGMA journal_mode")
        (mode,) = cursor.fetchone()

    assert (full, mode) == (2, "wal")


def test_a_database_in_memory_has_no_file_to_lock(host: DjangoHost) -> None:
    host.connection.close()
    host.settings["NAME"] = ":memory:"

    with host.connection.cursor() as cursor:
        cursor.execute("PRAGMA database_list")
        (_, _, name) = cursor.fetchone()

    assert (name, host.connection.onbeat_path) == ("", None)


@pytest.mark.parametrize("form", ["{path}", "file:{path}", "file:{path}?cache=private"])
def test_the_file_is_known_however_it_is_named(
    host: DjangoHost, database_url: str, form: str
) -> None:
    path = database_url.removeprefix("sqlite:///")
    host.settings["NAME"] = form.format(path=path)

    assert host.connection.onbeat_path == Path(path)
