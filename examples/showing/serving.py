"""Where a demo can be looked at, and until when."""

from __future__ import annotations

import asyncio
import signal
from dataclasses import replace

from onbeat import InvalidSetting, Onbeat
from onbeat.api import Served, served


def listen(ob: Onbeat) -> Served:
    """Where the settings say; where that is taken, wherever it is free."""
    try:
        return served(ob)
    except InvalidSetting:
        return served(ob, replace(ob.settings, port=0))


async def until_stopped(address: str, more: str = "") -> None:
    """Until Ctrl-C, or SIGTERM; says so, and `more`."""
    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    for each in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(each, stop.set)
    print(f"Goes on at {address} until Ctrl-C{more}.", flush=True)
    await stop.wait()
