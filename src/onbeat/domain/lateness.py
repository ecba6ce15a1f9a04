"""How far back a reader must look, so that it passes over nothing that was committed late.

Rows lie in the order of moments that were taken before they were committed. So a reader that goes
on behind the last row it saw loses what a slower transaction commits behind it later. This one
looks again at what lies a little back each time, farther back every so often, and as far back as a
transaction goes that ran long, once it is over. What it has told it does not tell again.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

NEAR = timedelta(seconds=2)
"""How far each look goes back."""

FAR = timedelta(seconds=15)
"""How far one goes now and then: within it a statement takes its moment, waits, and commits."""

FAR_EVERY = timedelta(seconds=2.5)


@dataclass(frozen=True, slots=True)
class Lateness:
    """What a reader that looks again and again must know of its looks."""

    looked_at: datetime
    far_at: datetime
    """When it last looked far."""
    quiet_since: datetime
    """The look before the last that found anything, where one alone writes at a time."""
    first_seen: Mapping[int, datetime]
    """The transactions that write, with the last look at which each did not yet."""

    @classmethod
    def beginning(cls, now: datetime, running: Collection[int] | None) -> Lateness:
        """That of a reader that begins now, while these transactions run."""
        return cls(now, now, now, dict.fromkeys(running or (), now))

    def since(self, now: datetime, running: Collection[int] | None) -> datetime:
        """From which moment on a look at `now` is to read.

        `running` is of transactions that write; None where one alone writes at a time. Nothing else
        is committed while that one runs, so it began after the last change that was seen.
        """
        floor = min(self.looked_at, self.quiet_since) - NEAR
        over = self._over(running or ())
        if over or self._is_far(now):
            return min([floor, self.far_at - FAR, *(at - FAR for at in over)])
        return floor

    def after(
        self, now: datetime, running: Collection[int] | None, *, has_news: bool
    ) -> Lateness:  # fmt: skip
        """What it knows after that look, which found anything or did not."""
        is_far = self._is_far(now) or bool(self._over(running or ()))
        quiet_since = self.looked_at if has_news else self.quiet_since
        return replace(
            self,
            looked_at=now,
            far_at=now if is_far else self.far_at,
            quiet_since=quiet_since if running is None else now,
            first_seen={each: self.first_seen.get(each, self.looked_at) for each in running or ()},
        )

    @property
    def complete_before(self) -> datetime:
        """All rows before this moment have been seen, whatever is committed yet."""
        moments = (self.looked_at, self.far_at, self.quiet_since, *self.first_seen.values())
        return min(moments) - FAR

    def _is_far(self, now: datetime) -> bool:
        return now - self.far_at >= FAR_EVERY

    def _over(self, running: Collection[int]) -> list[datetime]:
        """Since when those ran that are over and were seen by a far look before: long ones."""
        return [
            at for each, at in self.first_seen.items() if at < self.far_at and each not in running
        ]
