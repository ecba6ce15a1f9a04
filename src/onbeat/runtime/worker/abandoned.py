"""What becomes of a job that does not end although it was cancelled: it is left to itself."""

from __future__ import annotations

from onbeat.domain.jobs import ClaimedJob
from onbeat.domain.outcomes import Ack, decide
from onbeat.domain.retries import Randomness, Retry
from onbeat.runtime.tasks import Registry
from onbeat.runtime.worker.executor import options_of
from onbeat.runtime.worker.running import Ending, Running, outcome_of_ending


def ack_of_abandoned(
    running: Running, job: ClaimedJob, registry: Registry, randomness: Randomness
) -> Ack:
    """The ack of a job that goes on, but that nobody waits for any longer."""
    definition = registry.get(job.task)
    retry = Retry() if definition is None else definition.retry
    if job.options is not None:
        _, retry = options_of(job.options, None, retry)
    return decide(
        outcome_of_ending(running, running.ending or Ending.SHUTDOWN, abandoned=True),
        token=job.token,
        attempt=job.attempt,
        max_attempts=job.max_attempts,
        retry=retry,
        randomness=randomness,
    )
