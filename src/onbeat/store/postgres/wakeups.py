"""Wakeups between processes over LISTEN and NOTIFY, on a connection of their own.

A NOTIFY is never sent in a caller's transaction: committing it takes a lock of the whole cluster.
Hints are gathered and sent apart, at once when it has been quiet and 20 times a second for long.
The connection is checked from within, because a half-open socket looks healthy for a quarter of
an hour; after a reconnect everybody is woken once, since hints may have been lost.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Iterator
from typing import Any

import msgspec

from onbeat.store.postgres.addresses import Address
from onbeat.store.wakeups import Allowance, Hearing, Wakeups
from onbeat.timing import within

CHECK_EVERY = 10.0
CHECK_SECONDS = 5.0
RECONNECT_AFTER = 1.0
LAST_WORDS = 0.5
"""Seconds a closing process waits for its last hints to go out, so that its jobs start at once."""

LONGEST_PAYLOAD = 7_000
"""NOTIFY takes less than 8,000 bytes; a longer list becomes "everybody"."""


class Listener:
    """One connection that listens and notifies, kept alive for as long as the store is open."""

    def __init__(self, address: Address, wakeups: Wakeups) -> None:
        """Carry hints between `wakeups` and the channel of the address."""
        self._address = address
        self._wakeups = wakeups
        self._allowance = Allowance()
        self._gathered: set[str] = set()
        self._pending = asyncio.Event()
        self._all_sent = asyncio.Event()
        self._all_sent.set()
        self._task: asyncio.Task[None] | None = None
        self._took: float | None = None
        """Seconds that the last exchange took; None while there is no connection."""

    @property
    def hearing(self) -> Hearing | None:
        """Whether there is a connection; None before `start`."""
        return None if self._task is None else Hearing(self._took is not None, self._took)

    def start(self) -> None:
        """Begin, on the running loop."""
        if self._task is None:
            self._wakeups.outward = self._gather
            self._task = asyncio.create_task(self._stay_connected(), name="onbeat-wakeups")

    async def close(self) -> None:
        """Send the last hints, if that is quick, and end."""
        self._wakeups.outward = None
        if self._task is not None:
            with contextlib.suppress(TimeoutError):
                async with within(LAST_WORDS):
                    await self._all_sent.wait()
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
            self._task = None

    def _gather(self, topics: frozenset[str]) -> None:
        self._gathered |= topics
        self._all_sent.clear()
        self._pending.set()

    async def _stay_connected(self) -> None:
        import asyncpg  # noqa: PLC0415 - only PostgreSQL needs it

        while True:
            connection = None
            try:
                connection = await self._connect(asyncpg)
                self._wakeups.deliver_all()
                await self._carry(connection)
            except Exception:
                # Whatever ended it (asyncpg has errors that are no errors of its own kinds), nobody
                # else would ever listen again in this process.
                self._took = None
                await asyncio.sleep(RECONNECT_AFTER)
            finally:
                if connection is not None:
                    connection.terminate()

    async def _connect(self, asyncpg: Any) -> Any:
        connection = await asyncpg.connect(
            self._address.dsn,
            timeout=self._address.connect_seconds,
            server_settings={"application_name": self._address.application or "onbeat-wakeups"},
        )
        # One that was ended is found out at once, by trying to send nothing.
        connection.add_termination_listener(lambda _: self._pending.set())
        try:
            with self._timed():
                await connection.add_listener(self._address.channel, self._receive)
        except BaseException:  # closed meanwhile: nobody else knows of it yet
            connection.terminate()
            raise
        return connection

    def _receive(self, connection: Any, pid: int, _channel: str, payload: str) -> None:
        if pid == connection.get_server_pid():
            return  # our own: those here were woken when it was sent
        try:
            topics = msgspec.json.decode(payload, type=list[str])
        except msgspec.MsgspecError:
            return  # somebody else's notification on our channel's name
        if topics:
            self._wakeups.deliver(topics)
        else:
            self._wakeups.deliver_all()

    async def _carry(self, connection: Any) -> None:
        while True:
            try:
                async with within(CHECK_EVERY):
                    await self._pending.wait()
            except TimeoutError:
                with self._timed():
                    await connection.execute("SELECT 1", timeout=CHECK_SECONDS)
                continue
            self._pending.clear()
            payload = payload_of(self._gathered)
            self._gathered.clear()
            notify = "SELECT pg_notify($1, $2)", self._address.channel, payload
            with self._timed():
                await connection.execute(*notify, timeout=CHECK_SECONDS)
            if not self._gathered:
                self._all_sent.set()
            await asyncio.sleep(self._allowance.spend(asyncio.get_running_loop().time()))

    @contextlib.contextmanager
    def _timed(self) -> Iterator[None]:
        """Note how long an exchange with the server takes."""
        began = time.perf_counter()
        yield
        self._took = time.perf_counter() - began


def payload_of(topics: set[str]) -> str:
    """What a NOTIFY for `topics` carries."""
    encoded = msgspec.json.encode(sorted(topics))
    return encoded.decode() if len(encoded) < LONGEST_PAYLOAD else "[]"
