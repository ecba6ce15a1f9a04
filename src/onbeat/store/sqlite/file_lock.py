"""The lock file beside a database: whoever writes or checkpoints holds it.

SQLite before 3.51.3 can corrupt a WAL when two connections write or checkpoint at once
(https://sqlite.org/wal.html, "the WAL-reset bug"); under one lock they never do. It is also
fair where SQLite's own busy handler, whose waits grow, starves whoever waited longest.
"""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from onbeat.domain.errors import StoreLocked, StoreReadOnly

RETRY_EVERY = 0.001


def lock_path(database: Path) -> Path:
    """The lock file of `database`."""
    return database.with_name(database.name + ".lock")


class FileLock:
    """An exclusive lock between processes, and between stores of one process."""

    def __init__(self, database: Path, deadline: float) -> None:
        """Lock `<database>.lock`, waiting at most `deadline` seconds."""
        self._path = lock_path(database)
        self._deadline = deadline
        self._file: int | None = None
        self._pid = os.getpid()
        self.is_held = False

    @contextmanager
    def held(self) -> Iterator[None]:
        """Hold the lock. Raises StoreLocked when it cannot be had in time."""
        self._acquire()
        try:
            yield
        finally:
            self.release()

    def try_acquire(self) -> bool:
        """Take the lock if nobody holds it; whether it was had."""
        try:
            fcntl.flock(self._open(), fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        self.is_held = True
        return True

    def release(self) -> None:
        """Let go of the lock."""
        self.is_held = False
        fcntl.flock(self._open(), fcntl.LOCK_UN)

    def close(self) -> None:
        """Let go of the file."""
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def _open(self) -> int:
        # A lock is the open file's, and a fork shares open files: a child must open its own.
        if self._file is None or self._pid != os.getpid():
            try:
                self._file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o660)
            except FileNotFoundError:
                raise StoreReadOnly(
                    f"the folder {self._path.parent} does not exist; make it, or correct ONBEAT_DB"
                ) from None
            except OSError as error:
                raise StoreReadOnly(
                    f"{self._path} cannot be written ({error.strerror}); "
                    "give the folder to the user that runs Onbeat"
                ) from None
            self._pid = os.getpid()
        return self._file

    def _acquire(self) -> None:
        give_up = time.monotonic() + self._deadline
        while not self.try_acquire():
            if time.monotonic() > give_up:
                raise StoreLocked(
                    f"{self._path} is held by another process for over {self._deadline:g} s; "
                    "look for a stopped Onbeat process, or another program that keeps the "
                    "database locked (an Onbeat process may be waiting for it)"
                )
            time.sleep(RETRY_EVERY)
