"""What happened in an attempt, and what follows: `decide` turns an outcome into an ack.

The worker observes, `decide` judges, the store applies. The lease's token makes an ack
idempotent: it is applied by whoever still holds the lease, and by nobody twice.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import assert_never

import msgspec

from onbeat.domain.attempts import Failure
from onbeat.domain.error_classes import ErrorClass, error_class, retry_after
from onbeat.domain.retries import Randomness, Retry

MAX_LOSSES = 3
"""After so many worker deaths under it a job is set aside, as one that kills its worker."""

APART = timedelta(seconds=10)
"""Over so long the jobs of a worker that died are spread when it was not their first to die.

Whatever is claimed together is lost together, whichever of them killed the worker. Given back at
once they would be claimed together again, and the innocent set aside with the guilty.
"""


SHORTEST_WAIT, LONGEST_WAIT = timedelta(seconds=10), timedelta(minutes=10)
"""How long a job that this worker cannot run is left for a worker that can."""


class Snooze(Exception):
    """Raised by a task to be run again after `delay`; the attempt does not count."""

    def __init__(self, delay: timedelta, reason: str = "") -> None:
        """Ask to be run again after `delay`."""
        super().__init__(reason or f"again in {delay}")
        self.delay = max(delay, timedelta())
        self.reason = str(reason)  # somebody may give an error


class Cancel(Exception):
    """Raised by a task to end its job as cancelled, without another attempt."""

    def __init__(self, reason: str) -> None:
        """End the job for `reason`."""
        super().__init__(reason)
        self.reason = str(reason)  # somebody may give an error


# What most jobs end in is a struct, as is the ack: made in 0.07 us, a frozen dataclass in 1.1.
class Succeeded(msgspec.Struct, frozen=True):
    """The task returned; `result` is JSON, or None when it returned nothing."""

    result: str | None = None


@dataclass(frozen=True, slots=True)
class Failed:
    """The task raised `error`; `failure` is what is kept of it."""

    error: BaseException
    failure: Failure
    at: datetime | None = None
    """When it failed; None where that is not known."""


@dataclass(frozen=True, slots=True)
class Snoozed:
    """The task asked to be run again after `delay`; the attempt does not count."""

    delay: timedelta
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Cancelled:
    """The job was asked to stop, or gave up itself, and has stopped, or was abandoned."""

    reason: str
    abandoned: bool = False


@dataclass(frozen=True, slots=True)
class Interrupted:
    """The worker gave the job back before it ended, because it is shutting down."""

    reason: str = "worker shutting down"
    abandoned: bool = False


@dataclass(frozen=True, slots=True)
class TimedOut:
    """The attempt ran past its deadline and was ended, or abandoned where it cannot be."""

    after: timedelta
    abandoned: bool = False


@dataclass(frozen=True, slots=True)
class Lost:
    """The worker process died; `losses` counts this one, if it counts, and earlier ones of the job.

    It counts unless the job is known not to have begun: then it cannot have killed its worker.
    """

    losses: int
    stop_asked: str | None = None
    counts: bool = True


Outcome = Succeeded | Failed | Snoozed | Cancelled | Interrupted | TimedOut | Lost


class Ack(msgspec.Struct, frozen=True, kw_only=True):
    """The decided consequence of an outcome, ready to be stored."""

    token: int
    move: str
    """One of complete, retry, snooze, release, bury, stop."""
    outcome: str
    spent: int
    """How many attempts count against the job from here on."""
    delay: timedelta | None = None
    reason: str | None = None
    failure: Failure | None = None
    result: str | None = None
    losses: int | None = None
    """How many workers have died under the job from here on; None leaves it as it is."""


def time_for_others(age: timedelta) -> timedelta:
    """How long to leave a job of that age to a worker that can run it: longer the older it is, for
    each look leaves an attempt on record.
    """
    return min(max(age / 4, SHORTEST_WAIT), LONGEST_WAIT)


def decide(
    outcome: Outcome,
    *,
    token: int,
    attempt: int,
    max_attempts: int,
    retry: Retry,
    randomness: Randomness,
) -> Ack:
    """Say what becomes of a job whose attempt number `attempt` ended in `outcome`."""
    match outcome:
        case Succeeded(result):
            return Ack(token=token, move="complete", outcome="succeeded",
                       spent=attempt, result=result)  # fmt: skip
        case Failed(error, failure, at):
            ack = _after_failure(error, failure, token, attempt, max_attempts, retry, randomness)
            return _no_sooner(ack, retry_after(error, at))
        case TimedOut():
            return _after_timeout(outcome, token, attempt, max_attempts, retry, randomness)
        case Snoozed(delay, reason):
            return Ack(token=token, move="snooze", outcome="snoozed",
                       spent=attempt - 1, delay=delay, reason=reason or None)  # fmt: skip
        case Cancelled(reason, abandoned):
            return Ack(token=token, move="stop", outcome="cancelled",
                       spent=attempt, reason=_told(reason, abandoned=abandoned))  # fmt: skip
        case Interrupted(reason, abandoned):
            return Ack(token=token, move="release", outcome="interrupted",
                       spent=attempt - 1, reason=_told(reason, abandoned=abandoned))  # fmt: skip
        case Lost():
            return _after_loss(outcome, token, attempt, randomness)
        case _:
            assert_never(outcome)


def _after_failure(
    error: BaseException,
    failure: Failure,
    token: int,
    attempt: int,
    max_attempts: int,
    retry: Retry,
    randomness: Randomness,
) -> Ack:
    policy = retry.for_error(error)
    allowed = max_attempts if policy is retry else policy.attempts
    reason = f"{failure.type}: {failure.message}"[:500]
    kind = error_class(error, retry)
    failure = replace(failure, error_class=kind)
    if attempt >= allowed or kind is ErrorClass.PERMANENT:
        return Ack(token=token, move="bury", outcome="failed", spent=attempt,
                   reason=reason, failure=failure)  # fmt: skip
    wait = policy.delay(attempt, randomness)
    return Ack(token=token, move="retry", outcome="failed", spent=attempt,
               delay=wait, reason=reason, failure=failure)  # fmt: skip


def _no_sooner(ack: Ack, wait: timedelta | None) -> Ack:
    """The ack with at least the delay that the error itself asks for."""
    if ack.delay is None or wait is None or wait <= ack.delay:
        return ack
    return msgspec.structs.replace(ack, delay=wait)


def _told(reason: str, *, abandoned: bool) -> str:
    return f"{reason}; it could not be ended and was abandoned" if abandoned else reason


def _after_timeout(
    outcome: TimedOut,
    token: int,
    attempt: int,
    max_attempts: int,
    retry: Retry,
    randomness: Randomness,
) -> Ack:
    seconds = outcome.after.total_seconds()
    told = _told(f"ran past its timeout of {seconds:g} s", abandoned=outcome.abandoned)
    error = TimeoutError(told)
    failure = Failure(type="TimeoutError", message=str(error))
    ack = _after_failure(error, failure, token, attempt, max_attempts, retry, randomness)
    return msgspec.structs.replace(ack, outcome="timed out")


def _after_loss(outcome: Lost, token: int, attempt: int, randomness: Randomness) -> Ack:
    reason = f"its worker died ({outcome.losses} of {MAX_LOSSES})"
    losses = outcome.losses
    if outcome.stop_asked is not None:
        return Ack(token=token, move="stop", outcome="lost", spent=attempt,
                   reason=outcome.stop_asked)  # fmt: skip
    if not outcome.counts:
        return Ack(token=token, move="release", outcome="lost", spent=attempt - 1, losses=losses,
                   reason="its worker died before it began")  # fmt: skip
    if losses >= MAX_LOSSES:
        return Ack(token=token, move="bury", outcome="lost", spent=attempt,
                   reason=f"set aside: {reason}")  # fmt: skip
    if losses > 1:
        return Ack(token=token, move="snooze", outcome="lost", spent=attempt - 1, losses=losses,
                   delay=randomness.random() * APART, reason=reason)  # fmt: skip
    return Ack(token=token, move="release", outcome="lost", spent=attempt - 1, losses=losses,
               reason=reason)  # fmt: skip
