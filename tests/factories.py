"""Sensible values of every noun, with every field to be overridden."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

from onbeat.domain.jobs import ClaimedJob, JobId, NewJob
from onbeat.domain.outcomes import Ack
from onbeat.domain.recurrence import every
from onbeat.domain.schedules import Schedule
from onbeat.domain.workers import Session
from onbeat.timing import Ids, SystemTiming

_ids = Ids(SystemTiming())


def new_id() -> JobId:
    """A fresh id, greater than all before."""
    return _ids.one()


def job(**fields: Any) -> NewJob:
    """A job that may run at once."""
    return NewJob(**{"id": new_id(), "task": "send", **fields})


def jobs(count: int, **fields: Any) -> list[NewJob]:
    """Jobs in the order of their ids."""
    return [job(**fields) for _ in range(count)]


def schedule(**fields: Any) -> Schedule:
    """A schedule that is due every minute."""
    identity = uuid.uuid4().hex
    defaults = {
        "id": identity,
        "name": f"report-{identity[:8]}",
        "task": "report",
        "recurrence": every("1m"),
    }
    return Schedule(**{**defaults, **fields})


def session(**fields: Any) -> Session:
    """A worker process."""
    defaults = {
        "id": uuid.uuid4().hex,
        "instance": "host-1",
        "host": "host",
        "pid": 1,
        "version": "1.0",
        "queues": ("default",),
        "slots": 10,
    }
    return Session(**{**defaults, **fields})


ENDS = {
    "complete": "succeeded",
    "retry": "failed",
    "snooze": "snoozed",
    "release": "interrupted",
    "bury": "failed",
    "stop": "cancelled",
}
"""The moves an ack can make, and the outcome each usually follows from."""

UNCOUNTED = ("snooze", "release")
"""Moves after which the attempt does not count."""


def ack(claimed: ClaimedJob, move: str = "complete", **fields: Any) -> Ack:
    """What a worker decided about a job it claimed."""
    defaults: dict[str, Any] = {
        "token": claimed.token,
        "move": move,
        "outcome": ENDS[move],
        "spent": claimed.attempt - (move in UNCOUNTED),
    }
    if move in ("retry", "snooze"):
        defaults["delay"] = timedelta(minutes=1)
    return Ack(**{**defaults, **fields})
