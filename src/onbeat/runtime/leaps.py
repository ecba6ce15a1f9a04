"""Tells when the store's clock was set, by a clock that only goes forward.

A time server's correction, a failover to a server whose clock is wrong, a virtual machine that was
paused: the time in the store then goes on from elsewhere. A machine that slept is none of these,
where its boot time tells of the sleep.
"""

from __future__ import annotations

from datetime import datetime, timedelta


class Leaps:
    """Compares how far the store's clock has gone with how much time has passed."""

    def __init__(self) -> None:
        """Know no moment yet."""
        self._seen: tuple[float, datetime] | None = None

    def see(self, boottime: float, now: datetime) -> timedelta:
        """How far the store's clock, which shows `now`, has been set since it was last seen.

        Negative where it was set back; never exact, as the answer was under way for a while.
        """
        before, self._seen = self._seen, (boottime, now)
        if before is None:
            return timedelta()
        return (now - before[1]) - timedelta(seconds=boottime - before[0])
