"""Enqueueing inside the caller's own transaction, on the caller's own connection.

The same statements as our own enqueue. No NOTIFY goes out in the caller's transaction; workers
are woken after the commit where the guest tells us of it, and find the job by their poll otherwise.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, event
from sqlalchemy.orm import Session

from onbeat.domain.errors import InvalidInput
from onbeat.domain.jobs import JobId, NewJob
from onbeat.store import guests as stored
from onbeat.store.wakeups import SCHEDULER
from onbeat.timing import Ids, SystemTiming

Wake = Callable[[Iterable[str]], None]

_ids = Ids(SystemTiming())


@dataclass(frozen=True, slots=True)
class Guest:
    """Somebody else's transaction."""

    transaction: Any
    """A Session, Connection, AsyncSession or AsyncConnection of SQLAlchemy's."""
    url: str
    """Onbeat's own database, which the transaction must be on."""
    is_async: bool

    def new_id(self) -> JobId:
        """An id for a job; made here, because the store may not be open."""
        return _ids.one()


def guest_of(transaction: object, url: str) -> Guest:
    """Recognise the transaction. Raises InvalidInput for what is not one."""
    if isinstance(transaction, Session | Connection):
        return Guest(transaction, url, is_async=False)
    if isinstance(transaction, _async_kinds()):
        return Guest(transaction, url, is_async=True)
    raise InvalidInput(
        "within", f"{type(transaction).__name__} is not a transaction Onbeat knows; give a "
        "SQLAlchemy Session, AsyncSession, Connection or AsyncConnection",
    )  # fmt: skip


def _async_kinds() -> tuple[type, ...]:
    """The async classes, if the caller has loaded them: they need greenlet, which we do not."""
    loaded = sys.modules.get("sqlalchemy.ext.asyncio")
    return () if loaded is None else (loaded.AsyncSession, loaded.AsyncConnection)


def _store(connection: Connection, jobs: Sequence[NewJob], url: str) -> None:
    ours = "sqlite" if url.startswith("sqlite") else "postgresql"
    if connection.dialect.name != ours:
        raise InvalidInput(
            "within", f"the transaction is on {connection.dialect.name}, Onbeat is on {ours}; give "
            "one on Onbeat's own database",
        )  # fmt: skip
    stored.enqueue(connection, jobs, url)


def enqueue_within(guest: Guest, jobs: Sequence[NewJob], wake: Wake) -> None:
    """Store `jobs` on a sync guest."""
    if guest.is_async:
        raise InvalidInput("within", "the session is async; use `await ….enqueue(…)` with it")
    session = guest.transaction
    if isinstance(session, Session):
        _store(session.connection(), jobs, guest.url)
        _wake_after_commit(session, jobs, wake)
    else:
        _store(session, jobs, guest.url)


async def enqueue_within_async(guest: Guest, jobs: Sequence[NewJob], wake: Wake) -> None:
    """Store `jobs` on an async guest, or on a sync one that async code uses."""
    if not guest.is_async:
        enqueue_within(guest, jobs, wake)
        return
    transaction = guest.transaction
    if hasattr(transaction, "sync_session"):
        connection = await transaction.connection()
        await connection.run_sync(_store, jobs, guest.url)
        _wake_after_commit(transaction.sync_session, jobs, wake)
    else:
        await transaction.run_sync(_store, jobs, guest.url)


def _wake_after_commit(session: Session, jobs: Sequence[NewJob], wake: Wake) -> None:
    topics = {job.queue for job in jobs} | {SCHEDULER}

    def told(_session: Any) -> None:
        wake(topics)

    event.listen(session, "after_commit", told, once=True)
