"""Jobs as rows: in which place each stands, and a row as a job."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Row, Select, Table, select, text, true

from onbeat.domain.jobs import Job, JobId
from onbeat.domain.json_text import compact
from onbeat.domain.marks import owner_in, tags_in
from onbeat.domain.secrets import Path, mask
from onbeat.domain.states import SHOWN_IN, Place, State
from onbeat.store.payloads import priority_of, secrets_in
from onbeat.store.schema import (
    blocked,
    deadlines,
    delayed,
    finished,
    jobs,
    leases,
    ready,
    schedules,
    tasks,
)
from onbeat.store.tasks import read_places

PLACES: dict[Place, Table] = {
    Place.DELAYED: delayed,
    Place.READY: ready,
    Place.BLOCKED: blocked,
    Place.LEASES: leases,
    Place.FINISHED: finished,
}


def standing(ends: Any = finished, is_its: Any = None) -> Select[Any]:
    """Every job with the one place it stands in: five narrow tables, joined from the left.

    `ends` may be `near_ends`, with its condition.
    """
    joined: Any = jobs
    for table in PLACES.values():
        if table is not finished:
            joined = joined.outerjoin(table, table.c.job == jobs.c.id)
    joined = joined.outerjoin(ends, finished.c.job == jobs.c.id if is_its is None else is_its)
    return select(
        jobs,
        delayed.c.due_at,
        delayed.c.attempt.label("delayed_attempt"),
        delayed.c.reason.label("delayed_reason"),
        ready.c.attempt.label("ready_attempt"),
        blocked.c.attempt.label("blocked_attempt"),
        blocked.c.reason.label("blocked_reason"),
        leases.c.attempt.label("lease_attempt"),
        leases.c.started_at,
        leases.c.stop_asked,
        leases.c.progress,
        leases.c.note,
        ends.c.finished_at,
        ends.c.outcome,
        ends.c.attempts.label("finished_attempts"),
        ends.c.reason.label("finished_reason"),
        schedules.c.name.label("schedule_name"),
        tasks.c.runs_as,
        tasks.c.secrets.label("task_secrets"),
        deadlines.c.expires_at,
    ).select_from(
        joined.outerjoin(schedules, schedules.c.id == jobs.c.schedule)
        .outerjoin(tasks, tasks.c.name == jobs.c.task)
        .outerjoin(deadlines, deadlines.c.job == jobs.c.id)
    )


def near_ends(
    engine: str, job: Any = jobs.c.id, known_at: Any = jobs.c.created_at
) -> tuple[Any, Any]:
    """What the end of a `job` is looked up in where many are, and the condition to join it by.

    On PostgreSQL each day's ends are a partition: they are looked into one after the other, from
    the day on which the job was made, until one has it. An end of long before, by a clock that was
    set back since, is not found so.
    """
    is_its = finished.c.job == job
    if engine != "postgresql":
        return finished, is_its
    since = known_at.op("-")(text("interval '1 day'"))
    near = select(finished).where(is_its, finished.c.finished_at >= since).correlate(job.table)
    return near.limit(1).lateral("ended"), true()


def has_place(row: Row[Any]) -> bool:
    """Whether a row of `standing` says where the job stands."""
    found = row._mapping
    return any(found[name] is not None for name in (
        "outcome", "lease_attempt", "ready_attempt", "blocked_attempt", "delayed_attempt"
    ))  # fmt: skip


def place_of(state: State) -> Place:
    """The place of jobs that people see in that state."""
    return next(place for place, states in SHOWN_IN.items() if state in states)


def is_in(state: State) -> ColumnElement[bool]:
    """Whether a job that stands in the place of an open state is in it."""
    match state:
        case State.SCHEDULED:
            return delayed.c.attempt == 0
        case State.RETRYING:
            return delayed.c.attempt > 0
        case _:
            return true()


def shown_args(found: Mapping[Any, Any]) -> str:
    """The arguments of a row, with `***` for what is secret."""
    return mask(found["args"], _secrets(found))


def read_job(row: Row[Any]) -> Job:
    """The job of a row of `standing`."""
    found = row._mapping
    state, attempt, reason = _stand(found)
    return Job(
        id=JobId(found["id"]),
        task=found["task"],
        queue=found["queue"],
        priority=priority_of(found["lane"]),
        state=state,
        args=compact(shown_args(found)),
        attempt=attempt,
        max_attempts=found["max_attempts"],
        created_at=found["created_at"],
        due_at=found["due_at"],
        started_at=found["started_at"],
        finished_at=found["finished_at"],
        reason=reason,
        schedule=found["schedule_name"],
        occurrence_at=found["occurrence_at"],
        progress=found["progress"],
        note=found["note"],
        stop_asked=found["stop_asked"],
        runs_as=found["runs_as"],
        route=_route_of(found["options"]),
        expires_at=found["expires_at"],
        tags=tags_in(found["ties"]),
        owner=owner_in(found["ties"]),
    )


def _secrets(found: Any) -> Iterable[Path]:
    """Where its secrets are: what came with it, and what workers say of its task by now."""
    return dict.fromkeys((*secrets_in(found["options"]), *read_places(found["task_secrets"])))


def _route_of(options: str | None) -> str | None:
    """How the job was sent to its queue; None where nobody had to choose."""
    if options is None or '"route"' not in options:
        return None
    route = msgspec.json.decode(options).get("route")
    return None if route is None else msgspec.json.encode(route).decode()


def _stand(found: Any) -> tuple[State, int, str | None]:
    """State, attempts and reason, from whichever place has the job."""
    if found["outcome"] is not None:
        return State(found["outcome"]), found["finished_attempts"], found["finished_reason"]
    if found["lease_attempt"] is not None:
        return State.RUNNING, found["lease_attempt"], found["stop_asked"]
    if found["ready_attempt"] is not None:
        return State.PENDING, found["ready_attempt"], None
    if found["blocked_attempt"] is not None:
        return State.BLOCKED, found["blocked_attempt"], found["blocked_reason"]
    if found["delayed_attempt"] is not None:
        state = State.RETRYING if found["delayed_attempt"] else State.SCHEDULED
        return state, found["delayed_attempt"], found["delayed_reason"]
    return State.FAILED, 0, "the record is damaged: the job stands in no place"
