"""SQLAlchemy's sessions and connections, sync and async."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, event, text

from onbeat.domain.jobs import NewJob
from onbeat.store.column_types import to_micros
from onbeat.store.guests.guest import (
    AsyncGuest,
    Guest,
    Refused,
    SyncGuest,
    on_postgres,
    outside,
    tables_told_missing,
)
from onbeat.store.rendering import qualified
from onbeat.store.sqlite import guests as sqlite_guests
from onbeat.store.sqlite.connections import database_path
from onbeat.store.sqlite.enqueueing import prepare, send
from onbeat.store.sqlite.errors import translated
from onbeat.timing import SystemTiming

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

PENDING = "onbeat_after_commit"
"""Under this name a session's info carries what is to be called after its commit."""


class ConnectionGuest(SyncGuest):
    """A Connection. It has no hook after its commit: its "commit" event comes before."""

    def enqueue(self, jobs: Sequence[NewJob]) -> Refused:
        """Store them on it."""
        return _store(self.transaction, jobs, self)


class SessionGuest(SyncGuest):
    """A Session."""

    def enqueue(self, jobs: Sequence[NewJob]) -> Refused:
        """Store them on the connection it uses."""
        return _store(self.transaction.connection(), jobs, self)

    def after_commit(self, told: Callable[[], None]) -> None:
        """Use the session's own event."""
        _listen(self.transaction, told)


class AsyncConnectionGuest(AsyncGuest):
    """An AsyncConnection; no hook, like the sync one it stands for."""

    async def enqueue(self, jobs: Sequence[NewJob]) -> Refused:
        """Store them on it."""
        refused: Refused = await self.transaction.run_sync(_store, jobs, self)
        return refused


class AsyncSessionGuest(AsyncGuest):
    """An AsyncSession."""

    async def enqueue(self, jobs: Sequence[NewJob]) -> Refused:
        """Store them on the connection it uses."""
        connection = await self.transaction.connection()
        refused: Refused = await connection.run_sync(_store, jobs, self)
        return refused

    def after_commit(self, told: Callable[[], None]) -> None:
        """Use the event of the sync session within."""
        _listen(self.transaction.sync_session, told)


def _store(connection: Connection, jobs: Sequence[NewJob], guest: Guest) -> Refused:
    guest.check_engine(connection.dialect.name)
    if connection.dialect.name == "postgresql":
        _refuse_autocommit(connection)
        asked = on_postgres(jobs)
        statement = text(qualified(asked.statement, guest.schema))
        with tables_told_missing(guest.environment):
            return asked.refused(connection.execute(statement, asked.values).one())
    path = connection.info.get(sqlite_guests.OURS)
    sqlite_guests.check(path, guest.url, "the session's engine must come from "
                        "onbeat.sqlite_engine(url)")  # fmt: skip
    with translated(database_path(guest.url)):
        now = to_micros(SystemTiming().now())
        return send(connection.exec_driver_sql, prepare(jobs), now)


def _refuse_autocommit(connection: Connection) -> None:
    driver: Any = connection.connection.dbapi_connection
    if connection.dialect.detect_autocommit_setting(driver):
        raise outside('use an engine whose isolation level is not "AUTOCOMMIT"')


def _listen(session: Session, told: Callable[[], None]) -> None:
    pending: list[Callable[[], None]] = session.info.setdefault(PENDING, [])
    pending.append(told)
    if not event.contains(session, "after_commit", _tell):
        event.listen(session, "after_commit", _tell)
        event.listen(session, "after_rollback", _forget)


def _tell(session: Session) -> None:
    """A savepoint that is released is a commit to SQLAlchemy, but nothing is committed yet."""
    if not session.in_nested_transaction():
        for told in session.info.pop(PENDING, []):
            told()


def _forget(session: Session) -> None:
    if not session.in_nested_transaction():
        session.info.pop(PENDING, None)
