"""A relay before a server, to do to its connections what networks do: hold, delay, cut."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit, urlunsplit

CHUNK = 64 * 1024


class Relay:
    """Listens on a port of its own and passes on to another, in a thread of its own."""

    def __init__(self, url: str) -> None:
        """Stand before the server that `url` names."""
        self._target = urlsplit(url)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._forwarding = asyncio.Event()
        self._forwarding.set()
        self._writers: set[asyncio.StreamWriter] = set()
        self._held: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._delay = 0.0
        self._answers_kept = False

    @property
    def url(self) -> str:
        """The server's URL, by way of this relay."""
        host = f"{self._target.username}@127.0.0.1:{self._port}"
        return urlunsplit(self._target._replace(netloc=host))

    def start(self) -> None:
        """Listen."""
        self._thread.start()
        self._port = self._call(self._listen)

    def stop(self) -> None:
        """Drop all connections and end."""
        self._call(self._close)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def hold(self) -> None:
        """Pass nothing on, and say nothing of it: a black hole."""
        self._call(self._hold)

    def release(self) -> None:
        """Pass on again, also what has come meanwhile."""
        self._call(self._release)

    def forget_and_release(self) -> None:
        """Pass on what comes from new connections; those that were held stay dead for good."""
        self._call(self._forget)

    def cut(self) -> None:
        """Reset every connection."""
        self._call(self._cut)

    def delay(self, seconds: float) -> None:
        """Pass everything on so much later."""
        self._delay = seconds

    def lose_answers(self) -> None:
        """Pass requests on; at the first answer, reset the connection instead."""
        self._answers_kept = True

    def _call(self, work: Callable[[], Awaitable[Any]]) -> Any:
        async def run() -> Any:
            return await work()

        return asyncio.run_coroutine_threadsafe(run(), self._loop).result(10)

    async def _listen(self) -> int:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    async def _close(self) -> None:
        self._server.close()
        # One that is being accepted begins tasks and connections still: until none is left.
        while left := asyncio.all_tasks() - {asyncio.current_task()}:
            for task in left:
                task.cancel()
            await asyncio.gather(*left, return_exceptions=True)
        await self._cut()
        await asyncio.sleep(0.01)  # aborted transports close in the loop's next turns

    async def _hold(self) -> None:
        self._held = set(self._writers)
        self._forwarding.clear()

    async def _release(self) -> None:
        self._held.clear()
        self._forwarding.set()

    async def _forget(self) -> None:
        self._forwarding.set()

    async def _cut(self) -> None:
        for writer in list(self._writers):
            writer.transport.abort()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        with contextlib.suppress(OSError):
            there, back = await asyncio.open_connection(self._target.hostname, self._target.port)
            for source, target, is_answer in ((reader, back, False), (there, writer, True)):
                task = asyncio.create_task(self._pass_on(source, target, is_answer=is_answer))
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)
            self._writers.add(back)
            return
        writer.close()
        self._writers.discard(writer)

    async def _pass_on(
        self, source: asyncio.StreamReader, target: asyncio.StreamWriter, *, is_answer: bool
    ) -> None:
        with contextlib.suppress(OSError):
            while piece := await source.read(CHUNK):
                await self._forwarding.wait()
                if target in self._held:
                    continue
                if self._delay:
                    await asyncio.sleep(self._delay)
                if is_answer and self._answers_kept:
                    self._answers_kept = False
                    await self._cut()
                target.write(piece)
                await target.drain()
        if target not in self._held:
            target.close()
            self._writers.discard(target)


@contextmanager
def relay_to(url: str) -> Iterator[Relay]:
    """A relay that ends with the test."""
    relay = Relay(url)
    relay.start()
    try:
        yield relay
    finally:
        relay.stop()
