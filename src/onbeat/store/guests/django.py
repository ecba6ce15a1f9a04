"""Django's database connections, on PostgreSQL and on SQLite."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, ClassVar

from onbeat.domain.environments import CHANNEL
from onbeat.domain.errors import InvalidInput
from onbeat.domain.jobs import NewJob
from onbeat.store.column_types import to_micros
from onbeat.store.guests.guest import (
    Refused,
    SyncGuest,
    on_postgres,
    outside,
    tables_told_missing,
)
from onbeat.store.rendering import named
from onbeat.store.sqlite import guests as sqlite_guests
from onbeat.store.sqlite.connections import database_path
from onbeat.store.sqlite.enqueueing import prepare, send
from onbeat.store.sqlite.errors import translate
from onbeat.timing import SystemTiming, Timing


class DjangoGuest(SyncGuest):
    """`django.db.connection`, or one of `django.db.connections`, inside `transaction.atomic()`.

    The stand-in `django.db.connection` is kept as it is: in each thread it means another one.
    """

    advice: ClassVar[str] = "give the connection of the alias that is on Onbeat's own database"

    def enqueue(self, jobs: Sequence[NewJob]) -> Refused:
        """Store them through Django's own cursor, which sees and shows all that is sent."""
        connection = self.transaction
        self.check_engine(connection.vendor)
        if connection.vendor == "sqlite":
            _refuse_memory(connection)
            path = getattr(connection, "onbeat_path", None)
            sqlite_guests.check(path, self.url, "Django's ENGINE must be " + sqlite_guests.DJANGO)
        if not connection.in_atomic_block and connection.get_autocommit():
            raise outside("open one first: `with transaction.atomic():`")
        with connection.cursor() as cursor:
            if connection.vendor == "sqlite":
                return _store_on_sqlite(connection, cursor, jobs, database_path(self.url))
            asked = on_postgres(jobs)
            with tables_told_missing(self.environment):
                cursor.execute(named(asked.statement, self.schema), asked.values)
                return asked.refused(cursor.fetchone())

    def after_commit(self, told: Callable[[], None]) -> None:
        """Use the hook of this connection's alias; savepoints rolled back take it with them."""
        if self.transaction.in_atomic_block:
            self.transaction.on_commit(told, robust=True)

    def hint(self, topics: Iterable[str]) -> None:
        """Notify on the connection itself, now that nothing of the caller's is open on it.

        Whatever goes wrong with it is not the caller's trouble: the commit stands, and the poll
        finds the job.
        """
        if self.transaction.vendor == "postgresql":
            with suppress(Exception):
                _notify(self.transaction, self.schema or CHANNEL, topics)
        else:
            super().hint(topics)


def _refuse_memory(connection: Any) -> None:
    """Raise InvalidInput for a database in memory, which is what Django's tests have by default."""
    if connection.is_in_memory_db():
        raise InvalidInput(
            "within", "the transaction is on a database in memory; Onbeat needs a file: in "
            "DATABASES, set TEST: {NAME: …} for tests, and NAME elsewhere",
        )  # fmt: skip


def _notify(connection: Any, channel: str, topics: Iterable[str]) -> None:
    # Not above: it loads what needs greenlet, which comes with the extra `postgres`.
    from onbeat.store.postgres.wakeups import payload_of  # noqa: PLC0415

    due = _hints.due(channel, topics)
    if due:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_notify(%s, %s)", [channel, payload_of(due)])


HINT_EVERY = 0.05
"""Seconds between two hints at one topic, as in postgres/wakeups.py."""


class Hints:
    """Keeps hints of one process apart: a NOTIFY's commit takes a lock of the whole cluster."""

    def __init__(self, timing: Timing) -> None:
        """Tell the time by `timing`."""
        self._timing = timing
        self._sent: dict[tuple[str, str], float] = {}

    def due(self, channel: str, topics: Iterable[str]) -> set[str]:
        """Those of `topics` that were not hinted at on the channel within the last 50 ms; they
        count as sent.
        """
        now = self._timing.monotonic()
        self._sent = {hint: at for hint, at in self._sent.items() if now - at < HINT_EVERY}
        due = {topic for topic in topics if (channel, topic) not in self._sent}
        self._sent |= dict.fromkeys(((channel, topic) for topic in due), now)
        return due


_hints = Hints(SystemTiming())


def _store_on_sqlite(
    connection: Any, cursor: Any, jobs: Sequence[NewJob], path: Path | None
) -> Refused:
    def execute(statement: str, values: Mapping[str, Any]) -> Any:
        cursor.execute(named(statement), values)
        return cursor

    with _translated(path):
        if not connection.connection.in_transaction:
            # Autocommit is off, and SQLite's driver would begin only with the first write: the
            # look at the last job must be in the same transaction.
            cursor.execute("BEGIN IMMEDIATE")
        return send(execute, prepare(jobs), to_micros(SystemTiming().now()))


@contextmanager
def _translated(path: Path | None) -> Iterator[None]:
    """Raise what SQLite raised, which is the cause of Django's errors, in our words."""
    try:
        yield
    except Exception as error:
        cause = error.__cause__
        meant = translate(cause, path) if isinstance(cause, sqlite3.Error) else None
        if meant is None:
            raise
        raise meant from error
