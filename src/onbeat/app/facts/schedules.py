"""Schedules, their versions, their occurrences, and previews of what will be due."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from onbeat.app.facts.jobs import args_data
from onbeat.app.facts.moments import absolute
from onbeat.domain.jobs import JobId
from onbeat.domain.recurrence import Recurrence
from onbeat.domain.schedules import Occurrence, Schedule, Version


def schedule_data(schedule: Schedule, warnings: Sequence[str] | None = None) -> dict[str, Any]:
    """A schedule for programs; with warnings of its jobs too, where they were looked for."""
    return {
        "name": schedule.name,
        "task": schedule.task,
        "args": args_data(schedule.shown_args),
        "recurrence": schedule.recurrence.spec(),
        "description": schedule.recurrence.describe(),
        "warnings": list(warnings_of(schedule) if warnings is None else warnings),
        "queue": schedule.queue,
        "priority": schedule.priority,
        "max_attempts": schedule.max_attempts,
        "catch_up": None if "catch_up" in schedule.unread else str(schedule.catch_up),
        "overlap": None if "overlap" in schedule.unread else schedule.overlap,
        "start_at": absolute(schedule.start_at),
        "end_at": absolute(schedule.end_at),
        "limit": schedule.limit,
        "jitter_s": schedule.jitter.total_seconds(),
        "pause_after": schedule.pause_after,
        "made": schedule.made,
        "totals": {
            "ran": schedule.made - schedule.totals.late,
            **msgspec.structs.asdict(schedule.totals),
        },
        "failures": schedule.failures,
        "skips": schedule.skips,
        "skips_by": schedule.skips_by,
        "held_due_at": absolute(schedule.held_due_at),
        "clock": schedule.clock,
        "tags": list(schedule.tags),
        "owner": schedule.owner,
        "source": schedule.source,
        "version": schedule.version,
        "created_at": absolute(schedule.created_at),
        "next_due_at": absolute(schedule.next_due_at),
        "last_due_at": absolute(schedule.last_due_at),
        "last_job": schedule.last_job,
        "paused_at": absolute(schedule.paused_at),
        "paused_by": schedule.paused_by,
        "paused_why": schedule.paused_why,
        "paused_until": absolute(schedule.paused_until),
        "retired_at": absolute(schedule.retired_at),
        "changed_by": schedule.changed_by,
        "broken": schedule.broken,
    }


def warnings_of(schedule: Schedule) -> Sequence[str]:
    """What could easily be taken wrong of a schedule."""
    return schedule.recurrence.warnings(schedule.next_due_at)


def version_data(version: Version) -> dict[str, Any]:
    """A version for programs."""
    return {
        "version": version.version,
        "at": absolute(version.at),
        "by": version.by,
        "why": version.why,
        "said": msgspec.Raw(version.said.encode()),
    }


def occurrence_data(occurrence: Occurrence, job: JobId | None) -> dict[str, Any]:
    """An occurrence for programs."""
    return {
        "due_at": absolute(occurrence.due_at),
        "through_at": absolute(occurrence.through_at),
        "outcome": occurrence.outcome,
        "reason": occurrence.reason,
        "job": job,
        "reruns": occurrence.reruns,
    }


@dataclass(frozen=True, slots=True)
class Preview:
    """When a recurrence, or a schedule with its bounds, is due; and what to beware of."""

    recurrence: Recurrence
    moments: Sequence[datetime]
    warnings: Sequence[str]
    now: datetime
    """By the clock that counts."""


def preview_data(preview: Preview, zone: ZoneInfo) -> dict[str, Any]:
    """What will be due, for programs."""
    return {
        "description": preview.recurrence.describe(),
        "warnings": list(preview.warnings),
        "runs": [
            {"utc": absolute(moment), "local": moment.astimezone(zone).isoformat()}
            for moment in preview.moments
        ],
    }
