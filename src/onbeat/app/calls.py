"""A call of a task that is yet to be made: the task, its options, its arguments."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import timedelta
from functools import partial
from itertools import groupby
from typing import TYPE_CHECKING, Any, Generic, ParamSpec, TypeVar, Unpack

import msgspec

from onbeat.app.beginning import refuse_too_late, refuse_too_late_within
from onbeat.app.call_limits import make_limits_known, refuse_new_limits
from onbeat.app.guests import enqueue_within, enqueue_within_async, new_ids, topics_of
from onbeat.app.handles import JobHandle
from onbeat.app.middleware import before_enqueue
from onbeat.app.options import PLAIN, JobOptions, Options, change_options
from onbeat.app.results import ResultOf, results_among
from onbeat.app.sending import check_region, check_regions, is_sent, send
from onbeat.domain.breakers import tie_of
from onbeat.domain.errors import InvalidArguments, InvalidInput
from onbeat.domain.jobs import JobId, NewJob
from onbeat.domain.limits import slot_of
from onbeat.domain.ties import TieKind, tie
from onbeat.domain.uniqueness import UniqueKey
from onbeat.runtime.main_file import refuse_while_read
from onbeat.runtime.tasks import Definition
from onbeat.store import clocks, replacing
from onbeat.store.guests.guest import AsyncGuest, Refused, SyncGuest
from onbeat.store.guests.recognition import guest_of
from onbeat.store.sqlite.guests import refuse_inside_open_write
from onbeat.store.store import Store

if TYPE_CHECKING:
    from onbeat.app.context import Context

P = ParamSpec("P")
R = TypeVar("R")

Guest = SyncGuest | AsyncGuest


NO_TIES: tuple[str, ...] = ()
INSTANT = timedelta(microseconds=1)


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
        if options is PLAIN and task.is_plain:  # as most are: half of what the rest takes
            unique = None if task.keyer is None else task.keyer.key_of(self.args)
            return NewJob(
                id=job,
                task=task.name,
                args=self.args,
                queue=task.queue,
                priority=task.priority,
                max_attempts=task.retry.attempts,
                ties=NO_TIES if unique is None else (unique.tie,),
                unique=unique,
            )
        unique = self._unique()
        start_within = self._start_within()
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
            ties=self._ties(unique, start_within),
            secrets=task.arguments.secrets,
            region=self.region,
            unique=unique,
            start_within=start_within,
            start_by=options.start_by,
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
        """The job it asks for as one of a workflow. Raises InvalidInput."""
        asked = msgspec.structs.replace(self, results=()).new_job(job)
        if asked.unique is not None:
            self._check_member_key(asked.unique)
        if asked.start_within is not None or asked.start_by is not None:
            raise InvalidInput(
                "start_within", f"{self.task}: a job of a workflow begins when those before it "
                "have ended; give task.opts(start_within=False)",
            )  # fmt: skip
        results = tuple(
            (name, each.job if isinstance(each, ResultOf) else tuple(one.job for one in each))
            for name, each in self.results
        )
        return msgspec.structs.replace(asked, ties=(*asked.ties, own_tie), results=results)

    def _check_member_key(self, key: UniqueKey) -> None:
        """A key that ends with its time needs nobody to let it go, whatever becomes of the job."""
        if key.within is None or key.replaces:
            raise InvalidInput(
                "unique", f"{self.task}: a job of a workflow has a unique key for a time alone; "
                "give Unique(within=…), or task.opts(unique=False)",
            )  # fmt: skip
        unique = self.options.unique or self.definition.unique
        by = None if not unique or unique.key is not None else unique.by or self._names()
        for name in by or ():
            if any(name == result for result, _ in self.results):
                raise InvalidInput(
                    "unique", f"{self.task}: it is by {name!r}, a result that is not known yet; "
                    "name other arguments, or give a key",
                )  # fmt: skip

    def _names(self) -> tuple[str, ...]:
        return tuple(self.definition.arguments.names)

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

    def _ties(self, unique: UniqueKey | None, start_within: timedelta | None) -> tuple[str, ...]:
        """Its unique key first, its deadline, and the slots it needs, those of breakers first."""
        ties: tuple[str, ...] = () if unique is None else (unique.tie,)
        if start_within is not None:
            ties = (*ties, tie(TieKind.EXPIRES, str(start_within // INSTANT)))
        elif self.options.start_by is not None:
            ties = (*ties, tie(TieKind.EXPIRES))
        ties = (*ties, *(tie_of(breaker.name) for breaker in self.definition.breakers))
        limits = self.definition.limits if self.options.limits is None else self.options.limits
        if not limits:
            return ties
        arguments = self.definition.defaults | msgspec.json.decode(self.args)
        return (*ties, *(slot_of(limit, arguments) for limit in limits))

    def _unique(self) -> UniqueKey | None:
        own, task = self.options.unique, self.definition
        if own is None:
            own, keyer = task.unique, task.keyer
        else:
            keyer = self.options.keyer
        if keyer is None and own:
            keyer = task.keyer_of(own, self.args)
        return None if keyer is None else keyer.key_of(self.args)

    def _start_within(self) -> timedelta | None:
        """The call's own, or the task's where the call says nothing of it; none by a clock."""
        options = self.options
        if options.start_within is not None or options.start_by is not None:
            return options.start_within or None
        return self.definition.start_within if options.clock is None else None


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


def check_calls(field: str, calls: Iterable[object]) -> None:
    """Raise InvalidInput for what is no call of a task."""
    for each in calls:
        if not isinstance(each, Call):
            raise InvalidInput(
                field, f"a {type(each).__name__} is no call; give task.bind(…), the task with its "
                "arguments",
            )  # fmt: skip


LARGEST_BATCH = 5_000
"""Jobs stored in one transaction; more are stored in several."""


async def enqueue_calls(context: Context, calls: list[Call[R]]) -> list[JobHandle[R]]:
    """Store a job for each call; each batch of 5,000 is stored whole or not at all."""
    refuse_inside_open_write(context.url)
    if context.middleware:
        calls = await before_enqueue(context.middleware, calls)
    check_regions(context, calls)
    await refuse_too_late(context, calls)
    await make_limits_known(context, calls)
    store = await context.store()
    handles: list[JobHandle[R]] = []
    for batch, made in _with_jobs(calls, store.ids.many):
        jobs = await send(context, batch, made)
        clock = batch[0].options.clock
        refused: Refused = {}
        if clock is None:
            refused = await _store(store, jobs)
            store.wakeups.send(topics_of(jobs))
        else:
            placed = await store.write(partial(clocks.enqueue, name=clock, wanted=jobs))
            refused = placed.refused
            store.wakeups.send(placed.queues)
        handles += _handles(context, batch, jobs, refused)
    return handles


async def _store(store: Store, jobs: list[NewJob]) -> Refused:
    """Store the jobs; most have no conditions, and pay for none."""
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
        calls = context.block(partial(before_enqueue, context.middleware, calls))
    check_regions(context, calls)
    refuse_too_late_within(context, calls)
    refuse_new_limits(context, calls)
    _refuse_within(calls)
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
        calls = await before_enqueue(context.middleware, calls)
    check_regions(context, calls)
    refuse_too_late_within(context, calls)
    refuse_new_limits(context, calls)
    _refuse_within(calls)
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


def _refuse_within(calls: list[Call[R]]) -> None:
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
    return [call.new_job(job) for call, job in zip(batch, ids, strict=True)]


def _handles(
    context: Context, batch: list[Call[R]], jobs: list[NewJob], refused: Refused
) -> list[JobHandle[R]]:
    pairs = zip(batch, jobs, strict=True)
    if not refused:
        return [JobHandle(context, job.id, call.definition) for call, job in pairs]
    return [
        JobHandle(
            context, refused.get(job.id, job.id), call.definition, is_new=job.id not in refused
        )
        for call, job in pairs
    ]
