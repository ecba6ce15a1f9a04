"""The heart as a process: `python -m onbeat.runtime.worker.heart SESSION EVERY EXPIRES_IN`.

Writes each pulse as a line of JSON, and ends when its input closes: when its worker has ended.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import threading
from datetime import timedelta

import msgspec

from onbeat.domain.workers import Pulse
from onbeat.runtime.worker.heartbeat import keep_beating, open_to_beat


def main() -> None:
    """Beat until the worker is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    session, every, expires_in = sys.argv[1], float(sys.argv[2]), float(sys.argv[3])
    asyncio.run(_beat(session, timedelta(seconds=every), timedelta(seconds=expires_in)))


async def _beat(session: str, every: timedelta, expires_in: timedelta) -> None:
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()

    def wait_for_end() -> None:
        sys.stdin.buffer.read()
        loop.call_soon_threadsafe(stopped.set)

    threading.Thread(target=wait_for_end, daemon=True).start()
    store = open_to_beat(os.environ["ONBEAT_HEART_DB"], every, expires_in)
    try:
        await keep_beating(store, session, every, expires_in, _say, stopped, _complain)
    finally:
        await store.close()


def _say(said: Pulse | str) -> None:
    sys.stdout.buffer.write(msgspec.json.encode(said) + b"\n")
    sys.stdout.buffer.flush()


def _complain(error: Exception) -> None:
    _say(str(error) or type(error).__name__)


if __name__ == "__main__":
    main()
