"""Leases of workers that are gone: a breach only when a rescuer is on duty and leaves them.

A session that is over is no breach: its jobs are given back by whichever worker or scheduler runs
next. So the leases are looked at twice, as far apart as the rescue takes at most, and counted only
when the same rescuer held the duty both times.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, or_, select

from onbeat.store.schema import duties, leases, sessions
from onbeat.store.verify.laws import Breach, Law

RESCUER = "rescuer"
SWEEP = timedelta(seconds=2)
"""How often a rescuer looks, and how many leases it gives back in one look."""
SWEEP_LEASES = 500

MOST_LOOKED_AT = 20_000


@dataclass(frozen=True)
class Lost:
    """The leases of gone workers at one moment, and who was on duty."""

    held: dict[int, tuple[str, str]]
    """Job and session by token."""
    rescuer: str | None
    patience: timedelta
    """How long a rescuer on duty may take to give all of them back."""


def look(connection: Connection, now: datetime) -> Lost:
    """Leases whose session has ended, or is past its term."""
    query = (
        select(leases.c.token, leases.c.job, leases.c.session, sessions.c.expires_at,
               sessions.c.heartbeat_at)
        .select_from(leases.join(sessions, sessions.c.id == leases.c.session))
        .where(or_(sessions.c.expires_at < now, sessions.c.ended_at.is_not(None)))
        .limit(MOST_LOOKED_AT)
    )  # fmt: skip
    rows = connection.execute(query).all()
    terms = [row.expires_at - row.heartbeat_at for row in rows]
    duty = connection.execute(
        select(duties).where(duties.c.name == RESCUER, duties.c.expires_at >= now)
    ).first()
    # The rescuer's own term is in its row; it ends sessions after its own, not after theirs.
    if duty is not None:
        terms.append(duty.expires_at - now + SWEEP)
    sweeps = 2 + math.ceil(len(rows) / SWEEP_LEASES)
    return Lost(
        {row.token: (row.job, row.session) for row in rows},
        None if duty is None else duty.holder,
        max(terms, default=timedelta()) + sweeps * SWEEP,
    )


def left_alone(before: Lost, after: Lost) -> list[Breach]:
    """The leases a rescuer that was on duty all the time has not given back."""
    if after.rescuer is None or before.rescuer != after.rescuer:
        return []
    return [
        Breach(Law.LEASE_NOT_RESCUED, job, f"token {token}, of session {session}")
        for token, (job, session) in after.held.items()
        if token in before.held
    ]


def remark(lost: Lost) -> str | None:
    """What is to be said of them when nobody is on duty."""
    if lost.rescuer is not None or not lost.held:
        return None
    return (
        f"jobs held by workers that are gone: {len(lost.held)}; they are given back when a worker "
        "or scheduler runs"
    )
