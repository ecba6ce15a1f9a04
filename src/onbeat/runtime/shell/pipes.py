"""The three pipes of a command: its input, its output, and its errors."""

from __future__ import annotations

import asyncio
import subprocess
from typing import IO

from onbeat.runtime.shell.output import PIECE


class Pipes:
    """Our ends of them, which are closed together."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        """Take over the pipes of `process`, which must be unbuffered."""
        self._process = process
        self._reading: list[asyncio.ReadTransport] = []
        self._writing: asyncio.WriteTransport | None = None

    async def read(self) -> tuple[asyncio.StreamReader, asyncio.StreamReader]:
        """What comes from the output, and from the errors."""
        return await self._follow(self._process.stdout), await self._follow(self._process.stderr)

    async def feed(self, given: bytes) -> None:
        """Write all its input, and close it. Raises ConnectionError where nobody reads it."""
        loop = asyncio.get_running_loop()
        protocol = asyncio.StreamReaderProtocol(asyncio.StreamReader())
        self._writing, _ = await loop.connect_write_pipe(lambda: protocol, self._process.stdin)
        self._writing.set_write_buffer_limits(high=0)  # so that nothing is held once it is drained
        writer = asyncio.StreamWriter(self._writing, protocol, None, loop)
        writer.write(given)
        await writer.drain()
        writer.close()

    def close(self) -> None:
        """Close what is open; what was not written yet is dropped."""
        for transport in self._reading:
            transport.close()
        if self._writing is not None and not self._writing.is_closing():
            self._writing.abort()
        for pipe in (self._process.stdin, self._process.stdout, self._process.stderr):
            if pipe is not None:
                pipe.close()

    async def _follow(self, pipe: IO[bytes] | None) -> asyncio.StreamReader:
        stream = asyncio.StreamReader(limit=PIECE)
        protocol = asyncio.StreamReaderProtocol(stream)
        transport, _ = await asyncio.get_running_loop().connect_read_pipe(lambda: protocol, pipe)
        self._reading.append(transport)
        return stream
