"""SQLAlchemy's sessions, used again after their transaction."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from onbeat import Onbeat
from tests.app.guests.hosts import SessionHost
from tests.app.guests.test_laws import heard, in_time, listening

# On PostgreSQL a hint comes back from the server once more, a little later.
ON_SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


def add(left: int, right: int = 1) -> int:
    return left + right


@pytest.fixture
def session(database_url: str) -> Iterator[Session]:
    """One of the user's."""
    host = SessionHost(database_url)
    with Session(host.engine) as session:
        yield session
    host.close()


def test_a_commit_after_a_rollback_wakes_nobody(session: Session, blocking_ob: Onbeat) -> None:
    task, block = blocking_ob.task(add), blocking_ob._context.block
    woken = block(lambda: listening(blocking_ob))
    task.within(session).enqueue_blocking(1)
    session.rollback()

    session.execute(text("SELECT 1"))
    session.commit()

    assert not block(lambda: heard(woken))


@ON_SQLITE
def test_every_commit_wakes_for_its_own_jobs(session: Session, blocking_ob: Onbeat) -> None:
    task, block = blocking_ob.task(add), blocking_ob._context.block
    woken = block(lambda: listening(blocking_ob))

    for number in range(2):
        woken.clear()
        task.within(session).enqueue_blocking(number)
        session.commit()
        block(lambda: in_time(woken))

    assert woken.is_set()


@ON_SQLITE
def test_a_commit_wakes_nobody_again(session: Session, blocking_ob: Onbeat) -> None:
    task, block = blocking_ob.task(add), blocking_ob._context.block
    woken = block(lambda: listening(blocking_ob))
    task.within(session).enqueue_blocking(1)
    session.commit()
    block(lambda: in_time(woken))
    woken.clear()

    session.execute(text("SELECT 1"))
    session.commit()

    assert not block(lambda: heard(woken))
