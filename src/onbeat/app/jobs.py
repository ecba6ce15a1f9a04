"""Commands on jobs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from functools import partial
from typing import Any

import msgspec

from onbeat.app.calls import Call
from onbeat.app.context import Context
from onbeat.app.enqueueing import check_together, enqueue_calls
from onbeat.app.handles import JobHandle
from onbeat.app.looking import Look, looking
from onbeat.app.options import PLAIN, Options, check_all_tags
from onbeat.app.results import Results
from onbeat.domain.attempts import Attempt
from onbeat.domain.errors import ArgumentsTooLarge, InvalidArguments, InvalidInput
from onbeat.domain.http_targets import check_asked
from onbeat.domain.job_filters import JobFilter, JobPage, read_filter
from onbeat.domain.jobs import Job, JobId, check_page, parse_job_id
from onbeat.domain.json_numbers import steady
from onbeat.domain.marks import check_owner, check_tag
from onbeat.domain.naming import named
from onbeat.domain.reasons import Reason
from onbeat.domain.recurrence.recurrence import aware
from onbeat.domain.states import State
from onbeat.domain.unknown_tasks import warning_of
from onbeat.runtime.http_task import http_definition
from onbeat.runtime.misfits import too_large
from onbeat.runtime.shell import shell_definition
from onbeat.runtime.tasks import HTTP, SHELL, unknown_task
from onbeat.store import bulk, counts, history, listing
from onbeat.store import jobs as stored
from onbeat.store import tasks as stored_tasks
from onbeat.store import why as store_why
from onbeat.store.counts import Count
from onbeat.store.history import LinePlace, StoredLine
from onbeat.store.wakeups import STOPS

MOST_FOUND = 1_000
"""Jobs of one look by their ids."""

BUILT_IN = {SHELL: shell_definition, HTTP: http_definition}
"""Tasks that are known also where they are not there to be run."""

Tell = Callable[[int], None]
"""Told how many are done, while there are more."""


@dataclass(frozen=True, slots=True)
class Redrive:
    """What running dead letters again did."""

    count: int
    """How many run again."""
    refused: Mapping[JobId, JobId]
    """Of those whose unique key another job has, by id that job."""


@dataclass(frozen=True, slots=True)
class CancelMany:
    """What calling many jobs off did."""

    cancelled: int
    """How many waited, and are called off."""
    asked: int
    """How many run, and were asked to stop."""


def discard(_: int) -> None:
    """Hear nothing."""


class Jobs:
    """`ob.jobs`: find, list, cancel, run again."""

    def __init__(self, context: Context) -> None:
        """Made by the application."""
        self._context = context

    async def find(self, job: str) -> Job:
        """The job of that id and where it stands. Raises NotFound."""
        wanted = parse_job_id(job)
        return await self._context.read(
            lambda connection, now: stored.find(connection, now, wanted)
        )

    async def find_many(self, jobs: Sequence[str], *, owner: str | None = None) -> Sequence[Job]:
        """Those of these ids that are on record, as a list shows them, in that order; of one owner
        alone where one is given. Raises InvalidInput for more than 1,000.
        """
        if len(jobs) > MOST_FOUND:
            raise InvalidInput("id", f"{len(jobs):,} ids are too many; give at most {MOST_FOUND:,}")
        with named(job="id"):
            wanted = [parse_job_id(job) for job in jobs]
        found = await self._context.read(
            lambda connection, _: listing.of_ids(connection, list(dict.fromkeys(wanted)))
        )
        return [job for job in found if owner is None or job.owner == owner]

    async def list(self, wanted: JobFilter | None = None) -> Sequence[Job]:
        """The jobs of a page, the newest first; `page` tells whether there are more. Raises
        InvalidInput.
        """
        return (await self.page(wanted)).jobs

    async def page(self, wanted: JobFilter | None = None) -> JobPage:
        """Jobs in the order that is asked for, a page at a time, with the cursors of what comes
        after and before. Where very few of many fit it may be cut short, and says so. Raises
        InvalidInput.
        """
        asked = read_filter(wanted or JobFilter())
        return await self._context.read(partial(listing.page, wanted=asked))

    async def counts(self) -> Mapping[State, Count]:
        """How many jobs are in each state; above 10,000 that there are at least so many."""
        return await self._context.read(counts.by_state)

    async def why(self, job: str, *, with_errors: bool = True) -> Sequence[Reason]:
        """Why it does not run: what holds it, and what would change that; empty when nothing does.

        Of errors their kinds alone are told if not `with_errors`. Raises NotFound.
        """
        look = partial(store_why.of_job, job=parse_job_id(job), with_errors=with_errors)
        return (await self._context.read(look))[1]

    async def attempts(self, job: str) -> Sequence[Attempt]:
        """The job's ended attempts, oldest first."""
        wanted = parse_job_id(job)
        return await self._context.read(
            lambda connection, now: history.list_attempts(connection, now, wanted)
        )

    async def log(
        self, job: str, *, limit: int = 1_000, before: LinePlace | None = None
    ) -> Sequence[StoredLine]:
        """The last lines the job wrote, attempt after attempt; of those before one, where its place
        is given.
        """
        look = partial(history.list_lines, job=parse_job_id(job), limit=limit, before=before)
        return await self._context.read(look)

    async def cancel(self, job: str, reason: str = "cancelled") -> State:
        """Call a waiting job off, or ask a running one to stop. Raises NotFound, Conflict."""
        wanted = parse_job_id(job)
        state = await self._context.change(
            "job.cancel", ("job", wanted),
            lambda connection, now: stored.cancel(connection, now, wanted, reason),
            look=_standing(wanted),
        )  # fmt: skip
        if state is State.RUNNING:
            (await self._context.store()).wakeups.send([STOPS])
        return state

    async def retry(self, job: str) -> None:
        """Run an ended job again, or a waiting one at once. Raises NotFound, Conflict."""
        wanted = parse_job_id(job)
        queue = await self._context.change(
            "job.retry", ("job", wanted),
            lambda connection, now: stored.run_again(connection, now, wanted),
            look=_standing(wanted),
        )  # fmt: skip
        (await self._context.store()).wakeups.send([queue])

    async def redrive(  # noqa: PLR0913 - one for each way to say which
        self,
        *,
        task: str | None = None,
        queue: str | None = None,
        tag: str | None = None,
        owner: str | None = None,
        error: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        limit: int | None = None,
        dry_run: bool = False,
        tell: Tell = discard,
    ) -> Redrive:
        """Run failed jobs again, the first to fail first, their attempts counted from one.

        Those of a task, of a queue, with a tag, of an owner, whose error holds a text, that failed
        since or until a moment; at most `limit`. Those whose unique key another job has are left,
        and told. With `dry_run` they are only counted. `tell` is called with how many, after each
        500. Raises InvalidInput.
        """
        given = bulk.Selection(
            task=task, queue=queue, tag=tag, owner=owner, error=error, since=since, until=until
        )
        wanted = _checked(given, limit)
        if dry_run:
            count = await self._context.read(partial(bulk.count_dead, wanted=wanted))
            return Redrive(count if limit is None else min(count, limit), {})
        done = await self._redrive(wanted, limit, tell)
        await self._note("jobs.redrive", wanted, {"count": done.count})
        return done

    async def _redrive(self, wanted: bulk.Selection, limit: int | None, tell: Tell) -> Redrive:
        store, count = await self._context.store(), 0
        refused: dict[JobId, JobId] = {}
        if wanted.until is None:  # what fails again meanwhile is not run a third time
            now = await store.read(lambda _, now: now)
            wanted = replace(wanted, until=now)
        after: tuple[datetime, JobId] | None = None
        while limit is None or count < limit:
            at_once = bulk.AT_ONCE if limit is None else min(bulk.AT_ONCE, limit - count)
            done = await store.write(
                partial(bulk.redrive, wanted=wanted, after=after, limit=at_once)
            )
            store.wakeups.send(done.queues)
            count += done.count
            refused |= done.refused
            after = done.last
            tell(count)
            if done.looked_at < at_once:
                break
        return Redrive(count, refused)

    async def cancel_many(  # noqa: PLR0913 - one for each way to say which
        self,
        *,
        task: str | None = None,
        queue: str | None = None,
        tag: str | None = None,
        owner: str | None = None,
        error: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        limit: int | None = None,
        reason: str = "cancelled",
        dry_run: bool = False,
        tell: Tell = discard,
    ) -> CancelMany:
        """Call waiting jobs off, the oldest first, and ask running ones to stop.

        Those of a task, of a queue, with a tag, of an owner, that wait because of an error that
        holds a text, that were asked for since or until a moment; at most `limit`. With `dry_run`
        they are only counted.
        `tell` is called with how many, after each 500. Raises InvalidInput where nothing says
        which are meant.
        """
        given = bulk.Selection(
            task=task, queue=queue, tag=tag, owner=owner, error=error, since=since, until=until
        )
        wanted = _checked(given, limit)
        if wanted == bulk.Selection():
            raise InvalidInput("task", "nothing says which jobs are meant; give a task, a queue, "
                               "a tag, an owner, an error, or since and until when they were asked "
                               "for")  # fmt: skip
        if dry_run:
            waiting, running = await self._context.read(partial(bulk.count_open, wanted=wanted))
            return CancelMany(waiting, running)
        store, total, after = await self._context.store(), CancelMany(0, 0), None
        while limit is None or total.cancelled + total.asked < limit:
            left = None if limit is None else limit - total.cancelled - total.asked
            at_once = bulk.AT_ONCE if left is None else min(bulk.AT_ONCE, left)
            done = await store.write(
                partial(bulk.cancel, wanted=wanted, reason=reason, after=after, limit=at_once)
            )
            total = CancelMany(total.cancelled + done.cancelled, total.asked + done.asked)
            after = done.last
            if done.asked:
                store.wakeups.send([STOPS])
            tell(total.cancelled + total.asked)
            if done.looked_at < at_once:
                break
        await self._note(
            "jobs.cancel", wanted, {"cancelled": total.cancelled, "asked": total.asked}
        )
        return total

    async def _note(self, action: str, wanted: bulk.Selection, after: Mapping[str, Any]) -> None:
        """Write down what many jobs were asked for: which were meant, and what it came to."""
        meant = {name: str(value) for name, value in asdict(wanted).items() if value is not None}
        await self._context.note(action, ("jobs", "many"), before=meant, after=after)

    async def enqueue(
        self,
        task: str,
        args: str = "{}",
        options: Options | None = None,
        *,
        must_be_known: bool = True,
    ) -> JobHandle[Any]:
        """Ask for a job by the task's name, its arguments a JSON object.

        Raises UnknownTask; with `must_be_known` false the job is left to a worker that knows it,
        with queue, priority and attempts as of a task that says nothing of them, unless `options`
        do. The built-in tasks `shell` and `http` are known even then.
        """
        call = self.bind(task, args, options, must_be_known=must_be_known)
        return (await enqueue_calls(self._context, [call]))[0]

    async def enqueue_many(self, calls: Sequence[Call[Any]]) -> Sequence[JobHandle[Any]]:
        """Ask for the jobs of calls that `bind` made: all in one transaction, or none.

        They are at most 5,000, and of one clock. Raises InvalidInput that names which is wrong:
        `3.start_by`.
        """
        await check_together(self._context, calls)
        return await enqueue_calls(self._context, list(calls))

    async def warnings(self, task: str, *, with_names: bool = True) -> Sequence[str]:
        """What may not be meant by a task's name: that neither this process nor any worker that was
        here knows it, and which of theirs is nearest; that only `with_names`.
        """
        registry = self._context.registry
        if registry.get(task) is not None:
            return ()
        known = {*registry.names(), *await self._context.read(stored_tasks.list_names)}
        warning = warning_of(task, known, with_names=with_names)
        return () if warning is None else (warning,)

    def bind(
        self,
        task: str,
        args: str = "{}",
        options: Options | None = None,
        *,
        must_be_known: bool = True,
        results: Results = (),
    ) -> Call[Any]:
        """The call that `enqueue` makes, for schedules, and for workflows with those arguments that
        are `results` of other jobs. Raises UnknownTask, InvalidArguments.
        """
        registry = self._context.registry
        definition = registry.find(task) if must_be_known else registry.get(task)
        if definition is None and task in BUILT_IN:
            definition = BUILT_IN[task]()
        if definition is None:
            encoded = _read_object(args)
            limit = self._context.max_payload
            if len(encoded) > limit:
                raise ArgumentsTooLarge("args", too_large(len(encoded), limit))
            return Call(unknown_task(task), encoded, options or Options(), tuple(results))
        check_all_tags(definition, options or PLAIN)
        known = definition.arguments
        if results:
            known = known.without([name for name, _ in results])
        given = msgspec.json.decode(_read_object(args))
        encoded = known.encode((), given)
        if definition.name == HTTP and not results:
            check_asked(given)
        return Call(definition, encoded, options or Options(), tuple(results))

    def handle(self, job: str, task: str) -> JobHandle[Any]:
        """A handle on a job that was enqueued elsewhere."""
        definition = self._context.registry.get(task) or unknown_task(task)
        return JobHandle(self._context, JobId(parse_job_id(job)), definition)


def _standing(job: JobId) -> Look:
    """Where the job stands, without its arguments."""

    def tell(found: Job) -> Mapping[str, Any]:
        return {"state": found.state, "attempt": found.attempt, "reason": found.reason}

    return looking(partial(stored.find, job=job), tell)


def _checked(wanted: bulk.Selection, limit: int | None) -> bulk.Selection:
    """Which jobs are meant. Raises InvalidInput."""
    for name, moment in (("since", wanted.since), ("until", wanted.until)):
        if moment is not None:
            aware(moment, name)
    if wanted.since is not None and wanted.until is not None and wanted.until < wanted.since:
        told = f"{wanted.until.isoformat()} is before since; give a later moment"
        raise InvalidInput("until", told)
    if limit is not None:
        check_page(limit, ", or leave it out")
    if wanted.error is not None and not wanted.error:
        raise InvalidInput("error", "it is empty; give a text that the error holds")
    if wanted.tag is not None:
        check_tag(wanted.tag, "tag")
    if wanted.owner is not None:
        check_owner(wanted.owner)
    return wanted


_OBJECT = 'give a JSON object of arguments by name, as {"id": 1}'


def _read_object(text: str) -> bytes:
    try:
        value = msgspec.json.decode(text)
    except msgspec.DecodeError as error:
        raise InvalidArguments("args", f"it is not JSON: {error}; {_OBJECT}") from None
    except RecursionError:
        raise InvalidArguments("args", f"it is nested too deep; {_OBJECT}") from None
    if not isinstance(value, dict):
        raise InvalidArguments("args", _OBJECT)
    return steady(msgspec.json.encode(value))
