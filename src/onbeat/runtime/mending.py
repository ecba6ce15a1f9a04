"""Mends schedules that are not due when they should be, and says so."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from onbeat.domain.events import Emit, ScheduleRepaired
from onbeat.store import repairs
from onbeat.store.store import Store

AT_ONCE = 100
"""In one transaction: new rules of a zone may move very many schedules, 176 a second one by one."""


async def mend(store: Store, suspects: Sequence[str], emit: Emit) -> None:
    """Look closely at the schedules with those ids, and mend what is wrong."""
    for start in range(0, len(suspects), AT_ONCE):
        some = suspects[start : start + AT_ONCE]
        for repaired in await store.write(partial(repairs.repair_all, identities=some)):
            emit(ScheduleRepaired(repaired.name, repaired.wrong, repaired.next_due_at))
