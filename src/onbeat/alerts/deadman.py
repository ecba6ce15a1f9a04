"""The dead man's switch: somebody outside is told that all is well, and misses it when it is not.

Onbeat cannot tell of its own death. A service such as Healthchecks or Cronitor can: it raises the
alarm when no request has come for longer than agreed.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Connection

from onbeat.domain.events import SwitchChanged
from onbeat.domain.requests import RequestKind, RequestOutcome
from onbeat.outbound.client import Client, Unanswered
from onbeat.outbound.tally import Tally
from onbeat.outbound.targets import TargetRefused
from onbeat.runtime.lease import Duty
from onbeat.store.delays import has_scheduler
from onbeat.store.store import Store

LATEST: Final = timedelta(minutes=2)
"""How long a schedule, or a waiting job, may be overdue until a scheduler does not do its work."""

AGAIN: Final = 5.0
"""Seconds until the next look when all is not well, or nobody answered."""


class DeadMan(Duty):
    """Sends an empty POST each period, while the store can be written and a scheduler works."""

    def __init__(
        self, store: Store, client: Client, url: str, period: timedelta, **options: Any
    ) -> None:
        """Send to `url`. The duty is written each time: where that fails, nothing is sent."""
        super().__init__(
            store, id="dead-man", term=max(2 * period, timedelta(seconds=15)), **options
        )
        self.tally = self._tally = Tally()
        self._client = client
        self._url = url
        self._period = period
        self._is_well = True
        self._is_first = True

    async def perform(self) -> float:
        """Look, and send if all is well."""
        why = await self.store.read(_what_is_wrong) or await self._overdue() or await self._press()
        # The scheduler of a process that begins has its duty a moment after this looks.
        is_early, self._is_first = self._is_first, False
        if why is not None and is_early:
            return AGAIN
        if (why is None) is not self._is_well:
            self._is_well = why is None
            self.emit(SwitchChanged(why))
        period = self._period.total_seconds()
        return period if why is None else min(AGAIN, period)

    async def _overdue(self) -> str | None:
        due = await self.store.next_due()
        moments = [at for at in (due.schedule_at, due.job_at) if at is not None]
        if moments and min(moments) < due.now - LATEST:
            return "what is due is not done: the scheduler is there, and does not work"
        return None

    async def _press(self) -> str | None:
        """Why it did not arrive; None where it did."""
        try:
            answer = await self._client.post(self._url, b"", {})
        except Unanswered as error:
            self._count(RequestOutcome.AGAIN, error.seconds)
            return f"the switch cannot be reached: {error}"
        except TargetRefused as error:
            return f"the switch cannot be reached: {error}"
        is_taken = 200 <= answer.status < 300
        self._count(RequestOutcome.SENT if is_taken else RequestOutcome.AGAIN, answer.seconds)
        return None if is_taken else f"the switch answered {answer.status}"

    def _count(self, outcome: RequestOutcome, seconds: float) -> None:
        self._tally.count(RequestKind.PING, outcome, seconds)


def _what_is_wrong(connection: Connection, now: datetime) -> str | None:
    return None if has_scheduler(connection, now) else "no scheduler is there"
