"""Wakeups between processes on one SQLite file: who has hints writes a few bytes to the lock file.

The kernel tells those who watch that file (inotify, kqueue), so it costs nothing while nothing is
sent. What is written says only who sent it: everybody else is woken, whatever they wait for. The
WAL itself would do as a signal, but every ack and every heartbeat of a fleet changes it.
Where the file cannot be watched (network filesystems, too many watches) there is the poll.
"""

from __future__ import annotations

import asyncio
import ctypes
import os
import select
import sys
import weakref
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from onbeat.store.sqlite.file_lock import lock_path
from onbeat.store.wakeups import Allowance, Hearing, Wakeups

NAME_BYTES = 8
MESSAGE_BYTES = 16
"""The sender's name, and a number that makes each message another one."""

IN_MODIFY = 0x2
IN_NONBLOCK_CLOEXEC = os.O_NONBLOCK | os.O_CLOEXEC
EVENTS_BYTES = 4096


def hint(database: Path) -> None:
    """Wake everybody who works on `database`; for who has no store open."""
    with suppress(OSError):
        _write(lock_path(database), os.urandom(MESSAGE_BYTES))


class Listener:
    """Sends the hints of one store, and hears those of others once somebody waits for them."""

    def __init__(self, database: Path, wakeups: Wakeups) -> None:
        """Carry hints between `wakeups` and whoever else has `database` open."""
        self._path = lock_path(database)
        self._wakeups = wakeups
        self._name = os.urandom(NAME_BYTES)
        self._sent = 0
        self._seen = b""
        self._allowance = Allowance()
        self._is_pending = False
        self._rest: asyncio.TimerHandle | None = None
        self._watch: Watch | None = None

    def start(self) -> None:
        """Begin, on the running loop; watching waits for the first who is to be woken.

        A process that only sends needs no watch, of which a user may have 128.
        """
        self._wakeups.outward = self._gather
        self._wakeups.awaited = self._begin_to_watch
        if self._wakeups.has_waiters:
            self._begin_to_watch()

    @property
    def hearing(self) -> Hearing | None:
        """Whether the file is watched; None where nobody waits."""
        return Hearing(self._watch is not None) if self._wakeups.has_waiters else None

    def close(self) -> None:
        """Send what is left, and end."""
        self._wakeups.outward = self._wakeups.awaited = None
        if self._rest is not None:
            self._rest.cancel()
            self._rest = None
        if self._is_pending:
            self._send()
        watch, self._watch = self._watch, None
        if watch is not None:
            asyncio.get_running_loop().remove_reader(watch.descriptor)
            watch.close()

    def _begin_to_watch(self) -> None:
        if self._watch is not None:
            return
        with suppress(OSError):
            self._path.touch(0o660)  # as who takes the lock would; who waits for work also writes
            self._seen = _read(self._path)
            self._watch = watch = open_watch(self._path)
            asyncio.get_running_loop().add_reader(watch.descriptor, self._hear, watch)
            self._wakeups.deliver_all()

    def _hear(self, watch: Watch) -> None:
        watch.drain()
        self._look()

    def _look(self) -> None:
        with suppress(OSError):
            before, self._seen = self._seen, _read(self._path)
            if self._seen != before and not self._seen.startswith(self._name):
                self._wakeups.deliver_all()

    def _gather(self, _topics: frozenset[str]) -> None:
        if self._rest is not None:
            self._is_pending = True
        else:
            self._send()

    def _send(self) -> None:
        self._look()  # at what we are about to overwrite, and might not have heard of yet
        self._is_pending = False
        self._sent += 1
        message = self._name + self._sent.to_bytes(MESSAGE_BYTES - NAME_BYTES, "big")
        with suppress(OSError):
            _write(self._path, message)
        if self._wakeups.outward is not None:
            loop = asyncio.get_running_loop()
            pause = self._allowance.spend(loop.time())
            self._rest = loop.call_later(pause, self._end_rest)

    def _end_rest(self) -> None:
        self._rest = None
        if self._is_pending:
            self._send()


class Watch:
    """A descriptor that becomes readable when the watched file was written to.

    It is closed also when nobody did so, as after a loop that was left without a goodbye.
    """

    def __init__(
        self, descriptor: int, drain: Callable[[], object], close: Callable[[], object]
    ) -> None:
        """Read from `descriptor`; `drain` makes it unreadable again."""
        self.descriptor = descriptor
        self._drain = drain
        self.close = weakref.finalize(self, close)

    def drain(self) -> None:
        """Take note of what was told so far."""
        with suppress(OSError):
            self._drain()


def open_watch(path: Path) -> Watch:
    """Watch the file at `path`. Raises OSError where that is not possible."""
    if sys.platform == "darwin":
        return _watch_by_kqueue(path)
    if sys.platform == "linux":
        return _watch_by_inotify(path)
    raise OSError("this system has no way to watch a file that is used here")


def _watch_by_inotify(path: Path) -> Watch:
    library = ctypes.CDLL(None, use_errno=True)
    descriptor = library.inotify_init1(IN_NONBLOCK_CLOEXEC)
    if descriptor < 0:
        raise OSError(ctypes.get_errno(), "no more inotify instances")
    if library.inotify_add_watch(descriptor, os.fsencode(path), IN_MODIFY) < 0:
        os.close(descriptor)
        raise OSError(ctypes.get_errno(), "the file cannot be watched")
    return Watch(
        descriptor, lambda: os.read(descriptor, EVENTS_BYTES), lambda: os.close(descriptor)
    )


if sys.platform == "darwin":

    def _watch_by_kqueue(path: Path) -> Watch:
        watched = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        queue = select.kqueue()
        change = select.kevent(
            watched, select.KQ_FILTER_VNODE, select.KQ_EV_ADD | select.KQ_EV_CLEAR,
            select.KQ_NOTE_WRITE,
        )  # fmt: skip
        queue.control([change], 0, 0)

        def close() -> None:
            queue.close()
            os.close(watched)

        return Watch(queue.fileno(), lambda: queue.control(None, 8, 0), close)


def _read(path: Path) -> bytes:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        return os.pread(descriptor, MESSAGE_BYTES, 0)
    finally:
        os.close(descriptor)


def _write(path: Path, message: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
    try:
        os.pwrite(descriptor, message, 0)
    finally:
        os.close(descriptor)
