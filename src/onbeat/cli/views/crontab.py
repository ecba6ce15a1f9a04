"""What came of a crontab, line by line; values of its variables are never shown."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import datetime

from rich.text import Text

from onbeat.app.crontab import Brought, Change
from onbeat.app.facts.crontabs import Heading, Report, beside_paused, next_due, warnings_of
from onbeat.cli.output.colours import BAD, HEADING, QUIET, WARNING
from onbeat.cli.output.tables import Cell, Column, table
from onbeat.cli.output.words import many, since, visible
from onbeat.domain.recurrence import Boot
from onbeat.domain.schedules import Schedule
from onbeat.domain.url_passwords import hide_passwords

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
    for name in beside_paused(report):
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
    return Text(since(next_due(schedule, now), now))


def _messages(report: Report, now: datetime) -> Iterator[tuple[int, str, str]]:
    for each in report.done.passed:
        yield each.line, "bad" if each.is_bad else "left out", each.reason
    for remark in report.crontab.remarks:
        yield remark.line, "note", remark.text
    for brought in report.done.brought:
        for warning in warnings_of(brought, report, now):
            yield brought.entry.line, "warning", warning


def _summary(report: Report) -> Text:
    counts = Counter(str(each.change) for each in report.done.brought)
    counts.update("bad" if each.is_bad else "left out" for each in report.done.passed)
    told = ", ".join(f"{count} {word}" for word, count in counts.items())
    lines = many(len(report.done.brought) + len(report.done.passed), "line")
    return Text(f"{lines}: {told}" if told else "no line runs a command")
