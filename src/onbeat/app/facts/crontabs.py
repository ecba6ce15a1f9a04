"""What came of a crontab, line by line; values of its variables are never shown."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from onbeat.app.crontab import Brought, Change, Import
from onbeat.app.facts.moments import absolute
from onbeat.domain.crontab import Crontab
from onbeat.domain.schedules import Schedule, first_due
from onbeat.domain.url_passwords import hide_passwords


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
        "beside_paused": list(beside_paused(report)),
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
        "next_due_at": absolute(next_due(schedule, now)),
        "paused": schedule.paused_at is not None,
        "user": entry.user,
        "command": hide_passwords(entry.command),
        "variables": sorted(entry.variables),
        "warnings": list(warnings_of(brought, report, now)),
    }


def beside_paused(report: Report) -> Iterator[str]:
    """Schedules that are added to run, while others of the crontab are still left to cron."""
    if report.heading.paused:
        return
    before = [each.schedule for each in report.done.brought if each.change is not Change.ADDED]
    if any(each.paused_at is not None for each in (*before, *report.done.gone)):
        for each in report.done.brought:
            if each.change is Change.ADDED:
                yield each.schedule.name


def next_due(schedule: Schedule, now: datetime) -> datetime | None:
    """When it is due; for one that is not stored, when it would be."""
    return schedule.next_due_at or first_due(schedule, now)


def warnings_of(brought: Brought, report: Report, now: datetime) -> tuple[str, ...]:
    """What is to be told of an entry: of itself, of its times, and by this machine."""
    entry = brought.entry
    of_time = brought.schedule.recurrence.warnings(now)
    return (*entry.warnings, *of_time, *report.told.get(entry.line, ()))
