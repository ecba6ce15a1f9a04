"""What a test asks its kit: jobs, what fired, the ledger, a run; all read from the database."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, tzinfo
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from onbeat.app.handles import JobHandle
from onbeat.app.onbeat import Onbeat
from onbeat.app.portal import Portal
from onbeat.app.tasks import Task
from onbeat.domain.attempts import Attempt, LogLine
from onbeat.domain.errors import InvalidInput
from onbeat.domain.job_filters import JobFilter
from onbeat.domain.jobs import Job, JobId
from onbeat.domain.recurrence.zones import known_zone
from onbeat.domain.schedules import OccurrenceOutcome
from onbeat.domain.states import State

T = TypeVar("T")

AnyJob = JobHandle[Any] | Job | str
"""A job by its handle, by what a look at it gave, or by its id."""

AnyTask = Task[..., Any, Any] | str
"""A task, or its name."""

PAGE = 500
MOST_ENTRIES = 100_000


@dataclass(frozen=True, slots=True)
class Entry:
    """One moment of a schedule, or a range of them, and what became of it."""

    due_at: datetime
    outcome: OccurrenceOutcome
    through_at: datetime | None
    """The last moment of a range; None for a single one."""
    reason: str | None
    job: JobId | None
    """The job that was made for it."""


@dataclass(frozen=True, slots=True)
class RunRecord:
    """All that is on record of a job."""

    job: Job
    attempts: Sequence[Attempt]
    """Those that have ended, the oldest first."""
    lines: Sequence[LogLine]
    """What it wrote, attempt after attempt."""

    @property
    def log(self) -> list[str]:
        """The messages of its lines."""
        return [line.message for line in self.lines]

    @property
    def error(self) -> str | None:
        """The traceback of the last attempt that failed with one."""
        errors = [each.error for each in self.attempts if each.error is not None]
        return errors[-1].traceback if errors else None

    @property
    def outcomes(self) -> list[str]:
        """How its attempts ended."""
        return [each.outcome for each in self.attempts]


class Looks:
    """The looks of both faces of the kit; they block, for a moment, in async tests too."""

    def __init__(self, ob: Onbeat, portal: Portal) -> None:
        """Look from the loop of `portal`."""
        self._ob = ob
        self._portal = portal

    def jobs(
        self,
        task: AnyTask | None = None,
        state: State | str | None = None,
        *,
        queue: str | None = None,
        schedule: str | None = None,
    ) -> list[Job]:
        """All jobs that fit, the oldest first. Raises InvalidInput, NotFound for the schedule."""
        wanted = JobFilter(
            task=None if task is None else task_name(task),
            state=None if state is None else _read_state(state),
            queue=queue,
            limit=PAGE,
        )
        return self._look(lambda: _all_jobs(self._ob, wanted, schedule))

    def fired(self, schedule: str, tz: str | None = None) -> list[str]:
        """The moments of a schedule that made a job, in order, as ISO 8601 in UTC, or in `tz`.

        Raises NotFound, InvalidInput.
        """
        zone = UTC if tz is None else ZoneInfo(known_zone(tz))
        return [told(each.due_at, zone) for each in self.ledger(schedule) if each.job is not None]

    def ledger(self, schedule: str) -> list[Entry]:
        """What became of each moment of a schedule, in order. Raises NotFound."""
        rows = self._look(lambda: self._ob.schedules.occurrences(schedule, limit=MOST_ENTRIES))
        return [
            Entry(row.due_at, row.outcome, row.through_at, row.reason, job)
            for row, job in reversed(rows)
        ]

    def run_of(self, job: AnyJob) -> RunRecord:
        """All that is on record of a job. Raises NotFound."""
        return self._look(lambda: _run_of(self._ob, job if isinstance(job, str) else job.id))

    def _look(self, work: Callable[[], Coroutine[Any, Any, T]]) -> T:
        return self._portal.run(work)


def told(moment: datetime, zone: tzinfo) -> str:
    """A moment as text: with Z in UTC, else with the offset."""
    return moment.astimezone(zone).isoformat().replace("+00:00", "Z" if zone is UTC else "+00:00")


def task_name(task: AnyTask) -> str:
    """The name of a task."""
    return task if isinstance(task, str) else task.name


def _read_state(state: State | str) -> State:
    try:
        return State(state)
    except ValueError:
        known = ", ".join(State)
        raise InvalidInput("state", f"{state!r} is not a state; give one of {known}") from None


async def _all_jobs(ob: Onbeat, wanted: JobFilter, schedule: str | None) -> list[Job]:
    if schedule is not None:
        wanted = replace(wanted, schedule=(await ob.schedules.find(schedule)).id)
    page = await ob.jobs.page(wanted)
    found = list(page.jobs)
    while page.after is not None:
        page = await ob.jobs.page(replace(wanted, after=page.after))
        found += page.jobs
    return sorted(found, key=lambda job: (job.created_at, job.id))


async def _run_of(ob: Onbeat, job: str) -> RunRecord:
    found, attempts = await ob.jobs.find(job), await ob.jobs.attempts(job)
    return RunRecord(found, attempts, [each.line for each in await ob.jobs.log(job)])
