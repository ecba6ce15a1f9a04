"""What came of a crontab, line by line; values of its variables are never shown."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from rich.text import Text

from onbeat.app.crontab import Brought, Change, Import
from onbeat.cli.output.colours import BAD, HEADING, QUIET, WARNING
from onbeat.cli.output.tables import Cell, Column, table
from onbeat.cli.output.words import absolute, many, since, visible
from onbeat.domain.crontab import Crontab
from onbeat.domain.recurrence import Boot
from onbeat.domain.schedules import Schedule, first_due
from onbeat.telemetry.secrets import hide_passwords

COLUMNS = (
    Column("LINE", right=True),
    Column("WHAT"),
    Column("WHEN", bends=True),
    Column("NEXT"),
    Column("SCHEDULE", bends=True),
    Column("COMMAND", bends=True),
)
TO_DO = {Change.ADDED: "add", Change.CHANGED: "change", Change.SAME: "unchanged"}
ASIDE = "if cron runs it too, pause it, and import with --paused"
STYLES = {"bad": BAD, "left out": WARNING, "warning": WARNING, "note": QUIET}


@dataclass(frozen=True, slots=True, kw_only=True)
class Heading:
    """What was read, and how."""

    file: str
    zone: str
    has_user: bool
    dry_run: bool
    prune: bool
    """Whether it was asked for."""
    paused: bool
    """The same."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """All there is to say of one import."""

    heading: Heading
    crontab: Crontab
    done: Import
    told: Mapping[int, tuple[str, ...]]
    """By line, what this machine knows against it."""


def answer(report: Report, now: datetime) -> dict[str, Any]:
    """An import for programs."""
    heading, done = report.heading, report.done
    return {
        "file": heading.file,
        "zone": heading.zone,
        "user_field": heading.has_user,
        "dry_run": heading.dry_run,
        "entries": [_entry_data(each, report, now) for each in done.brought],
        "passed": [
            {"line": each.line, "bad": each.is_bad, "reason": hide_passwords(each.reason)}
            for each in done.passed
        ],
        "remarks": [{"line": each.line, "text": each.text} for each in report.crontab.remarks],
        "variables": [{"line": line, "name": name} for line, name in report.crontab.variables],
        "gone": [each.name for each in done.gone],
        "beside_paused": list(_beside_paused(report)),
        "pruned": done.pruned,
    }


def _entry_data(brought: Brought, report: Report, now: datetime) -> dict[str, Any]:
    entry, schedule = brought.entry, brought.schedule
    return {
        "line": entry.line,
        "change": brought.change,
        "schedule": schedule.name,
        "when": entry.when,
        "description": schedule.recurrence.describe(),
        "recurrence": schedule.recurrence.spec(),
        "next_due_at": absolute(_next_due(schedule, now)),
        "paused": schedule.paused_at is not None,
        "user": entry.user,
        "command": hide_passwords(entry.command),
        "variables": sorted(entry.variables),
        "warnings": list(_warnings(brought, report, now)),
    }


def page(report: Report, now: datetime, width: int | None) -> Iterator[str | Text]:
    """An import for people."""
    heading = report.heading
    field = "with a user field" if heading.has_user else "without a user field"
    yield Text(visible(f"{heading.file}: times of {heading.zone}, {field}"), HEADING)
    rows = [_row(each, heading, now) for each in report.done.brought]
    yield from table(COLUMNS, rows, width)
    for line, kind, text in sorted(_messages(report, now)):
        shown = visible(hide_passwords(text))
        yield Text.assemble(f"line {line}: ", (f"{kind}: ", STYLES[kind]), shown)
    for schedule in report.done.gone:
        fate = _fate(report, schedule)
        yield Text(visible(f"its line is gone: {schedule.name} {fate}"), WARNING)
    for name in _beside_paused(report):
        yield Text(visible(f"not paused, as others of this crontab are: {name}; {ASIDE}"), WARNING)
    yield _summary(report)


def _fate(report: Report, schedule: Schedule) -> str:
    """What becomes of a schedule whose line is gone."""
    if report.done.pruned:
        return "was removed"
    stands = "still runs" if schedule.paused_at is None else "is paused"
    if not report.heading.prune:
        return f"{stands}; remove it with --prune"
    return stands if report.done.bad else "would be removed"


def _beside_paused(report: Report) -> Iterator[str]:
    """Schedules that are added to run, while others of the crontab are still left to cron."""
    if report.heading.paused:
        return
    before = [each.schedule for each in report.done.brought if each.change is not Change.ADDED]
    if any(each.paused_at is not None for each in (*before, *report.done.gone)):
        for each in report.done.brought:
            if each.change is Change.ADDED:
                yield each.schedule.name


def _row(brought: Brought, heading: Heading, now: datetime) -> list[Cell]:
    entry, schedule = brought.entry, brought.schedule
    return [
        str(entry.line),
        TO_DO[brought.change] if heading.dry_run else str(brought.change),
        schedule.recurrence.describe(),
        _next(schedule, now),
        schedule.name,
        hide_passwords(entry.command if entry.user is None else f"({entry.user}) {entry.command}"),
    ]


def _next(schedule: Schedule, now: datetime) -> Text:
    if schedule.paused_at is not None:
        return Text("paused", WARNING)
    if isinstance(schedule.recurrence, Boot):
        return Text("at the next start", QUIET)
    return Text(since(_next_due(schedule, now), now))


def _next_due(schedule: Schedule, now: datetime) -> datetime | None:
    """When it is due; for one that is not stored, when it would be."""
    return schedule.next_due_at or first_due(schedule, now)


def _messages(report: Report, now: datetime) -> Iterator[tuple[int, str, str]]:
    for each in report.done.passed:
        yield each.line, "bad" if each.is_bad else "left out", each.reason
    for remark in report.crontab.remarks:
        yield remark.line, "note", remark.text
    for brought in report.done.brought:
        for warning in _warnings(brought, report, now):
            yield brought.entry.line, "warning", warning


def _warnings(brought: Brought, report: Report, now: datetime) -> tuple[str, ...]:
    entry = brought.entry
    of_time = brought.schedule.recurrence.warnings(now)
    return (*entry.warnings, *of_time, *report.told.get(entry.line, ()))


def _summary(report: Report) -> Text:
    counts = Counter(str(each.change) for each in report.done.brought)
    counts.update("bad" if each.is_bad else "left out" for each in report.done.passed)
    told = ", ".join(f"{count} {word}" for word, count in counts.items())
    lines = many(len(report.done.brought) + len(report.done.passed), "line")
    return Text(f"{lines}: {told}" if told else "no line runs a command")
