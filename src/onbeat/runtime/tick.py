"""One pass of the scheduler as a plain function: due schedules make jobs, due jobs become pending.

The scheduler's loop calls it, and so may a cron that reaches us by HTTP, a simulation or a test.
Any number may run at once: a schedule is locked while it is planned, and the ledger has one row
for each of its moments.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

import msgspec
from sqlalchemy import Connection

from onbeat.domain.errors import Conflict, NotFound
from onbeat.domain.events import (
    Emit,
    OccurrenceDecided,
    ScheduleBroken,
    SchedulePaused,
    Ticked,
    discard,
)
from onbeat.domain.expectation import is_stale
from onbeat.domain.jobs import JobId
from onbeat.domain.meters import Counting, Meter
from onbeat.domain.planning import GRACE, Plan, plan
from onbeat.domain.regions import Route, Send, describe
from onbeat.domain.schedules import Occurrence, OccurrenceOutcome
from onbeat.runtime.mending import mend
from onbeat.runtime.regions import Router, sending
from onbeat.store import jobs, repairs
from onbeat.store.column_types import to_micros
from onbeat.store.due import Due, DueRow, read_due
from onbeat.store.payloads import AdvanceRow, FiringRows, OccurrenceRow
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
    most_schedules: int = SCHEDULES_AT_ONCE,
    most_jobs: int = JOBS_AT_ONCE,
    grace: timedelta = GRACE,
    router: Router | None = None,
) -> Tick:
    """Turn due schedules into jobs, and make due jobs pending, up to so many of each.

    Moments at most `grace` ago are on time. `router` sends the jobs to regions.
    """
    began = store.timing.monotonic()
    send = await sending(router, store)
    planning = Planning(store.ids, emit, grace=grace, doubts=True, send=send)
    rows = await store.tick(planning.plan_all, most_schedules)
    count(store.counting, rows.occurrences, planning.now)
    await mend(store, planning.stale, emit)
    if planning.held:
        await store.write(partial(settle, held=planning.held, to_stop=planning.to_stop))
    promoted = await store.promote(most_jobs)
    done = Tick(
        planning.fired,
        planning.skipped,
        promoted.count,
        planning.lateness,
        len(rows.schedules) >= most_schedules or promoted.count >= most_jobs,
    )
    store.counting.took(Meter.TICKED, (), store.timing.monotonic() - began)
    store.wakeups.send(promoted.queues | planning.queues)
    for decided in planning.decided:
        emit(decided)
    if done.fired or done.skipped or done.promoted:
        emit(Ticked(done.fired, done.skipped, done.promoted, done.lateness))
    return done


def count(counting: Counting, decided: Iterable[OccurrenceRow], now: datetime | None) -> None:
    """Count what became of moments by `now`, a range of them as one, with how late that was."""
    if now is None:
        return
    at = to_micros(now)
    for each in decided:
        counting.took(Meter.FIRED, (each.outcome,), (at - each.due_at) / 1e6)


def settle(
    connection: Connection,
    now: datetime,
    *,
    held: Sequence[str],
    to_stop: Sequence[tuple[JobId, str]],
) -> None:
    """After schedules began to wait for a job: stop it where asked, or go on where it has ended.

    It may have ended while the tick looked: then its end did not find the schedule waiting.
    """
    for job, schedule in to_stop:
        with suppress(Conflict, NotFound):
            if jobs.find(connection, now, job).stop_asked is None:
                jobs.cancel(connection, now, job, f"its schedule {schedule!r} is due again")
    for schedule in repairs.whose_job_has_ended(connection, now, held):
        repairs.go_on_if_ended(connection, now, schedule)


class Planning:
    """Plans due schedules and counts what came of it; one that cannot be planned is set aside."""

    def __init__(
        self,
        ids: Ids,
        emit: Emit = discard,
        *,
        grace: timedelta = GRACE,
        doubts: bool = False,
        send: Send | None = None,
    ) -> None:
        """Take the ids of new jobs from `ids`; see `plan` for `grace`.

        With `doubts`, what is due at none of its moments is not planned, but told in `stale`.
        """
        self._send = send
        self._sent: set[str] = set()
        self._ids = ids
        self._emit = emit
        self._is_heard = emit is not discard
        self._grace = grace
        self._doubts = doubts
        self.fired = 0
        self.skipped = 0
        self.lateness = timedelta()
        self.now: datetime | None = None
        """When it planned; None where nothing was due."""
        self.queues: frozenset[str] = frozenset()
        self.decided: list[OccurrenceDecided] = []
        """What became of each moment; to be told once it is stored."""
        self.stale: list[str] = []
        self.held: list[str] = []
        """Schedules that wait for their last job to end."""
        self.to_stop: list[tuple[JobId, str]] = []
        """Jobs that their schedules, named beside them, want stopped."""

    def plan_all(self, due: Sequence[DueRow], now: datetime) -> FiringRows:
        """What to write for each of `due`."""
        rows = FiringRows([], [])
        self.now = now
        ids, earliest = self._fresh_ids(len(due)), now
        for row in due:
            try:
                schedule = read_due(row)
                if self._doubts and is_stale(schedule, schedule.next_due_at):
                    self.stale.append(row.id)
                    continue
                failed = None if row.has_failed is None else bool(row.has_failed)
                planned = plan(
                    schedule, now, busy=bool(row.busy), has_failed=failed, grace=self._grace
                )
            except Exception as error:  # one row, whatever is wrong with it, stops no other
                self._set_aside(rows, row, error)
            else:
                self._add(rows, row, schedule, planned, ids)
                earliest = min(earliest, schedule.next_due_at)
        self.lateness = now - earliest
        self.queues = frozenset(row.queue for row in due) | self._sent
        return rows

    def _fresh_ids(self, at_once: int) -> Iterator[JobId]:
        """Ids for new jobs; made together, 1 us each instead of 3. Those left over are wasted."""
        while True:
            yield from self._ids.many(at_once)

    def _set_aside(self, rows: FiringRows, row: DueRow, error: Exception) -> None:
        rows.schedules.append(AdvanceRow(row.id, 0, row.next_due_at, broken=str(error)[:500]))
        self._emit(ScheduleBroken(row.name, str(error)))

    def _add(
        self, rows: FiringRows, due: DueRow, schedule: Due, planned: Plan, ids: Iterator[JobId]
    ) -> None:
        last_job: JobId | None = None
        for occurrence in planned.occurrences:
            row = _occurrence(schedule.id, occurrence)
            if occurrence.outcome.makes_job:
                row.job = last_job = next(ids)
            rows.occurrences.append(row)
            if self._is_heard:
                self.decided.append(_decision(due.name, occurrence, row.job))
        self.fired += planned.made
        self.skipped += len(planned.occurrences) - planned.made
        advance = _advance(schedule, planned, last_job)
        _count(advance, planned)
        if due.has_failed is not None:
            advance.judged_job = due.last_job
        if planned.awaits_last:
            self._hold(due, planned, advance)
        if planned.pause is not None:
            self._emit(SchedulePaused(due.name, planned.pause))
        if last_job is not None and self._send is not None:
            self._route(due, advance, self._send(due.queue))
        rows.schedules.append(advance)

    def _route(
        self, due: DueRow, advance: AdvanceRow, sent: tuple[str | None, Route] | None
    ) -> None:
        """Let the jobs of this tick go to another queue than the schedule's own."""
        if sent is None or sent[1].queue == due.queue:
            return
        asked, to = sent
        advance.queue = to.queue
        advance.route = msgspec.Raw(b'{"route":' + describe(asked, to) + b"}")
        self._sent.add(to.queue)

    def _hold(self, due: DueRow, planned: Plan, advance: AdvanceRow) -> None:
        """Let the schedule wait for its last job to end."""
        advance.awaits_job = due.last_job
        self.held.append(due.id)
        if planned.stops_last and due.last_job is not None:
            self.to_stop.append((JobId(due.last_job), due.name))


def _occurrence(schedule: str, occurrence: Occurrence) -> OccurrenceRow:
    row = OccurrenceRow(schedule, to_micros(occurrence.due_at), occurrence.outcome)
    if occurrence.run_at is not None:
        row.run_at = to_micros(occurrence.run_at)
    if occurrence.through_at is not None:
        row.through_at = to_micros(occurrence.through_at)
    row.reason = occurrence.reason
    return row


def _decision(name: str, made: Occurrence, job: str | None) -> OccurrenceDecided:
    return OccurrenceDecided(
        name, made.due_at, made.outcome, None if job is None else JobId(job), made.through_at,
        made.reason,
    )  # fmt: skip


def _advance(schedule: Due, planned: Plan, last_job: JobId | None) -> AdvanceRow:
    row = AdvanceRow(schedule.id, planned.made, last_job=last_job)
    if planned.next_due_at is not None:
        row.next_due_at = to_micros(planned.next_due_at)
    if planned.occurrences:
        last = planned.occurrences[-1]
        row.last_due_at = to_micros(last.through_at or last.due_at)
    if schedule.recurrence.after_finish is not None and last_job is not None:
        row.awaits_job = last_job
    if planned.held_due_at is not None:
        row.held_due_at = to_micros(planned.held_due_at)
    row.skips, row.failures, row.pause = planned.skips, planned.failures, planned.pause
    return row


def _count(row: AdvanceRow, planned: Plan) -> None:
    """Add up the outcomes; most schedules have one that ran, and nothing to add up."""
    for occurrence in planned.occurrences:
        match occurrence.outcome:
            case OccurrenceOutcome.LATE:
                row.late += 1
            case OccurrenceOutcome.COALESCED:
                row.coalesced += 1
            case OccurrenceOutcome.SKIPPED:
                row.skipped += 1
            case OccurrenceOutcome.MISSED:
                row.missed += 1
