"""`onbeat jobs`: show, enqueue, retry, cancel, and read their logs."""

from __future__ import annotations

import asyncio
import dataclasses
from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from onbeat.app.facts.jobs import attempt_data, job_data, line_data, numbered
from onbeat.app.facts.reasons import reasons_data
from onbeat.app.handles import JobHandle
from onbeat.app.onbeat import Onbeat
from onbeat.app.options import check_options, read_options
from onbeat.cli import inputs
from onbeat.cli.command import command, noun
from onbeat.cli.invocation import Invocation
from onbeat.cli.output.counting import Counting
from onbeat.cli.output.words import many, one_line
from onbeat.cli.unchecked import is_checked, note_nobody, note_unchecked, note_unknown
from onbeat.cli.views import jobs as view
from onbeat.cli.views import reasons as reason_view
from onbeat.cli.waiting import wait_for
from onbeat.domain.errors import InvalidInput
from onbeat.domain.jobs import Job
from onbeat.domain.reasons import OF_SLOTS
from onbeat.domain.states import State
from onbeat.domain.uniqueness import Unique

jobs = noun("List, show, enqueue, retry and cancel jobs.")

SHOWN = 5
"""Jobs that are named of many."""

TaskName = Annotated[str | None, typer.Option(metavar="TASK", help="Only jobs of this task.")]
QueueName = Annotated[str | None, typer.Option(metavar="QUEUE", help="Only jobs in this queue.")]
ErrorText = Annotated[
    str | None, typer.Option(metavar="TEXT", help="Only those whose error holds this.")
]
TagName = Annotated[str | None, typer.Option(metavar="TAG", help="Only jobs with this tag.")]
OwnerName = Annotated[str | None, typer.Option(metavar="OWNER", help="Only jobs of this owner.")]
Limit = Annotated[int | None, typer.Option(metavar="N", min=1, help="At most so many.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Only say how many there are.")]

AnId = Annotated[str, typer.Argument(metavar="JOB", help="The job's id.")]
Ids = Annotated[list[str], typer.Argument(metavar="JOB...", help="The jobs' ids.")]


@command(jobs, "show", "onbeat jobs show 0198c5a0b7d27c3e8f1d2a3b4c5d6e7f")
async def show(asked: Invocation, job: AnId) -> None:
    """Show one job: its state, attempts, errors and log."""
    async with asked.without_app().connected() as ob:
        found = await _with_moment(ob, await ob.jobs.find(job))
        attempts = await ob.jobs.attempts(job)
        lines = numbered(found, attempts, await ob.jobs.log(job))
    answer = {
        "job": job_data(found),
        "attempts": [attempt_data(each) for each in attempts],
        "log": [line_data(stored, number) for number, stored in lines],
    }
    now = datetime.now(UTC)
    asked.out.show(answer, lambda: view.page(found, attempts, lines, now, asked.out.width))


async def _with_moment(ob: Onbeat, job: Job) -> Job:
    """A job that waits for a slot with why it does by now, and until when where that is known: what
    is on record was said when it began to wait.
    """
    reasons = await ob.jobs.why(job.id) if job.state is State.BLOCKED else ()
    told = [each.what for each in reasons if each.code in OF_SLOTS]
    return dataclasses.replace(job, reason=told[0]) if told else job


@command(jobs, "why", "onbeat jobs why 0198c5a0b7d27c3e8f1d2a3b4c5d6e7f")
async def why(asked: Invocation, job: AnId) -> None:
    """Say why a job does not run, and what would change that."""
    async with asked.without_app().connected() as ob:
        found = await ob.jobs.find(job)
        reasons = await ob.jobs.why(job)
    answer = {"job": job_data(found), "reasons": reasons_data(reasons)}
    nothing = "nothing holds it: it runs in a moment"
    asked.out.show(answer, lambda: reason_view.page(found.state, reasons, nothing))


@command(
    jobs,
    "enqueue",
    """onbeat jobs enqueue charge --app shop:ob --args '{"order_id": 42}' --wait""",
    """onbeat jobs enqueue report --delay 30m --priority 8""",
    takes_app=True,
)
async def enqueue(
    asked: Invocation,
    task: Annotated[str, typer.Argument(metavar="TASK", help="The task's name.")],
    *,
    args: Annotated[str, typer.Option(metavar="JSON", help="Its arguments by name.")] = "{}",
    queue: Annotated[
        str | None, typer.Option(metavar="QUEUE", help="Instead of the task's own queue.")
    ] = None,
    region: Annotated[
        str | None,
        typer.Option(metavar="REGION", help="To that region's queue, or where its jobs go now."),
    ] = None,
    priority: Annotated[
        int | None, typer.Option(metavar="0-10", min=0, max=10, help="10 is the most urgent.")
    ] = None,
    delay: Annotated[
        str | None, typer.Option(metavar="TIME", help="Not before so long: 30s.")
    ] = None,
    at: Annotated[str | None, typer.Option(metavar="MOMENT", help="Not before: ISO 8601.")] = None,
    clock: Annotated[
        str | None, typer.Option(metavar="CLOCK", help="Delay and moment are of this clock.")
    ] = None,
    grace: Annotated[
        str | None,
        typer.Option(metavar="TIME", help="Call it off where the clock jumps past by more."),
    ] = None,
    start_within: Annotated[
        str | None,
        typer.Option(metavar="TIME", help="Call it off if it has not begun so long after it may."),
    ] = None,
    start_by: Annotated[
        str | None, typer.Option(metavar="MOMENT", help="Call it off if it has not begun by then.")
    ] = None,
    unique: Annotated[
        bool, typer.Option("--unique", help="Only if no job with the same arguments is open.")
    ] = False,
    unique_by: Annotated[
        str | None, typer.Option(metavar="NAME,…", help="The same, by these arguments.")
    ] = None,
    unique_key: Annotated[
        str | None, typer.Option(metavar="TEXT", help="The same, by a key of yours.")
    ] = None,
    unique_until: Annotated[
        str | None, typer.Option(metavar="WHEN", help="Until that has ended (default) or begun.")
    ] = None,
    unique_within: Annotated[
        str | None, typer.Option(metavar="TIME", help="Or so long after that was enqueued.")
    ] = None,
    replace: Annotated[
        bool, typer.Option("--replace", help="Take the place of the other if it only waits.")
    ] = False,
    tag: Annotated[
        list[str] | None,
        typer.Option(metavar="TAG", help="What it can be found by; may be given again."),
    ] = None,
    owner: Annotated[str | None, typer.Option(metavar="OWNER", help="Whose it is.")] = None,
    wait: Annotated[bool, typer.Option("--wait", help="Wait until it ends; show its result.")] = (
        False
    ),
    patience: Annotated[
        str | None,
        typer.Option("--timeout", metavar="TIME", help="With --wait: at most; else exit 124."),
    ] = None,
) -> None:
    """Ask for one job, and wait for it if told to.

    With --app its arguments are checked before it is stored, and the task's own queue, priority and
    retries are used. Without, the worker that runs it will find out whether they fit, and unless
    said here the queue is default, the priority 5, and there are 3 attempts. The built-in task
    shell is known without --app.
    """
    options = check_options(
        read_options(
            queue=queue, region=region, priority=priority, delay=delay, at=inputs.moment("at", at),
            clock=clock, grace=grace, start_within=start_within,
            start_by=inputs.moment("start_by", start_by),
            unique=_unique(
                is_asked=unique, by=unique_by, key=unique_key, until=unique_until,
                within=unique_within, replaces=replace,
            ),
            tags=tag, owner=owner,
        )
    )  # fmt: skip
    longest = inputs.duration("timeout", patience)
    async with asked.connected(creates=True) as ob:
        note_unchecked(asked, ob, task, queue, region)
        await note_unknown(asked, ob, task)
        handle = await ob.jobs.enqueue(task, args, options, must_be_known=asked.has_app)
        if not wait:
            _tell_enqueued(asked, await handle.show(), is_new=handle.is_new)
            return
        if not handle.is_new:
            asked.out.note("not enqueued: a job that is open is the same")
        await _wait(asked, ob, handle, None if longest is None else longest.total_seconds())


def _unique(
    *,
    is_asked: bool,
    by: str | None,
    key: str | None,
    until: str | None,
    within: str | None,
    replaces: bool,
) -> Unique | None:
    """What the options say makes a job the same as another. Raises InvalidInput."""
    if not is_asked and by is None and key is None:
        for name, given in (("unique_until", until), ("unique_within", within)):
            if given is not None:
                raise InvalidInput(name, "nothing says what is the same; give --unique too")
        if replaces:
            raise InvalidInput("replace", "nothing says what is the same; give --unique too")
        return None
    if is_asked:
        for name, given in (("unique_by", by), ("unique_key", key)):
            if given is not None:
                told = "it is given together with unique, which is by all arguments"
                raise InvalidInput(name, f"{told}; give one of them")
    return Unique(
        by=inputs.names("unique_by", by), key=key, until=until, within=within,
        on_conflict="replace" if replaces else "keep",
    )  # fmt: skip


def _tell_enqueued(asked: Invocation, job: Job, *, is_new: bool) -> None:
    checked = is_checked(asked, job.task)
    answer = {"job": job_data(job), "checked": checked, "is_new": is_new}
    told = f"{job.id} {job.state} in queue {job.queue}"
    if not is_new:
        told = f"not enqueued: duplicate of job {told}"
    asked.out.show(answer, lambda: [told])


async def _wait(
    asked: Invocation, ob: Onbeat, handle: JobHandle[Any], seconds: float | None
) -> None:
    if not asked.json:
        asked.out.note(f"waiting for job {handle.id}")
    await note_nobody(asked, ob, handle.id)
    try:
        job = await wait_for(handle, seconds)
    except asyncio.CancelledError:
        asked.out.note(f"no longer waiting; job {handle.id} goes on")
        raise
    ended = [each for each in await ob.jobs.attempts(job.id) if each.result is not None]
    result = attempt_data(ended[-1])["result"] if ended else None
    answer = {"job": job_data(job), "checked": is_checked(asked, job.task), "result": result}
    asked.out.show(answer, lambda: [ended[-1].result or "null"] if ended else ["null"])


@command(jobs, "retry", "onbeat jobs retry 0198c5a0b7d27c3e8f1d2a3b4c5d6e7f")
async def retry(asked: Invocation, job: Ids) -> None:
    """Run ended jobs again, and waiting ones at once.

    The attempts of an ended one are counted from one again."""
    async with asked.without_app().connected() as ob:
        for each in job:
            await ob.jobs.retry(each)
            asked.out.told(f"{each} will run again")
        await _answer(asked, ob, job)


@command(
    jobs,
    "redrive",
    "onbeat jobs redrive --task charge --error Timeout --dry-run",
    "onbeat jobs redrive --queue billing --since 2027-03-01T00:00:00Z",
)
async def redrive(
    asked: Invocation,
    *,
    task: TaskName = None,
    queue: QueueName = None,
    tag: TagName = None,
    owner: OwnerName = None,
    error: ErrorText = None,
    since: Annotated[
        str | None, typer.Option(metavar="MOMENT", help="Only what failed then or later.")
    ] = None,
    until: Annotated[
        str | None, typer.Option(metavar="MOMENT", help="Only what failed then or before.")
    ] = None,
    limit: Limit = None,
    dry_run: DryRun = False,
) -> None:
    """Run many failed jobs again, the first to fail first.

    Their attempts are counted from one again; the earlier ones stay on record."""
    progress = Counting("run again")
    async with asked.without_app().connected() as ob:
        done = await ob.jobs.redrive(
            task=task, queue=queue, tag=tag, owner=owner, error=error,
            since=inputs.moment("since", since), until=inputs.moment("until", until), limit=limit,
            dry_run=dry_run, tell=progress.tell,
        )  # fmt: skip
    progress.clear()
    answer = {"count": done.count, "dry_run": dry_run, "refused": dict(done.refused)}
    told = [f"{many(done.count, 'failed job')} {'would run' if dry_run else 'run'} again"]
    told += [
        f"{job} does not: job {holder} has its unique key"
        for job, holder in list(done.refused.items())[:SHOWN]
    ]
    if len(done.refused) > SHOWN:
        told.append(f"and {len(done.refused) - SHOWN:,} more; --json shows them")
    asked.out.show(answer, lambda: told)


@command(
    jobs,
    "cancel",
    'onbeat jobs cancel 0198c5a0b7d27c3e8f1d2a3b4c5d6e7f --reason "wrong day"',
    "onbeat jobs cancel --task report --queue slow --dry-run",
)
async def cancel(
    asked: Invocation,
    job: Annotated[
        list[str] | None, typer.Argument(metavar="[JOB]...", help="The jobs' ids.")
    ] = None,
    *,
    task: TaskName = None,
    queue: QueueName = None,
    tag: TagName = None,
    owner: OwnerName = None,
    error: ErrorText = None,
    since: Annotated[
        str | None, typer.Option(metavar="MOMENT", help="Only what was asked for then or later.")
    ] = None,
    until: Annotated[
        str | None, typer.Option(metavar="MOMENT", help="Only what was asked for then or before.")
    ] = None,
    limit: Limit = None,
    dry_run: DryRun = False,
    reason: Annotated[str | None, typer.Option(metavar="TEXT", help="Why, for the record.")] = None,
) -> None:
    """Call waiting jobs off; ask running ones to stop.

    Those of the ids given, or, without ids, all that the options say."""
    why = reason or f"cancelled by {asked.who}"
    begin, end = inputs.moment("since", since), inputs.moment("until", until)
    if not job:
        progress = Counting("cancelled")
        async with asked.without_app().connected() as ob:
            done = await ob.jobs.cancel_many(
                task=task, queue=queue, tag=tag, owner=owner, error=error, since=begin, until=end,
                limit=limit, reason=why, dry_run=dry_run, tell=progress.tell,
            )  # fmt: skip
        progress.clear()
        answer = {"cancelled": done.cancelled, "asked": done.asked, "dry_run": dry_run}
        would = "would be " if dry_run else ""
        told = [f"{many(done.cancelled, 'waiting job')} {would}cancelled, "
                f"{many(done.asked, 'running one')} {would}asked to stop"]  # fmt: skip
        asked.out.show(answer, lambda: told)
        return
    if (
        any(each is not None for each in (task, queue, tag, owner, error, since, until, limit))
        or dry_run
    ):
        raise InvalidInput("job", "ids are given together with options that say which; give one "
                           "or the other")  # fmt: skip
    async with asked.without_app().connected() as ob:
        for each in job:
            state = await ob.jobs.cancel(each, why)
            asked.out.told(
                f"{each} cancelled" if state.is_final else f"{each} runs, and was asked to stop"
            )
        await _answer(asked, ob, job)


async def _answer(asked: Invocation, ob: Onbeat, ids: list[str]) -> None:
    if asked.json:
        asked.out.data({"jobs": [job_data(await ob.jobs.find(each)) for each in ids]})


@command(jobs, "logs", "onbeat jobs logs 0198c5a0b7d27c3e8f1d2a3b4c5d6e7f --attempt 2")
async def logs(
    asked: Invocation,
    job: AnId,
    *,
    attempt: Annotated[
        int | None, typer.Option(metavar="N", min=1, help="Only of this attempt.")
    ] = None,
    limit: Annotated[
        int, typer.Option(metavar="N", min=1, max=10_000, help="The last so many.")
    ] = 1000,
) -> None:
    """Show the lines a job wrote.

    They are given attempt after attempt; times are UTC."""
    async with asked.without_app().connected() as ob:
        found = await ob.jobs.find(job)
        lines = numbered(found, await ob.jobs.attempts(job), await ob.jobs.log(job))
    shown = [each for each in lines if attempt is None or each[0] == attempt][-limit:]
    answer = {"log": [line_data(stored, number) for number, stored in shown]}
    asked.out.show(answer, lambda: [view.log_line(number, stored) for number, stored in shown])
    if not shown and not asked.json:
        asked.out.note(f"{one_line(found.task)} wrote nothing")
