"""Commands on schedules, and the schedules declared in code."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from difflib import get_close_matches
from functools import partial
from typing import Any, TypedDict, Unpack

from onbeat.app.call_limits import make_limits_known, note_limits
from onbeat.app.calls import Call
from onbeat.app.context import Context
from onbeat.app.handles import JobHandle
from onbeat.app.sending import check_region
from onbeat.domain.clocks import check_clock
from onbeat.domain.durations import parse_duration
from onbeat.domain.errors import InvalidInput
from onbeat.domain.events import SchedulesReconciled
from onbeat.domain.jobs import JobId, check_name, check_page
from onbeat.domain.reasons import Reason
from onbeat.domain.recurrence import Recurrence
from onbeat.domain.recurrence.recurrence import aware
from onbeat.domain.schedules import (
    CatchUp,
    Occurrence,
    Overlap,
    Schedule,
    Version,
    check_jitter,
    check_pause_after,
    check_window,
    coming,
    parse_catch_up,
    parse_overlap,
)
from onbeat.domain.ties import encode_ties
from onbeat.runtime.regions import sending
from onbeat.runtime.tasks import unknown_task
from onbeat.store import clocks, declared, triggers
from onbeat.store import schedules as stored
from onbeat.store import why as store_why
from onbeat.store.payloads import job_options
from onbeat.store.store import Store, T, Work
from onbeat.store.wakeups import SCHEDULER

MADE_AT_RUN_TIME = "api"


@dataclass(frozen=True, slots=True, kw_only=True)
class Policies:
    """How a schedule treats its moments."""

    catch_up: CatchUp
    overlap: Overlap
    start: datetime | None
    end: datetime | None
    limit: int | None
    jitter: timedelta
    pause_after: int | None
    clock: str | None


class PolicyOptions(TypedDict, total=False):
    """Policies as a user gives them; what is left out has its default."""

    catch_up: str | None
    """Missed moments: "latest within 1d" unless said, "all within 6h at most 50 every 10s", …"""
    overlap: str | None
    """While its last job goes on: "skip" unless said, "allow", "buffer one", "buffer all", …"""
    start: datetime | None
    end: datetime | None
    limit: int | None
    """How many jobs in all."""
    jitter: str | None
    """Its jobs run up to so long after their moment, always the same time."""
    pause_after: int | None
    """It pauses itself after so many failures in a row."""
    clock: str | None
    """The virtual clock it lives by; the wall clock unless said."""


def read_policies(**given: Unpack[PolicyOptions]) -> Policies:
    """Check policies as a user gives them. Raises InvalidInput naming the one that is wrong."""
    _check_names_and_types(given)
    start, end, limit = given.get("start"), given.get("end"), given.get("limit")
    catch_up, overlap, jitter = given.get("catch_up"), given.get("overlap"), given.get("jitter")
    clock = given.get("clock")
    check_window(start, end, limit)
    if clock is not None and jitter is not None:
        raise InvalidInput("jitter", "a virtual clock has none: it moves when it is told to")
    return Policies(
        catch_up=CatchUp() if catch_up is None else parse_catch_up(catch_up),
        overlap=Overlap.SKIP if overlap is None else parse_overlap(overlap),
        start=start,
        end=end,
        limit=limit,
        jitter=check_jitter(timedelta() if jitter is None else parse_duration(jitter, "jitter")),
        pause_after=check_pause_after(given.get("pause_after")),
        clock=None if clock is None else check_clock(clock),
    )


_POLICY_TYPES: Mapping[str, tuple[type, str]] = {
    "catch_up": (str, 'text, such as "latest"'),
    "overlap": (str, 'text, such as "skip"'),
    "start": (datetime, "a datetime with a zone"),
    "end": (datetime, "a datetime with a zone"),
    "limit": (int, "a whole number"),
    "jitter": (str, 'text, such as "5m"'),
    "pause_after": (int, "a whole number"),
    "clock": (str, "the name of a clock"),
}


def _check_names_and_types(given: Mapping[str, object]) -> None:
    """What a type checker would have refused, for those who use none."""
    for name, value in given.items():
        if name not in _POLICY_TYPES:
            raise InvalidInput(name, f"it is no policy; {_meant(name)}")
        kind, words = _POLICY_TYPES[name]
        if value is not None and (not isinstance(value, kind) or isinstance(value, bool)):
            raise InvalidInput(name, f"{value!r} is of type {type(value).__name__}; give {words}")


def _meant(name: str) -> str:
    close = get_close_matches(name, _POLICY_TYPES, n=1)
    return f"is {close[0]} meant?" if close else f"use one of {', '.join(_POLICY_TYPES)}"


class Schedules:
    """`ob.schedules`: make, look at and change schedules at run time."""

    def __init__(self, context: Context) -> None:
        """Made by the application."""
        self._context = context
        self._declared: dict[str, Schedule] = {}

    async def create(
        self,
        name: str,
        call: Call[Any],
        when: Recurrence,
        *,
        by: str | None = None,
        **policies: Unpack[PolicyOptions],
    ) -> Schedule:
        """Make a schedule: at each moment of `when`, a job of `call`; `by` is who wants it.

        Raises Conflict and InvalidInput.
        """
        read = read_policies(**policies)
        store = await self._context.store()
        made = _schedule(self._context, store.new_id(), name, call, when, read, MADE_AT_RUN_TIME)
        await make_limits_known(self._context, [call])
        schedule = replace(made, changed_by=by)
        return await self._write(lambda connection, now: stored.create(connection, now, schedule))

    async def create_many(
        self,
        rows: Sequence[tuple[str, Call[Any], Recurrence]],
        **policies: Unpack[PolicyOptions],
    ) -> int:
        """Make many in one transaction, all with the same policies; how many were made."""
        store = await self._context.store()
        read = read_policies(**policies)
        ids = store.ids.many(len(rows))
        schedules = [
            _schedule(self._context, identity, name, call, when, read, MADE_AT_RUN_TIME)
            for identity, (name, call, when) in zip(ids, rows, strict=True)
        ]
        await make_limits_known(self._context, [call for _, call, _ in rows])
        await self._write(lambda connection, now: stored.create_many(connection, now, schedules))
        return len(schedules)

    async def find(self, name: str) -> Schedule:
        """The schedule of that name. Raises NotFound."""
        return await self._context.read(lambda connection, now: stored.find(connection, now, name))

    async def list(self, *, after: str = "", limit: int = 100) -> Sequence[Schedule]:
        """Schedules in order of name; pass the last name of a page as `after` for the next.

        Raises InvalidInput.
        """
        check_page(limit)
        return await self._context.read(
            lambda connection, now: stored.list_schedules(connection, now, after=after, limit=limit)
        )

    async def change(
        self, schedule: Schedule, *, by: str | None = None, why: str | None = None
    ) -> Schedule:
        """Bring the schedule of that name to what `schedule` says. Raises NotFound, InvalidInput.

        The next moment is computed anew when something that decides it changed. Jobs it has made
        go on as they were asked for. What it said before is kept: `versions` lists it.
        """
        check_window(schedule.start_at, schedule.end_at, schedule.limit)
        check_jitter(schedule.jitter)
        check_pause_after(schedule.pause_after)
        return await self._write(
            lambda connection, now: stored.change(connection, now, schedule, by=by, why=why)
        )

    async def why(self, name: str) -> Sequence[Reason]:
        """Why it makes no job now, or its last one does not run: what holds it, and what would
        change that. Raises NotFound.
        """
        return (await self._context.read(partial(store_why.of_schedule, name=name)))[1]

    async def warnings(self, name: str) -> Sequence[str]:
        """What is easily taken wrong about it, that it is never due again, and that its latest
        jobs took longer than the time from one moment to the next. Raises NotFound.
        """
        return (await self._context.read(partial(stored.warnings, name=name)))[1]

    async def now(self, schedule: Schedule) -> datetime:
        """What time it is by its clock: the virtual one it lives by, or the database's."""
        return await self._context.read(lambda c, now: clocks.now_of(c, now, schedule.clock))

    async def preview(
        self, schedule: Schedule, *, begin: datetime | None = None, count: int = 10
    ) -> Sequence[datetime]:
        """Its next `count` moments by its own clock, or those from `begin` on, included; within its
        start, end and limit, as if each made a job. A pause and moments to be skipped are not
        asked.
        """
        now = await self.now(schedule)
        return coming(schedule, begin or now, now, count)

    async def versions(self, name: str) -> Sequence[Version]:
        """What it has said, with who and why, the newest first. Raises NotFound."""
        return await self._context.read(
            lambda connection, now: stored.list_versions(connection, now, name)
        )

    async def remove(self, name: str) -> None:
        """Delete it; its jobs and its record stay. Raises NotFound."""
        await self._write(lambda connection, now: stored.remove(connection, now, name))

    async def pause(
        self, name: str, by: str, *, why: str | None = None, until: datetime | None = None
    ) -> None:
        """Make no more jobs until it is resumed, or `until` then; a deploy does not undo it.

        Raises NotFound, and InvalidInput for a moment that is over or has no zone.
        """
        if until is not None:
            until = aware(until, "until")
        await self._write(
            lambda connection, now: stored.pause(connection, now, name, by, why=why, until=until)
        )

    async def resume(self, name: str) -> None:
        """Go on from now on. Raises NotFound."""
        await self._write(lambda connection, now: stored.resume(connection, now, name))

    async def skip_next(self, name: str, by: str, *, count: int = 1) -> None:
        """Leave out its next `count` moments, instead of any number said before; 0 for none.

        Raises NotFound, InvalidInput.
        """
        await self._write(
            lambda connection, now: stored.skip_next(connection, now, name, by, count)
        )

    async def trigger(
        self, name: str, *, at: datetime | None = None, by: str | None = None
    ) -> JobHandle[Any]:
        """Make one job of the schedule now, beside its moments.

        With `at` it is made for that moment, which is over: what it runs is told so, and it is on
        record as a backfill. Raises NotFound, InvalidInput.
        """
        schedule = await self.find(name)
        store = await self._context.store()
        backfill, job = store.ids.many(2)
        made = partial(
            triggers.trigger, name=name, job=job, at=at, by=by or self._source, backfill=backfill,
            send=await sending(self._context.router, store),
        )  # fmt: skip
        store.wakeups.send([await store.write(made)])
        definition = self._context.registry.get(schedule.task) or unknown_task(schedule.task)
        return JobHandle(self._context, job, definition)

    async def occurrences(
        self,
        name: str,
        *,
        limit: int = 100,
        begin: datetime | None = None,
        end: datetime | None = None,
    ) -> Sequence[tuple[Occurrence, JobId | None]]:
        """What became of each of its moments, and the job it made, the newest first.

        The newest `limit`; or of those from `begin` to `end` as many, from the oldest on. What is
        due and not planned yet is `undecided`, with the reason. Raises NotFound, InvalidInput.
        """
        check_page(limit)
        return await self._context.read(
            lambda connection, now: stored.list_occurrences(
                connection, now, name, limit=limit, begin=begin, end=end
            )
        )

    def declare(self, name: str, call: Call[Any], when: Recurrence, policies: Policies) -> None:
        """Keep a schedule written in code, to be brought into the store by the scheduler."""
        if name in self._declared:
            raise InvalidInput("name", f"the schedule {name!r} is declared twice; give name=…")
        note_limits(self._context, [call])
        self._declared[name] = _schedule(
            self._context, "", name, call, when, policies, self._source
        )

    @property
    def declared(self) -> tuple[Schedule, ...]:
        """What is declared in code."""
        return tuple(self._declared.values())

    async def reconcile(self) -> SchedulesReconciled:
        """Bring what is declared in code into the store: added, changed, retired.

        Schedules made at run time, and those of other applications, are left alone.
        """
        store = await self._context.store()
        wanted = self.declared
        done = await self._write(
            lambda connection, now: declared.reconcile(
                connection, now, self._source, wanted, store.new_id
            )
        )
        return SchedulesReconciled(*done)

    @property
    def _source(self) -> str:
        return f"code:{self._context.name}"

    async def _write(self, work: Work[T]) -> T:
        store: Store = await self._context.store()
        result = await store.write(work)
        store.wakeups.send([SCHEDULER])
        return result


def _schedule(
    context: Context,
    identity: str,
    name: str,
    call: Call[Any],
    when: Recurrence,
    policies: Policies,
    source: str,
) -> Schedule:
    check_region(context, call.options.region)
    router = context.router
    job = call.new_job(JobId(identity))
    if job.delay is not None or job.due_at is not None:
        raise InvalidInput("delay", "a schedule decides itself when its jobs run; leave it out")
    if call.options.clock is not None:
        raise InvalidInput("clock", "it is the schedule that lives by a clock; give clock= to it, "
                           "and catch_up= in place of grace")  # fmt: skip
    if job.start_by is not None:
        raise InvalidInput("start_by", "a schedule's jobs have moments of their own; give "
                           "start_within")  # fmt: skip
    if job.unique is not None and job.unique.replaces:
        raise InvalidInput("on_conflict", "a schedule's job does not replace one that waits; give "
                           "unique with on_conflict='keep', or unique=False")  # fmt: skip
    if policies.clock is not None and when.after_finish is not None:
        raise InvalidInput("clock", "a rest after a job's end is of the wall clock; leave one out")
    options = job_options(job.timeout, job.retry, job.secrets)
    return Schedule(
        id=identity,
        name=check_name("name", name),
        task=job.task,
        recurrence=when,
        args=job.args.decode(),
        # Each tick sends its jobs from here to where they can be run.
        queue=router.regions.queues[job.region] if router and job.region else job.queue,
        priority=job.priority,
        max_attempts=job.max_attempts,
        options=None if options is None else options.decode(),
        ties=encode_ties(job.ties),
        catch_up=policies.catch_up,
        overlap=policies.overlap,
        start_at=policies.start,
        end_at=policies.end,
        limit=policies.limit,
        jitter=policies.jitter,
        pause_after=policies.pause_after,
        clock=policies.clock,
        source=source,
    )
