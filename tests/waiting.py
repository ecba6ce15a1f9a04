"""The one place where a test may wait for something it is not told of: other processes."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

LOOK_EVERY = 0.02


def wait_until(condition: Callable[[], object], seconds: float = 10, what: str = "") -> None:
    """Look until `condition` holds; fail after `seconds`."""
    give_up = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < give_up, f"not within {seconds} s: {what or condition}"
        time.sleep(LOOK_EVERY)


async def wait_for(
    condition: Callable[[], Awaitable[object]], seconds: float = 10, what: str = ""
) -> None:
    """The same for a condition that must be awaited."""
    give_up = time.monotonic() + seconds
    while not await condition():
        assert time.monotonic() < give_up, f"not within {seconds} s: {what or condition}"
        await asyncio.sleep(LOOK_EVERY)
