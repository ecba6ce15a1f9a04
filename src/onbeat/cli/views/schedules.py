"""Schedules, their occurrences, and previews of what will be due."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

import msgspec
from rich.text import Text

from onbeat.app.facts.moments import absolute
from onbeat.app.facts.schedules import Preview, warnings_of
from onbeat.cli.output.colours import BAD, HEADING, OCCURRENCES, QUIET, WARNING
from onbeat.cli.output.tables import Cell, Column, table
from onbeat.cli.output.words import NONE, both, lasting, many, since
from onbeat.cli.views.jobs import fields, found_by, shown_args
from onbeat.domain.jobs import JobId
from onbeat.domain.recurrence import Boot, Recurrence
from onbeat.domain.schedules import Occurrence, Schedule, Version

COLUMNS = (
    Column("NAME", bends=True),
    Column("TASK", bends=True),
    Column("WHEN", bends=True),
    Column("NEXT"),
    Column("LAST", spare=True),
)
OCCURRENCE_COLUMNS = (
    Column("DUE"),
    Column("OUTCOME"),
    Column("JOB", bends=True),
    Column("REASON", bends=True),
)
VERSION_COLUMNS = (
    Column("VERSION"),
    Column("FROM"),
    Column("BY"),
    Column("WHY", bends=True),
    Column("CHANGED", bends=True),
)
RUN_COLUMNS = (Column("LOCAL"), Column("UTC"), Column("", spare=True))


def version_rows(versions: Sequence[Version]) -> list[list[Cell]]:
    """The rows of a list of versions: what of each differs from the one before."""
    rows: list[list[Cell]] = []
    for version, before in zip(versions, [*versions[1:], None], strict=True):
        said = msgspec.json.decode(version.said)
        other = msgspec.json.decode(before.said) if before else {}
        changed = {name: value for name, value in said.items() if other.get(name) != value}
        shown = ", ".join(
            f"{name}={msgspec.json.encode(value).decode()}" for name, value in changed.items()
        )
        rows.append(
            [
                str(version.version),
                absolute(version.at) or "",
                version.by,
                version.why or "",
                shown if before else "made",
            ]
        )
    return rows


def schedule_rows(schedules: Sequence[Schedule], now: datetime) -> list[list[Cell]]:
    """The rows of a list."""
    return [
        [
            schedule.name,
            schedule.task,
            schedule.recurrence.describe(),
            _next(schedule, now),
            _from_now(schedule, schedule.last_due_at, now),
        ]
        for schedule in schedules
    ]


def _next(schedule: Schedule, now: datetime) -> Text:
    if schedule.broken is not None:
        return Text("broken", BAD)
    if schedule.paused_at is not None:
        return Text("paused", WARNING)
    if schedule.next_due_at is None:
        waits = schedule.held_due_at is not None
        return Text("waits for its job" if waits else _without_moment(schedule.recurrence), QUIET)
    return Text(_from_now(schedule, schedule.next_due_at, now))


def _from_now(schedule: Schedule, moment: datetime | None, now: datetime) -> str:
    return since(moment, now) if schedule.clock is None else absolute(moment) or NONE


def _without_moment(recurrence: Recurrence) -> str:
    if isinstance(recurrence, Boot):
        return "at the next start"
    return "waits for its job" if recurrence.after_finish else "ended"


def _further(schedule: Schedule, now: datetime) -> Iterator[tuple[str, str | Text]]:
    """What few schedules have."""
    if schedule.clock is not None:
        yield "clock", schedule.clock
    if schedule.skips:
        told = f"left out: the next {many(schedule.skips, 'moment')}, by {schedule.skips_by}"
        yield "skips", Text(told, WARNING)
    if schedule.held_due_at is not None and schedule.next_due_at is None:
        yield (
            "waits",
            f"since {_moment(schedule, schedule.held_due_at, now)} for its last job to end",
        )
    if schedule.jitter:
        yield "jitter", f"up to {lasting(schedule.jitter)}"
    if schedule.pause_after is not None:
        failed = f"; the last {schedule.failures} failed" if schedule.failures else ""
        yield "pauses", f"after {many(schedule.pause_after, 'failure')} in a row{failed}"


def page(
    schedule: Schedule, now: datetime, warnings: Sequence[str] | None = None
) -> Iterator[str | Text]:
    """All there is to say of one schedule."""
    facts: list[tuple[str, str | Text]] = [
        ("schedule", schedule.name),
        ("when", schedule.recurrence.describe()),
        ("next", _next_in_full(schedule, now)),
        ("last", _moment(schedule, schedule.last_due_at, now)),
        ("last job", schedule.last_job or NONE),
        ("task", schedule.task),
        ("args", shown_args(schedule.task, schedule.shown_args)),
        ("queue", f"{schedule.queue}, priority {schedule.priority}"),
        ("catch up", _read(schedule, "catch_up", str(schedule.catch_up))),
        ("overlap", _read(schedule, "overlap", schedule.overlap)),
        ("made", many(schedule.made, "job") + _limit(schedule) + _totals(schedule)),
        ("from", _source(schedule)),
    ]
    facts.extend(found_by(schedule.tags, schedule.owner))
    facts.extend(_further(schedule, now))
    for name, moment in (("starts", schedule.start_at), ("ends", schedule.end_at)):
        if moment is not None:
            facts.append((name, _moment(schedule, moment, now)))
    yield from fields(facts)
    yield from warning_lines(warnings_of(schedule) if warnings is None else warnings)


def _read(schedule: Schedule, name: str, shown: str) -> str | Text:
    """A policy as it is stored; the default that stands in for a damaged one is not shown."""
    return Text("cannot be read", BAD) if name in schedule.unread else shown


def _totals(schedule: Schedule) -> str:
    counts = msgspec.structs.asdict(schedule.totals)
    told = [f"{count:,} {name}" for name, count in counts.items() if count]
    return f"; {', '.join(told)}" if told else ""


def _limit(schedule: Schedule) -> str:
    return "" if schedule.limit is None else f" of {schedule.limit:,}"


def _next_in_full(schedule: Schedule, now: datetime) -> Text:
    if schedule.retired_at is not None:
        told = f"retired {since(schedule.retired_at, now)}: gone from the code; comes back with it"
        return Text(told, QUIET)
    if schedule.broken is not None:
        return Text(f"broken: {schedule.broken}; edit it to put it back", BAD)
    if schedule.paused_at is not None:
        told = f"paused {since(schedule.paused_at, now)} by {schedule.paused_by}"
        told += f": {schedule.paused_why}" if schedule.paused_why else ""
        told += f"; goes on {both(schedule.paused_until, now)}" if schedule.paused_until else ""
        return Text(told, WARNING)
    if schedule.next_due_at is None:
        return _next(schedule, now)
    return Text(_moment(schedule, schedule.next_due_at, now))


def _moment(schedule: Schedule, moment: datetime | None, now: datetime) -> str:
    """A moment of the schedule; how far it is from now says nothing by a virtual clock."""
    return both(moment, now) if schedule.clock is None else absolute(moment) or NONE


def _source(schedule: Schedule) -> str:
    kind, _, place = schedule.source.partition(":")
    if kind == "crontab":
        return f"the crontab {place}"
    return f"the code of application {place!r}" if kind == "code" else "made at run time"


def occurrence_rows(
    occurrences: Sequence[tuple[Occurrence, JobId | None]],
) -> list[list[Cell]]:
    """The rows of a schedule's ledger."""
    return [
        [
            _range(occurrence),
            Text(occurrence.outcome, OCCURRENCES[occurrence.outcome]),
            job or NONE,
            _reason(occurrence),
        ]
        for occurrence, job in occurrences
    ]


def _reason(occurrence: Occurrence) -> str:
    by_hand = f"{many(occurrence.reruns, 'job')} made by hand" if occurrence.reruns else ""
    return "; ".join(filter(None, (occurrence.reason, by_hand)))


def _range(occurrence: Occurrence) -> str:
    first = absolute(occurrence.due_at) or ""
    if occurrence.through_at is None:
        return first
    return f"{first}…{absolute(occurrence.through_at)}"


def preview_page(preview: Preview, zone: ZoneInfo, width: int | None) -> Iterator[str | Text]:
    """What will be due, for people."""
    yield Text(preview.recurrence.describe(), HEADING)
    yield from warning_lines(preview.warnings)
    yield ""
    rows: list[list[Cell]] = [
        [
            f"{moment.astimezone(zone):%a %Y-%m-%d %H:%M:%S %Z}",
            absolute(moment) or "",
            Text(since(moment, preview.now), QUIET),
        ]
        for moment in preview.moments
    ]
    yield from table(RUN_COLUMNS, rows, width)


def warning_lines(warnings: Sequence[str]) -> Iterator[Text]:
    """What could easily be taken wrong."""
    return (Text(f"warning: {warning}", WARNING) for warning in warnings)
