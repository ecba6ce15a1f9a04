"""Schedules that are due when a machine starts: found, and made due once for each of its boots."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from sqlalchemy import Connection, Text, cast, select, update

from onbeat.domain.recurrence import Boot
from onbeat.store.due import read_recurrence
from onbeat.store.payloads import encode
from onbeat.store.schema import schedules


def see(connection: Connection, now: datetime, host: str, boot: str) -> int:
    """Make due now what waits for a start of `host` and has not seen `boot`; how many.

    A paused one has then seen it too, and makes nothing. The rows are locked, so that of any
    number of schedulers one makes them due.
    """
    waiting = (
        select(schedules.c.id, schedules.c.recurrence, schedules.c.paused_at)
        .where(cast(schedules.c.recurrence, Text).like('%"boot"%'))
        .order_by(schedules.c.id)
        .with_for_update()
    )
    found = 0
    for row in connection.execute(waiting).all():
        recurrence = _boot_of(row.recurrence)
        if recurrence is None or recurrence.seen == boot or recurrence.host not in (None, host):
            continue
        is_due = row.paused_at is None
        seen = replace(recurrence, seen=boot, at=now if is_due else recurrence.at)
        due = {"next_due_at": now} if is_due else {}
        connection.execute(
            update(schedules)
            .where(schedules.c.id == row.id)
            .values(recurrence=encode(seen.spec()).decode(), **due)
        )
        found += is_due
    return found


def _boot_of(text: str) -> Boot | None:
    """The recurrence if it is of that kind; one that cannot be read is none."""
    try:
        recurrence = read_recurrence(text)
    except Exception:  # as in reading a schedule: a damaged row stops no other
        return None
    return recurrence if isinstance(recurrence, Boot) else None
