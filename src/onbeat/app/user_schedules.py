"""Commands on schedules that users make for themselves, and the task that fires them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Any, Unpack

import msgspec
from sqlalchemy import Connection

from onbeat.app.call_limits import make_limits_known
from onbeat.app.calls import Call
from onbeat.app.context import Context
from onbeat.app.looking import looking
from onbeat.app.new_schedules import MADE_AT_RUN_TIME, say
from onbeat.app.options import PLAIN, Options
from onbeat.app.policies import PolicyOptions, read_policies
from onbeat.app.retention import keep_so
from onbeat.app.schedules import Schedules, schedule_fact
from onbeat.domain.errors import InvalidInput, NotFound
from onbeat.domain.jobs import DEFAULT_PRIORITY, JobId, check_page, made_at
from onbeat.domain.marks import check_owner, marks
from onbeat.domain.outcomes import Snooze, time_for_others
from onbeat.domain.recurrence import Recurrence
from onbeat.domain.retention import Keep, Rule
from onbeat.domain.retries import Retry
from onbeat.domain.schedule_filters import ScheduleFilter
from onbeat.domain.schedules import Schedule
from onbeat.domain.ties import encode_ties
from onbeat.domain.user_schedules import FILLED_IN, JOBS, QUEUE, TASK, fired_id, schedule_name
from onbeat.runtime.run import Run
from onbeat.runtime.tasks import Definition, define
from onbeat.store import firings, owned, retention, schedule_lists
from onbeat.store import schedules as stored
from onbeat.store.payloads import job_options, lane_of, with_secrets
from onbeat.store.triggers import ScheduledCall
from onbeat.store.wakeups import SCHEDULER


class _Asked(msgspec.Struct):
    """The arguments of a firing."""

    task: str
    args: dict[str, Any]


class Made(msgspec.Struct):
    """The result of a firing."""

    job: str
    """The user's job."""
    is_new: bool
    """False where an attempt before has made it, or another job has its unique key."""


@dataclass(frozen=True, slots=True)
class UserSchedule:
    """A schedule that a user has made, and what is kept of its ended jobs."""

    schedule: Schedule
    keep: Rule | None


class UserSchedules:
    """`ob.user_schedules`: what owners may schedule, and the schedules they make for themselves.

    Each fires by a job of its own in the queue `schedQueue`, which makes the user's job in
    `jobQueue`. An owner's schedules alone are seen where an `owner` is given.
    """

    def __init__(self, context: Context, schedules: Schedules) -> None:
        """Made by the application."""
        self._context = context
        self._schedules = schedules
        self._firing = _definition(self._fire)

    def serve(self) -> None:
        """Let this application fire users' schedules: it has a task for them."""
        self._context.registry.add(self._firing)

    def call(
        self,
        owner: str,
        task: str,
        data: Mapping[str, Any],
        options: Options = PLAIN,
        *,
        field: str = "task",
    ) -> Call[Any]:
        """The call of a task for users with `data`, in which whose it is cannot be forged.

        Raises InvalidInput, naming `field` where the task is none for users; InvalidArguments.
        """
        definition = self._for_users(task)
        if definition is None:
            known = ", ".join(each.name for each in self._context.registry if each.for_users)
            raise InvalidInput(
                field, f"{task!r} cannot be scheduled by users; what can is: {known or 'nothing'}"
            )
        names = definition.arguments.names
        given = {name: value for name, value in data.items() if name not in FILLED_IN}
        given |= {name: check_owner(owner) for name in FILLED_IN if name in names}
        return Call(definition, definition.arguments.encode((), given), options)

    async def create(
        self,
        owner: str,
        task: str,
        data: Mapping[str, Any],
        when: Recurrence,
        *,
        by: str | None = None,
        keep: Keep | None = None,
        field: str = "task",
        **policies: Unpack[PolicyOptions],
    ) -> Schedule:
        """Make a schedule of the owner's, another one also where the same is asked for again.

        Raises InvalidInput, InvalidArguments, and Conflict for an owner who has `MOST_SCHEDULES`.
        """
        call = self.call(owner, task, data, Options(queue=JOBS, owner=owner), field=field)
        store = await self._context.store()
        identity = store.new_id()
        name = schedule_name(owner, call.task, identity)
        made = self._fired(identity, name, call, when, policies)
        await make_limits_known(self._context, [call])

        def work(connection: Connection, now: datetime) -> Schedule:
            owned.refuse_more(connection, owner)
            keep_so(connection, now, name, keep, by or MADE_AT_RUN_TIME)
            return stored.create(connection, now, replace(made, changed_by=by))

        look = looking(partial(stored.find, name=name), schedule_fact)
        subject = ("schedule", name)
        created = await self._context.change("schedule.create", subject, work, look=look)
        store.wakeups.send([SCHEDULER])
        return created

    def _fired(
        self, identity: str, name: str, call: Call[Any], when: Recurrence, policies: Any
    ) -> Schedule:
        """The schedule that fires `call`, which is checked as if it were scheduled itself."""
        read = read_policies(**policies)
        plain = say(self._context, identity, name, call, when, read, MADE_AT_RUN_TIME)
        args = msgspec.json.encode({"task": call.task, "args": msgspec.Raw(call.args)})
        firing = Call[Any](self._firing, args)
        said = say(self._context, identity, name, firing, when, read, MADE_AT_RUN_TIME)
        secrets = [("args", *place) for place in call.definition.arguments.secrets]
        ties = encode_ties(marks((), plain.owner))  # its own end is told to nobody
        return replace(said, ties=ties, options=with_secrets(said.options, secrets))

    async def list(
        self, owner: str | None = None, *, after: str = "", limit: int = 100
    ) -> Sequence[UserSchedule]:
        """Those of the owner, or of all, in order of name. Raises InvalidInput."""
        check_page(limit)
        return await self._context.read(partial(_list, owner=owner, after=after, limit=limit))

    async def find(self, name: str, *, owner: str | None = None) -> UserSchedule:
        """The one of that name. Raises NotFound."""
        return await self._context.read(partial(_find, name=name, owner=owner))

    async def remove(self, name: str, *, owner: str | None = None) -> None:
        """Take it away; its jobs and its record stay. Raises NotFound."""
        found = await self.find(name, owner=owner)
        await self._schedules.remove(found.schedule.name)

    def _for_users(self, task: str) -> Definition | None:
        definition = self._context.registry.get(task)
        return definition if definition is not None and definition.for_users else None

    async def _fire(self, run: Run, task: str, args: dict[str, Any]) -> Made:
        """Make the user's job of one firing; where its task is not known here, others will."""
        store, definition = await self._context.store(), self._for_users(task)
        if definition is None:
            # Another application's on this database, or of another version while it is deployed.
            wait = time_for_others(store.timing.now() - made_at(JobId(run.job)))
            raise Snooze(wait, f"the application of this worker has no task {task!r} for users; "
                         f"run a worker of one that has it on the queue {QUEUE}")  # fmt: skip
        call_for = partial(_scheduled, definition, msgspec.json.encode(args), JobId(run.job))
        fired = await store.write(partial(firings.fire, firing=JobId(run.job), call_for=call_for))
        store.wakeups.send([JOBS])
        return Made(job=fired.job, is_new=fired.is_new)


def _list(
    connection: Connection, now: datetime, owner: str | None, after: str, limit: int
) -> Sequence[UserSchedule]:
    wanted = ScheduleFilter(owner=owner, task=TASK)
    found = schedule_lists.page(connection, now, wanted=wanted, after=after, limit=limit)
    rules = retention.of_schedules(connection, [each.name for each in found])
    return [UserSchedule(each, rules.get(each.name)) for each in found]


def _find(connection: Connection, now: datetime, name: str, owner: str | None) -> UserSchedule:
    gone = NotFound(f"no schedule {name!r} is yours; GET /jobs/schedule lists yours")
    try:
        found = stored.find(connection, now, name)
    except NotFound:
        raise gone from None
    if found.task != TASK or owner not in (None, found.owner):
        raise gone
    return UserSchedule(found, retention.of_schedules(connection, [name]).get(name))


def _scheduled(
    definition: Definition, args: bytes, firing: JobId, schedule: str, owner: str
) -> ScheduledCall:
    """What a user's schedule runs, as rows have it."""
    call = Call[Any](definition, args, Options(queue=JOBS, owner=owner))
    job = call.new_job(fired_id(firing))
    options = job_options(job.timeout, job.retry, job.secrets)
    return ScheduledCall(
        id=schedule, task=job.task, queue=job.queue, lane=lane_of(job.priority),
        max_attempts=job.max_attempts, args=args.decode(),
        options=None if options is None else options.decode(), ties=encode_ties(job.ties),
    )  # fmt: skip


def _definition(fire: Any) -> Definition:
    """The task as an application registers it."""

    async def onbeat_fire(run: Run, task: str, args: dict[str, Any]) -> Made:
        made: Made = await fire(run, task, args)
        return made

    return define(
        onbeat_fire, name=TASK, queue=QUEUE, priority=DEFAULT_PRIORITY, timeout=None,
        retry=Retry(), isolate=None,
    )  # fmt: skip
