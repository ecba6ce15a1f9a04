"""A call of a task that is yet to be made: the task, its options, its arguments."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import groupby
from typing import TYPE_CHECKING, Any, Generic, ParamSpec, TypedDict, TypeVar, Unpack

import msgspec

from onbeat.app.guests import enqueue_within, enqueue_within_async, new_ids, topics_of
from onbeat.app.handles import JobHandle
from onbeat.app.middleware import before_enqueue
from onbeat.app.results import ResultOf, results_among
from onbeat.app.sending import check_region, is_sent, send
from onbeat.domain.breakers import tie_of
from onbeat.domain.clocks import check_clock
from onbeat.domain.durations import parse_duration
from onbeat.domain.errors import InvalidArguments, InvalidInput
from onbeat.domain.jobs import JobId, NewJob, check_name, check_priority
from onbeat.domain.limits import Limit, slot_of
from onbeat.domain.retries import Retry, check_retry
from onbeat.runtime.main_file import refuse_while_read
from onbeat.runtime.tasks import Definition, check_limits
from onbeat.store import clocks
from onbeat.store.guests.guest import AsyncGuest, SyncGuest
from onbeat.store.guests.recognition import guest_of
from onbeat.store.sqlite.guests import refuse_inside_open_write

if TYPE_CHECKING:
    from onbeat.app.context import Context

P = ParamSpec("P")
R = TypeVar("R")

Guest = SyncGuest | AsyncGuest


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What one call overrides of its task; None leaves the task's own."""

    queue: str | None = None
    priority: int | None = None
    timeout: timedelta | None = None
    retry: Retry | None = None
    delay: timedelta | None = None
    at: datetime | None = None
    clock: str | None = None
    grace: timedelta | None = None
    limits: tuple[Limit, ...] | None = None
    """The limits it is under, in place of its task's."""
    region: str | None = None
    """Where it is wanted, in place of where its task is."""


Limits = Limit | Sequence[Limit] | None


class JobOptions(TypedDict, total=False):
    """What `Task.opts` takes. With `region` it goes to that region's queue, or where its jobs go
    when that cannot take them; `queue` is not given then. With `clock`, `delay` and `at` are of
    that virtual clock; where it jumps past the moment by more than `grace`, the job is called off.
    """

    queue: str | None
    priority: int | None
    timeout: str | timedelta | None
    retry: Retry | None
    delay: str | timedelta | None
    at: datetime | None
    clock: str | None
    grace: str | timedelta | None
    limits: Limits
    region: str | None


def read_options(**given: Unpack[JobOptions]) -> Options:
    """Check options as a user gives them. Raises InvalidInput naming the one that is wrong."""
    queue, priority, clock = given.get("queue"), given.get("priority"), given.get("clock")
    limits, retry = given.get("limits"), given.get("retry")
    region = given.get("region")
    if retry is not None:
        check_retry("retry", retry)
    if region is not None and queue is not None:
        raise InvalidInput("region", "it is given together with queue; give one of them")
    return Options(
        queue=None if queue is None else check_name("queue", queue),
        priority=None if priority is None else check_priority(priority),
        timeout=read_timeout(given.get("timeout")),
        retry=retry,
        delay=read_duration("delay", given.get("delay")),
        at=_read_at(given.get("at"), given.get("delay")),
        clock=None if clock is None else check_clock(clock),
        grace=read_duration("grace", given.get("grace")),
        limits=None if limits is None else read_limits(limits),
        region=None if region is None else check_name("region", region),
    )


def _read_at(at: datetime | None, delay: object) -> datetime | None:
    if at is None:
        return None
    if delay is not None:
        raise InvalidInput("at", "it is given together with delay; give one of them")
    if at.tzinfo is None:
        raise InvalidInput("at", f"{at.isoformat()} has no zone; add one, such as tzinfo=UTC")
    return at.astimezone(UTC)


def read_limits(limits: Limits) -> tuple[Limit, ...]:
    """Limits as a user gives them: one, several, or none. Raises InvalidInput."""
    listed = (limits,) if isinstance(limits, Limit) else tuple(limits or ())
    for limit in listed:
        if not isinstance(limit, Limit):
            raise InvalidInput(
                "limits", f"{limit!r} is not a Limit; give Limit('calls', concurrency=3)"
            )
    return listed


def check_grace(options: Options) -> Options:
    """Return `options`; a grace goes with a virtual clock. Raises InvalidInput."""
    if options.grace is not None and options.clock is None:
        raise InvalidInput("grace", "it is by a virtual clock; give clock too")
    return options


def read_duration(name: str, value: str | timedelta | None) -> timedelta | None:
    """A duration as a user gives it, at least 0."""
    duration = parse_duration(value, name) if isinstance(value, str) else value
    if duration is not None and duration < timedelta():
        raise InvalidInput(name, f"{value!r} is negative; give 0s or more")
    return duration


def read_timeout(value: str | timedelta | None) -> timedelta | None:
    """A timeout as a user gives it, more than 0."""
    duration = read_duration("timeout", value)
    if duration == timedelta():
        raise InvalidInput("timeout", "0 leaves no time to run; give more, or leave it out")
    return duration


PLAIN = Options()


# A struct, because enqueue_many takes one for each job (see domain/jobs.py).
class Call(msgspec.Struct, Generic[R], frozen=True):
    """A task with its arguments, checked and encoded: ready to be enqueued or scheduled."""

    definition: Definition
    args: bytes
    options: Options = PLAIN
    results: tuple[tuple[str, ResultOf | tuple[ResultOf, ...]], ...] = ()
    """Its arguments that are results of other jobs of its workflow."""

    def new_job(self, job: JobId) -> NewJob:
        """The job this call asks for. Raises InvalidArguments where it takes results of others."""
        if self.results:
            raise InvalidArguments(
                self.results[0][0], "it is the result of a job of a workflow, which only another "
                "job of it can take; add that with flow.add(task.bind(…))",
            )  # fmt: skip
        options, task = self.options, self.definition
        return NewJob(
            id=job,
            task=task.name,
            args=self.args,
            queue=options.queue or task.queue,
            priority=task.priority if options.priority is None else options.priority,
            max_attempts=(options.retry or task.retry).attempts,
            timeout=options.timeout,
            retry=options.retry,
            delay=options.delay,
            due_at=options.at,
            grace=options.grace,
            ties=self._ties(),
            secrets=task.arguments.secrets,
            region=self.region,
        )

    def __repr__(self) -> str:
        """Show the task; the arguments may be secret."""
        return f"<Call {self.task}>"

    @property
    def task(self) -> str:
        """The name of its task."""
        return self.definition.name

    def arguments(self) -> dict[str, Any]:
        """Its arguments by name, as the task will get them; without those left to the defaults,
        and those that are results of other jobs.
        """
        if self.definition.is_elsewhere:
            plain: dict[str, Any] = msgspec.json.decode(self.args)
            return plain
        known = self.definition.arguments
        if self.results:
            known = known.without([name for name, _ in self.results])
        return known.decode(self.args)

    def opts(self, **options: Unpack[JobOptions]) -> Call[R]:
        """The same call with other options; those left out stay. Raises InvalidInput."""
        changed = change_options(self.definition, self.options, options)
        return msgspec.structs.replace(self, options=changed)

    def member_job(self, job: JobId, own_tie: str) -> NewJob:
        """The job it asks for as one of a workflow."""
        asked = msgspec.structs.replace(self, results=()).new_job(job)
        results = tuple(
            (name, each.job if isinstance(each, ResultOf) else tuple(one.job for one in each))
            for name, each in self.results
        )
        return msgspec.structs.replace(asked, ties=(*asked.ties, own_tie), results=results)

    def parents(self) -> Iterator[ResultOf]:
        """The results it takes, one by one."""
        for _, each in self.results:
            yield from (each,) if isinstance(each, ResultOf) else each

    @property
    def region(self) -> str | None:
        """Where its job is wanted."""
        if self.options.region is not None:
            return self.options.region
        return self.definition.region if self.options.queue is None else None

    def _ties(self) -> tuple[str, ...]:
        """The slots that the job needs, those of breakers first."""
        limits = self.definition.limits if self.options.limits is None else self.options.limits
        breakers = tuple(tie_of(breaker.name) for breaker in self.definition.breakers)
        if not limits:
            return breakers
        arguments = self.definition.defaults | msgspec.json.decode(self.args)
        return (*breakers, *(slot_of(limit, arguments) for limit in limits))


def change_options(definition: Definition, before: Options, options: JobOptions) -> Options:
    """Options with what a user gives put over them. Raises InvalidInput."""
    given = read_options(**options)
    check_limits(definition, given.limits or ())
    changes = {
        name: getattr(given, name)
        for name in Options.__dataclass_fields__
        if getattr(given, name) is not None
    }
    if given.delay is not None or given.at is not None:  # the one replaces the other
        changes |= {"delay": given.delay, "at": given.at}
    if given.queue is not None or given.region is not None:  # here too
        changes |= {"queue": given.queue, "region": given.region}
    return check_grace(replace(before, **changes))


class Bound(Generic[P, R]):
    """A task with options for its next calls, and perhaps a transaction of the caller's."""

    __slots__ = ("_context", "_definition", "_guest", "_options")

    def __init__(
        self,
        context: Context,
        definition: Definition,
        options: Options | None = None,
        guest: Guest | None = None,
    ) -> None:
        """Made by `Task.opts` and `Task.within`."""
        self._context = context
        self._definition = definition
        self._options = options or PLAIN
        self._guest = guest

    def bind(self, *args: P.args, **kwargs: P.kwargs) -> Call[R]:
        """The call with these arguments, not made yet. Raises InvalidArguments."""
        try:
            encoded = self._definition.arguments.encode(args, kwargs)
        except InvalidArguments:  # results of a workflow's jobs, which most calls never take
            if (call := self._bind_results(args, kwargs)) is None:
                raise
            return call
        return Call(self._definition, encoded, self._options)

    def _bind_results(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Call[R] | None:
        """The call where some of its arguments are results of a workflow's jobs, else None."""
        arguments = self._definition.arguments
        given = arguments.by_name(args, kwargs)
        results = results_among(given)
        if not results:
            return None
        plain = {name: value for name, value in given.items() if name not in results}
        encoded = arguments.without(results).encode((), plain)
        return Call(self._definition, encoded, self._options, tuple(results.items()))

    async def enqueue(self, *args: P.args, **kwargs: P.kwargs) -> JobHandle[R]:
        """Ask for a job. When this returns, it is stored (within: when the caller commits)."""
        call: Call[R] = self.bind(*args, **kwargs)
        if self._guest is None:
            handles = await enqueue_calls(self._context, [call])
            return handles[0]
        return (await enqueue_calls_within_async(self._context, self._guest, [call]))[0]

    def enqueue_blocking(self, *args: P.args, **kwargs: P.kwargs) -> JobHandle[R]:
        """The same from code without an event loop; one that runs is held up meanwhile."""
        call: Call[R] = self.bind(*args, **kwargs)
        if self._guest is not None:
            return enqueue_calls_within(self._context, self._guest, [call])[0]
        refuse_inside_open_write(self._context.url)
        return self._context.block(lambda: enqueue_calls(self._context, [call]))[0]

    def opts(self, **options: Unpack[JobOptions]) -> Bound[P, R]:
        """The same task with other options; those left out stay. Raises InvalidInput."""
        check_region(self._context, options.get("region"))
        changed = change_options(self._definition, self._options, options)
        return Bound(self._context, self._definition, changed, self._guest)

    def within(self, transaction: object) -> Bound[P, R]:
        """Enqueue inside the caller's own transaction: the job exists if and when it commits.

        `transaction` is a SQLAlchemy Session, AsyncSession, Connection or AsyncConnection, a
        connection of psycopg 3 or asyncpg, or Django's, on Onbeat's database. On SQLite its
        engine must come from `onbeat.sqlite_engine`, or be Django's ENGINE
        "onbeat.integrations.django.sqlite". Raises InvalidInput for anything else.
        """
        guest = guest_of(transaction, self._context.url)
        return Bound(self._context, self._definition, self._options, guest)


LARGEST_BATCH = 5_000
"""Jobs stored in one transaction; more are stored in several."""


async def enqueue_calls(context: Context, calls: list[Call[R]]) -> list[JobHandle[R]]:
    """Store a job for each call; each batch of 5,000 is stored whole or not at all."""
    refuse_inside_open_write(context.url)
    if context.middleware:
        calls = await before_enqueue(context.middleware, calls)
    store = await context.store()
    handles: list[JobHandle[R]] = []
    for batch in _batches(calls):
        jobs = await send(context, batch, _jobs(batch, store.ids.many(len(batch))))
        clock = batch[0].options.clock
        if clock is None:
            await store.enqueue(jobs)
            store.wakeups.send(topics_of(jobs))
        else:
            queues = await store.write(partial(clocks.enqueue, name=clock, wanted=jobs))
            store.wakeups.send(queues)
        handles += _handles(context, batch, jobs)
    return handles


def enqueue_calls_within(
    context: Context, guest: Guest, calls: list[Call[R]]
) -> list[JobHandle[R]]:
    """The same on a sync guest: all of them are stored if and when the caller commits."""
    refuse_while_read()
    if context.middleware:
        calls = context.block(partial(before_enqueue, context.middleware, calls))
    _refuse_clock(calls)
    handles: list[JobHandle[R]] = []
    for batch in _batches(calls):
        jobs = _jobs(batch, new_ids(len(batch)))
        if is_sent(context, batch):
            jobs = context.block(partial(send, context, batch, jobs))
        enqueue_within(guest, jobs, context.stores.wake)
        handles += _handles(context, batch, jobs)
    return handles


async def enqueue_calls_within_async(
    context: Context, guest: Guest, calls: list[Call[R]]
) -> list[JobHandle[R]]:
    """The same on any guest."""
    refuse_while_read()
    if context.middleware:
        calls = await before_enqueue(context.middleware, calls)
    _refuse_clock(calls)
    handles: list[JobHandle[R]] = []
    for batch in _batches(calls):
        jobs = await send(context, batch, _jobs(batch, new_ids(len(batch))))
        await enqueue_within_async(guest, jobs, context.stores.wake)
        handles += _handles(context, batch, jobs)
    return handles


def _batches(calls: list[Call[R]]) -> list[list[Call[R]]]:
    """So many at once, all of one clock."""
    return [
        same[start : start + LARGEST_BATCH]
        for same in (list(each) for _, each in groupby(calls, lambda call: call.options.clock))
        for start in range(0, len(same), LARGEST_BATCH)
    ]


def _refuse_clock(calls: list[Call[R]]) -> None:
    if any(call.options.clock is not None for call in calls):
        raise InvalidInput(
            "clock", "a job on a virtual clock cannot be enqueued within a transaction of yours; "
            "enqueue it after the commit",
        )  # fmt: skip


def _jobs(batch: list[Call[R]], ids: list[JobId]) -> list[NewJob]:
    return [call.new_job(job) for call, job in zip(batch, ids, strict=True)]


def _handles(context: Context, batch: list[Call[R]], jobs: list[NewJob]) -> list[JobHandle[R]]:
    return [
        JobHandle(context, job.id, call.definition) for call, job in zip(batch, jobs, strict=True)
    ]
