"""Plain requests on a socket are answered, however many others say nothing or wait."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from onbeat.runtime.listening import AT_ONCE, Asked, Reply, answering, listen

FEW = 100


class Port:
    """One that answers /livez at once, and all else when it may."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.may_answer = asyncio.Event()
        self.asked = asyncio.Semaphore(0)

    async def answer(self, asked: Asked) -> Reply:
        self.asked.release()
        if asked.path != "/livez":
            await self.may_answer.wait()
        return Reply(200, b"{}")

    @asynccontextmanager
    async def connected(self) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            yield reader, writer
        finally:
            writer.close()

    async def status(self, path: str) -> bytes:
        """What comes first of an answer; nothing where it is hung up."""
        async with self.connected() as (reader, writer):
            writer.write(f"GET {path} HTTP/1.1\r\n\r\n".encode())
            return (await reader.read(1024)).partition(b"\r\n")[0]


@asynccontextmanager
async def listening() -> AsyncIterator[Port]:
    listener = listen("127.0.0.1", 0)
    port = Port(listener.getsockname()[1])
    async with answering(listener, port.answer, always=("/livez",), most_held=FEW):
        yield port
        port.may_answer.set()


async def test_who_says_nothing_takes_no_place_of_who_asks() -> None:
    async with AsyncExitStack() as stack, asyncio.timeout(10):
        port = await stack.enter_async_context(listening())
        port.may_answer.set()
        for _ in range(AT_ONCE + 1):
            await stack.enter_async_context(port.connected())

        found = [await port.status("/livez"), await port.status("/readyz")]

    assert found == [b"HTTP/1.1 200 OK"] * 2


async def test_of_too_many_who_say_nothing_the_first_is_hung_up_on() -> None:
    async with AsyncExitStack() as stack, asyncio.timeout(10):
        port = await stack.enter_async_context(listening())
        first, _ = await stack.enter_async_context(port.connected())
        for _ in range(FEW):
            await stack.enter_async_context(port.connected())

        alive, said = await port.status("/livez"), await first.read()

    assert (alive, said) == (b"HTTP/1.1 200 OK", b"")


async def test_while_too_many_wait_for_answers_others_are_refused_but_the_livez() -> None:
    async with asyncio.timeout(10), listening() as port:
        waiting = [asyncio.create_task(port.status("/readyz")) for _ in range(AT_ONCE)]
        for _ in waiting:
            await port.asked.acquire()
        found = [await port.status("/livez"), await port.status("/readyz")]
        port.may_answer.set()
        answered = await asyncio.gather(*waiting)

    assert found == [b"HTTP/1.1 200 OK", b""]
    assert answered == [b"HTTP/1.1 200 OK"] * AT_ONCE
