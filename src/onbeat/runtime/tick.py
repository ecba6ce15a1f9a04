"""One pass of the scheduler as a plain function: due schedules make jobs, due jobs become pending.

The scheduler's loop calls it, and so may a cron that reaches us by HTTP, a simulation or a test.
Any number may run at once: a schedule is locked while it is planned, and the ledger has one row
for each of its moments.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from onbeat.domain.events import Emit, ScheduleBroken, Ticked, discard
from onbeat.domain.jobs import JobId
from onbeat.domain.planning import Plan, plan
from onbeat.store.due import Due, DueRow, read_due
from onbeat.store.payloads import AdvanceRow, FiringRows, OccurrenceRow
from onbeat.store.schema import to_micros
from onbeat.store.store import Store
from onbeat.timing import Ids

SCHEDULES_AT_ONCE = 500
"""In one transaction. 1,000 or 2,000 at once gain nothing, and hold up other writers longer."""

JOBS_AT_ONCE = 1_000


@dataclass(frozen=True, slots=True)
class Tick:
    """What one pass did, and whether there may be more to do at once."""

    fired: int
    skipped: int
    promoted: int
    lateness: timedelta
    is_full: bool


async def tick(
    store: Store,
    *,
    emit: Emit = discard,
    schedules: int = SCHEDULES_AT_ONCE,
    jobs: int = JOBS_AT_ONCE,
) -> Tick:
    """Turn up to `schedules` due schedules into jobs, and make up to `jobs` due jobs pending."""
    planning = Planning(store.ids, emit)
    rows = await store.tick(planning.plan_all, schedules)
    promoted = await store.promote(jobs)
    done = Tick(
        planning.fired,
        planning.skipped,
        promoted.count,
        planning.lateness,
        len(rows.schedules) >= schedules or promoted.count >= jobs,
    )
    store.wakeups.send(promoted.queues | planning.queues)
    if done.fired or done.skipped or done.promoted:
        emit(Ticked(done.fired, done.skipped, done.promoted, done.lateness))
    return done


class Planning:
    """Plans due schedules and counts what came of it; one that cannot be planned is set aside."""

    def __init__(self, ids: Ids, emit: Emit = discard) -> None:
        """Take the ids of new jobs from `ids`."""
        self._ids = ids
        self._emit = emit
        self.fired = 0
        self.skipped = 0
        self.lateness = timedelta()
        self.queues: frozenset[str] = frozenset()

    def plan_all(self, due: Sequence[DueRow], now: datetime) -> FiringRows:
        """What to write for each of `due`."""
        rows = FiringRows([], [])
        ids, earliest = self._fresh_ids(len(due)), now
        for row in due:
            try:
                schedule = read_due(row)
                planned = plan(schedule, now, busy=bool(row.busy))
            except Exception as error:  # one row, whatever is wrong with it, stops no other
                self._set_aside(rows, row, error)
            else:
                self._add(rows, schedule, planned, ids)
                earliest = min(earliest, schedule.next_due_at)
        self.lateness = now - earliest
        self.queues = frozenset(row.queue for row in due)
        return rows

    def _fresh_ids(self, at_once: int) -> Iterator[JobId]:
        """Ids for new jobs; made together, 1 us each instead of 3. Those left over are wasted."""
        while True:
            yield from self._ids.many(at_once)

    def _set_aside(self, rows: FiringRows, row: DueRow, error: Exception) -> None:
        rows.schedules.append(AdvanceRow(row.id, 0, row.next_due_at, broken=str(error)[:500]))
        self._emit(ScheduleBroken(row.name, str(error)))

    def _add(self, rows: FiringRows, schedule: Due, planned: Plan, ids: Iterator[JobId]) -> None:
        last_job: JobId | None = None
        for occurrence in planned.occurrences:
            row = OccurrenceRow(schedule.id, to_micros(occurrence.due_at), occurrence.outcome)
            if occurrence.outcome.makes_job:
                row.job = last_job = next(ids)
            if occurrence.through_at is not None:
                row.through_at = to_micros(occurrence.through_at)
            row.reason = occurrence.reason
            rows.occurrences.append(row)
        self.fired += planned.made
        self.skipped += len(planned.occurrences) - planned.made
        rows.schedules.append(_advance(schedule, planned, last_job))


def _advance(schedule: Due, planned: Plan, last_job: JobId | None) -> AdvanceRow:
    row = AdvanceRow(schedule.id, planned.made, last_job=last_job)
    if planned.next_due_at is not None:
        row.next_due_at = to_micros(planned.next_due_at)
    if planned.occurrences:
        last = planned.occurrences[-1]
        row.last_due_at = to_micros(last.through_at or last.due_at)
    if schedule.recurrence.after_finish is not None and last_job is not None:
        row.awaits_job = last_job
    return row
