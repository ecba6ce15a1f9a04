"""How a call that was asked to stop is waited for, and until when."""

from __future__ import annotations

import asyncio
from typing import Any


async def let_stop(call: asyncio.Future[Any], seconds: float) -> None:
    """Wait so long for the end of `call`, and cancel it if it has not ended, or nobody waits.

    How it ends is looked at by nobody: its job ends as it was asked to.
    """
    try:
        await asyncio.wait({call}, timeout=seconds)
    finally:
        if not call.done():
            call.cancel()
        elif not call.cancelled():
            call.exception()
