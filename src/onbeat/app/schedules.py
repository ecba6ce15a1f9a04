"""Commands on schedules, and the schedules declared in code."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Any, Unpack

from sqlalchemy import Connection

from onbeat.app.call_limits import make_limits_known, note_limits
from onbeat.app.calls import Call
from onbeat.app.context import Context
from onbeat.app.facts.jobs import job_data
from onbeat.app.facts.schedules import schedule_data
from onbeat.app.handles import JobHandle
from onbeat.app.looking import has_changed, looking
from onbeat.app.new_schedules import MADE_AT_RUN_TIME, NewSchedule, said_each, say
from onbeat.app.policies import Policies, PolicyOptions, read_policies
from onbeat.app.retention import KeepChange, keep_so
from onbeat.domain.errors import InvalidInput, NotFound
from onbeat.domain.events import SchedulesReconciled
from onbeat.domain.jobs import JobId, check_page
from onbeat.domain.keeping import Edited
from onbeat.domain.marks import check_owner, check_tags
from onbeat.domain.reasons import Reason
from onbeat.domain.recurrence import Recurrence
from onbeat.domain.recurrence.recurrence import aware
from onbeat.domain.retention import Keep
from onbeat.domain.schedule_filters import ScheduleFilter
from onbeat.domain.schedules import (
    Occurrence,
    Schedule,
    Version,
    check_jitter,
    check_pause_after,
    check_window,
    coming,
)
from onbeat.domain.user_schedules import own_name
from onbeat.runtime.regions import sending
from onbeat.runtime.tasks import unknown_task
from onbeat.store import clocks, declared, editing, editions, owned, schedule_lists, triggers
from onbeat.store import jobs as stored_jobs
from onbeat.store import schedules as stored
from onbeat.store import why as store_why
from onbeat.store.payloads import secrets_in, with_secrets
from onbeat.store.schedule_lists import ALL
from onbeat.store.store import Store, T, Work
from onbeat.store.wakeups import SCHEDULER

SAID = (
    "task", "recurrence", "args", "queue", "priority", "max_attempts", "options", "ties",
    "catch_up", "overlap", "start_at", "end_at", "limit", "jitter", "pause_after", "clock",
)  # fmt: skip
"""What somebody says of a schedule; all else becomes of it."""


class Schedules:
    """`ob.schedules`: make, look at and change schedules at run time."""

    def __init__(self, context: Context) -> None:
        """Made by the application."""
        self._context = context
        self._declared: dict[str, Schedule] = {}
        self.passed_over: list[str] = []
        """A sentence on each variable that may be meant for a schedule, and was not heeded."""

    async def create(
        self,
        name: str,
        call: Call[Any],
        when: Recurrence,
        *,
        by: str | None = None,
        keep: Keep | None = None,
        tags: Sequence[str] = (),
        owner: str | None = None,
        is_by_owner: bool = False,
        **policies: Unpack[PolicyOptions],
    ) -> Schedule:
        """Make a schedule: at each moment of `when`, a job of `call`; `by` is who wants it, and
        `keep` what is kept of those that have ended.

        Its jobs can be found by `tags`, beside those of the call, and are `owner`'s, as it is.
        Where it `is_by_owner`, an owner who has `MOST_SCHEDULES` is refused another. Raises
        Conflict and InvalidInput.
        """
        if tags or owner is not None:
            call = call.opts(tags=(*(call.options.tags or ()), *check_tags(tags)), owner=owner)
        schedule = replace(await self._said(name, call, when, policies), changed_by=by)

        def work(connection: Connection, now: datetime) -> Schedule:
            if owner is not None and is_by_owner:
                owned.refuse_more(connection, owner)
            keep_so(connection, now, name, keep, by or MADE_AT_RUN_TIME)
            return stored.create(connection, now, schedule)

        return await self._change("create", name, work)

    async def _said(
        self, name: str, call: Call[Any], when: Recurrence, policies: PolicyOptions
    ) -> Schedule:
        """The schedule that all this says, which is not stored."""
        read = read_policies(**policies)
        store = await self._context.store()
        made = say(self._context, store.new_id(), name, call, when, read, MADE_AT_RUN_TIME)
        await make_limits_known(self._context, [call])
        return made

    async def create_many(
        self,
        rows: Sequence[NewSchedule | tuple[str, Call[Any], Recurrence]],
        *,
        by: str | None = None,
        owner: str | None = None,
        is_by_owner: bool = False,
        **policies: Unpack[PolicyOptions],
    ) -> int:
        """Make many in one transaction, each as `create` does, or none; how many were made.

        Rows of three all have the same `policies`; a `NewSchedule` has its own. Raises InvalidInput
        that names which is wrong: `3.when`.
        """
        wanted = [
            row if isinstance(row, NewSchedule) else NewSchedule(*row, policies=policies)
            for row in rows
        ]
        store = await self._context.store()
        made = said_each(self._context, store.ids.many(len(wanted)), wanted, by, owner)
        await make_limits_known(self._context, [each.call for each in wanted])

        def work(connection: Connection, now: datetime) -> None:
            if owner is not None and is_by_owner:
                owned.refuse_more(connection, owner, len(made))
            for each in wanted:
                keep_so(connection, now, each.name, each.keep, by or MADE_AT_RUN_TIME)
            stored.create_many(connection, now, made)

        await self._context.change(
            "schedule.create_many", ("schedule", f"{len(made)} schedules"), work,
            told={"names": [each.name for each in made]},
        )  # fmt: skip
        store.wakeups.send([SCHEDULER])
        return len(made)

    async def find(self, name: str, *, owner: str | None = None) -> Schedule:
        """The schedule of that name; with `owner`, of that one alone, whose names need not be
        given with their heads (see `own_name`). Raises NotFound.
        """
        if owner is None:
            return await self._context.read(partial(stored.find, name=name))
        return await self._context.read(partial(_own, name=name, owner=owner))

    async def list(
        self, *, after: str = "", limit: int = 100, owner: str | None = None,
        wanted: ScheduleFilter = ALL,
    ) -> Sequence[Schedule]:  # fmt: skip
        """Schedules in order of name, of one owner alone where one is given, and as they are
        `wanted`; the last name of a page is `after` for the next. Raises InvalidInput.
        """
        check_page(limit)
        if owner is not None:
            wanted = replace(wanted, owner=check_owner(owner))
        listed = partial(schedule_lists.page, wanted=wanted, after=after, limit=limit)
        return await self._context.read(listed)

    async def change(
        self,
        schedule: Schedule,
        *,
        by: str | None = None,
        why: str | None = None,
        keep: KeepChange = None,
        must_be_as_seen: bool = False,
    ) -> Schedule:
        """Bring the schedule of that name to what `schedule` says. Raises NotFound, InvalidInput.

        The next moment is computed anew when something that decides it changed. Jobs it has made
        go on as they were asked for. What it said before is kept: `versions` lists it. What says
        the same changes nothing, and leaves no trace. Where it `must_be_as_seen`, one that was
        changed since `schedule` was read raises Conflict.
        """
        check_window(schedule.start_at, schedule.end_at, schedule.limit)
        check_jitter(schedule.jitter)
        check_pause_after(schedule.pause_after)

        def work(connection: Connection, now: datetime) -> tuple[Schedule, bool]:
            if must_be_as_seen:
                editing.refuse_changed(connection, now, schedule)
            is_kept_anew = keep_so(connection, now, schedule.name, keep, by or MADE_AT_RUN_TIME)
            if not is_kept_anew and not editing.says_other(connection, schedule):
                return stored.find(connection, now, schedule.name), False
            return stored.change(connection, now, schedule, by=by, why=why), True

        after, _ = await self._change("change", schedule.name, work, has_changed)
        return after

    async def exchange(
        self,
        before: Schedule,
        call: Call[Any],
        when: Recurrence,
        *,
        by: str | None = None,
        why: str | None = None,
        keep: KeepChange = None,
        **policies: Unpack[PolicyOptions],
    ) -> Schedule:
        """Let the schedule that was read as `before` say all this instead, as `change` does.

        Raises NotFound, InvalidInput, and Conflict where it was changed since.
        """
        wanted = await self._said(before.name, call, when, policies)
        if call.definition.is_elsewhere and wanted.task == before.task:
            known = with_secrets(wanted.options, secrets_in(before.options))
            wanted = replace(wanted, options=known)
        after = replace(before, **{each: getattr(wanted, each) for each in SAID})
        return await self.change(after, by=by, why=why, keep=keep, must_be_as_seen=True)

    async def why(self, name: str, *, with_errors: bool = True) -> Sequence[Reason]:
        """Why it makes no job now, or its last one does not run: what holds it, and what would
        change that; of errors their kinds alone if not `with_errors`. Raises NotFound.
        """
        look = partial(store_why.of_schedule, name=name, with_errors=with_errors)
        return (await self._context.read(look))[1]

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
        await self._change(
            "remove", name, lambda connection, now: stored.remove(connection, now, name)
        )

    async def pause(
        self, name: str, by: str, *, why: str | None = None, until: datetime | None = None
    ) -> None:
        """Make no more jobs until it is resumed, or `until` then; a deploy does not undo it.

        Raises NotFound, and InvalidInput for a moment that is over or has no zone.
        """
        if until is not None:
            until = aware(until, "until")
        await self._change(
            "pause", name,
            lambda connection, now: stored.pause(connection, now, name, by, why=why, until=until),
        )  # fmt: skip

    async def resume(self, name: str) -> None:
        """Go on from now on. Raises NotFound."""
        await self._change(
            "resume", name, lambda connection, now: stored.resume(connection, now, name)
        )

    async def skip_next(self, name: str, by: str, *, count: int = 1) -> None:
        """Leave out its next `count` moments, instead of any number said before; 0 for none.

        Raises NotFound, InvalidInput.
        """
        await self._change(
            "skip", name,
            lambda connection, now: stored.skip_next(connection, now, name, by, count),
        )  # fmt: skip

    async def trigger(
        self,
        name: str,
        *,
        at: datetime | None = None,
        by: str | None = None,
        args: str | None = None,
    ) -> JobHandle[Any]:
        """Make one job of the schedule now, beside its moments.

        With `at` it is made for that moment, which is over: what it runs is told so, and it is on
        record as a backfill. With `args`, JSON, it runs with these in place of its own. Raises
        NotFound, InvalidInput.
        """
        schedule = await self.find(name)
        store = await self._context.store()
        backfill, job = store.ids.many(2)
        send = await sending(self._context.router, store)
        made = partial(
            triggers.trigger, name=name, job=job, at=at, by=by or self._source, backfill=backfill,
            turned=lambda call: call.given(args).sent(send),
        )  # fmt: skip
        look = looking(partial(stored_jobs.find, job=job), job_data)
        queue = await self._context.change("schedule.trigger", ("schedule", name), made, look=look)
        store.wakeups.send([queue])
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
        self._declared[name] = say(self._context, "", name, call, when, policies, self._source)

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

        def work(connection: Connection, now: datetime) -> SchedulesReconciled:
            done = declared.reconcile(connection, now, self._source, wanted, store.new_id)
            if any(done):
                editions.edited(connection, now, Edited.SCHEDULE)
            return SchedulesReconciled(*done)

        return await self._write(work)

    @property
    def _source(self) -> str:
        return f"code:{self._context.name}"

    async def _write(self, work: Work[T]) -> T:
        store: Store = await self._context.store()
        result = await store.write(work)
        store.wakeups.send([SCHEDULER])
        return result

    async def _change(
        self, verb: str, name: str, work: Work[T], is_change: Callable[[T], bool] | None = None
    ) -> T:
        """Do what somebody asked for of the schedule of that name."""
        look = looking(partial(stored.find, name=name), schedule_fact)
        subject = ("schedule", name)
        result = await self._context.change(
            f"schedule.{verb}", subject, work, look=look, is_change=is_change
        )
        (await self._context.store()).wakeups.send([SCHEDULER])
        return result


def _own(connection: Connection, now: datetime, name: str, owner: str) -> Schedule:
    """The owner's schedule of that name, as it is or with its head; others' are not there."""
    for each in (own_name(owner, name), name):
        with suppress(NotFound):
            found = stored.find(connection, now, each)
            if found.owner == owner:
                return found
    raise NotFound(f"no schedule named {name!r} is yours; GET /api/v1/schedules lists yours")


def schedule_fact(schedule: Schedule) -> Mapping[str, Any]:
    """How it stands, without what would have to be looked for."""
    return schedule_data(schedule, ())
