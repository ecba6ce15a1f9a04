"""What meters show of a fleet, read at once and in bounded work."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, func, select

from onbeat.domain.channels import Channel
from onbeat.domain.health import Health, Kind
from onbeat.domain.incidents import Severity
from onbeat.domain.loads import WITHIN, Load
from onbeat.domain.meters import Sum
from onbeat.domain.processes import SeenService, seen_in
from onbeat.domain.queues import Queue
from onbeat.domain.workers import Session
from onbeat.store import channels, health, incidents, limits, loads, meters, processes, workers
from onbeat.store.schema import schedules

MOST = 500
"""Tasks, queues and schedules that are told by their names, of each."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What was read."""

    at: datetime
    engine: str
    queues: Sequence[Queue]
    sessions: Sequence[Session]
    services: Sequence[SeenService]
    fares: Mapping[Kind, Sequence[Health]]
    folded_to: datetime | None
    loads: Sequence[Load]
    incidents: Mapping[Severity, int]
    """Those that are not resolved."""
    channels: Sequence[Channel]
    waiting: Mapping[str, int]
    """Notices that are yet to be sent, by the id of their channel."""
    sums: Sequence[Sum]
    """What processes have counted."""
    queue_limits: Mapping[str, int]
    """How many jobs of a queue may run at once, where that is bound."""
    next_due: Mapping[str, datetime]
    """When schedules are due next, by their names, of those that make jobs by themselves."""
    due_at: datetime | None
    """When the first schedule is due that makes jobs by itself; None where none does."""


def read(connection: Connection, now: datetime) -> Reading:
    """Read all of it."""
    pages = {
        kind: health.page(connection, now, kind=kind, since=now, span=health.LONG, limit=MOST)
        for kind in Kind
    }
    goes = (
        schedules.c.paused_at.is_(None), schedules.c.broken.is_(None), schedules.c.clock.is_(None)
    )  # fmt: skip
    due = select(func.min(schedules.c.next_due_at, type_=schedules.c.next_due_at.type))
    coming = select(schedules.c.name, schedules.c.next_due_at).where(
        *goes, schedules.c.next_due_at.is_not(None)
    )
    found = loads.loads(connection, now, within=WITHIN, most=MOST)
    return Reading(
        at=now,
        engine=connection.dialect.name,
        queues=[each.queue for each in found],
        sessions=workers.list_sessions(connection, now),
        services=seen_in(processes.list_processes(connection, now)),
        fares={kind: page.rows for kind, page in pages.items()},
        folded_to=pages[Kind.TASK].folded_to,
        loads=found,
        incidents=incidents.count_open(connection, now),
        channels=channels.list_channels(connection, now)[:MOST],
        waiting=channels.unsettled(connection, now),
        sums=meters.read(connection, now),
        queue_limits=limits.of_queues(connection, MOST),
        next_due={
            row.name: row.next_due_at
            for row in connection.execute(coming.order_by(schedules.c.name).limit(MOST))
        },
        due_at=connection.scalar(due.where(*goes)),
    )
