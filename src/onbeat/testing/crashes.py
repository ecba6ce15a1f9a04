"""Crash points as the kit arms them: for one of its processes, and never passed unseen."""

from __future__ import annotations

from contextvars import ContextVar
from typing import Protocol

from onbeat.crash_points import CrashPoint, arm
from onbeat.domain.errors import InvalidInput

WORKER_POINTS = frozenset(
    {
        CrashPoint.CLAIM_SENDING, CrashPoint.CLAIM_ANSWERED, CrashPoint.JOBS_CLAIMED,
        CrashPoint.JOB_STARTING, CrashPoint.JOB_ENDED, CrashPoint.ACK_SENDING,
        CrashPoint.ACK_ANSWERED,
    }
)  # fmt: skip
"""Where a worker may die."""

SCHEDULER_POINTS = frozenset(
    {
        CrashPoint.TICK_FIRED, CrashPoint.TICK_COMMITTED, CrashPoint.PROMOTE_SENDING,
        CrashPoint.PROMOTE_ANSWERED, CrashPoint.RESCUE_FOUND, CrashPoint.RESCUE_APPLIED,
    }
)  # fmt: skip
"""Where a scheduler may die."""

process: ContextVar[object] = ContextVar("onbeat_kit_process", default=None)
"""Whose process the running code stands for; a rescue acks too, and is no worker."""


def read_point(at: str, possible: frozenset[CrashPoint], remedy: str) -> CrashPoint:
    """The point of that name. Raises InvalidInput when it is none of those `possible`."""
    try:
        point = CrashPoint(at)
    except ValueError:
        point = None
    if point is None or point not in possible:
        names = ", ".join(sorted(possible))
        raise InvalidInput("at", f"{str(at)!r} is not a point for this; {remedy}{names}")
    return point


class Mortal(Protocol):
    """A process of a kit that can die at a point."""

    def is_here(self) -> bool:
        """Whether the code that runs now is its own, and not that of another process or kit."""
        ...

    def die(self, point: CrashPoint) -> None:
        """End here and now, by raising what takes the running code down."""
        ...


def arm_for(victim: Mortal, point: CrashPoint, on_pass: int) -> None:
    """Let `victim` die when it comes to `point` for the time `on_pass`; others pass unharmed."""
    left = on_pass

    def pass_by() -> None:
        nonlocal left
        left -= victim.is_here()
        if left == 0:
            victim.die(point)
        else:
            arm(point, pass_by)

    arm(point, pass_by)
