"""Mends schedules that are not due when they should be, and says so."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial

from onbeat.domain.events import Emit, ScheduleRepaired
from onbeat.store import repairs
from onbeat.store.store import Store


async def mend(store: Store, suspects: Iterable[str], emit: Emit) -> None:
    """Look closely at the schedules with those ids, and mend what is wrong."""
    for identity in suspects:
        repaired = await store.write(partial(repairs.repair, identity=identity))
        if repaired is not None:
            emit(ScheduleRepaired(repaired.name, repaired.wrong, repaired.next_due_at))
