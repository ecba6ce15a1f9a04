"""Says again and again that the worker lives, apart from the loop its jobs run in.

A job that blocks the event loop, or holds the interpreter's lock in C code, must not make its
worker look dead. So the heart beats in a thread, or in a process of its own; both have a
connection of their own. What it hears (jobs to stop, the session lost) the worker's loop is told.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable
from datetime import timedelta

import msgspec

from onbeat.domain.workers import Pulse
from onbeat.store.opening import open_store
from onbeat.store.store import Store

Hear = Callable[[Pulse], None]
Fail = Callable[[Exception], None]

STOP_SECONDS = 5.0
"""How long a heart may take to end before it is left alone, or killed if it is a process."""


async def keep_beating(
    store: Store,
    session: str,
    every: timedelta,
    expires_in: timedelta,
    hear: Hear,
    stopped: asyncio.Event,
    fail: Fail,
) -> None:
    """Beat until `stopped`; a store out of reach is tried again within a second."""
    spare = (expires_in - every).total_seconds()
    rest = every.total_seconds()
    while not await store.timing.wait(stopped, rest):
        rest = min(1.0, every.total_seconds(), spare / 4)
        # Whatever went wrong, the next beat may go right; a heart that stops kills healthy jobs.
        try:
            hear(await store.heartbeat(session, expires_in))
            rest = every.total_seconds()
        except Exception as error:
            fail(error)


def open_to_beat(url: str, every: timedelta, expires_in: timedelta) -> Store:
    """A store of the heart's own, where a beat is given up while there is time for another.

    A connection that died without a word swallows a beat until its deadline. With the 10 s that
    other statements have, the session would end before the next one (5 + 10 + 1 s against 15 s).
    """
    store = open_store(url)
    store.hot_seconds = min(store.hot_seconds, (expires_in - every).total_seconds() / 2)
    return store


class Heart(ABC):
    """Beats for one session at a time."""

    def __init__(self, every: timedelta, expires_in: timedelta) -> None:
        """Beat `every` so often; without a beat the session is dead after `expires_in`."""
        self.every = every
        self.expires_in = expires_in
        self.trouble: str | None = None
        """Why the last beat that failed did, where that is known."""

    def failed(self, error: Exception) -> None:
        """Keep why a beat failed; from any thread."""
        self.trouble = str(error) or type(error).__name__

    @abstractmethod
    async def start(self, session: str, hear: Hear) -> None:
        """Begin to beat for `session`; `hear` is called on the loop this is called on."""

    @abstractmethod
    async def stop(self) -> None:
        """Beat no more."""


class InlineHeart(Heart):
    """Beats on the worker's own loop: for tests and simulations."""

    def __init__(self, store: Store, every: timedelta, expires_in: timedelta) -> None:
        """Beat through the worker's own store."""
        super().__init__(every, expires_in)
        self._store = store
        self._stopped = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def start(self, session: str, hear: Hear) -> None:
        """Begin a task."""
        self._stopped = asyncio.Event()
        beating = keep_beating(
            self._store, session, self.every, self.expires_in, hear, self._stopped, self.failed
        )
        self._task = asyncio.create_task(beating, name="onbeat-heart")

    async def stop(self) -> None:
        """End the task."""
        self._stopped.set()
        if self._task is not None:
            await self._task


class ThreadHeart(Heart):
    """Beats in a thread with a loop and a store of its own."""

    def __init__(self, url: str, every: timedelta, expires_in: timedelta) -> None:
        """Connect to `url` when started."""
        super().__init__(every, expires_in)
        self._url = url
        self._thread: threading.Thread | None = None
        self._stop: Callable[[], None] = lambda: None

    async def start(self, session: str, hear: Hear) -> None:
        """Begin the thread."""
        worker_loop = asyncio.get_running_loop()
        heart_loop = asyncio.new_event_loop()
        stopped = asyncio.Event()

        def pass_on(pulse: Pulse) -> None:
            with contextlib.suppress(RuntimeError):
                worker_loop.call_soon_threadsafe(hear, pulse)

        def live() -> None:
            with asyncio.Runner(loop_factory=lambda: heart_loop) as runner:
                runner.run(self._live(session, pass_on, stopped))

        def stop() -> None:
            with contextlib.suppress(RuntimeError):
                heart_loop.call_soon_threadsafe(stopped.set)

        self._stop = stop
        self._thread = threading.Thread(target=live, name="onbeat-heart", daemon=True)
        self._thread.start()

    async def stop(self) -> None:
        """End the thread."""
        self._stop()
        if self._thread is not None:
            await asyncio.get_running_loop().run_in_executor(None, self._thread.join, STOP_SECONDS)
            self._thread = None

    async def _live(self, session: str, hear: Hear, stopped: asyncio.Event) -> None:
        store = open_to_beat(self._url, self.every, self.expires_in)
        try:
            await keep_beating(
                store, session, self.every, self.expires_in, hear, stopped, self.failed
            )
        finally:
            await store.close()


class ProcessHeart(Heart):
    """Beats in a process of its own, which ends when this one does.

    Until that speaks a thread beats in its place: where many workers start at once on a busy
    machine, a process may take longer to start than a session lives.
    """

    stop_seconds = STOP_SECONDS

    def __init__(self, url: str, every: timedelta, expires_in: timedelta) -> None:
        """Connect to `url` when started."""
        super().__init__(every, expires_in)
        self._url = url
        self._understudy = ThreadHeart(url, every, expires_in)
        self._process: asyncio.subprocess.Process | None = None
        self._watching: asyncio.Task[None] | None = None

    async def start(self, session: str, hear: Hear) -> None:
        """Start the process."""
        await self._understudy.start(session, hear)
        self._process = await self.spawn(session)
        self._watching = asyncio.create_task(self._watch(session, hear), name="onbeat-heart")

    async def stop(self) -> None:
        """End the process, and start no other."""
        watching, self._watching = self._watching, None
        if watching is not None:
            watching.cancel()
            await asyncio.wait([watching])
        await self._understudy.stop()
        process, self._process = self._process, None
        if process is not None:
            await _end(process, self.stop_seconds)

    async def spawn(self, session: str) -> asyncio.subprocess.Process:
        """Start a process; the URL goes by its environment, where `ps` does not show it."""
        return await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "onbeat.runtime.worker.heart",
            session,
            str(self.every.total_seconds()),
            str(self.expires_in.total_seconds()),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            start_new_session=True,
            env={**os.environ, "ONBEAT_HEART_DB": self._url},
        )

    async def _watch(self, session: str, hear: Hear) -> None:
        """Pass on what the process says; should it end by itself, start others until one lives."""
        while True:
            # Whatever went wrong, the next may go right; without a heart healthy jobs are killed.
            with contextlib.suppress(Exception):
                if self._process is not None:
                    await self._pass_on(self._process, hear)
            await asyncio.sleep(min(1.0, self.every.total_seconds()))
            with contextlib.suppress(Exception):
                if self._process is not None:
                    await _end(self._process, self.stop_seconds)
                await self._understudy.stop()
                await self._understudy.start(session, hear)
                self._process = await self.spawn(session)

    async def _pass_on(self, process: asyncio.subprocess.Process, hear: Hear) -> None:
        while process.stdout is not None and (line := await process.stdout.readline()):
            said: Pulse | str = msgspec.json.decode(line, type=Pulse | str)
            if isinstance(said, str):
                self.trouble = said
            else:
                hear(said)
                await self._understudy.stop()


async def _end(process: asyncio.subprocess.Process, seconds: float) -> None:
    """Close its input, which ends it; kill it if that takes over `seconds`."""
    if process.stdin is not None:
        process.stdin.close()
    try:
        await asyncio.wait_for(process.wait(), seconds)
    except TimeoutError:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()
