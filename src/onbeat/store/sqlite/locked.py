"""sqlite3 connections of a user's own that hold the file lock whenever they write.

What is not plainly a read takes the lock before it runs and keeps it until no transaction is open:
a statement outside of a transaction for as long as it runs, a transaction to its end, however it
ends. Only the writes of this connection are covered, not its `backup` and `blobopen`.
"""

from __future__ import annotations

import re
import sqlite3
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Any, Literal, Self

from onbeat.domain.errors import StoreError
from onbeat.store.sqlite.guests import WriteTurn

_READ = re.compile(
    r"""\s* (?: (?: SELECT | VALUES | EXPLAIN ) \b
              | PRAGMA \s+ (?: foreign_key\w+ | table_\w+ | index_\w+ | database_list
                             | synchronous | journal_size_limit | legacy_alter_table
                             | journal_mode \s* ;? \s* $ ) )""",
    re.IGNORECASE | re.VERBOSE,
)
"""What is sure not to change the file. WITH may, and so may other PRAGMAs, or what follows a
comment: they take the lock, which costs a wait and is never wrong."""

_ISOLATION_LEVEL: Any = sqlite3.Connection.isolation_level


class LockedConnection(sqlite3.Connection):
    """A connection that writes when it is its turn. A turn that does not come is an
    OperationalError, as of a locked database.
    """

    def __init__(self, turn: WriteTurn, database: Any, **options: Any) -> None:
        """Open `database`, whose turns are `turn`."""
        self._turn = turn
        # A thread may end without closing; the lock file must not stay open for ever.
        weakref.finalize(self, turn.close)
        super().__init__(database, **options)

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Have the turn for what is done within, and for the transaction it leaves open."""
        try:
            self._turn.take()
        except StoreError as error:
            raise sqlite3.OperationalError(str(error)) from error
        try:
            yield
        finally:
            self._settle()

    def cursor(self, factory: Any = None) -> Any:
        """A cursor that takes the lock; a `factory` of the caller's must make such, too."""
        made: Any = super().cursor(factory or LockedCursor)  # type: ignore[arg-type] # as typeshed has it
        return made

    # sqlite3's own three make plain cursors, whatever `cursor` makes.
    def execute(self, statement: str, parameters: Any = (), /) -> Any:
        """Run one statement with a cursor of its own."""
        return self.cursor().execute(statement, parameters)

    def executemany(self, statement: str, parameters: Any, /) -> Any:
        """Run a statement for each of `parameters` with a cursor of its own."""
        return self.cursor().executemany(statement, parameters)

    def executescript(self, script: str, /) -> Any:
        """Run many statements with a cursor of its own."""
        return self.cursor().executescript(script)

    def commit(self) -> None:
        """Commit, and give the turn back."""
        try:
            super().commit()
        finally:
            self._settle()

    def rollback(self) -> None:
        """Roll back, and give the turn back."""
        try:
            super().rollback()
        finally:
            self._settle()

    def close(self) -> None:
        """Close, under the lock if it is free: the last connection to close checkpoints.

        Whoever holds it instead is connected, and so this is not the last one.
        """
        self._turn.try_take()
        try:
            super().close()
        finally:
            self._turn.close()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> Literal[False]:
        """Commit, or roll back after an error, and give the turn back."""
        try:
            return super().__exit__(kind, error, trace)
        finally:
            self._settle()

    @property
    def isolation_level(self) -> Any:
        """As sqlite3 has it; setting it may commit."""
        return super().isolation_level

    @isolation_level.setter
    def isolation_level(self, level: Any) -> None:
        """Set it, and give the turn back if that committed."""
        try:
            _ISOLATION_LEVEL.__set__(self, level)
        finally:
            self._settle()

    def _settle(self) -> None:
        if not self.in_transaction:
            self._turn.give_back()


class LockedCursor(sqlite3.Cursor):
    """A cursor of such a connection.

    Outside of a transaction a write that returns rows commits when the last one is read, so they
    are read at once, under the lock, and handed out from memory.
    """

    connection: LockedConnection

    def __init__(self, connection: LockedConnection) -> None:
        """Made by `LockedConnection.cursor`."""
        super().__init__(connection)
        self._rows: Iterator[Any] | None = None

    def execute(self, statement: str, parameters: Any = (), /) -> Self:
        """Run one statement."""
        self._rows = None
        if _READ.match(statement):
            return super().execute(statement, parameters)
        with self.connection.writing():
            super().execute(statement, parameters)
            if self.description is not None and not self.connection.in_transaction:
                self._rows = iter(super().fetchall())
        return self

    def executemany(self, statement: str, parameters: Any, /) -> Self:
        """Run a statement for each of `parameters`."""
        self._rows = None
        with self.connection.writing():
            return super().executemany(statement, parameters)

    def executescript(self, script: str, /) -> Self:
        """Run many statements."""
        self._rows = None
        with self.connection.writing():
            super().executescript(script)
        return self

    def __next__(self) -> Any:
        """The next row."""
        return super().__next__() if self._rows is None else next(self._rows)

    def fetchone(self) -> Any:
        """The next row, None after the last."""
        return super().fetchone() if self._rows is None else next(self._rows, None)

    def fetchmany(self, size: int | None = 1) -> list[Any]:
        """The next `size` rows."""
        size = self.arraysize if size is None else size
        if self._rows is None:
            return super().fetchmany(size)
        return [row for _, row in zip(range(size), self._rows, strict=False)]

    def fetchall(self) -> list[Any]:
        """The rows that are left."""
        return super().fetchall() if self._rows is None else list(self._rows)
