"""Jobs, their attempts and their log lines."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from onbeat.app.facts.moments import absolute
from onbeat.domain.attempts import Attempt
from onbeat.domain.job_filters import JobPage
from onbeat.domain.jobs import Job, without_error
from onbeat.domain.states import State
from onbeat.store.counts import Count
from onbeat.store.history import StoredLine


def job_shown(job: Job, *, with_args: bool) -> dict[str, Any]:
    """A job for programs, as far as it may be seen: with its arguments and errors, or without."""
    return job_data(job) if with_args else {**job_data(without_error(job)), "args": None}


def job_data(job: Job) -> dict[str, Any]:
    """A job for programs."""
    return {
        "id": job.id,
        "task": job.task,
        "runs_as": job.runs_as,
        "queue": job.queue,
        "priority": job.priority,
        "state": job.state,
        "args": args_data(job.args),
        "attempt": job.attempt,
        "max_attempts": job.max_attempts,
        "created_at": absolute(job.created_at),
        "due_at": absolute(job.due_at),
        "started_at": absolute(job.started_at),
        "finished_at": absolute(job.finished_at),
        "reason": job.reason,
        "schedule": job.schedule,
        "occurrence_at": absolute(job.occurrence_at),
        "progress": job.progress,
        "note": job.note,
        "stop_asked": job.stop_asked,
        "route": None if job.route is None else msgspec.Raw(job.route.encode()),
        "expires_at": absolute(job.expires_at),
        "tags": list(job.tags),
        "owner": job.owner,
    }


def page_data(page: JobPage) -> dict[str, Any]:
    """A page of a list for programs."""
    return {
        "jobs": [job_data(job) for job in page.jobs],
        "after": page.after,
        "before": page.before,
        "is_cut": page.is_cut,
    }


def counts_data(counts: Mapping[State, Count]) -> dict[str, Any]:
    """How many jobs are in each state, for programs; where it is not exact, at least so many."""
    return {
        state: {"number": count.number, "is_exact": count.is_exact}
        for state, count in counts.items()
    }


def attempt_data(attempt: Attempt) -> dict[str, Any]:
    """An attempt for programs."""
    took = attempt.finished_at - attempt.started_at
    error = attempt.error
    return {
        "attempt": attempt.attempt,
        "outcome": attempt.outcome,
        "counts": attempt.counts,
        "started_at": absolute(attempt.started_at),
        "finished_at": absolute(attempt.finished_at),
        "duration_s": took.total_seconds(),
        "session": attempt.session,
        "reason": attempt.reason,
        "error": None
        if error is None
        else {
            "type": error.type,
            "class": error.error_class,
            "message": error.message,
            "traceback": error.traceback,
        },
        "result": None if attempt.result is None else msgspec.Raw(attempt.result.encode()),
    }


def line_data(stored: StoredLine, attempt: int) -> dict[str, Any]:
    """A log line for programs."""
    line = stored.line
    return {
        "at": absolute(line.at),
        "attempt": attempt,
        "line": stored.number,
        "level": line.level,
        "message": line.message,
        "fields": msgspec.Raw(line.fields.encode()),
    }


def numbered(
    job: Job, attempts: Sequence[Attempt], lines: Sequence[StoredLine]
) -> list[tuple[int, StoredLine]]:
    """Each line with the number of its attempt; those of no ended one are of the one that runs."""
    ended = {attempt.token: attempt.attempt for attempt in attempts}
    return [(ended.get(stored.token, job.attempt), stored) for stored in lines]


def args_data(args: str) -> msgspec.Raw | None:
    """A task's arguments, for programs; None where what is stored is damaged, and no JSON."""
    return None if decoded(args) is None else msgspec.Raw(args.encode())


def decoded(args: str) -> Any:
    """What the text says; None where it is no JSON."""
    try:
        return msgspec.json.decode(args)
    except msgspec.DecodeError:
        return None
