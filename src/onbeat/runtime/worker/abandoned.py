"""What becomes of a job that does not end although it was cancelled: it is left to itself."""

from __future__ import annotations

from datetime import timedelta

from onbeat.domain.jobs import ClaimedJob
from onbeat.domain.outcomes import Ack, Cancelled, Interrupted, Outcome, TimedOut, decide
from onbeat.domain.retries import Randomness, Retry
from onbeat.runtime.tasks import Registry
from onbeat.runtime.worker.executor import options_of
from onbeat.runtime.worker.running import Ending, Running


def ack_of_abandoned(
    running: Running, job: ClaimedJob, registry: Registry, randomness: Randomness
) -> Ack:
    """The ack of a job that goes on, but that nobody waits for any longer."""
    definition = registry.get(job.task)
    retry = Retry() if definition is None else definition.retry
    if job.options is not None:
        _, retry = options_of(job.options, None, retry)
    return decide(
        _outcome(running),
        token=job.token,
        attempt=job.attempt,
        max_attempts=job.max_attempts,
        retry=retry,
        randomness=randomness,
    )


def _outcome(running: Running) -> Outcome:
    if running.ending is Ending.TIMEOUT:
        return TimedOut(running.timeout or timedelta(), abandoned=True)
    if running.ending is Ending.STOP:
        return Cancelled(running.run.stop_reason or "asked to stop")
    return Interrupted()
