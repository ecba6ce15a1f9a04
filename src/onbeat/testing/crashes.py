"""Crash points as the kit arms them: for one of its processes, and never passed unseen."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass

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

WORKER = "worker"

process: ContextVar[str] = ContextVar("onbeat_kit_process", default="")
"""Which process of the kit the running code stands for: a rescue acks too, and is no worker."""


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


@dataclass(frozen=True, slots=True)
class Armed:
    """A point that the kit waits to be reached."""

    point: CrashPoint
    die: Callable[[], None]
    on_pass: int

    def arm(self) -> None:
        """Wait for the next pass of whoever is to die there."""
        left = self.on_pass

        def pass_by() -> None:
            nonlocal left
            if self._is_its_own():
                left -= 1
            if left == 0:
                self.die()
            else:
                arm(self.point, pass_by)

        arm(self.point, pass_by)

    def _is_its_own(self) -> bool:
        return self.point in SCHEDULER_POINTS or process.get() == WORKER
