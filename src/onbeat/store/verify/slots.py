"""Slots of limits: how many hold each, and how many wait, as counted and as they stand.

All of it is read in one statement, and so is of one moment.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

from sqlalchemy import CompoundSelect, Connection, func, literal, select, union_all

from onbeat.domain.limits import QUEUE
from onbeat.domain.ties import TieKind, keys_of
from onbeat.store.schema import blocked, leases, slots
from onbeat.store.verify.laws import Breach, Law


def breaches(connection: Connection) -> Iterator[Breach]:
    """Slots whose counts are not what stands."""
    counted, used, waiting = _read(connection)
    for slot in sorted(counted.keys() | used.keys() | waiting.keys()):
        here = (used[slot], waiting[slot])
        # A limit of a queue that was removed leaves ties behind, which are let go of in vain.
        if slot not in counted and slot.startswith(QUEUE):
            continue
        if counted.get(slot, (0, 0)) != here:
            said = counted.get(slot, (0, 0))
            yield Breach(
                Law.SLOT_COUNT, slot,
                f"counted {said[0]} held and {said[1]} waiting, there are {here[0]} and {here[1]}",
            )  # fmt: skip


def _read(
    connection: Connection,
) -> tuple[dict[str, tuple[int, int]], Counter[str], Counter[str]]:
    counted: dict[str, tuple[int, int]] = {}
    used: Counter[str] = Counter()
    waiting: Counter[str] = Counter()
    for kind, text, first, second in connection.execute(_everything()):
        match kind:
            case "counted":
                counted[text] = (first, second)
            case "held":
                used.update(keys_of(text, TieKind.SLOT))
            case _:
                waiting[text] = first
    return counted, used, waiting


def _everything() -> CompoundSelect[Any]:
    return union_all(
        select(literal("counted"), slots.c.slot, slots.c.used, slots.c.waiting),
        select(literal("held"), leases.c.ties, literal(1), literal(0)).where(
            leases.c.ties.is_not(None)
        ),
        select(literal("awaited"), blocked.c.slot, func.count(), literal(0))
        .where(blocked.c.slot.is_not(None))
        .group_by(blocked.c.slot),
    )
