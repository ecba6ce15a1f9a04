"""Commands on schedules, and the schedules declared in code."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from onbeat.app.calls import Call, Options, enqueue_calls
from onbeat.app.context import Context
from onbeat.app.handles import JobHandle
from onbeat.domain.errors import InvalidInput
from onbeat.domain.events import SchedulesReconciled
from onbeat.domain.jobs import JobId, check_name
from onbeat.domain.recurrence import Recurrence
from onbeat.domain.schedules import (
    CatchUp,
    Occurrence,
    Overlap,
    Schedule,
    check_window,
    parse_catch_up,
    parse_overlap,
)
from onbeat.runtime.tasks import Definition, unknown_task
from onbeat.store import schedules as stored
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


def read_policies(
    *,
    catch_up: str | None = None,
    overlap: str | None = None,
    start: datetime | None = None,
    end: datetime | None = None,
    limit: int | None = None,
) -> Policies:
    """Check policies as a user gives them. Raises InvalidInput naming the one that is wrong."""
    check_window(start, end, limit)
    return Policies(
        catch_up=CatchUp() if catch_up is None else parse_catch_up(catch_up),
        overlap=Overlap.SKIP if overlap is None else parse_overlap(overlap),
        start=start,
        end=end,
        limit=limit,
    )


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
        catch_up: str | None = None,
        overlap: str | None = None,
        start: datetime | None = None,
        end: datetime | None = None,
        limit: int | None = None,
    ) -> Schedule:
        """Make a schedule: at each moment of `when`, a job of `call`. Raises Conflict."""
        policies = read_policies(
            catch_up=catch_up, overlap=overlap, start=start, end=end, limit=limit
        )
        store = await self._context.store()
        schedule = _schedule(store.new_id(), name, call, when, policies, MADE_AT_RUN_TIME)
        return await self._write(lambda connection, now: stored.create(connection, now, schedule))

    async def create_many(
        self,
        rows: Sequence[tuple[str, Call[Any], Recurrence]],
        *,
        catch_up: str | None = None,
        overlap: str | None = None,
        start: datetime | None = None,
        end: datetime | None = None,
        limit: int | None = None,
    ) -> int:
        """Make many in one transaction, all with the same policies; how many were made."""
        store = await self._context.store()
        read = read_policies(catch_up=catch_up, overlap=overlap, start=start, end=end, limit=limit)
        ids = store.ids.many(len(rows))
        schedules = [
            _schedule(identity, name, call, when, read, MADE_AT_RUN_TIME)
            for identity, (name, call, when) in zip(ids, rows, strict=True)
        ]
        await self._write(lambda connection, now: stored.create_many(connection, now, schedules))
        return len(schedules)

    async def find(self, name: str) -> Schedule:
        """The schedule of that name. Raises NotFound."""
        return await self._context.read(lambda connection, now: stored.find(connection, now, name))

    async def list(self, *, after: str = "", limit: int = 100) -> Sequence[Schedule]:
        """Schedules in order of name; pass the last name of a page as `after` for the next."""
        return await self._context.read(
            lambda connection, now: stored.list_schedules(connection, now, after=after, limit=limit)
        )

    async def change(self, schedule: Schedule) -> Schedule:
        """Bring the schedule of that name to what `schedule` says. Raises NotFound."""
        check_window(schedule.start_at, schedule.end_at, schedule.limit)
        return await self._write(lambda connection, now: stored.change(connection, now, schedule))

    async def remove(self, name: str) -> None:
        """Delete it; its jobs and its record stay. Raises NotFound."""
        await self._write(lambda connection, now: stored.remove(connection, now, name))

    async def pause(self, name: str, by: str) -> None:
        """Make no more jobs until it is resumed; a deploy does not undo it. Raises NotFound."""
        await self._write(lambda connection, now: stored.pause(connection, now, name, by))

    async def resume(self, name: str) -> None:
        """Go on from now on. Raises NotFound."""
        await self._write(lambda connection, now: stored.resume(connection, now, name))

    async def trigger(self, name: str) -> JobHandle[Any]:
        """Make one job of the schedule now, beside its moments. Raises NotFound, UnknownTask."""
        schedule = await self.find(name)
        definition = self._context.registry.get(schedule.task) or _stand_in(schedule)
        options = Options(queue=schedule.queue, priority=schedule.priority)
        call: Call[Any] = Call(definition, schedule.args.encode(), options)
        return (await enqueue_calls(self._context, [call]))[0]

    async def occurrences(
        self, name: str, *, limit: int = 100
    ) -> Sequence[tuple[Occurrence, JobId | None]]:
        """The newest of its occurrences with their outcomes, and the job of each that made one."""
        return await self._context.read(
            lambda connection, now: stored.list_occurrences(connection, now, name, limit=limit)
        )

    def declare(self, name: str, call: Call[Any], when: Recurrence, policies: Policies) -> None:
        """Keep a schedule written in code, to be brought into the store by the scheduler."""
        if name in self._declared:
            raise InvalidInput("name", f"the schedule {name!r} is declared twice; give name=…")
        self._declared[name] = _schedule("", name, call, when, policies, self._source)

    @property
    def declared(self) -> tuple[Schedule, ...]:
        """What is declared in code."""
        return tuple(self._declared.values())

    async def reconcile(self) -> SchedulesReconciled:
        """Bring what is declared in code into the store: added, changed, retired.

        Schedules made at run time, and those of other applications, are left alone.
        """
        store = await self._context.store()
        declared = self.declared
        done = await self._write(
            lambda connection, now: stored.reconcile(
                connection, now, self._source, declared, store.new_id
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
    identity: str,
    name: str,
    call: Call[Any],
    when: Recurrence,
    policies: Policies,
    source: str,
) -> Schedule:
    job = call.new_job(JobId(identity))
    if job.delay is not None or job.due_at is not None:
        raise InvalidInput("delay", "a schedule decides itself when its jobs run; leave it out")
    options = job_options(job.timeout, job.retry)
    return Schedule(
        id=identity,
        name=check_name("name", name),
        task=job.task,
        recurrence=when,
        args=job.args.decode(),
        queue=job.queue,
        priority=job.priority,
        max_attempts=job.max_attempts,
        options=None if options is None else options.decode(),
        catch_up=policies.catch_up,
        overlap=policies.overlap,
        start_at=policies.start,
        end_at=policies.end,
        limit=policies.limit,
        source=source,
    )


def _stand_in(schedule: Schedule) -> Definition:
    """A task this process does not know, but whose jobs it can ask for: a worker will."""
    return unknown_task(schedule.task, schedule.queue, schedule.priority, schedule.max_attempts)
