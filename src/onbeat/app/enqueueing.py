"""Stores the jobs that calls ask for: by ourselves, or within a transaction of the caller's."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from itertools import groupby
from typing import TYPE_CHECKING, TypeVar

from onbeat.app.beginning import refuse_begun, refuse_too_late, refuse_too_late_within
from onbeat.app.call_limits import make_limits_known, note_limits, refuse_new_limits
from onbeat.app.calls import Call
from onbeat.app.guests import enqueue_within, enqueue_within_async, new_ids, topics_of
from onbeat.app.handles import JobHandle
from onbeat.app.middleware import before_enqueue
from onbeat.app.request_keys import has_key, write_once
from onbeat.app.sending import check_regions, is_sent, send
from onbeat.domain.errors import InvalidInput
from onbeat.domain.jobs import JobId, NewJob
from onbeat.domain.naming import named
from onbeat.runtime.main_file import refuse_while_read
from onbeat.store import clocks, replacing
from onbeat.store.guests.guest import AsyncGuest, Refused, SyncGuest
from onbeat.store.sqlite.guests import refuse_inside_open_write
from onbeat.store.store import Store

if TYPE_CHECKING:
    from onbeat.app.context import Context

R = TypeVar("R")

Guest = SyncGuest | AsyncGuest

UNMADE = JobId("")
"""Of a job that is only looked at."""

LARGEST_BATCH = 5_000
"""Jobs stored in one transaction; more are stored in several."""


async def enqueue_calls(context: Context, calls: list[Call[R]]) -> list[JobHandle[R]]:
    """Store a job for each call; each batch of 5,000 is stored whole or not at all."""
    refuse_inside_open_write(context.url)
    if context.middleware:
        ids = (await context.store()).ids.many(len(calls))
        calls = await before_enqueue(context.middleware, calls, ids)
    check_regions(context, calls)
    await refuse_too_late(context, calls)
    await make_limits_known(context, calls)
    store = await context.store()
    handles: list[JobHandle[R]] = []
    for batch, made in _with_jobs(calls, store.ids.many):
        jobs = await send(context, batch, made)
        clock = batch[0].options.clock
        refused = await (_store(store, jobs) if clock is None else _place(store, clock, jobs))
        handles += _handles(context, batch, jobs, refused)
    return handles


async def check_together(context: Context, calls: Sequence[Call[R]]) -> None:
    """Raise InvalidInput, behind the number of the call that is wrong, for what would not be stored
    in one transaction.
    """
    if len(calls) > LARGEST_BATCH:
        told = f"{len(calls):,} jobs are too many for one transaction; ask for at most"
        raise InvalidInput("calls", f"{told} {LARGEST_BATCH:,} at once")
    is_timed = any(call.options.start_by is not None for call in calls)
    now = await context.read(lambda _, now: now) if is_timed else None
    for number, call in enumerate(calls):
        with named(f"{number}."):
            if call.options.clock != calls[0].options.clock:
                raise InvalidInput("clock", "all that are asked for at once are of one clock; ask "
                                   "for those of another apart")  # fmt: skip
            check_regions(context, [call])
            if now is not None:
                refuse_begun(call, now)
            note_limits(context, [call])
            call.new_job(UNMADE)


async def _place(store: Store, clock: str, jobs: list[NewJob]) -> Refused:
    """Store the jobs on a virtual clock."""
    first = jobs[0].id
    placed = await write_once(
        store, partial(clocks.enqueue, name=clock, wanted=jobs), ("job", first),
        called=lambda placed: placed.refused.get(first, first),
    )  # fmt: skip
    store.wakeups.send(placed.queues)
    return placed.refused


async def _store(store: Store, jobs: list[NewJob]) -> Refused:
    """Store the jobs, and wake who runs them."""
    refused = await _stored(store, jobs)
    store.wakeups.send(topics_of(jobs))
    return refused


async def _stored(store: Store, jobs: list[NewJob]) -> Refused:
    """Most have no conditions, and pay for none."""
    if has_key():
        first = jobs[0].id
        return await write_once(
            store, partial(replacing.enqueue, wanted=jobs), ("job", first),
            called=lambda refused: refused.get(first, first),
        )  # fmt: skip
    if not any(job.has_conditions for job in jobs):
        await store.enqueue(jobs)
        return {}
    if any(job.unique is not None and job.unique.replaces for job in jobs):
        return await store.write(partial(replacing.enqueue, wanted=jobs))
    return await store.enqueue_with_conditions(jobs)


def enqueue_calls_within(
    context: Context, guest: Guest, calls: list[Call[R]]
) -> list[JobHandle[R]]:
    """The same on a sync guest: all of them are stored if and when the caller commits."""
    refuse_while_read()
    if context.middleware:
        ids = new_ids(len(calls))
        calls = context.block(partial(before_enqueue, context.middleware, calls, ids))
    _check_within(context, calls)
    handles: list[JobHandle[R]] = []
    for batch, made in _with_jobs(calls, new_ids):
        jobs = made
        if is_sent(context, batch):
            jobs = context.block(partial(send, context, batch, made))
        refused = enqueue_within(guest, jobs, context.stores.wake)
        handles += _handles(context, batch, jobs, refused)
    return handles


async def enqueue_calls_within_async(
    context: Context, guest: Guest, calls: list[Call[R]]
) -> list[JobHandle[R]]:
    """The same on any guest."""
    refuse_while_read()
    if context.middleware:
        calls = await before_enqueue(context.middleware, calls, new_ids(len(calls)))
    _check_within(context, calls)
    handles: list[JobHandle[R]] = []
    for batch, made in _with_jobs(calls, new_ids):
        jobs = await send(context, batch, made)
        refused = await enqueue_within_async(guest, jobs, context.stores.wake)
        handles += _handles(context, batch, jobs, refused)
    return handles


def _with_jobs(
    calls: list[Call[R]], new_ids: Callable[[int], list[JobId]]
) -> list[tuple[list[Call[R]], list[NewJob]]]:
    """The batches with their jobs, all made before the first is stored: one may be refused."""
    return [(batch, _jobs(batch, new_ids(len(batch)))) for batch in _batches(calls)]


def _batches(calls: list[Call[R]]) -> list[list[Call[R]]]:
    """So many at once, all of one clock."""
    return [
        same[start : start + LARGEST_BATCH]
        for same in (list(each) for _, each in groupby(calls, lambda call: call.options.clock))
        for start in range(0, len(same), LARGEST_BATCH)
    ]


def _check_within(context: Context, calls: list[Call[R]]) -> None:
    """Raise InvalidInput for what cannot be asked for in a transaction of the caller's."""
    check_regions(context, calls)
    refuse_too_late_within(context, calls)
    refuse_new_limits(context, calls)
    _refuse_on_guest(calls)


def _refuse_on_guest(calls: list[Call[R]]) -> None:
    """Refuse what takes more than one statement on somebody else's connection."""
    if any(call.options.clock is not None for call in calls):
        raise InvalidInput(
            "clock", "a job on a virtual clock cannot be enqueued within a transaction of yours; "
            "enqueue it after the commit",
        )  # fmt: skip
    uniques = (call.options.unique or call.definition.unique for call in calls)
    if any(unique is not None and unique.on_conflict == "replace" for unique in uniques):
        raise InvalidInput(
            "on_conflict", "a job that replaces another cannot be enqueued within a transaction of "
            "yours; enqueue it after the commit, or with on_conflict='keep'",
        )  # fmt: skip


def _jobs(batch: list[Call[R]], ids: list[JobId]) -> list[NewJob]:
    """Their jobs; middleware has been told of an id, and else they have these."""
    return [call.new_job(call.job or job) for call, job in zip(batch, ids, strict=True)]


def _handles(
    context: Context, batch: list[Call[R]], jobs: list[NewJob], refused: Refused
) -> list[JobHandle[R]]:
    return [
        _handle(context, call, job, refused.get(job.id))
        for call, job in zip(batch, jobs, strict=True)
    ]


def _handle(context: Context, call: Call[R], job: NewJob, other: JobId | None) -> JobHandle[R]:
    """Of the job that was stored, or of the `other` that has its key."""
    if other is not None:
        return JobHandle(context, other, call.definition, is_new=False)
    return JobHandle(context, job.id, call.definition, queue=job.queue, route=job.route)
