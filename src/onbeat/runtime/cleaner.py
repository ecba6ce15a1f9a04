"""The duty that takes off the record what need no longer be kept."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from sqlalchemy import Connection

from onbeat.domain.errors import StoreError
from onbeat.domain.events import JobsRemoved
from onbeat.domain.meters import Meter
from onbeat.domain.retention import RuleState
from onbeat.domain.states import FINAL_STATES
from onbeat.runtime.lease import Duty
from onbeat.store import incidents, operations, partitions, retention
from onbeat.store.cleaning import Walk, clean_ledger, clean_old, clean_rule
from onbeat.store.health import clean as clean_rollups
from onbeat.store.notices import clean as clean_notices
from onbeat.store.request_keys import clean as clean_request_keys
from onbeat.store.rules import clean_silences
from onbeat.store.store import Store
from onbeat.store.webhooks import clean_deliveries

CLEAN_EVERY = 600.0
"""Seconds from the end of one round to the next."""

REST = 1.0
"""How long it rests after a batch, for others to write in, as a multiple of what that took."""

LEAST, MOST = 0.002, 0.1
"""Bounds of that rest, in seconds."""

Step = Callable[[Connection, datetime, Walk], Walk]

KINDS = frozenset({
    *FINAL_STATES, "ledger", "deliveries", "notices", "operations", "incidents", "silences",
    "roll-ups", "request keys",
})  # fmt: skip
"""What is removed by its age."""

BY_RULE = "by rule"
"""As what all is counted that rules of retention remove, of which there may be many."""


class Cleaner(Duty):
    """Goes round all rules, and by age through everything; a bounded batch at each step."""

    def __init__(self, store: Store, keep: timedelta, **options: Any) -> None:
        """Keep what has ended for `keep`, where no rule says less."""
        super().__init__(store, id="cleaner", term=timedelta(seconds=2 * CLEAN_EVERY), **options)
        self._keep = keep
        self._steps: Iterator[tuple[str, Step]] = iter(())
        self._step: tuple[str, Step] | None = None
        self._walk = Walk()
        self._emptied: list[partitions.Partition] = []

    async def perform(self) -> float:
        """Do one batch of the round, or drop a partition; rest for long when all is done."""
        if self._emptied:
            await self._drop(self._emptied.pop())
            return MOST if self._emptied else CLEAN_EVERY
        if self._step is None:
            self._steps = iter(await self.store.read(self._round))
            self._step = next(self._steps)
        name, step = self._step
        began = self.timing.monotonic()
        self._walk = await self.store.write(lambda c, now: step(c, now, self._walk))
        rest = min(MOST, max(LEAST, REST * (self.timing.monotonic() - began)))
        if not self._walk.is_over:
            return rest
        if self._walk.removed:
            kind = name if name in KINDS else BY_RULE
            self.store.counting.count(Meter.REMOVED, (kind,), self._walk.removed)
            self.emit(JobsRemoved(name, self._walk.removed))
        self._step, self._walk = next(self._steps, None), Walk()
        if self._step is not None:
            return rest
        self._emptied = await self.store.read(self._left)
        return rest if self._emptied else CLEAN_EVERY

    def _round(self, connection: Connection, now: datetime) -> list[tuple[str, Step]]:
        before = now - self._keep
        steps: list[tuple[str, Step]] = [
            (str(state.subject), _of_rule(state)) for state in retention.list_rules(connection, now)
        ]
        steps += [(str(outcome), _of_age(outcome, before)) for outcome in sorted(FINAL_STATES)]
        steps.append(("ledger", lambda c, at, walk: clean_ledger(c, at, before, walk)))
        steps.append(("deliveries", lambda c, at, walk: clean_deliveries(c, at, before, walk)))
        steps.append(("notices", lambda c, at, walk: clean_notices(c, at, before, walk)))
        steps.append(("operations", lambda c, at, walk: operations.clean(c, at, before, walk)))
        steps.append(("incidents", lambda c, at, walk: incidents.clean(c, at, before, walk)))
        steps.append(("silences", lambda c, at, walk: clean_silences(c, at, before, walk)))
        return [*steps, ("roll-ups", clean_rollups), ("request keys", clean_request_keys)]

    def _left(self, connection: Connection, now: datetime) -> list[partitions.Partition]:
        return partitions.left(connection, now, before=now - self._keep)

    async def _drop(self, emptied: partitions.Partition) -> None:
        """Drop what is empty; where somebody holds it for long, the next round comes again."""
        with suppress(StoreError):
            await self.store.write(partial(partitions.drop, wanted=emptied))


def _of_rule(state: RuleState) -> Step:
    return lambda connection, now, walk: clean_rule(connection, now, state, walk)


def _of_age(outcome: str, before: datetime) -> Step:
    return lambda connection, now, walk: clean_old(connection, now, outcome, before, walk)
