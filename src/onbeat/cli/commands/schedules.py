"""`onbeat schedules`: list, show, make, change, say why, and the record."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from typing import Annotated, Any

import typer

from onbeat.app.facts.reasons import reasons_data
from onbeat.app.facts.schedules import occurrence_data, schedule_data, version_data
from onbeat.app.onbeat import Onbeat
from onbeat.app.options import read_options
from onbeat.app.reading.rewriting import excluded_from
from onbeat.app.reading.when import kept_to_workdays, rewritten
from onbeat.app.rebinding import ties_after
from onbeat.cli import inputs
from onbeat.cli.command import command, noun
from onbeat.cli.invocation import Invocation
from onbeat.cli.unchecked import is_checked, note_unchecked, note_unknown
from onbeat.cli.views import reasons as reason_view
from onbeat.cli.views import schedules as view
from onbeat.cli.when import When
from onbeat.domain.durations import parse_duration
from onbeat.domain.jobs import check_name, check_priority
from onbeat.domain.recurrence import Recurrence
from onbeat.domain.schedules import Schedule, parse_catch_up, parse_overlap
from onbeat.domain.secrets import refuse_hidden
from onbeat.store.payloads import with_secrets

schedules = noun("Preview, add, edit, pause and trigger schedules.")

Name = Annotated[str, typer.Argument(metavar="NAME", help="The schedule's name.")]
Args = Annotated[str | None, typer.Option(metavar="JSON", help="The task's arguments by name.")]
CatchUpText = Annotated[
    str | None,
    typer.Option(
        metavar="POLICY",
        help="Missed moments: latest, first, none; all within 6h at most 50 every 10s.",
    ),
]
OverlapText = Annotated[
    str | None,
    typer.Option(
        metavar="POLICY",
        help="While its last job goes on: skip, allow, buffer one, buffer all, cancel running.",
    ),
]
Jitter = Annotated[
    str | None,
    typer.Option(metavar="TIME", help="Run up to so long after each moment, always the same."),
]
PauseAfter = Annotated[
    str | None,
    typer.Option(metavar="N", help="Pause it after so many failures in a row, or none."),
]
Why = Annotated[str | None, typer.Option(metavar="TEXT", help="Why, for those who ask later.")]
Workdays = Annotated[
    str | None,
    typer.Option("--workdays", metavar="CALENDAR", help="Only on working days of that calendar."),
]
Otherwise = Annotated[
    str | None,
    typer.Option(metavar="RULE", help="On other days, with --workdays: skip, forward, back."),
]
Start = Annotated[str | None, typer.Option(metavar="MOMENT", help="Due from then on.")]
End = Annotated[str | None, typer.Option(metavar="MOMENT", help="Due until then, included.")]
QueueName = Annotated[str | None, typer.Option(metavar="QUEUE", help="The queue of its jobs.")]
Priority = Annotated[
    int | None, typer.Option(metavar="0-10", min=0, max=10, help="10 is the most urgent.")
]


@command(schedules, "ls", "onbeat schedules ls", "onbeat schedules ls --limit 500 --json")
async def ls(
    asked: Invocation,
    *,
    limit: Annotated[int, typer.Option(metavar="N", min=1, max=10_000, help="How many.")] = 50,
    after: Annotated[
        str, typer.Option(metavar="NAME", help="Only names after this one: next page.")
    ] = "",
    owner: Annotated[
        str | None, typer.Option(metavar="OWNER", help="Only those of this owner.")
    ] = None,
) -> None:
    """List schedules by name, with when each is next due."""
    async with asked.without_app().connected() as ob:
        found = await ob.schedules.list(after=after, limit=limit + 1, owner=owner)
    shown = found[:limit]
    following = shown[-1].name if len(found) > limit else None
    answer = {"schedules": [schedule_data(each) for each in shown], "next_after": following}
    rows = view.schedule_rows(shown, datetime.now(UTC))
    asked.out.show(answer, lambda: asked.out.table(view.COLUMNS, rows))
    if not asked.json and not shown:
        asked.out.note("no schedules")
    if not asked.json and following is not None:
        asked.out.note(f"there are more: add --after {following}")


@command(schedules, "show", "onbeat schedules show acme-report")
async def show(asked: Invocation, name: Name) -> None:
    """Show one schedule: when it is due, and what it runs."""
    async with asked.without_app().connected() as ob:
        _show(asked, await ob.schedules.find(name), await ob.schedules.warnings(name))


def _show(asked: Invocation, schedule: Schedule, warnings: Sequence[str]) -> None:
    warnings = list(dict.fromkeys(warnings))
    answer = {"schedule": schedule_data(schedule, warnings)}
    asked.out.show(answer, lambda: view.page(schedule, datetime.now(UTC), warnings))


@command(
    schedules,
    "add",
    "onbeat schedules add acme --task report --cron '0 9 * * mon-fri' --tz UTC",
    """onbeat schedules add hourly --task t --every 1h --args '{"id": 1}'""",
    takes_app=True,
)
async def add(
    asked: Invocation,
    name: Name,
    *,
    task: Annotated[str, typer.Option(metavar="TASK", help="The task to run.")],
    when: When,
    args: Args = None,
    catch_up: CatchUpText = None,
    overlap: OverlapText = None,
    start: Start = None,
    end: End = None,
    limit: Annotated[
        int | None, typer.Option(metavar="N", min=1, help="Make so many jobs in all.")
    ] = None,
    jitter: Jitter = None,
    pause_after: PauseAfter = None,
    clock: Annotated[
        str | None, typer.Option(metavar="CLOCK", help="The virtual clock it lives by.")
    ] = None,
    on_workdays: Workdays = None,
    otherwise: Otherwise = None,
    queue: QueueName = None,
    priority: Priority = None,
    tag: Annotated[
        list[str] | None,
        typer.Option(metavar="TAG", help="What its jobs can be found by; may be given again."),
    ] = None,
    owner: Annotated[
        str | None, typer.Option(metavar="OWNER", help="Whose it is, and its jobs.")
    ] = None,
) -> None:
    """Make a schedule: a job of a task at each moment of a recurrence."""
    recurrence = when.recurrence()
    options = read_options(queue=queue, priority=priority, tags=tag, owner=owner)
    async with asked.connected(creates=True) as ob:
        now = None if clock is None else await ob.clocks.now(clock)
        note_unchecked(asked, ob, task, queue)
        await note_unknown(asked, ob, task)
        call = ob.jobs.bind(task, args or "{}", options, must_be_known=asked.has_app)
        made = await ob.schedules.create(
            name,
            call,
            await kept_to_workdays(ob, recurrence, on_workdays, otherwise),
            catch_up=catch_up,
            overlap=overlap,
            start=inputs.moment("start", start, now),
            end=inputs.moment("end", end, now),
            limit=limit,
            jitter=jitter,
            pause_after=_pause_after(pause_after),
            clock=clock,
            by=asked.who,
        )
        warnings = await ob.schedules.warnings(name)
    _show(asked, made, [*when.unheeded(made.recurrence), *warnings])


@command(
    schedules,
    "edit",
    "onbeat schedules edit acme-report --cron '0 8 * * *'",
    "onbeat schedules edit acme-report --tz Europe/Berlin --end none",
    takes_app=True,
)
async def edit(
    asked: Invocation,
    name: Name,
    *,
    task: Annotated[str | None, typer.Option(metavar="TASK", help="The task to run.")] = None,
    when: When,
    args: Args = None,
    catch_up: CatchUpText = None,
    overlap: OverlapText = None,
    start: Start = None,
    end: End = None,
    limit: Annotated[str | None, typer.Option(metavar="N", help="Jobs in all, or none.")] = None,
    jitter: Jitter = None,
    pause_after: PauseAfter = None,
    on_workdays: Workdays = None,
    otherwise: Otherwise = None,
    queue: QueueName = None,
    priority: Priority = None,
    why: Why = None,
) -> None:
    """Change just what is given of a schedule.

    The word none takes a start, end, limit, pause-after, workdays or closed away."""
    async with asked.connected() as ob:
        before = await ob.schedules.find(name)
        changes: dict[str, Any] = {
            "recurrence": await rewritten(ob, before.recurrence, when, on_workdays, otherwise),
            "catch_up": None if catch_up is None else parse_catch_up(catch_up),
            "overlap": None if overlap is None else parse_overlap(overlap),
            "queue": None if queue is None else check_name("queue", queue),
            "priority": None if priority is None else check_priority(priority),
            "jitter": None if jitter is None else parse_duration(jitter, "jitter"),
        }
        rebound: dict[str, Any] = {}
        if task is not None or args is not None:
            rebound = _rebound(asked, ob, before, task or before.task, args or before.args)
        changed = {field: value for field, value in changes.items() if value is not None}
        bounds = _bounds(start, end, limit, await ob.schedules.now(before))
        if pause_after is not None:
            bounds["pause_after"] = _pause_after(pause_after)
        after = replace(before, **changed, **bounds, **rebound)
        made = await ob.schedules.change(after, by=asked.who, why=why)
        warnings = await ob.schedules.warnings(name)
    _note_excluded(asked, before.recurrence, made.recurrence)
    note_code(asked, made, "brings back what the code says")
    _show(asked, made, [*when.unheeded(made.recurrence), *warnings])


def _note_excluded(asked: Invocation, before: Recurrence, after: Recurrence) -> None:
    """Say that a new rule has taken away what was excluded from the old one."""
    was = excluded_from(before)
    if was is not None and excluded_from(after) is None:
        asked.out.note(f"no longer except {was.describe()}; add --except-cron to keep that")


def _rebound(
    asked: Invocation, ob: Onbeat, before: Schedule, task: str, args: str
) -> dict[str, Any]:
    if not is_checked(asked, task):
        asked.out.note("not checked: without --app the task and its arguments are not known")
    refuse_hidden(args, before.secrets)
    call = ob.jobs.bind(task, args, must_be_known=asked.has_app)
    bind = partial(ob.jobs.bind, must_be_known=False)
    changed: dict[str, Any] = {
        "task": call.definition.name, "args": call.args.decode(),
        "ties": ties_after(before, call, bind),
    }  # fmt: skip
    if is_checked(asked, task):
        changed["options"] = with_secrets(before.options, call.definition.arguments.secrets)
    return changed


def _bounds(start: str | None, end: str | None, limit: str | None, now: datetime) -> dict[str, Any]:
    """What limits a schedule in time and number; None where `none` was said, absent where not."""
    found: dict[str, Any] = {}
    if start is not None:
        found["start_at"] = inputs.moment("start", inputs.or_none(start), now)
    if end is not None:
        found["end_at"] = inputs.moment("end", inputs.or_none(end), now)
    if limit is not None:
        found["limit"] = inputs.whole("limit", inputs.or_none(limit))
    return found


def _pause_after(text: str | None) -> int | None:
    return None if text is None else inputs.whole("pause_after", inputs.or_none(text))


def note_code(asked: Invocation, schedule: Schedule, then: str) -> None:
    """Say what a deploy does to what was done by hand."""
    if schedule.source.startswith("code:"):
        asked.out.note(
            f"{schedule.name} is declared in code: the next start of its scheduler {then}"
        )


@command(schedules, "why", "onbeat schedules why acme-report")
async def why(asked: Invocation, name: Name) -> None:
    """Say why a schedule makes no job now, and what would change that."""
    async with asked.without_app().connected() as ob:
        schedule = await ob.schedules.find(name)
        reasons = await ob.schedules.why(name)
        warnings = await ob.schedules.warnings(name)
    answer = {
        "schedule": schedule_data(schedule, warnings),
        "reasons": reasons_data(reasons),
    }
    nothing = "nothing holds it: it is planned in a moment"
    page = reason_view.page(name, reasons, nothing)
    asked.out.show(answer, lambda: [*page, *view.warning_lines(warnings)])


@command(schedules, "versions", "onbeat schedules versions acme-report")
async def versions(asked: Invocation, name: Name) -> None:
    """Show what it has said, who changed it and why.

    The newest are first."""
    async with asked.without_app().connected() as ob:
        found = await ob.schedules.versions(name)
    answer = {"versions": [version_data(each) for each in found]}
    asked.out.show(answer, lambda: asked.out.table(view.VERSION_COLUMNS, view.version_rows(found)))


@command(
    schedules,
    "occurrences",
    "onbeat schedules occurrences acme-report --limit 20",
    "onbeat schedules occurrences acme --from 2027-01-04T00:00Z --to now",
)
async def occurrences(
    asked: Invocation,
    name: Name,
    *,
    begin: Annotated[
        str | None, typer.Option("--from", metavar="MOMENT", help="Only from then on, included.")
    ] = None,
    to: Annotated[
        str | None, typer.Option(metavar="MOMENT", help="Only until then, included.")
    ] = None,
    limit: Annotated[
        int,
        typer.Option(metavar="N", min=1, max=10_000, help="So many: the newest, or from --from."),
    ] = 20,
) -> None:
    """Show when it was due, and what came of each moment.

    The newest are first; times are UTC. A moment that is due and not planned yet is undecided."""
    async with asked.without_app().connected() as ob:
        now = await ob.schedules.now(await ob.schedules.find(name))
        first, last = inputs.moment("from", begin, now), inputs.moment("to", to, now)
        found = await ob.schedules.occurrences(name, limit=limit, begin=first, end=last)
        nothing = None if found else await _why_nothing(ob, name)
    answer = {"occurrences": [occurrence_data(*each) for each in found]}
    rows = view.occurrence_rows(found)
    asked.out.show(answer, lambda: asked.out.table(view.OCCURRENCE_COLUMNS, rows))
    if nothing and not asked.json:
        asked.out.note(nothing)
    if len(found) == limit and not asked.json:
        asked.out.note(f"older ones may exist: add --limit {limit * 5}")


async def _why_nothing(ob: Onbeat, name: str) -> str:
    """Why no occurrence was found, for people."""
    schedule = await ob.schedules.find(name)
    if schedule.broken is not None:
        return f"it is set aside: {schedule.broken}"
    ever = await ob.schedules.occurrences(name, limit=1)
    return "nothing in that range" if ever else "it has not been due yet"
