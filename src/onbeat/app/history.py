"""Commands on the history of runs, as requirement D8 names them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from sqlalchemy import Connection

from onbeat.app.context import Context
from onbeat.domain.attempts import Attempt
from onbeat.domain.errors import InvalidInput, NotFound
from onbeat.domain.health import HealthPage, Kind
from onbeat.domain.health import read_window as read_health_window
from onbeat.domain.job_filters import JobFilter, JobPage, read_filter
from onbeat.domain.jobs import check_page, parse_job_id
from onbeat.domain.outlook import JudgedPage
from onbeat.domain.records import Record
from onbeat.domain.reports import Report
from onbeat.domain.schedules import Schedule
from onbeat.domain.stats import GroupedBy, Stats, read_window
from onbeat.store import (
    anomalies,
    health,
    history,
    jobs,
    listing,
    records,
    reports,
    schedule_lists,
    schedules,
    stats,
)
from onbeat.store.history import StoredLine

MOST_RELATED = 10
"""How many runs by the same name are told with one."""


@dataclass(frozen=True, slots=True)
class Story:
    """A run with all that is known of it, and the last others by its name."""

    record: Record
    attempts: Sequence[Attempt]
    lines: Sequence[StoredLine]
    related: Sequence[Record]


@dataclass(frozen=True, slots=True)
class ScheduleStanding:
    """A schedule, and its last run if that is still on record."""

    schedule: Schedule
    last: Record | None


class History:
    """`ob.history`: every run there was, is and will be."""

    def __init__(self, context: Context) -> None:
        """Made by the application."""
        self._context = context

    async def page(self, wanted: JobFilter | None = None) -> tuple[JobPage, Sequence[Record]]:
        """Runs, a page at a time. Raises InvalidInput."""
        asked = read_filter(wanted or JobFilter())
        return await self._context.read(partial(records.page, wanted=asked))

    async def find(self, run: str) -> Story:
        """A run with its log. Raises NotFound, InvalidInput."""
        wanted = parse_job_id(run)

        def look(connection: Connection, now: datetime) -> Story:
            found = jobs.find(connection, now, wanted)
            name = found.schedule or found.task
            same = listing.page(
                connection, now, read_filter(JobFilter(name=name, limit=MOST_RELATED + 1))
            ).jobs
            others = [each for each in same if each.id != wanted][:MOST_RELATED]
            [record, *related] = records.completed(connection, now, [found, *others])
            return Story(
                record, history.list_attempts(connection, now, wanted),
                history.list_lines(connection, now, wanted), related,
            )  # fmt: skip

        return await self._context.read(look)

    async def record(self, run: str) -> Record:
        """A run. Raises NotFound, InvalidInput."""
        wanted = parse_job_id(run)

        def look(connection: Connection, now: datetime) -> Record:
            return records.completed(connection, now, [jobs.find(connection, now, wanted)])[0]

        return await self._context.read(look)

    async def stats(
        self,
        *,
        by: GroupedBy = GroupedBy.TASK,
        window: timedelta | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        task: str | None = None,
    ) -> Stats:
        """What came of jobs that ended in a window, a day's unless it is said, and what is open;
        of one task, or of all.

        It looks at the newest 2,000 ends, and at as many jobs in each place; `Stats` says whether
        there were more. Raises InvalidInput.
        """

        def look(connection: Connection, now: datetime) -> Stats:
            begin, end = read_window(now, window, since, until)
            return stats.look(connection, now, by, begin, end, task)

        return await self._context.read(look)

    async def health(
        self,
        kind: Kind,
        *,
        window: timedelta | None = None,
        only: str | None = None,
        after: str | None = None,
        limit: int = 50,
    ) -> HealthPage:
        """How tasks, schedules or queues fare, by their names: ever, and in a window, a day's
        unless it is said. `only` means one alone. Raises InvalidInput, and NotFound for that one.
        """
        check_page(limit)

        def look(connection: Connection, now: datetime) -> HealthPage:
            since, span = read_health_window(now, window)
            return health.page(
                connection, now, kind=kind, since=since, span=span, only=only, after=after,
                limit=limit,
            )  # fmt: skip

        found = await self._context.read(look)
        if only is not None and not found.rows:
            told = f"nothing is known of how {kind} {only!r} fares"
            raise NotFound(f"{told}; check its spelling, or wait until a job of it has ended")
        return found

    async def report(self, kind: Kind = Kind.TASK, *, window: timedelta | None = None) -> Report:
        """What happened in a window, 7 days unless it is said, beside the window before: of all
        jobs, and of each task, schedule or queue; what failed, and what objectives have left.
        Raises InvalidInput.
        """
        return await self._context.read(partial(reports.make, kind=kind, window=window))

    async def anomalies(
        self,
        kind: Kind,
        *,
        only: str | None = None,
        limit_of_duration: timedelta | None = None,
        after: str | None = None,
        limit: int = 50,
    ) -> JudgedPage:
        """What of tasks, schedules or queues is not as usual, by their names, and what will reach a
        limit; those with nothing of either too. `only` means one alone; `limit_of_duration` is
        what runs must not take. Raises InvalidInput, and NotFound for that one.
        """
        check_page(limit)
        if limit_of_duration is not None and limit_of_duration <= timedelta():
            raise InvalidInput("longest", "it is no time; give one, as 30s")
        found = await self._context.read(partial(
            anomalies.page, kind=kind, only=only, after=after, limit=limit,
            longest=limit_of_duration,
        ))  # fmt: skip
        if only is not None and not found.rows:
            told = f"nothing is known of what is usual of {kind} {only!r}"
            raise NotFound(f"{told}; check its spelling, or wait until a job of it has ended")
        return found

    async def schedules(self, *, after: str = "", limit: int = 100) -> Sequence[ScheduleStanding]:
        """Schedules by name, each with its last run."""

        def look(connection: Connection, now: datetime) -> Sequence[ScheduleStanding]:
            found = schedule_lists.page(connection, now, after=after, limit=limit)
            return _with_last(connection, now, found)

        return await self._context.read(look)

    async def schedule(self, name: str) -> ScheduleStanding:
        """The one of that name. Raises NotFound."""

        def look(connection: Connection, now: datetime) -> ScheduleStanding:
            return _with_last(connection, now, [schedules.find(connection, now, name)])[0]

        return await self._context.read(look)


def _with_last(
    connection: Connection, now: datetime, found: Sequence[Schedule]
) -> list[ScheduleStanding]:
    kept = listing.of_ids(connection, [each.last_job for each in found if each.last_job])
    last: Mapping[str, Record] = {
        each.job.id: each for each in records.completed(connection, now, kept)
    }
    return [ScheduleStanding(each, last.get(each.last_job or "")) for each in found]
