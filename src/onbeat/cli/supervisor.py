"""Telling systemd, or who speaks its protocol, that a process is ready, alive, or about to end.

sd_notify(3): datagrams to the socket that NOTIFY_SOCKET names. With WatchdogSec= in the unit it is
told at twice the pace that WATCHDOG_USEC asks for, while the event loop turns; a process that says
nothing for so long is killed and started anew.
"""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import AsyncIterator, MutableMapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

SOCKET, WATCHDOG, WATCHED = "NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"
PER_SECOND = 1_000_000
PACE = 2
"""How often in the time it is given a process says that it is alive: sd_watchdog_enabled(3)."""


@dataclass(frozen=True)
class Supervisor:
    """Who started this process and wants to know how it is; nobody, where it has no `address`."""

    address: str | None
    patience: float | None
    """Seconds after which it takes silence for death; None where it does not listen for that."""

    @classmethod
    def of(cls, environ: MutableMapping[str, str]) -> Supervisor:
        """Read who it is. The variables are taken away: what this process starts is not asked."""
        address = environ.pop(SOCKET, None)
        asked, watched = environ.pop(WATCHDOG, ""), environ.pop(WATCHED, None)
        is_watched = asked.isdecimal() and watched in (None, str(os.getpid()))
        return cls(address or None, int(asked) / PER_SECOND if is_watched else None)

    def tell(self, *said: str) -> None:
        """Say it; who does not hear is no reason to fail."""
        if self.address is None:
            return
        place = "\0" + self.address[1:] if self.address.startswith("@") else self.address
        with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as out:
            out.sendto("\n".join(said).encode(), place)

    @asynccontextmanager
    async def watching(self) -> AsyncIterator[None]:
        """Say that it lives, while the block goes on and its event loop turns.

        Not whether its database answers: it rides that out itself, and killing it helps nobody.
        """
        alive = asyncio.create_task(self._live(), name="onbeat-supervisor")
        try:
            yield
        finally:
            alive.cancel()

    async def _live(self) -> None:
        while self.patience is not None:
            self.tell("WATCHDOG=1")
            await asyncio.sleep(self.patience / PACE)
