"""The connections of a process: some for hot statements, some for cold work; no dead one is used.

A socket whose other end went away without a word looks healthy. What a statement's deadline finds
to be dead is closed without another word to it, and so are, on their next use, all connections
that were open then: they went through the same network at the same time. One on which somebody has
waited for some seconds is closed at once: a cold statement would wait for half a minute yet.

Hot statements have a pool of their own: taking a connection from SQLAlchemy's costs 23 us, a tenth
of a whole enqueue, and cold work that waits for a lock must not keep a claim from its connection.
"""

from __future__ import annotations

import asyncio
import time
from typing import Any
from weakref import WeakKeyDictionary

from sqlalchemy import event
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import QueuePool

from onbeat.domain.errors import DriverMissing, StoreUnavailable
from onbeat.domain.pools import Pool
from onbeat.store.postgres.addresses import CONNECT_SECONDS, Address
from onbeat.store.postgres.connections import CLIENT_SECONDS, SERVER_SETTINGS, leaves_sound
from onbeat.store.postgres.schemas import OPTION, qualify_all
from onbeat.timing import within

COLD = 5
HOT = 10
"""Connections at most, each made when it is first needed; the last one used is used next."""

CLOSE_SECONDS = 2
OVERDUE_SECONDS = 5
"""What takes longer while another connection is found dead is taken to wait on a dead one too."""


class Connections:
    """Connects when asked, each connection with deadlines on both sides."""

    def __init__(self, address: Address) -> None:
        """Connect to `address`. Raises DriverMissing."""
        self._address = address
        self._settings = dict(SERVER_SETTINGS)
        if address.application is not None:
            self._settings["application_name"] = address.application
        self._born: WeakKeyDictionary[Any, float] = WeakKeyDictionary()
        self._taken: WeakKeyDictionary[Any, float] = WeakKeyDictionary()
        self._distrusted_at = float("-inf")
        self._idle: list[Any] = []
        self._busy = 0
        """Connections for hot statements that are taken, or being made."""
        self._turns = asyncio.Semaphore(HOT)
        self._is_closed = False
        self.engine = self._make_engine()

    async def take(self) -> Any:
        """A connection for hot statements; to be given back. Raises StoreUnavailable when the pool
        is closed, TimeoutError, and what asyncpg raises.

        First come, first served: who gives one back and asks again comes after those who wait.
        """
        if self._is_closed:
            raise StoreUnavailable("the store is closed; open another")
        if self._turns.locked():
            async with within(CONNECT_SECONDS):
                await self._turns.acquire()
        else:
            await self._turns.acquire()
        self._busy += 1
        try:
            while self._idle:
                driver = self._idle.pop()
                if self._is_trusted(driver):
                    return driver
            return await self._connect()
        except BaseException:
            self._release()
            raise

    def give_back(self, driver: Any) -> None:
        """Let others have it."""
        if self._is_closed:
            driver.terminate()
        elif not driver.is_closed():
            self._idle.append(driver)
        self._release()

    def _release(self) -> None:
        self._busy -= 1
        self._turns.release()

    @property
    def pool(self) -> Pool:
        """Both pools together."""
        cold = self.engine.pool
        taken = cold.checkedout() if isinstance(cold, QueuePool) else 0
        return Pool(HOT, self._busy) + Pool(COLD, taken)

    def drop(self, driver: Any, error: BaseException) -> None:
        """Close a connection on which `error` came, unless it is one that leaves it sound.

        Nothing is said to the server: it would not hear, or answer late.
        """
        if leaves_sound(error) and not driver.is_closed():
            return
        if not isinstance(error, asyncio.CancelledError):
            self._distrust()
        driver.terminate()

    async def close(self) -> None:
        """Say goodbye on every connection, or close it without, where that is not heard."""
        self._is_closed = True
        try:
            async with within(CLOSE_SECONDS):
                await self.engine.dispose()
                while self._idle:
                    await self._idle.pop().close()
        except TimeoutError:
            for driver in list(self._born):
                driver.terminate()
            await asyncio.sleep(0)  # in which the loop closes their sockets

    def _distrust(self) -> None:
        """Use no connection that is open now; close those on which an answer is long overdue."""
        self._distrusted_at = time.monotonic()
        for driver, taken_at in list(self._taken.items()):
            if self._distrusted_at - taken_at >= OVERDUE_SECONDS:
                driver.terminate()

    async def _connect(self) -> Any:
        import asyncpg  # noqa: PLC0415 - only PostgreSQL needs it

        driver = await asyncpg.connect(
            self._address.dsn,
            timeout=self._address.connect_seconds,
            command_timeout=CLIENT_SECONDS,
            server_settings=self._settings,
        )
        self._born[driver] = self._taken[driver] = time.monotonic()
        return driver

    def _is_trusted(self, driver: Any) -> bool:
        """Whether it may be used; one that may not is closed."""
        self._taken[driver] = time.monotonic()
        if self._born[driver] <= self._distrusted_at:
            driver.terminate()
        return not driver.is_closed()

    def _make_engine(self) -> AsyncEngine:
        """SQLAlchemy over connections of ours.

        No overflow: a connection over the size is closed on its return, and whoever is cancelled
        then leaves its socket open.
        """
        try:
            engine = create_async_engine(
                "postgresql+asyncpg://",
                pool_size=COLD,
                max_overflow=0,
                pool_timeout=CONNECT_SECONDS,
                async_creator=self._connect,
                hide_parameters=True,
                execution_options={OPTION: self._address.environment},
            )
        except ModuleNotFoundError as error:
            raise DriverMissing(
                f"PostgreSQL needs {error.name}; install it with: pip install 'onbeat[postgres]'"
            ) from None
        event.listen(engine.sync_engine, "checkout", self._look_at)
        if self._address.environment is not None:
            qualify_all(engine.sync_engine, self._address.environment)
        return engine

    def _look_at(self, connection: Any, _record: Any, _proxy: Any) -> None:
        """Have SQLAlchemy replace a connection that is not to be trusted."""
        if not self._is_trusted(connection.driver_connection):
            raise DisconnectionError("closed, or open when another was found dead")
