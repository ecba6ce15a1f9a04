"""Django's own SQLite backend, with every write under Onbeat's file lock (see file_lock.py).

An atomic block holds the lock from its begin to its end, for it begins IMMEDIATE; a statement
outside of one while it runs. The file is in WAL mode, and a commit is on disk when it returns.
Checkpoints stay SQLite's automatic ones: they run inside a commit, and so under the lock.

The module's name is Django's: it looks for `base` in an ENGINE's package.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from django.db.backends.sqlite3 import base as stock

from onbeat.store.sqlite.connections import WRITER_PRAGMAS
from onbeat.store.sqlite.guests import WriteTurn
from onbeat.store.sqlite.locked import LockedConnection, LockedCursor
from onbeat.store.sqlite.writer import LOCK_DEADLINE


class Cursor(stock.SQLiteCursorWrapper, LockedCursor):  # type: ignore[misc] # Django has no types
    """Django's cursor, which takes the lock."""


class DatabaseWrapper(stock.DatabaseWrapper):  # type: ignore[misc] # Django has no types
    """Django's connection to a SQLite file that Onbeat is on too.

    OPTIONS are those of Django's own backend. `timeout` is also how many seconds a write waits for
    the lock (10 unless given); `transaction_mode` is IMMEDIATE unless given.
    """

    @property
    def onbeat_path(self) -> Path | None:
        """The file, which `.within` compares with Onbeat's; None for a database in memory."""
        name = self.settings_dict["NAME"]
        if not name or self.is_in_memory_db():
            return None
        text = str(name)
        return Path(unquote(urlsplit(text).path) if text.startswith("file:") else text).absolute()

    def get_connection_params(self) -> dict[str, Any]:
        """Django's own, and connections that take the lock."""
        params: dict[str, Any] = super().get_connection_params()
        path = self.onbeat_path
        if path is not None:
            self.transaction_mode: str = self.transaction_mode or "IMMEDIATE"
            turn = WriteTurn(path, params.get("timeout", LOCK_DEADLINE))
            params["factory"] = partial(LockedConnection, turn)
        return params

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        """Open the file, in WAL mode."""
        connection = super().get_new_connection(conn_params)
        if self.onbeat_path is not None:
            _prepare(connection)
        return connection

    def create_cursor(self, name: str | None = None) -> Any:
        """A cursor that takes the lock."""
        if self.onbeat_path is None:
            return super().create_cursor(name)
        return self.connection.cursor(Cursor)


def _prepare(connection: LockedConnection) -> None:
    """WAL mode is the file's, and asking for it anew would wait for whoever writes."""
    (mode,) = connection.execute("PRAGMA journal_mode").fetchone()
    for pragma in WRITER_PRAGMAS:
        if mode != "wal" or "journal_mode" not in pragma:
            connection.execute(pragma)
