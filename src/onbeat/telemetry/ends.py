"""What becomes of an attempt, as what runs around it can know: the worker decides the same."""

from __future__ import annotations

import asyncio
import random
from datetime import timedelta

from onbeat.domain.outcomes import (
    Ack,
    Cancel,
    Cancelled,
    Failed,
    Interrupted,
    Outcome,
    Snooze,
    Snoozed,
    Succeeded,
    TimedOut,
    decide,
)
from onbeat.domain.retries import Retry
from onbeat.runtime.run import Run
from onbeat.runtime.tasks import Registry
from onbeat.runtime.worker.executor import failure_of, options_of
from onbeat.runtime.worker.running import Ending


def end_of(registry: Registry, run: Run, error: BaseException | None) -> Ack:
    """What becomes of the job of `run`, whose task raised `error`, or nothing."""
    definition = registry.get(run.task)
    timeout, retry = (None, Retry()) if definition is None else (
        definition.timeout, definition.retry
    )  # fmt: skip
    if run.options is not None:
        timeout, retry = options_of(run.options, timeout, retry)
    return decide(
        _outcome(run, error, timeout or timedelta()), token=run.token, attempt=run.attempt,
        max_attempts=run.max_attempts, retry=retry, randomness=random,
    )  # fmt: skip


def _outcome(run: Run, error: BaseException | None, timeout: timedelta) -> Outcome:
    match error:
        case None:
            return Succeeded()
        case Snooze():
            return Snoozed(error.delay, run.hide(error.reason))
        case asyncio.CancelledError() | Cancel() if run.stop_kind is not None:
            return _of_ending(Ending(run.stop_kind), run, timeout)
        case Cancel():
            return Cancelled(run.hide(error.reason))
        case _:
            return Failed(error, failure_of(error, run.hide), run.now)


def _of_ending(why: Ending, run: Run, timeout: timedelta) -> Outcome:
    match why:
        case Ending.TIMEOUT:
            return TimedOut(timeout)
        case Ending.STOP:
            return Cancelled(run.stop_reason or "asked to stop")
        case Ending.SHUTDOWN | Ending.LOST:
            return Interrupted(run.stop_reason or "")
