"""An application that was used before a fork: never a hang, and never the parent's connections."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable

import pytest

from onbeat import Conflict, Onbeat, Settings, State

SECONDS = 20


def add(left: int, right: int = 1) -> int:
    return left + right


def in_child(work: Callable[[], object]) -> int:
    """Run `work` in a forked child; its exit code, 0 when nothing was raised."""
    child = os.fork()
    if child == 0:
        signal.alarm(SECONDS)
        code = 1
        try:
            work()
            code = 0
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


async def count(url: str) -> int:
    async with Onbeat(url, settings=Settings()) as ob:
        return len(await ob.jobs.list())


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_on_postgresql_a_child_connects_anew(blocking_ob: Onbeat) -> None:
    task = blocking_ob.task(add)
    before = task.enqueue_blocking(1)

    assert in_child(lambda: task.enqueue_blocking(2)) == 0
    assert before.show_blocking().state is State.PENDING
    assert asyncio.run(count(blocking_ob.url)) == 2


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_on_sqlite_a_child_is_told_what_to_do(blocking_ob: Onbeat) -> None:
    task = blocking_ob.task(add)
    task.enqueue_blocking(1)

    def ask() -> None:
        with pytest.raises(Conflict, match="close_blocking"):
            task.enqueue_blocking(2)

    assert in_child(ask) == 0


def test_a_child_of_one_that_was_closed_before_the_fork_works(blocking_ob: Onbeat) -> None:
    task = blocking_ob.task(add)
    task.enqueue_blocking(1)
    blocking_ob.close_blocking()

    assert in_child(lambda: task.enqueue_blocking(2)) == 0
    assert asyncio.run(count(blocking_ob.url)) == 2


def test_a_child_of_one_that_was_never_used_works(database_url: str) -> None:
    ob = Onbeat(database_url, settings=Settings())
    task = ob.task(add)

    assert in_child(lambda: task.enqueue_blocking(2)) == 0
    ob.close_blocking()
