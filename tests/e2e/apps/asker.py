"""Asks for jobs all the while, and notes in the file ASKED which were accepted, until SIGTERM."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path

from tests.e2e.apps.crew import ob, work

ASK_EVERY = 0.1
AT_ONCE = 3


async def main() -> None:
    """Ask, note, rest."""
    ended = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ended.set)
    async with ob:
        with Path(os.environ["ASKED"]).open("a", buffering=1) as asked:  # noqa: ASYNC230 - one line
            print("ready", flush=True)  # noqa: T201 - what the test waits for
            while not ended.is_set():
                for job in await ob.enqueue_many([work.bind()] * AT_ONCE):
                    asked.write(f"{job.id}\n")
                await asyncio.sleep(ASK_EVERY)


if __name__ == "__main__":
    asyncio.run(main())
