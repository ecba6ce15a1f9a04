"""Limits, cold: declare them, change them at run time, and see who holds and who waits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Connection, Row, delete, func, insert, select, text, update

from onbeat.domain.breakers import LIMIT as BREAKER
from onbeat.domain.errors import NotFound
from onbeat.domain.limits import (
    QUEUE,
    Bounds,
    LimitState,
    SlotState,
    limit_of,
    queue_limit,
    queue_slot,
)
from onbeat.domain.ties import TieKind, tie
from onbeat.store import queues
from onbeat.store.column_types import EPOCH
from onbeat.store.declaring import be_alone
from onbeat.store.schema import leases, limits, slots

MOST_SLOTS = 100
"""Slots of a limit that are shown: those with most jobs waiting."""

MOST_HOLDERS = 5
"""Jobs that are named as holding a slot."""


def declare(
    connection: Connection, now: datetime, wanted: Mapping[str, Bounds], by: str
) -> tuple[str, ...]:
    """Bring limits to what code says; the names of those that changed.

    What somebody set at run time stays as it is; only what the code says is noted beside it.
    """
    be_alone(connection)
    changed = []
    for name, bounds in sorted(wanted.items()):
        before = _row(connection, name)
        said = _encoded(bounds)
        if before is None:
            _insert(connection, now, name, bounds, by, declared=said, by_hand=False)
            changed.append(name)
        elif before.declared is None or _decoded(before.declared) != bounds:
            connection.execute(update(limits).where(limits.c.name == name).values(declared=said))
            if not before.by_hand:
                _change(connection, now, name, bounds, by, by_hand=False)
                changed.append(name)
    return tuple(changed)


def set_bounds(
    connection: Connection, now: datetime, name: str, bounds: Bounds, by: str
) -> tuple[LimitState, bool]:
    """Let a limit allow something else from now on, which a deploy does not undo; the limit, and
    whether that is other than before.

    Raises NotFound for one that no code has declared, unless it bounds a queue.
    """
    if name.startswith(BREAKER):
        raise _unknown(name)
    be_alone(connection)
    before = _row(connection, name)
    if before is not None:
        if before.by_hand and _bounds(before) == bounds:
            return find(connection, now, name), False
        _change(connection, now, name, bounds, by, by_hand=True)
    elif name.startswith(QUEUE):
        _insert(connection, now, name, bounds, by, declared=None, by_hand=True)
    else:
        raise _unknown(name)
    return find(connection, now, name), True


def of_queues(connection: Connection, most: int) -> dict[str, int]:
    """How many jobs of a queue may run at once, of the first `most` queues that have such a limit,
    by their names.
    """
    bound = (limits.c.name.startswith(QUEUE, autoescape=True), limits.c.concurrency.is_not(None))
    rows = connection.execute(
        select(limits.c.name, limits.c.concurrency).where(*bound).order_by(limits.c.name)
        .limit(most)
    )  # fmt: skip
    return {row.name.removeprefix(QUEUE): row.concurrency for row in rows}


def reset(connection: Connection, now: datetime, name: str, by: str) -> LimitState | None:
    """Let a limit be as the code says again; None when no code has it, and it is gone."""
    before = None if name.startswith(BREAKER) else _row(connection, name)
    if before is None:
        raise _unknown(name)
    if before.declared is None:
        remove(connection, now, name)
        return None
    _change(connection, now, name, _decoded(before.declared), by, by_hand=False)
    return find(connection, now, name)


def remove(connection: Connection, now: datetime, name: str) -> None:
    """Bound by it no longer; code that declares it brings it back at its next start."""
    if connection.execute(delete(limits).where(limits.c.name == name)).rowcount == 0:
        raise _unknown(name)
    if name.startswith(QUEUE):
        connection.execute(delete(slots).where(slots.c.limit == name))
    else:
        _reopen(connection, now, name)


def _unknown(name: str) -> NotFound:
    return NotFound(f"no limit named {name!r}", "limits")


def _insert(
    connection: Connection,
    now: datetime,
    name: str,
    bounds: Bounds,
    by: str,
    *,
    declared: str | None,
    by_hand: bool,
) -> None:
    values = {**msgspec.structs.asdict(bounds), "declared": declared, "by_hand": int(by_hand)}
    connection.execute(insert(limits).values(name=name, changed_at=now, changed_by=by, **values))
    if name.startswith(QUEUE):
        _hold_running(connection, name)


def _change(
    connection: Connection, now: datetime, name: str, bounds: Bounds, by: str, *, by_hand: bool
) -> None:
    connection.execute(
        update(limits)
        .where(limits.c.name == name)
        .values(
            **msgspec.structs.asdict(bounds), by_hand=int(by_hand), changed_at=now, changed_by=by
        )
    )
    _reopen(connection, now, name)


def _reopen(connection: Connection, now: datetime, name: str) -> None:
    """Let the next claim look anew at every slot: what held it shut may be no more."""
    mine = update(slots).where(slots.c.limit == name)
    connection.execute(mine.values(full=0, open_at=EPOCH))
    connection.execute(mine.where(slots.c.spent_at > now).values(spent_at=now))


def _hold_running(connection: Connection, name: str) -> None:
    """Count what runs in a queue that is bound from now on, and tie it to the slot.

    No job may begin or end meanwhile: on PostgreSQL a lock on all leases sees to that, for
    milliseconds, once in the life of a limit.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(text("LOCK TABLE onbeat_leases IN SHARE ROW EXCLUSIVE MODE"))
    queue = name.removeprefix(QUEUE)
    mine = tie(TieKind.SLOT, queue_slot(queue))
    running = connection.execute(
        select(leases.c.token, leases.c.ties).where(leases.c.queue == queue)
    ).all()
    for row in running:
        ties = [] if row.ties is None else msgspec.json.decode(row.ties)
        if mine not in ties:
            held = msgspec.json.encode([mine, *ties]).decode()
            connection.execute(update(leases).where(leases.c.token == row.token).values(ties=held))
    connection.execute(
        insert(slots).values(
            slot=queue_slot(queue), limit=name, used=len(running), waiting=0, full=0,
            open_at=EPOCH, spent_at=EPOCH,
        )
    )  # fmt: skip


def find(connection: Connection, now: datetime, name: str) -> LimitState:
    """One limit, and how much of it is in use. Raises NotFound."""
    found = [each for each in list_limits(connection, now) if each.name == name]
    if not found:
        raise _unknown(name)
    return found[0]


def list_limits(connection: Connection, now: datetime) -> list[LimitState]:
    """All limits in order of name, each with how many hold it and wait for it."""
    use = (
        select(
            slots.c.limit,
            func.sum(slots.c.used).label("used"),
            func.sum(slots.c.waiting).label("waiting"),
            func.count().label("slots"),
        )
        .where((slots.c.used > 0) | (slots.c.waiting > 0))
        .group_by(slots.c.limit)
        .subquery()
    )
    rows = connection.execute(
        select(limits, use.c.used, use.c.waiting, use.c.slots)
        .outerjoin(use, use.c.limit == limits.c.name)
        .where(limits.c.name.not_like(f"{BREAKER}%"))
        .order_by(limits.c.name)
    )
    return [_with_pending(connection, now, _state(row)) for row in rows]


def _with_pending(connection: Connection, now: datetime, limit: LimitState) -> LimitState:
    """A queue's limit with those who wait for it: jobs that do not make way, and stay pending."""
    if not limit.name.startswith(QUEUE):
        return limit
    found = list_slots(connection, now, limit.name)
    return replace(limit, waiting=sum(each.waiting for each in found), slots=len(found))


def _state(row: Row[Any]) -> LimitState:
    return LimitState(
        name=row.name,
        bounds=_bounds(row),
        declared=None if row.declared is None else _decoded(row.declared),
        by_hand=bool(row.by_hand),
        changed_at=row.changed_at,
        changed_by=row.changed_by,
        used=row.used or 0,
        waiting=row.waiting or 0,
        slots=row.slots or 0,
    )


def list_slots(connection: Connection, now: datetime, name: str) -> list[SlotState]:
    """The slots of a limit in use, those most waited for first; at most 100."""
    in_use = (slots.c.used > 0) | (slots.c.waiting > 0) | (slots.c.open_at > now)
    rows = connection.execute(
        select(slots, limits.c.concurrency, limits.c.rate, limits.c.period, limits.c.burst)
        .outerjoin(limits, limits.c.name == slots.c.limit)
        .where(slots.c.limit == name, in_use)
        .order_by(slots.c.waiting.desc(), slots.c.used.desc(), slots.c.slot)
        .limit(MOST_SLOTS)
    )
    found = [_slot(row) for row in rows]
    if name.startswith(QUEUE):
        found = [_with_line(connection, now, each) for each in found]
    return [each for each in found if each.used or each.waiting]


def _with_line(connection: Connection, now: datetime, of_queue: SlotState) -> SlotState:
    """The slot of a queue with what is pending there, where it lets nobody begin now."""
    if not of_queue.is_full and of_queue.open_at <= now:
        return of_queue
    queue = limit_of(of_queue.name).removeprefix(QUEUE)
    return replace(of_queue, waiting=queues.count_pending(connection, queue))


def slot(connection: Connection, name: str) -> SlotState | None:
    """One slot and the jobs that hold it; None when nobody has needed it yet."""
    row = connection.execute(
        select(slots, limits.c.concurrency, limits.c.rate, limits.c.period, limits.c.burst)
        .outerjoin(limits, limits.c.name == slots.c.limit)
        .where(slots.c.slot == name)
    ).first()
    return None if row is None else _slot(row, holders(connection, name))


def _slot(row: Row[Any], held_by: tuple[str, ...] = ()) -> SlotState:
    return SlotState(
        name=row.slot,
        bounds=_bounds(row),
        used=row.used,
        waiting=row.waiting,
        open_at=row.open_at,
        holders=held_by,
    )


def holders(connection: Connection, name: str) -> tuple[str, ...]:
    """The first few jobs that hold a slot."""
    held = msgspec.json.encode(tie(TieKind.SLOT, name)).decode()
    query = (
        select(leases.c.job)
        .where(leases.c.ties.contains(held, autoescape=True))
        .order_by(leases.c.token)
        .limit(MOST_HOLDERS)
    )
    return tuple(connection.scalars(query))


def queue_state(connection: Connection, queue: str) -> SlotState | None:
    """The slot of the limit that bounds a queue; None when none does."""
    if _row(connection, queue_limit(queue)) is None:
        return None
    return slot(connection, queue_slot(queue))


def leave(connection: Connection, name: str | None, count: int = 1) -> None:
    """Note that jobs wait no more for a slot, for a reason other than that they got it."""
    if name is not None:
        connection.execute(
            update(slots).where(slots.c.slot == name).values(waiting=slots.c.waiting - count)
        )


def sweep(connection: Connection, now: datetime) -> None:
    """Forget slots that nobody holds, waits for, or has used up, and no breaker keeps shut."""
    idle = (slots.c.used == 0) & (slots.c.waiting == 0) & (slots.c.spent_at <= now)
    idle &= slots.c.open_at <= now
    connection.execute(delete(slots).where(idle, slots.c.slot.not_like(f"{QUEUE}%")))


def _row(connection: Connection, name: str) -> Row[Any] | None:
    return connection.execute(select(limits).where(limits.c.name == name)).first()


def _bounds(row: Row[Any]) -> Bounds:
    return Bounds(row.concurrency, row.rate, row.period, row.burst)


def _encoded(bounds: Bounds) -> str:
    return msgspec.json.encode(bounds).decode()


def _decoded(said: Any) -> Bounds:
    text_of = said if isinstance(said, str) else msgspec.json.encode(said)
    return msgspec.json.decode(text_of, type=Bounds)
