"""Enqueueing inside the caller's own transaction, on the caller's own connection.

The same statements as our own enqueue. No NOTIFY goes out in the caller's transaction; workers
are woken after the commit where the guest tells us of it, and find the job by their poll otherwise.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from onbeat.domain.errors import InvalidInput
from onbeat.domain.jobs import JobId, NewJob
from onbeat.store.guests.guest import AsyncGuest, Guest, Refused, SyncGuest
from onbeat.store.wakeups import SCHEDULER
from onbeat.timing import Ids, SystemTiming

Wake = Callable[[frozenset[str]], bool]
"""Wakes whoever waits for the topics; whether there was a way to."""

_ids = Ids(SystemTiming())


def new_ids(count: int) -> list[JobId]:
    """Ids for jobs; made here, because the store may not be open."""
    return _ids.many(count)


def enqueue_within(guest: SyncGuest | AsyncGuest, jobs: Sequence[NewJob], wake: Wake) -> Refused:
    """Store `jobs` on a sync guest; of those whose unique key another job has, by id that job."""
    if isinstance(guest, AsyncGuest):
        raise InvalidInput("within", "the transaction is async; use `await ….enqueue(…)` with it")
    refused = guest.enqueue(jobs)
    _wake_after_commit(guest, jobs, wake)
    return refused


async def enqueue_within_async(
    guest: SyncGuest | AsyncGuest, jobs: Sequence[NewJob], wake: Wake
) -> Refused:
    """Store `jobs` on an async guest, or on a sync one that async code uses."""
    if isinstance(guest, SyncGuest):
        return enqueue_within(guest, jobs, wake)
    refused = await guest.enqueue(jobs)
    _wake_after_commit(guest, jobs, wake)
    return refused


def topics_of(jobs: Sequence[NewJob]) -> frozenset[str]:
    """Who may have something to do now: the queues' workers, and the scheduler for later jobs."""
    later = any(job.delay is not None or job.due_at is not None for job in jobs)
    return frozenset({job.queue for job in jobs} | ({SCHEDULER} if later else set()))


def _wake_after_commit(guest: Guest, jobs: Sequence[NewJob], wake: Wake) -> None:
    topics = topics_of(jobs)

    def told() -> None:
        if not wake(topics):
            guest.hint(topics)

    guest.after_commit(told)
