"""Named places where a process may die, for tests that make it die exactly there.

Each lies beside a commit, or where a job is neither here nor there. In life nothing is armed, and
`reach` costs a look at a global. A test arms a point with what is to happen there:

    arm(CrashPoint.ACK_ANSWERED, lambda: os.kill(os.getpid(), signal.SIGKILL), on_pass=3)
"""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from itertools import count


class CrashPoint(StrEnum):
    """A place in the code, by the moment it stands for."""

    meaning: str

    def __new__(cls, name: str, meaning: str = "") -> CrashPoint:
        """A point and what is true when it is reached."""
        point = str.__new__(cls, name)
        point._value_ = name
        point.meaning = meaning
        return point

    GROUP_BEFORE_COMMIT = (
        "group-before-commit",
        "SQLite's writer has run a group of requests, and has not committed it",
    )
    GROUP_AFTER_COMMIT = (
        "group-after-commit",
        "SQLite's writer has committed a group, and has told none of its callers",
    )
    WRITE_BEFORE_COMMIT = (
        "write-before-commit",
        "cold work (a session, a duty, a pause) is done, and not committed",
    )
    WRITE_AFTER_COMMIT = (
        "write-after-commit",
        "cold work is committed, and whoever asked for it does not know",
    )
    ENQUEUE_SENDING = ("enqueue-sending", "jobs are about to be sent to the store")
    ENQUEUE_ANSWERED = ("enqueue-answered", "jobs are stored, and the caller does not know")
    CLAIM_SENDING = ("claim-sending", "a claim is about to be sent")
    CLAIM_ANSWERED = ("claim-answered", "jobs are leased, and the worker does not know")
    ACK_SENDING = ("ack-sending", "outcomes are about to be sent")
    ACK_ANSWERED = ("ack-answered", "outcomes are stored, and the worker does not know")
    ENDS_FOLLOWED = (
        "ends-followed",
        "what waited for ended jobs goes on or is called off, and that is not committed",
    )
    ENDS_COMMITTED = (
        "ends-committed",
        "what waited for ended jobs goes on, and nobody was woken",
    )
    PROMOTE_SENDING = ("promote-sending", "waiting jobs that are due are about to be made pending")
    PROMOTE_ANSWERED = ("promote-answered", "waiting jobs were made pending, and nobody was woken")
    TICK_FIRED = (
        "tick-fired",
        "occurrences, their jobs and the next moment are written, and not committed",
    )
    TICK_COMMITTED = ("tick-committed", "a tick is committed, and the scheduler does not know")
    RESCUE_FOUND = ("rescue-found", "leases of a dead worker were found, and nothing done yet")
    RESCUE_APPLIED = ("rescue-applied", "a dead worker's jobs were given back, and nobody was told")
    JOBS_CLAIMED = ("jobs-claimed", "the worker knows what it has leased, and none of it has begun")
    JOB_STARTING = ("job-starting", "a slot has taken a job, and has not begun it")
    NOTICE_CLAIMED = ("notice-claimed", "a notice is leased, and nothing of it is sent")
    NOTICE_SENT = ("notice-sent", "a notice is sent, and that is not on record")
    JOB_ENDED = ("job-ended", "a job has ended, and its outcome is on no list yet")


OF_NOTICES = frozenset({CrashPoint.NOTICE_CLAIMED, CrashPoint.NOTICE_SENT})
"""Points that only a process with a dispatcher and a channel passes."""

SQLITE_ONLY = frozenset({CrashPoint.GROUP_BEFORE_COMMIT, CrashPoint.GROUP_AFTER_COMMIT})
"""Points that PostgreSQL has no place for."""

Act = Callable[[], None]

_armed: dict[CrashPoint, Callable[[], None]] | None = None


def reach(point: CrashPoint) -> None:
    """Say that the code is at `point`; in life nothing happens."""
    if _armed is not None and point in _armed:
        _armed[point]()


def arm(point: CrashPoint, act: Act, *, on_pass: int = 1) -> None:
    """Have `act` called when `point` is reached for the time `on_pass`, from 1; once.

    It is called where the code is: in whichever thread or loop, which it may hold up or end.
    """
    global _armed  # noqa: PLW0603 - one look at a global is what it may cost when nothing is armed
    passes = count(1)

    def pass_by() -> None:
        if next(passes) == on_pass:
            act()

    _armed = {**(_armed or {}), point: pass_by}


def disarm() -> None:
    """Let nothing happen anywhere."""
    global _armed  # noqa: PLW0603 - as above
    _armed = None
