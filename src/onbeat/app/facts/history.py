"""The history of runs under the names of requirement D1, for programs."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from onbeat.app.facts.jobs import args_data, attempt_data, line_data, numbered
from onbeat.app.facts.moments import absolute
from onbeat.app.history import ScheduleStanding, Story
from onbeat.domain.jobs import Job, without_error
from onbeat.domain.records import STATES, Record, Standing, standing_of
from onbeat.domain.schedules import Schedule
from onbeat.domain.states import State
from onbeat.store.counts import Count


def record_data(record: Record, *, with_args: bool) -> dict[str, Any]:
    """A run; with its arguments where who asks may see them."""
    job = record.job
    return {
        "id": job.id,
        "jobName": record.name,
        "jobGroup": job.queue,
        "status": standing_of(job.state),
        "startedAt": absolute(record.began_at),
        "completedAt": absolute(job.finished_at),
        "duration": _millis(record.duration),
        "error": _error(job, with_args=with_args),
        "metadata": {
            "state": job.state,
            "task": job.task,
            "schedule": job.schedule,
            "occurrenceAt": absolute(job.occurrence_at),
            "priority": job.priority,
            "tags": list(job.tags),
            "owner": job.owner,
            "progress": job.progress,
            "note": job.note,
            "args": args_data(job.args) if with_args else None,
        },
        "nextRunAt": absolute(record.next_at),
        "lastHeartbeat": absolute(record.heartbeat_at),
        "attempt": job.attempt,
        "maxAttempts": job.max_attempts,
        "createdAt": absolute(job.created_at),
        "updatedAt": absolute(record.updated_at),
    }


def _error(job: Job, *, with_args: bool) -> str | None:
    if job.state in (State.COMPLETED, State.RUNNING):
        return None
    return job.reason if with_args else without_error(job).reason


def story_data(story: Story, *, with_args: bool) -> dict[str, Any]:
    """A run with its log and its attempts, where who asks may see them, and others by its name."""
    lines = numbered(story.record.job, story.attempts, story.lines)
    return {
        **record_data(story.record, with_args=with_args),
        "attempts": [attempt_data(each) for each in story.attempts] if with_args else None,
        "logs": [line_data(line, attempt) for attempt, line in lines] if with_args else None,
        "relatedRuns": [record_data(each, with_args=with_args) for each in story.related],
    }


def standing_data(standing: ScheduleStanding, *, with_args: bool) -> dict[str, Any]:
    """A schedule and how it goes."""
    schedule, last = standing.schedule, standing.last
    return {
        "jobName": schedule.name,
        "jobGroup": schedule.queue,
        "task": schedule.task,
        "schedule": schedule.recurrence.describe(),
        "enabled": _is_enabled(schedule),
        "pausedAt": absolute(schedule.paused_at),
        "pausedBy": schedule.paused_by,
        "nextRunAt": absolute(schedule.next_due_at) if _is_enabled(schedule) else None,
        "lastRun": None if last is None else record_data(last, with_args=with_args),
        "healthy": schedule.broken is None
        and not (last is not None and last.job.state is State.FAILED),
        "broken": schedule.broken,
    }


def _is_enabled(schedule: Schedule) -> bool:
    return schedule.paused_at is None and schedule.broken is None


def standings_data(counts: Mapping[State, Count]) -> dict[str, Any]:
    """How many jobs stand how; where it is not exact, at least so many."""
    return {
        standing: {
            "number": sum(counts[state].number for state in states),
            "is_exact": all(counts[state].is_exact for state in states),
        }
        for standing, states in STATES.items()
    }


def standings(texts: list[Standing] | None) -> list[State] | None:
    """The states that are meant; None for any."""
    return None if texts is None else [state for each in texts for state in STATES[each]]


def _millis(duration: timedelta | None) -> float | None:
    return None if duration is None else round(duration.total_seconds() * 1000, 3)
