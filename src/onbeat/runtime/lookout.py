"""What of each subject is not as usual: judged once for each full hour, some in each round of the
judge, and kept in its memory.

Who begins anew knows nothing: what is open is judged first, and of what is not judged yet nothing
opens and nothing closes. So a table of it is not needed.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Final

from sqlalchemy import Connection

from onbeat.domain.anomalies import hour_of, moment
from onbeat.domain.health import Subject
from onbeat.domain.outlooks import Outlooks, rests_on_outlooks, subject_of
from onbeat.domain.rules import Rule
from onbeat.store import anomalies, incidents
from onbeat.store.anomalies import SETTLES
from onbeat.store.store import Store

LONGEST: Final = 2.0
"""Seconds of a round that it takes: 300 to 400 subjects that are judged, 70 that are learnt."""

AT_ONCE: Final = 8
"""Subjects of one reading that are judged, a learnt one is read alone: while it goes through their
rows nothing else goes on in the process, on PostgreSQL.
"""

AN_HOUR: Final = timedelta(hours=1)


class Lookout:
    """Keeps the outlooks, round by round."""

    def __init__(self, store: Store) -> None:
        """Of what is in `store`."""
        self._store = store
        self.outlooks = Outlooks()

    async def look(self, rules: Sequence[Rule]) -> None:
        """Judge those whose turn it is, as long as a round has time; none where no rule asks."""
        self.outlooks.look()
        asking = [rule.name for rule in rules if rests_on_outlooks(rule)]
        if not asking:
            return
        begun = await self._store.read(partial(self._beginning, asking=asking))
        if begun is not None:
            self.outlooks.begin(*begun)
        timing = self._store.timing
        began = timing.monotonic()
        while timing.monotonic() - began < LONGEST and self.outlooks.until is not None:
            some = self.outlooks.turns(AT_ONCE)
            if not some:
                break
            until = moment(self.outlooks.until)
            for each in await self._store.read(
                partial(anomalies.look, some=some, until=until, known=self.outlooks)
            ):
                self.outlooks.keep(each)

    def _beginning(
        self, connection: Connection, now: datetime, asking: Sequence[str]
    ) -> tuple[int, list[Subject], set[Subject]] | None:
        """With what the next hour begins; None where it is not over yet."""
        last = self.outlooks.until
        if last is not None and now - SETTLES < moment(last) + AN_HOUR:
            return None
        until = anomalies.judged_to(connection, now)
        if until is None or hour_of(until) == last:
            return None
        standing = incidents.open_of(connection, now, asking)
        return (
            hour_of(until), anomalies.subjects(connection, now, until),
            {subject_of(key) for key in standing},
        )  # fmt: skip
