"""What holds in everybody's transaction, whichever library and engine it is of."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from onbeat import (
    InvalidArguments,
    InvalidInput,
    JobFilter,
    JobHandle,
    NotFound,
    Onbeat,
    Settings,
    State,
    Unique,
)
from onbeat.app.processes import Parts
from onbeat.domain.errors import SchemaMissing
from onbeat.runtime.worker.worker import WorkerOptions
from onbeat.store.schema import marks
from tests.app.guests.hosts import KINDS, AsyncHost, Host, Kind


def guests(fits: Callable[[Kind], bool]) -> pytest.MarkDecorator:
    """Run a law for each row of the table that `fits`."""
    about = [kind for kind in KINDS if fits(kind)]
    return pytest.mark.parametrize(
        ("kind", "database_url"),
        [(kind, kind.engine) for kind in about],
        indirect=["database_url"],
        ids=map(str, about),
    )


EVERY = guests(lambda _: True)
HOOKED = guests(lambda kind: kind.has_hook)
AUTOCOMMITTING = guests(lambda kind: kind.autocommits)
ASYNC = guests(lambda kind: issubclass(kind.host, AsyncHost))


class Undone(Exception):
    """Somebody's reason to roll back."""


@contextmanager
def undone(transaction: AbstractContextManager[Any]) -> Iterator[Any]:
    """Do what is done within, and roll it back."""
    with suppress(Undone), transaction as within:
        yield within
        raise Undone


def add(left: int, right: int = 1) -> int:
    return left + right


async def run(ob: Onbeat, job: JobHandle[int]) -> int:
    """What the job gives, run by a worker."""
    async with ob.running(parts=Parts(scheduler=False, options=WorkerOptions())):
        return await job.result("15s")


async def listening(ob: Onbeat) -> asyncio.Event:
    """What is set when a worker of the queue `default` would be woken."""
    store = await ob.store()
    woken = asyncio.Event()
    store.wakeups.subscribe(woken, ["default"])
    await in_time(woken)  # everybody is woken once it listens
    woken.clear()
    return woken


async def in_time(woken: asyncio.Event) -> None:
    """Wait for it."""
    async with asyncio.timeout(10):
        await woken.wait()


async def heard(woken: asyncio.Event) -> bool:
    """Whether it is set, once its loop has done what it was asked so far."""
    await asyncio.sleep(0)
    return woken.is_set()


def count(ob: Onbeat) -> int:
    """How many jobs there are."""
    return len(ob._context.block(lambda: ob.jobs.list(JobFilter())))


@EVERY
def test_a_job_of_a_committed_transaction_runs(host: Host, blocking_ob: Onbeat) -> None:
    task = blocking_ob.task(add)

    with host.begun() as transaction:
        job = host.enqueue(task.within(transaction), 1)

    assert blocking_ob._context.block(lambda: run(blocking_ob, job)) == 2


@EVERY
def test_a_job_of_a_transaction_that_was_rolled_back_never_was(
    host: Host, blocking_ob: Onbeat
) -> None:
    task = blocking_ob.task(add)

    with undone(host.begun()) as transaction:
        job = host.enqueue(task.within(transaction), 1)

    with pytest.raises(NotFound):
        job.show_blocking()


@EVERY
def test_before_the_commit_nobody_sees_the_job(host: Host, blocking_ob: Onbeat) -> None:
    task = blocking_ob.task(add)

    with host.begun() as transaction:
        job = host.enqueue(task.within(transaction), 1)

        with pytest.raises(NotFound):
            job.show_blocking()


@EVERY
def test_a_savepoint_takes_back_its_own_jobs_and_no_others(host: Host, blocking_ob: Onbeat) -> None:
    task = blocking_ob.task(add)

    with host.begun() as transaction:
        kept = host.enqueue(task.within(transaction), 1)
        with undone(host.savepoint(transaction)):
            host.enqueue(task.within(transaction), 2)

    listed = blocking_ob._context.block(lambda: blocking_ob.jobs.list(JobFilter()))
    assert [job.id for job in listed] == [kept.id]


@EVERY
def test_a_job_of_a_transaction_is_found_by_its_tags_and_owner(
    host: Host, blocking_ob: Onbeat
) -> None:
    task = blocking_ob.task(add)

    with host.begun() as transaction:
        marked = task.within(transaction).opts(tags=("vip",), owner="u-17")
        job = host.enqueue(marked, 1)

    shown = job.show_blocking()
    assert (shown.tags, shown.owner) == (("vip",), "u-17")
    assert blocking_ob._context.block(lambda: _marks(blocking_ob)) == {
        ("owner:u-17", job.id), ("tag:vip", job.id)
    }  # fmt: skip


async def _marks(ob: Onbeat) -> set[tuple[str, str]]:
    query = select(marks.c.mark, marks.c.job)
    return set(await (await ob.store()).read(lambda c, _: [tuple(row) for row in c.execute(query)]))


@EVERY
def test_the_options_of_a_call_hold_in_a_transaction(host: Host, blocking_ob: Onbeat) -> None:
    task = blocking_ob.task(add)

    with host.begun() as transaction:
        job = host.enqueue(task.within(transaction).opts(queue="mail", delay="1h"), 1)

    shown = job.show_blocking()
    assert (shown.queue, shown.state) == ("mail", State.SCHEDULED)


@EVERY
def test_wrong_arguments_leave_the_transaction_as_it_was(host: Host, blocking_ob: Onbeat) -> None:
    task = blocking_ob.task(add)

    with host.begun() as transaction:
        with pytest.raises(InvalidArguments):
            host.enqueue(task.within(transaction), "one")
        job = host.enqueue(task.within(transaction), 1)

    assert job.show_blocking().state is State.PENDING


@EVERY
def test_many_jobs_are_stored_with_the_commit(host: Host, blocking_ob: Onbeat) -> None:
    task = blocking_ob.task(add)
    calls = [task.bind(number) for number in range(7)]

    with host.begun() as transaction:
        host.enqueue_many(blocking_ob, calls, transaction)

    assert count(blocking_ob) == 7


@EVERY
def test_many_jobs_are_gone_with_the_rollback(host: Host, blocking_ob: Onbeat) -> None:
    task = blocking_ob.task(add)

    with undone(host.begun()) as transaction:
        host.enqueue_many(blocking_ob, [task.bind(1), task.bind(2)], transaction)

    assert count(blocking_ob) == 0


@pytest.fixture
def empty_url(kind: Kind, tmp_path: Path, request: pytest.FixtureRequest) -> str:
    """A database without our tables."""
    if kind.engine == "sqlite":
        return f"sqlite:///{tmp_path}/empty.db"
    return str(request.getfixturevalue("postgres_url"))


@pytest.fixture
def empty_host(kind: Kind, empty_url: str) -> Iterator[Host]:
    """A host on it."""
    made = kind.host(empty_url)
    yield made
    made.close()


@pytest.mark.parametrize("kind", KINDS, ids=map(str, KINDS))
def test_a_database_without_tables_says_how_to_make_them(empty_host: Host, empty_url: str) -> None:
    task = Onbeat(empty_url, settings=Settings()).task(add)

    with (
        pytest.raises(SchemaMissing, match="`onbeat db migrate`"),
        empty_host.begun() as transaction,
    ):
        empty_host.enqueue(task.within(transaction), 1)


@AUTOCOMMITTING
def test_without_an_open_transaction_nothing_is_stored(host: Host, blocking_ob: Onbeat) -> None:
    task = blocking_ob.task(add)

    with (
        host.autocommitting() as connection,
        pytest.raises(InvalidInput, match="no transaction is open on the connection; "),
    ):
        host.enqueue(task.within(connection), 1)

    assert count(blocking_ob) == 0


@EVERY
def test_a_transaction_on_another_engine_is_refused(host: Host, kind: Kind) -> None:
    url = "sqlite:////nowhere/o.db" if kind.engine == "postgresql" else "postgresql://nowhere/o"
    task = Onbeat(url, settings=Settings()).task(add)

    with (
        host.begun() as transaction,
        pytest.raises(InvalidInput, match=f"the transaction is on {kind.engine}, Onbeat is on "),
    ):
        host.enqueue(task.within(transaction), 1)


@ASYNC
def test_an_async_transaction_is_not_for_blocking_code(host: Host, blocking_ob: Onbeat) -> None:
    task = blocking_ob.task(add)

    with (
        host.begun() as transaction,
        pytest.raises(InvalidInput, match="the transaction is async; use `await"),
    ):
        task.within(transaction).enqueue_blocking(1)


@HOOKED
def test_a_worker_is_woken_after_the_commit_and_not_before(host: Host, blocking_ob: Onbeat) -> None:
    task, block = blocking_ob.task(add), blocking_ob._context.block
    woken = block(lambda: listening(blocking_ob))

    with host.begun() as transaction:
        host.enqueue(task.within(transaction), 1)
        before = block(lambda: heard(woken))

    block(lambda: in_time(woken))
    assert not before


@HOOKED
def test_a_savepoint_that_is_kept_wakes_nobody_before_the_commit(
    host: Host, blocking_ob: Onbeat
) -> None:
    task, block = blocking_ob.task(add), blocking_ob._context.block
    woken = block(lambda: listening(blocking_ob))

    with host.begun() as transaction:
        with host.savepoint(transaction):
            host.enqueue(task.within(transaction), 1)
        before = block(lambda: heard(woken))

    block(lambda: in_time(woken))
    assert not before


@HOOKED
def test_a_rollback_wakes_nobody(host: Host, blocking_ob: Onbeat) -> None:
    task, block = blocking_ob.task(add), blocking_ob._context.block
    woken = block(lambda: listening(blocking_ob))

    with undone(host.begun()) as transaction:
        host.enqueue(task.within(transaction), 1)
    with host.begun() as transaction:
        host.enqueue(task.within(transaction).opts(queue="other"), 1)

    assert not block(lambda: heard(woken))


def test_what_is_no_transaction_is_refused(blocking_ob: Onbeat) -> None:
    with pytest.raises(InvalidInput, match="str is not a transaction Onbeat knows; give a SQLAl"):
        blocking_ob.task(add).within("session")


@EVERY
def test_in_a_transaction_a_job_learns_who_has_its_unique_key(
    host: Host, blocking_ob: Onbeat
) -> None:
    task = blocking_ob.task(unique=Unique(by=("left",)), start_within="10m")(add)
    first = task.enqueue_blocking(1)

    with host.begun() as transaction:
        second = host.enqueue(task.within(transaction), 1)
        third, fourth, fifth = [host.enqueue(task.within(transaction), left) for left in (2, 2, 3)]

    assert (second.is_new, second.id) == (False, first.id)
    assert (third.is_new, fourth.is_new, fourth.id) == (True, False, third.id)
    assert fifth.is_new
    assert count(blocking_ob) == 3
    assert fifth.show_blocking().expires_at is not None


@EVERY
def test_a_key_taken_in_a_transaction_that_is_rolled_back_is_free(
    host: Host, blocking_ob: Onbeat
) -> None:
    task = blocking_ob.task(unique=Unique())(add)

    with undone(host.begun()) as transaction:
        host.enqueue(task.within(transaction), 1)

    assert task.enqueue_blocking(1).is_new


@EVERY
def test_many_unique_jobs_are_told_apart_in_a_transaction(host: Host, blocking_ob: Onbeat) -> None:
    task = blocking_ob.task(unique=Unique())(add)

    with host.begun() as transaction:
        handles = host.enqueue_many(blocking_ob, [task.bind(n) for n in (1, 2, 1)], transaction)

    assert [each.is_new for each in handles] == [True, True, False]


@EVERY
def test_a_job_that_replaces_another_is_refused_in_a_transaction(
    host: Host, blocking_ob: Onbeat
) -> None:
    task = blocking_ob.task(unique=Unique(on_conflict="replace"))(add)

    with host.begun() as transaction, pytest.raises(InvalidInput, match="on_conflict"):
        host.enqueue(task.within(transaction), 1)

    assert count(blocking_ob) == 0
